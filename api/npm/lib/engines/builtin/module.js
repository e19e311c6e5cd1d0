'use strict';

/*
 * Node's built-in SQLite, if this Node has it. It is the same C library as in the addon: the same file
 * format and the same locks, so that a process with the addon may have the file open at the same time.
 */

/** Loads without the line that every process would otherwise print; other warnings pass. */
function loadQuietly() {
	const emit = process.emitWarning;
	process.emitWarning = (warning, ...rest) => {
		const type = rest[0] && rest[0].type !== undefined ? rest[0].type : rest[0];
		if (type !== 'ExperimentalWarning' || !/SQLite/i.test(String(warning)))
			emit.call(process, warning, ...rest);
	};
	try {
		return process.getBuiltinModule ? process.getBuiltinModule('node:sqlite') : require('node:sqlite');
	} finally {
		process.emitWarning = emit;
	}
}

/** Returns { sqlite } or { reason }: why it cannot be used is part of what the user is told. */
function load() {
	let sqlite;

	try {
		sqlite = loadQuietly();
	} catch (e) {
		return { reason: absence(e) };
	}
	if (!sqlite)
		return { reason: absence(new Error('no such module')) };
	/* Rows must be taken one by one, and integers above 2^53 must not end a query. */
	const wanted = ['iterate', 'setReadBigInts'];
	const missing = wanted.filter((name) => !sqlite.StatementSync.prototype[name]);
	if (missing.length > 0)
		return { reason: `node:sqlite of Node ${process.version} has no ${missing.join(', ')}` };
	const { DatabaseSync, backup } = sqlite;
	return { sqlite: { DatabaseSync, backup, numbersArePositions: countsNumbers(DatabaseSync) } };
}

/** Newer versions bind "?2" as the second value, older ones by its name only. */
function countsNumbers(DatabaseSync) {
	const db = new DatabaseSync(':memory:');

	try {
		return db.prepare('SELECT ?2 AS second').get({}, 'x', 'y').second === 'y';
	} catch {
		return false;
	} finally {
		db.close();
	}
}

function absence(e) {
	if (/No such built-in module|no such module|Cannot find module/i.test(e.message))
		return `Node ${process.version} has no node:sqlite (it is usable from 22.13 on)`;
	return `node:sqlite does not load: ${e.message}`;
}

module.exports = { load };
