'use strict';

/* The exports of the sqlite3 package, on node:sqlite: what its lib/sqlite3.js adds to the addon's classes. */

const path = require('node:path');
const { EventEmitter } = require('node:events');
const { backupClass } = require('./backup');
const codes = require('./codes');
const { databaseClass } = require('./database');
const { Statement } = require('./statement');
const { makeVerbose } = require('./verbose');

const HOOKS = ['trace', 'profile', 'change'];

/** A method of Database that makes a statement first; a callback also gets the errors of that. */
function withStatement(perform) {
	return function (sql, ...args) {
		const callback = args[args.length - 1];
		const onError = typeof callback === 'function' ? (e) => e && callback(e) : undefined;
		return perform.call(this, new Statement(this, sql, onError), args);
	};
}

/** One statement for one call. */
function once(method) {
	return withStatement(function (statement, args) {
		statement[method](...args).finalize();
		return this;
	});
}

function addStatements(prototype) {
	for (const method of ['run', 'get', 'all', 'each', 'map'])
		prototype[method] = once(method);
	prototype.prepare = withStatement((statement, args) =>
		(args.length > 0 ? statement.bind(...args) : statement));
}

/** As sqlite3 does it: its classes have the methods of an EventEmitter and are none. */
function addEmitter(prototype) {
	for (const name in EventEmitter.prototype)
		prototype[name] = EventEmitter.prototype[name];
}

/** Listening to an event of the connection is what turns it on. */
function addEvents(prototype) {
	prototype.on = prototype.addListener = function (type, listener) {
		EventEmitter.prototype.addListener.call(this, type, listener);
		if (HOOKS.includes(type))
			this.configure(type, true);
		return this;
	};
	prototype.off = prototype.removeListener = function (type, listener) {
		EventEmitter.prototype.removeListener.call(this, type, listener);
		if (HOOKS.includes(type) && this.listenerCount(type) === 0)
			this.configure(type, false);
		return this;
	};
	prototype.removeAllListeners = function (...args) {
		EventEmitter.prototype.removeAllListeners.apply(this, args);
		if (HOOKS.includes(args[0]))
			this.configure(args[0], false);
		return this;
	};
}

/** Rows as an object: the first column is the key, the second the value, or the row if there are more. */
Statement.prototype.map = function (...args) {
	const callback = args.pop();

	return this.all(...args, function (e, rows) {
		if (e)
			return callback.call(this, e);
		const keys = rows.length > 0 ? Object.keys(rows[0]) : [];
		const map = {};
		for (const row of rows)
			map[row[keys[0]]] = keys.length > 2 ? row : row[keys[1]];
		return callback.call(this, null, map);
	});
};

function cachedOf(Database) {
	const objects = {};

	return { objects, Database: function (file, a, b) {
		if (file === '' || file === ':memory:')
			return new Database(file, a, b);
		const full = path.resolve(file);
		const callback = typeof a === 'number' ? b : a;
		const db = objects[full];
		if (!db)
			return objects[full] = new Database(full, a, b);
		if (typeof callback === 'function') {
			const tell = () => callback.call(db, null);
			if (db.open)
				process.nextTick(tell);
			else
				db.once('open', tell);
		}
		return db;
	} };
}

/** Makes what require('sqlite3') gives. */
function createApi(sqlite) {
	const Database = databaseClass(sqlite);
	const Backup = backupClass(sqlite);
	const api = { Database, Statement, Backup, cached: cachedOf(Database) };
	let verbose = false;

	for (const { prototype } of [Database, Statement, Backup])
		addEmitter(prototype);
	Object.assign(api, codes.results, codes.opening, codes.limits, versionOf(sqlite));
	addStatements(Database.prototype);
	addEvents(Database.prototype);
	Database.prototype.backup = function (filename, ...rest) {
		const full = rest.length <= 1 ? ['main', 'main', true, rest[0]] : rest;
		const backup = new Backup(this, filename, ...full);
		backup.retryErrors = [api.BUSY, api.LOCKED];
		return backup;
	};
	api.verbose = () => {
		if (!verbose)
			makeVerbose(api);
		verbose = true;
		return api;
	};
	return api;
}

function versionOf(sqlite) {
	const db = new sqlite.DatabaseSync(':memory:');
	const { v, id } = db.prepare('SELECT sqlite_version() AS v, sqlite_source_id() AS id').get();

	db.close();
	const [major, minor, patch] = v.split('.').map(Number);
	return { VERSION: v, SOURCE_ID: id, VERSION_NUMBER: major * 1000000 + minor * 1000 + patch };
}

module.exports = { createApi };
