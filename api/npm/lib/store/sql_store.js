'use strict';

/* A store in a table of an SQLite database, on an engine with sqlite3's API. */

const { refuse } = require('./document');

const TABLES = `
	CREATE TABLE IF NOT EXISTS prebuildd_documents (
		collection TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
		PRIMARY KEY (collection, id)) WITHOUT ROWID;
	CREATE TABLE IF NOT EXISTS prebuildd_journals (
		id TEXT PRIMARY KEY NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;`;
const BUSY_MS = 10000;
const ONE = 'WHERE collection = ? AND id = ?';
/** Both with a collection and an id; PUT with the JSON behind them. */
const PUT = 'INSERT INTO prebuildd_documents VALUES (?, ?, ?) ' +
	'ON CONFLICT (collection, id) DO UPDATE SET body = excluded.body';
const DELETE = `DELETE FROM prebuildd_documents ${ONE}`;

/** A database with promises; calls run in the order in which they are made. */
class Promised {
	#db;

	constructor(db) {
		this.#db = db;
		db.serialize();
		db.configure('busyTimeout', BUSY_MS);
	}

	static open(api, file) {
		return new Promise((resolve, reject) => {
			const db = new api.Database(file, (e) => (e ? reject(e) : resolve(new Promised(db))));
		});
	}

	#call(method, ...args) {
		return new Promise((resolve, reject) => {
			this.#db[method](...args, function (e, result) {
				if (e)
					reject(e);
				else
					resolve(method === 'run' ? this.changes : result);
			});
		});
	}

	run(sql, values) {
		return this.#call('run', sql, values);
	}

	get(sql, values) {
		return this.#call('get', sql, values);
	}

	all(sql, values) {
		return this.#call('all', sql, values);
	}

	exec(sql) {
		return this.#call('exec', sql);
	}

	close() {
		return this.#call('close');
	}
}

class SqlStore {
	#db;

	constructor(db) {
		this.#db = db;
	}

	#open() {
		if (this.#db === null)
			throw refuse('PREBUILDD_STORE_CLOSED', 'the store is closed');
		return this.#db;
	}

	async put(collection, id, text) {
		await this.#open().run(PUT, [collection, id, text]);
	}

	async delete(collection, id) {
		return await this.#open().run(DELETE, [collection, id]) > 0;
	}

	async get(collection, id) {
		const row = await this.#open().get(`SELECT body FROM prebuildd_documents ${ONE}`, [collection, id]);

		return row ? row.body : null;
	}

	async rows(collection) {
		const rows = await this.#open().all('SELECT id, body FROM prebuildd_documents WHERE collection = ?',
			[collection]);

		return rows.map(({ id, body }) => [id, body]);
	}

	async close() {
		if (this.#db)
			await this.#db.close();
		this.#db = null;
	}
}

/** Opens the database and makes the tables. Returns { db, store }; who migrates needs the first. */
async function openSqlStore(api, file) {
	const db = await Promised.open(api, file);

	try {
		/* What was confirmed must be on the disk, as on the JSON store. */
		await db.exec(`PRAGMA synchronous = FULL; ${TABLES}`);
	} catch (e) {
		await db.close();
		throw e;
	}
	return { db, store: new SqlStore(db) };
}

module.exports = { openSqlStore, PUT, DELETE };
