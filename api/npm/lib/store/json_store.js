'use strict';

/*
 * A store without SQLite: all documents in memory, each write in a journal before it is confirmed. Deleted
 * documents leave a mark, because the database that this stands in for may have them.
 */

const { refuse } = require('./document');
const { Journal } = require('./journal');
const { acquire } = require('./lock');

/** Rewritten when it is this large, and more than half of it is of no use any more. */
const REWRITE_MIN = 1 << 20;

const journalOf = (file) => `${file}.store`;

class JsonStore {
	#lock;
	#journal;
	#collections = new Map();
	#sequence = 0;
	#queue = [];
	#flushing = null;
	#live = 0;
	#file;

	constructor(file, lock, options) {
		this.#file = file;
		this.#lock = lock;
		this.#journal = new Journal(journalOf(file), options);
		for (const operation of this.#journal.operations)
			this.#apply(operation);
		this.#journal.operations = [];
	}

	#apply(operation) {
		const { sequence, collection, id, text } = operation;
		const documents = this.#collections.get(collection) || new Map();

		this.#collections.set(collection, documents);
		this.#live += sizeOf(operation) - sizeOf(documents.get(id));
		documents.set(id, operation);
		this.#sequence = Math.max(this.#sequence, sequence);
	}

	/** Confirmed when it is on the disk. Writes that come while the disk is busy share the next one. */
	#write(collection, id, text) {
		return new Promise((resolve, reject) => {
			this.#queue.push({ collection, id, text, resolve, reject });
			if (this.#flushing === null)
				this.#flushing = new Promise((done) => setImmediate(() => this.#flush(done)));
		});
	}

	#flush(done) {
		const batch = this.#queue.splice(0);

		this.#flushing = null;
		try {
			const operations = batch.map(({ collection, id, text }, i) =>
				({ sequence: this.#sequence + 1 + i, collection, id, text }));
			this.#append(operations);
			for (const [i, operation] of operations.entries()) {
				batch[i].existed = this.#has(operation);
				this.#apply(operation);
			}
			for (const { resolve, existed } of batch)
				resolve(existed);
			this.#shrink();
		} catch (e) {
			for (const { reject } of batch)
				reject(e);
		}
		done();
	}

	#append(operations) {
		if (this.#journal === null)
			throw refuse('PREBUILDD_STORE_CLOSED', 'the store is closed');
		if (!this.#lock.held)
			throw refuse('PREBUILDD_STORE_LOCKED', `${this.#file} was taken over by another process`);
		this.#journal.append(operations);
	}

	#shrink() {
		if (this.#journal.size < REWRITE_MIN || this.#journal.size < 2 * this.#live)
			return;
		const operations = [...this.#collections.values()].flatMap((documents) => [...documents.values()]);
		this.#journal.rewrite(operations.sort((a, b) => a.sequence - b.sequence));
	}

	#has({ collection, id }) {
		const documents = this.#collections.get(collection);

		return Boolean(documents && documents.get(id) && documents.get(id).text !== null);
	}

	async #settled() {
		while (this.#flushing !== null)
			await this.#flushing;
		if (this.#journal === null)
			throw refuse('PREBUILDD_STORE_CLOSED', 'the store is closed');
	}

	async put(collection, id, text) {
		await this.#write(collection, id, text);
	}

	async delete(collection, id) {
		return this.#write(collection, id, null);
	}

	async get(collection, id) {
		await this.#settled();
		const documents = this.#collections.get(collection);
		const operation = documents && documents.get(id);
		return operation ? operation.text : null;
	}

	/** [[id, JSON], …] */
	async rows(collection) {
		await this.#settled();
		const documents = this.#collections.get(collection) || new Map();
		return [...documents.values()].filter(({ text }) => text !== null).map(({ id, text }) => [id, text]);
	}

	async close() {
		if (this.#journal === null)
			return;
		await this.#settled();
		this.#journal.close();
		this.#journal = null;
		this.#lock.release();
	}
}

/** About what an operation takes in the journal. */
function sizeOf(operation) {
	if (!operation)
		return 0;
	return operation.collection.length + operation.id.length + (operation.text ? operation.text.length : 0) + 16;
}

async function openJsonStore(file, options) {
	const lock = await acquire(journalOf(file));

	try {
		return new JsonStore(file, lock, options);
	} catch (e) {
		lock.release();
		throw e;
	}
}

module.exports = { openJsonStore, journalOf };
