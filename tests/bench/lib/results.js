#!/usr/bin/env node
// Turns what the parts measured into a table and a JSON file.
//
//   node results.js FOLDER OUT
//
// FOLDER/figures: NAME UNIT GOAL; FOLDER/samples: NAME ours|theirs VALUE; FOLDER/notes: NAME TEXT;
// separated by tabs. A figure is the median of ours over the median of theirs; the spread is that
// of the ratios of the pairs.
'use strict';
const fs = require('fs');
const path = require('path');

const [folder, out] = process.argv.slice(2);
const lines = (file) => fs.readFileSync(path.join(folder, file), 'utf8').split('\n').filter(Boolean)
  .map((line) => line.split('\t'));
const samples = lines('samples');
const notes = lines('notes');

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const valuesOf = (name, side) =>
  samples.filter(([n, s]) => n === name && s === side).map(([, , value]) => Number(value));

function result([name, unit, goal]) {
  const ours = valuesOf(name, 'ours');
  const theirs = valuesOf(name, 'theirs');
  const pairs = Math.min(ours.length, theirs.length);
  if (pairs === 0) return null;
  const one = { name, ours: median(ours), theirs: median(theirs) };
  one.ratio = one.ours / one.theirs;
  const [sign, limit] = goal.split(' ');
  const met = sign === '<=' ? one.ratio <= Number(limit) : one.ratio >= Number(limit);
  const each = ours.slice(0, pairs).map((value, i) => value / theirs[i]);
  const spread = [Math.min(...each), Math.max(...each)];
  return Object.assign(one, { unit, goal, met, pairs, spread,
    notes: notes.filter(([n]) => n === name).map(([, text]) => text) });
}

const show = (n) => (n >= 1000 ? n.toFixed(0) : n.toPrecision(4));
const ratio = (n) => (n < 0.1 ? n.toFixed(4) : n.toFixed(3));

const results = lines('figures').map(result).filter(Boolean);
const table = [['NAME', 'OURS', 'THEIRS', 'UNIT', 'RATIO', 'OF THE PAIRS', 'PAIRS', 'GOAL', '']];
for (const r of results) {
  table.push([r.name, show(r.ours), show(r.theirs), r.unit, ratio(r.ratio),
    r.spread.map(ratio).join('-'), String(r.pairs), r.goal, r.met ? 'met' : 'MISSED']);
}
const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
for (const row of table) console.log(row.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
for (const r of results) for (const text of r.notes) console.log(`${r.name}: ${text}`);

fs.writeFileSync(`${out}.new`, JSON.stringify(results, null, 1) + '\n');
fs.renameSync(`${out}.new`, out);
