'use strict';

/* What require('prebuildd/sqlite3') gives on the JSON store: its health, its constants, and no database. */

const codes = require('./builtin/codes');

function withoutSql(engine) {
	function refuse() {
		const e = new Error(`no SQL on the JSON store, only require('prebuildd/store'): ${engine.reason}`);

		e.code = 'PREBUILDD_NO_SQL';
		throw e;
	}
	/** Refuses when it is constructed: an application must not believe that it has a database. */
	class Database {
		constructor() {
			refuse();
		}
	}
	class Statement extends Database {}
	class Backup extends Database {}

	return { Database, Statement, Backup, cached: { Database: refuse, objects: {} },
		...codes.results, ...codes.opening, ...codes.limits, verbose() {} };
}

module.exports = { withoutSql };
