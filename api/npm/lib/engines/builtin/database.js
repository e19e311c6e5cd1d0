'use strict';

/* The Database of sqlite3 on node:sqlite: what src/database.cc of the sqlite3 package does. */

const { opening, results } = require('./codes');
const { openConnection, setBusyTimeout, loadExtension } = require('./connection');
const { sqliteError, failureOf } = require('./errors');
const { Gate } = require('./gate');
const { Hooks } = require('./hooks');

/** Where the engine keeps what is not for the application: { gate, handle, statements, hooks, … }. */
const INNER = Symbol('prebuildd.database');
const DEFAULT_MODE = opening.OPEN_READWRITE | opening.OPEN_CREATE | opening.OPEN_FULLMUTEX;

/** An argument that may be left out but not be something else. */
function optionalFunction(value, position) {
	if (value !== undefined && typeof value !== 'function')
		throw new TypeError(`Argument ${position} must be a function`);
	return value;
}

function requiredString(value, position) {
	if (typeof value !== 'string')
		throw new TypeError(`Argument ${position} must be a string`);
	return value;
}

/** Runs something that may throw an error of node:sqlite; returns that as sqlite3's, or null. */
function attempt(perform) {
	try {
		perform();
		return null;
	} catch (e) {
		const { status, message } = failureOf(e);
		return sqliteError(status, message);
	}
}

/** `statements` counts those that are not finalized, `interrupts` the calls of interrupt(). */
function innerOf(owner, sqlite) {
	return {
		sqlite, gate: new Gate(owner), hooks: new Hooks(owner), handle: null, effects: null, statements: 0,
		interrupts: 0, closing: false,
	};
}

/** Makes the class for one node:sqlite. */
function databaseClass(sqlite) {
	return class Database {
		constructor(filename, ...rest) {
			if (typeof filename !== 'string')
				throw new TypeError('String expected');
			const mode = (rest[0] | 0) === rest[0] ? rest.shift() : DEFAULT_MODE;
			const callback = typeof rest[0] === 'function' ? rest[0] : undefined;
			Object.defineProperties(this, { filename: { value: filename }, mode: { value: mode } });
			Object.defineProperty(this, INNER, { value: innerOf(this, sqlite) });
			setImmediate(() => this.#begin(callback));
		}

		#begin(callback) {
			const inner = this[INNER];
			const e = attempt(() => {
				inner.handle = openConnection(inner.sqlite, this.filename, this.mode);
				inner.gate.open = true;
			});
			try {
				if (callback)
					callback.call(this, e);
				else if (e)
					this.emit('error', e);
				if (inner.gate.open)
					this.emit('open');
			} finally {
				inner.gate.process();
			}
		}

		get open() {
			return this[INNER].gate.open;
		}

		close(callback) {
			const { gate } = this[INNER];

			optionalFunction(callback, 0);
			gate.schedule(() => this.#close(callback), callback, true);
			return this;
		}

		#close(callback) {
			const inner = this[INNER];

			inner.hooks.clear();
			inner.closing = true;
			inner.gate.work(() => closeHandle(inner), (e, release) => {
				release();
				inner.closing = false;
				inner.gate.open = e !== null;
				if (callback)
					callback.call(this, e);
				else if (e)
					this.emit('error', e);
				if (!e)
					this.emit('close');
			});
		}

		/** Work that has the database for itself and gives no result. */
		#exclusive(callback, perform) {
			const { gate } = this[INNER];

			gate.schedule(() => gate.work(() => attempt(perform), (e, release) => {
				release();
				if (e || callback)
					gate.tell(callback, e);
			}), callback, true);
			return this;
		}

		exec(sql, callback) {
			requiredString(sql, 0);
			optionalFunction(callback, 1);
			const inner = this[INNER];
			return this.#exclusive(callback, () => inner.hooks.around(sql, () => inner.handle.exec(sql)));
		}

		loadExtension(filename, callback) {
			requiredString(filename, 0);
			optionalFunction(callback, 1);
			return this.#exclusive(callback, () => loadExtension(this[INNER].handle, filename));
		}

		wait(callback) {
			const { gate } = this[INNER];

			optionalFunction(callback, 0);
			gate.schedule(() => {
				if (callback)
					callback.call(this, null);
				gate.process();
			}, callback, true);
			return this;
		}

		serialize(callback) {
			return this.#inMode(true, callback);
		}

		parallelize(callback) {
			return this.#inMode(false, callback);
		}

		/** For what the callback calls; without one, from now on. */
		#inMode(serialized, callback) {
			const { gate } = this[INNER];
			const before = gate.serialized;

			optionalFunction(callback, 0);
			gate.serialized = serialized;
			try {
				if (callback)
					callback.call(this);
			} finally {
				if (callback)
					gate.serialized = before;
			}
			gate.process();
			return this;
		}

		configure(option, value, limit) {
			const inner = this[INNER];

			if (arguments.length < 2)
				throw new TypeError('Expected 2arguments');
			const act = settingOf(inner, option, value, limit, arguments.length);
			inner.gate.schedule(act, undefined);
			inner.gate.process();
			return this;
		}

		/** Ends the queries whose rows are being handed out; the loop runs nothing else meanwhile. */
		interrupt() {
			const inner = this[INNER];

			if (!inner.gate.open)
				throw new Error('Database is not open');
			if (inner.closing)
				throw new Error('Database is closing');
			inner.interrupts++;
			return this;
		}
	};
}

/** What configure() will do once it is its turn; what it cannot do is said at once. */
function settingOf(inner, option, value, limit, count) {
	switch (option) {
	case 'trace':
	case 'profile':
	case 'change':
		return () => inner.hooks.set(option, Boolean(value));
	case 'busyTimeout':
		if (typeof value !== 'number')
			throw new TypeError('Value must be an integer');
		return () => setBusyTimeout(inner.handle, value);
	case 'limit':
		if (count < 3)
			throw new TypeError('Expected 3arguments');
		if (typeof value !== 'number')
			throw new TypeError('limit id must be an integer');
		if (typeof limit !== 'number')
			throw new TypeError('limit value must be an integer');
		return () => inner.hooks.limit(inner.handle, value, limit);
	default:
		throw new TypeError(`${option} is not a valid configuration option`);
	}
}

/** node:sqlite closes whatever is still in use; sqlite3 refuses, and so does this. */
function closeHandle(inner) {
	if (inner.statements > 0)
		return sqliteError(results.BUSY, 'unable to close due to unfinalized statements or unfinished backups');
	const e = attempt(() => inner.handle.close());
	if (!e)
		inner.handle = null;
	return e;
}

module.exports = { databaseClass, INNER };
