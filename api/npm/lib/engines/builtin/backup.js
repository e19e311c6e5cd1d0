'use strict';

/*
 * The Backup of sqlite3 on node:sqlite, which copies a whole database in one go: a step copies all pages,
 * whatever number it was asked for. Only from the database to a file.
 */

const { INNER } = require('./database');
const { results } = require('./codes');
const { sqliteError, failureOf } = require('./errors');

function backupClass(sqlite) {
	return class Backup {
		#inner;
		#state = { idle: false, completed: false, failed: false, finished: false, remaining: -1, pageCount: -1,
			retryErrors: [] };

		constructor(db, filename, source, destination, filenameIsDest, callback) {
			if (!db || !db[INNER])
				throw new TypeError('Database object expected');
			if (typeof filename !== 'string')
				throw new TypeError('Filename expected');
			this.#inner = db[INNER];
			const e = refusal(sqlite, source, destination, filenameIsDest);
			this.filename = filename;
			this.#work(callback, async () => {
				if (e)
					throw e;
			}, () => {
				this.#state.idle = true;
			});
		}

		get idle() {
			return this.#state.idle;
		}

		get completed() {
			return this.#state.completed;
		}

		get failed() {
			return this.#state.failed;
		}

		get remaining() {
			return this.#state.remaining;
		}

		get pageCount() {
			return this.#state.pageCount;
		}

		get retryErrors() {
			return this.#state.retryErrors;
		}

		set retryErrors(codes) {
			if (!Array.isArray(codes))
				throw new Error('retryErrors must be an array');
			this.#state.retryErrors = codes;
		}

		/** A piece of asynchronous work among the database's others. */
		#work(callback, perform, done, ...results) {
			const { gate } = this.#inner;

			gate.schedule(() => {
				gate.pending++;
				perform().then(() => null, (e) => errorOf(e)).then((e) => setImmediate(() => {
					gate.pending--;
					try {
						this.#tell(callback, e, done, results);
					} finally {
						gate.process();
					}
				}));
			}, callback);
		}

		#tell(callback, e, done, values) {
			if (e)
				this.#state.failed = true;
			else
				done();
			if (callback)
				callback.call(this, e, ...(e ? [] : values));
			else if (e)
				this.emit('error', e);
		}

		step(pages, callback) {
			if (typeof pages !== 'number')
				throw new TypeError('Argument 0 must be an integer');
			const alreadyFinished = this.#state.finished;
			this.#work(callback, async () => {
				if (alreadyFinished)
					throw sqliteError(results.MISUSE, 'Backup is already finished');
				this.#state.pageCount = await sqlite.backup(this.#inner.handle, this.filename, { rate: 1 << 20 });
			}, () => {
				this.#state.remaining = 0;
				this.#state.completed = true;
			}, true);
			return this;
		}

		finish(callback) {
			this.#work(callback && ((e) => callback.call(this, ...(e ? [e] : []))), async () => {}, () => {
				this.#state.finished = true;
				this.#state.failed = !this.#state.completed;
			});
			return this;
		}
	};
}

function refusal(sqlite, source, destination, filenameIsDest) {
	if (!sqlite.backup)
		return sqliteError(results.MISUSE, `node:sqlite of Node ${process.version} makes no backups`);
	if (!filenameIsDest || source !== 'main' || destination !== 'main')
		return sqliteError(results.MISUSE, 'on node:sqlite only "main" can be backed up, to a file');
	return null;
}

function errorOf(e) {
	if (typeof e.errno === 'number' && e.code.startsWith('SQLITE_'))
		return e;
	const { status, message } = failureOf(e);
	return sqliteError(status, message);
}

module.exports = { backupClass };
