'use strict';

/* Errors as the sqlite3 package makes them. */

const { results, nameOf } = require('./codes');

/** "SQLITE_CONSTRAINT: UNIQUE constraint failed: t.a", with `errno` and `code`. */
function sqliteError(status, message) {
	const e = new Error(`${nameOf(status)}: ${message}`);

	e.errno = status;
	e.code = nameOf(status);
	return e;
}

/**
 * What node:sqlite threw, as { status, message }. Its `errcode` is the extended code; sqlite3 reports
 * the primary one. Node's own refusals (wrong state, wrong type) have none and are called misuse.
 */
function failureOf(e) {
	if (typeof e.errcode === 'number')
		return { status: e.errcode & 0xff, message: e.message };
	if (e.code === 'ERR_LOAD_SQLITE_EXTENSION')
		return { status: results.ERROR, message: e.message };
	return { status: results.MISUSE, message: e.message };
}

module.exports = { sqliteError, failureOf };
