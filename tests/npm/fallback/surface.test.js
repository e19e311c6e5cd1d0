'use strict';

/*
 * sqlite3's API on node:sqlite, compared with the addon in the same Node, case by case. The differences are
 * those that docs/fallback.md lists, no more and no fewer.
 */

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { program, sqlEngine } = require('./lib');

const document = fs.readFileSync(path.join(__dirname, '../../../docs/fallback.md'), 'utf8');
const major = Number(process.versions.node.split('.')[0]);

/** Rows "| `case`, `case` | Node 22, 24 | …" of the table; a row without versions is for all. */
function documented() {
	const names = [];

	for (const [, cases, versions] of document.matchAll(/^\| (`[^|]*: [^|]*)\|([^|]*)\|/gm)) {
		const only = versions.match(/\d+/g);
		if (!only || only.map(Number).includes(major))
			names.push(...[...cases.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
	}
	return names.sort();
}

async function surface(engine) {
	const { out, err, code, signal } = await program(engine, ['surface.js', process.env.FALLBACK_APPLICATION]);

	assert.ok(out.startsWith('{'), `${engine}: exit status ${code}, signal ${signal}: ${err}`);
	return JSON.parse(out);
}

function answered({ engine, all }) {
	const silent = Object.entries(all).filter(([, result]) => result && result.thrown && result.thrown.error === 'no answer');

	assert.deepEqual(silent.map(([name]) => name), [], `${engine}: cases without an answer`);
	assert.ok(Object.keys(all).length > 200);
}

test('the addon answers in every case', async (t) => {
	const native = await surface('native');

	t.diagnostic(`${Object.keys(native.all).length} cases, SQLite ${native.sqlite}`);
	answered(native);
});

test('node:sqlite does as the addon, but for what is documented', { skip: sqlEngine !== 'builtin' && 'this Node has none' }, async (t) => {
	const [native, builtin] = [await surface('native'), await surface('builtin')];
	const different = Object.keys(native.all).filter((name) => JSON.stringify(native.all[name]) !== JSON.stringify(builtin.all[name]));

	t.diagnostic(`${Object.keys(native.all).length} cases, ${different.length} differ; SQLite ${native.sqlite} and ${builtin.sqlite}`);
	answered(builtin);
	for (const name of different)
		t.diagnostic(`${name}: ${JSON.stringify(native.all[name])} / ${JSON.stringify(builtin.all[name])}`.slice(0, 500));
	assert.deepEqual(different.sort(), documented());
});
