'use strict';

/*
 * require('prebuildd/store'): collections of small JSON documents, the same on every engine. On an SQLite
 * engine they are rows of a table; without one, and only if the application has asked for it, they are in
 * a journal beside where the database would be, and move into the database once there is an engine.
 *
 *   const { openStore } = require('prebuildd/store');
 *   const store = await openStore('data/app.db');
 *   await store.collection('users').put('ada', { born: 1815 });
 */

const path = require('node:path');

const { choose, NoEngine } = require('./lib/engines/choose');
const { say } = require('./lib/engines/report');
const { checkCollection, checkId, encode, select } = require('./lib/store/document');
const { openJsonStore } = require('./lib/store/json_store');
const { migrate } = require('./lib/store/migrate');
const { openSqlStore } = require('./lib/store/sql_store');

/** One collection. What it takes is checked before it is queued; what it returns is a copy. */
class Collection {
	#store;
	#name;

	constructor(store, name) {
		checkCollection(name);
		this.#store = store;
		this.#name = name;
	}

	/** Resolves when the document is on the disk. */
	async put(id, value) {
		checkId(id);
		await this.#store.put(this.#name, id, encode(value));
	}

	/** Resolves to the document, or to undefined. */
	async get(id) {
		checkId(id);
		const text = await this.#store.get(this.#name, id);
		return text === null ? undefined : JSON.parse(text);
	}

	/** Resolves to whether there was one. */
	async delete(id) {
		checkId(id);
		return this.#store.delete(this.#name, id);
	}

	/** Resolves to [{ id, value }, …] by id: all, or those a function accepts, or that have these members. */
	async find(query) {
		return select(await this.#store.rows(this.#name), query);
	}
}

class Store {
	#inner;

	constructor(inner, engine) {
		this.#inner = inner;
		this.engine = engine;
	}

	collection(name) {
		return new Collection(this.#inner, name);
	}

	async close() {
		await this.#inner.close();
	}
}

/** The engine for a store: { json: true } is an opt-in for this store only. */
function engineFor(options) {
	const { api, engine } = choose();

	if (engine.name !== 'none')
		return { api, engine };
	if (!options.json)
		throw new NoEngine(engine);
	const reason = `the JSON store runs: ${engine.reason}`;
	say(reason);
	return { api: null, engine: Object.freeze({ ...engine, name: 'json', reason }) };
}

/**
 * Opens the store of a database file, which may have other tables as well.
 * @param {string} file the database.
 * @param {{json?: boolean, salvage?: boolean}} [options] `json`: the JSON store will do if there is no
 *   SQLite; `salvage`: go on with what is good of a damaged journal.
 */
async function openStore(file, options = {}) {
	const { api, engine } = engineFor(options);
	const full = path.resolve(file);

	if (api === null) {
		say(`${full}: documents are in the JSON store ${full}.store until SQLite runs again; those in the ` +
			'database are not seen');
		return new Store(await openJsonStore(full, options), engine);
	}
	const { db, store } = await openSqlStore(api, full);
	try {
		await migrate(db, full, options);
	} catch (e) {
		await store.close();
		throw e;
	}
	return new Store(store, engine);
}

module.exports = { openStore };
