'use strict';

/*
 * Runs the cases on one engine and prints what each gave, as JSON.
 *
 *   PREBUILDD_ENGINE=native|builtin node surface.js APPLICATION
 *
 * APPLICATION is a folder whose node_modules has sqlite3.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { cases } = require('./cases');
const { shapeOf } = require('./shape');

process.chdir(process.argv[2]);
const sqlite3 = require('../../../api/npm/sqlite3');

/* A case that never calls back must not be one that has nothing to say. */
const CASE_MS = 20000;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'surface-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

function opened(...args) {
	return new Promise((resolve, reject) => {
		const db = new sqlite3.Database(...args, (e) => (e ? reject(e) : resolve(db)));
	});
}

/** Calls a method and waits for its callback; returns what that was given, and its `this`. */
function call(object, method, ...args) {
	return new Promise((resolve) => {
		object[method](...args, function (...results) {
			resolve({ results, self: this });
		});
	});
}

async function resultOf(run, n) {
	const file = path.join(folder, `${n}.db`);
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error('no answer')), CASE_MS);
	});
	try {
		const db = await opened(':memory:');
		return shapeOf(await Promise.race([run({ sqlite3, db, call, opened, file }), late]));
	} catch (e) {
		return { thrown: shapeOf(e), stack: process.env.SHOW_STACK && e.stack };
	} finally {
		clearTimeout(timer);
	}
}

async function main() {
	const all = {};

	/* What a promise leads to after a callback of the addon's each() is only run at the loop's next event. */
	setInterval(() => {}, 20);

	for (const [n, [name, run]] of Object.entries(cases).entries()) {
		if (process.env.SHOW_CASES)
			process.stderr.write(`${name}\n`);
		all[name] = await resultOf(run, n);
	}
	process.stdout.write(JSON.stringify({ engine: sqlite3.engine && sqlite3.engine.name, node: process.version,
		sqlite: sqlite3.VERSION, all }));
}

main().then(() => process.exit(0));
