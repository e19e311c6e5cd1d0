#!/usr/bin/env node
// The description of the API against what a running service has answered.
//
//   node openapi.mjs DOCUMENT                  is it valid OpenAPI 3.1?
//   node openapi.mjs DOCUMENT ANSWERS [all]    lines "METHOD PATH STATUS TYPE FILE", tab-separated: each is
//                                              as described; all: each operation has succeeded once
//   node openapi.mjs DOCUMENT --schema NAME FILE
//
// Modules come from the folder in TEST_MODULES. Objects may have no members but those described.
import { isUtf8 } from 'buffer';
import fs from 'fs';
import { createRequire } from 'module';
import { pathToFileURL } from 'url';

const require = createRequire(process.env.TEST_MODULES + '/');
const Ajv = require('ajv/dist/2020').default;
const [file, second, third, fourth] = process.argv.slice(2);
// JSON is UTF-8 (RFC 8259, 8.1), also where it tells of bytes that are not.
function parse(bytes) {
  if (!isUtf8(bytes)) throw new Error('the answer is not UTF-8');
  return JSON.parse(bytes);
}

const doc = JSON.parse(fs.readFileSync(file));
const problems = [];

function closed(node) {
  if (node === null || typeof node !== 'object') return node;
  if (Array.isArray(node)) return node.map(closed);
  const copy = Object.fromEntries(Object.entries(node).map(([k, v]) => [k, closed(v)]));
  if (copy.type === 'object' && copy.properties && typeof copy.properties.type !== 'string' &&
      copy.additionalProperties === undefined) copy.additionalProperties = false;
  return copy;
}

const ajv = new Ajv({ strict: false, allErrors: true });
require('ajv-formats').default(ajv);
ajv.addSchema({ $id: 'doc', ...closed(doc) });
const compiled = new Map();
function errorsOf(pointer, value) {
  if (!compiled.has(pointer)) compiled.set(pointer, ajv.compile({ $ref: 'doc#' + pointer }));
  const check = compiled.get(pointer);
  return check(value) ? '' : ajv.errorsText(check.errors, { dataVar: 'answer' });
}
const step = (name) => '/' + encodeURIComponent(String(name).replace(/~/g, '~0').replace(/\//g, '~1'));

// A shared response, or one in its place: the response and the pointer to it.
function resolve(pointer, node) {
  return node?.$ref ? [node.$ref.slice(1), node.$ref.slice(2).split('/').reduce((o, k) => o[k], doc)]
    : [pointer, node];
}

// The templates that a path fits, the most literal first. Only a package's name may hold a slash.
const templates = Object.keys(doc.paths).map((template) => ({
  template,
  literal: template.replace(/\{[^}]*\}/g, '').length,
  pattern: new RegExp('^' + template.split(/(\{[^}]*\})/).map((part) =>
    part === '{package}' ? '(?:@[^/]+/)?[^/]+' : part[0] === '{' ? '[^/]+'
      : part.replace(/[.*+?^$()|[\]\\]/g, '\\$&')).join('') + '$'),
})).sort((a, b) => b.literal - a.literal);

function checkEvents(text, kinds, pointer) {
  let last = -1, n = 0;
  for (const block of text.split('\n\n')) {
    const fields = Object.fromEntries(block.split('\n').filter((l) => /^[a-z]+: /.test(l))
      .map((l) => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 2)]));
    if (fields.data === undefined) continue;
    if (!kinds[fields.event]) return `event "${fields.event}" is not described`;
    if (!(Number(fields.id) > last)) return `id ${fields.id} after ${last}`;
    last = Number(fields.id);
    const errors = errorsOf(pointer + step(fields.event), JSON.parse(fields.data));
    if (errors) return `event ${fields.event}: ${errors}`;
    n++;
  }
  return n > 0 ? '' : 'no events';
}

const succeeded = new Set();
let known = 0;
function checkAnswer([method, target, status, type, bodyFile]) {
  const body = fs.readFileSync(bodyFile);
  const [asked, query] = target.split('?');
  // The service takes repeated slashes for one.
  const path = asked.replace(/\/+/g, '/');
  const found = templates.find((t) => t.pattern.test(path));
  const verb = (method === 'HEAD' ? 'GET' : method).toLowerCase();
  const operation = found && doc.paths[found.template][verb];
  const media = type.split(';')[0];
  if (!operation) {
    if (Number(status) < 400) return 'this is not described, and succeeds';
    return media === 'application/problem+json'
      ? errorsOf('/components/schemas/Problem', parse(body)) : `${media} for a problem`;
  }
  known++;
  const at = `/paths${step(found.template)}/${verb}/responses`;
  const exact = operation.responses[status];
  if (!exact && Number(status) < 400) return `status ${status} is not described`;
  const [pointer, response] = resolve(at + '/' + (exact ? status : 'default'),
    exact ?? operation.responses.default);
  if (Number(status) < 400) {
    succeeded.add(verb + ' ' + found.template);
    const names = (operation.parameters ?? []).map((p) => resolve('', p)[1]).filter((p) => p.in === 'query');
    for (const name of new URLSearchParams(query ?? '').keys())
      if (!names.some((p) => p.name === name)) return `parameter ${name} is not described`;
  }
  if (!response.content) return body.length === 0 ? '' : 'a body, where none is described';
  if (method === 'HEAD') return '';
  const content = response.content[media];
  if (!content) return `type ${media} is not described for ${status}`;
  const inside = `${pointer}/content${step(media)}`;
  if (media === 'text/event-stream') return checkEvents(body.toString(), content['x-events'], inside + '/x-events');
  return /json$/.test(media) ? errorsOf(inside + '/schema', parse(body)) : '';
}

if (second === undefined) {
  const { Validator } = await import(pathToFileURL(require.resolve('@seriousme/openapi-schema-validator')));
  const validator = new Validator();
  const result = await validator.validate(doc);
  if (!result.valid) problems.push(JSON.stringify(result.errors, null, 1));
  if (validator.version !== '3.1') problems.push(`version ${validator.version}`);
  console.log(`${templates.length} paths`);
} else if (second === '--schema') {
  const errors = errorsOf(`/components/schemas/${third}`, JSON.parse(fs.readFileSync(fourth)));
  if (errors) problems.push(errors);
} else {
  const lines = fs.readFileSync(second, 'utf8').split('\n').filter(Boolean);
  for (const line of lines) {
    const fields = line.split('\t');
    let error;
    try { error = checkAnswer(fields); } catch (e) { error = e.message; }
    if (error) problems.push(`${fields.slice(0, 3).join(' ')}: ${error}`);
  }
  for (const template of third === 'all' ? Object.keys(doc.paths) : [])
    for (const verb of Object.keys(doc.paths[template]).filter((k) => !k.startsWith('x-')))
      if (!succeeded.has(verb + ' ' + template)) problems.push(`${verb} ${template} has never succeeded`);
  if (known === 0) problems.push('no answers');
  console.log(`${lines.length} answers, ${succeeded.size} operations`);
}
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
