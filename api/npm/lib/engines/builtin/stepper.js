'use strict';

/*
 * The SQLite side of a statement, without its queue and callbacks. It is stepped through an iterator of
 * node:sqlite's, so that get() can be called again for the next row.
 */

const { performance } = require('node:perf_hooks');
const { Bindings } = require('./bind');
const { results, ROW, DONE } = require('./codes');
const { sqliteError, failureOf } = require('./errors');
const { rowFromSqlite } = require('./values');
const { variablesOf } = require('./variables');

/** Steps, and keeps the status of the last step as sqlite3 does. DB is what database.js keeps inside. */
class Stepper {
	constructor(db, sql) {
		this.db = db;
		this.sql = sql;
		this.status = results.OK;
		this.message = '';
		this.handle = null;
		this.cursor = null;
		this.failed = false;
		this.bindings = null;
	}

	prepare() {
		const { empty, names } = variablesOf(this.sql);

		this.guard(() => {
			this.bindings = new Bindings(names, this.db.sqlite.numbersArePositions);
			if (empty)
				return;
			this.compile();
			this.db.statements++;
		});
	}

	compile() {
		this.handle = this.db.handle.prepare(this.sql);
		this.handle.setReadBigInts(true);
		this.failed = false;
	}

	/** Runs what may throw; the status says how it went. */
	guard(perform) {
		try {
			perform();
		} catch (e) {
			Object.assign(this, failureOf(e));
			this.cursor = null;
			this.failed = true;
		}
	}

	/** Nothing to bind leaves the statement where it is. Returns whether it may be stepped. */
	bind(fields) {
		if (fields.length === 0)
			return true;
		this.reset();
		this.status = this.bindings.set(fields);
		if (this.status === results.OK)
			return true;
		this.message = 'column index out of range';
		return false;
	}

	reset() {
		if (this.cursor === null)
			return;
		const cursor = this.cursor;
		this.end();
		this.guard(() => cursor.return());
	}

	/** Returns the next row; null when there is none, or an error, as the status says. */
	step() {
		let raw = null;

		if (this.handle === null) {
			this.status = results.MISUSE;
			this.message = 'not an error';
			return null;
		}
		this.guard(() => {
			if (this.cursor === null)
				this.begin();
			const next = this.cursor.next();
			this.status = next.done ? DONE : ROW;
			if (next.done)
				this.end();
			else
				raw = next.value;
		});
		return raw && rowFromSqlite(raw);
	}

	begin() {
		/* node:sqlite throws the error of the last execution once more at the next one. */
		if (this.failed)
			this.compile();
		this.since = performance.now();
		this.cursor = this.handle.iterate(...this.bindings.arguments());
		if (this.db.hooks.trace)
			this.db.hooks.started(this.handle.expandedSQL || this.sql);
	}

	end() {
		this.cursor = null;
		this.db.hooks.ended(this.sql, this.since);
	}

	finalize() {
		if (this.handle === null)
			return;
		this.reset();
		if (this.handle.close)
			this.guard(() => this.handle.close());
		this.handle = null;
		this.db.statements--;
	}

	/** Of the connection, as sqlite3_last_insert_rowid and sqlite3_changes. */
	effects() {
		if (this.db.effects === null) {
			this.db.effects = this.db.handle.prepare('SELECT last_insert_rowid() AS id, changes() AS n');
			this.db.effects.setReadBigInts(true);
		}
		const { id, n } = this.db.effects.get();
		return { lastID: Number(id), changes: Number(n) };
	}

	error() {
		return sqliteError(this.status, this.message);
	}
}

module.exports = { Stepper };
