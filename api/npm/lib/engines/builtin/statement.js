'use strict';

/* The Statement of sqlite3 on node:sqlite: what src/statement.cc of the sqlite3 package does. */

const { fieldsOf } = require('./bind');
const { results, ROW, DONE } = require('./codes');
const { INNER } = require('./database');
const { sqliteError } = require('./errors');
const { Stepper } = require('./stepper');

/** How many rows each() hands out before others may run. */
const EACH_ROWS = 64;

class Statement {
	#db;
	#stepper;
	#prepared = false;
	#locked = false;
	#finalized = false;
	#queue = [];

	constructor(db, sql, callback) {
		if (!db || !db[INNER])
			throw new TypeError('Database object expected');
		if (typeof sql !== 'string')
			throw new TypeError('SQL query expected');
		if (callback !== undefined && typeof callback !== 'function')
			throw new TypeError('Callback expected');
		Object.defineProperty(this, 'sql', { value: sql });
		this.#db = db;
		this.#stepper = new Stepper(db[INNER], sql);
		const { gate } = db[INNER];
		const refused = !gate.schedule(() => this.#prepare(callback), callback);
		this.#finalized = refused;
	}

	#prepare(callback) {
		const { gate } = this.#db[INNER];

		this.#locked = true;
		gate.work(() => this.#stepper.prepare(), (_, release) => this.#ending(release, () => {
			this.#prepared = this.#stepper.status === results.OK;
			try {
				if (!this.#prepared)
					this.#fail(callback);
				else if (callback)
					callback.call(this, null);
			} finally {
				if (!this.#prepared)
					this.#finish();
			}
		}));
	}

	/** The end of every piece of work: the next call of this statement, then those of the database. */
	#ending(release, callBack) {
		try {
			callBack();
		} finally {
			this.#locked = false;
			release();
			this.#process();
		}
	}

	#fail(callback) {
		const e = this.#stepper.error();

		if (callback)
			callback.call(this, e);
		else
			this.emit('error', e);
	}

	#process() {
		if (this.#finalized)
			this.#refuseAll();
		while (this.#prepared && !this.#finalized && !this.#locked && this.#queue.length > 0)
			this.#queue.shift().start();
	}

	#schedule(start, callback) {
		if (this.#finalized || !this.#prepared || this.#locked)
			this.#queue.push({ start, callback });
		else
			start();
		if (this.#finalized)
			this.#refuseAll();
	}

	/** What was asked of a statement that could not be prepared has had its error already. */
	#refuseAll() {
		const calls = this.#queue.splice(0);

		if (!this.#prepared || calls.length === 0)
			return;
		const e = sqliteError(results.MISUSE, 'Statement is already finalized');
		const callbacks = calls.map((call) => call.callback).filter(Boolean);
		for (const callback of callbacks)
			callback.call(this, e);
		if (callbacks.length === 0)
			this.emit('error', e);
	}

	/** Binds the arguments, lets PERFORM step, and hands its result to AFTER unless it failed. */
	#execute(args, perform, after) {
		const { gate } = this.#db[INNER];
		const rest = [...args];
		const callback = typeof rest[rest.length - 1] === 'function' ? rest.pop() : undefined;
		const fields = fieldsOf(rest);

		this.#schedule(() => {
			this.#locked = true;
			gate.work(() => perform(this.#stepper, fields), (result, release) =>
				this.#ending(release, () => {
					const { status } = this.#stepper;
					if (![results.OK, ROW, DONE].includes(status))
						this.#fail(callback);
					else if (callback)
						after.call(this, callback, result);
				}));
		}, callback);
		return this;
	}

	bind(...args) {
		return this.#execute(args, (stepper, fields) => stepper.bind(fields),
			(callback) => callback.call(this, null));
	}

	reset(callback) {
		if (callback !== undefined && typeof callback !== 'function')
			throw new TypeError('Argument 0 must be a function');
		return this.#execute(callback ? [callback] : [], (stepper) => {
			stepper.reset();
			stepper.status = results.OK;
		}, (callback) => callback.call(this, null));
	}

	/** The next row: after the last one there is none until reset() or new values. */
	get(...args) {
		return this.#execute(args, (stepper, fields) => {
			if (stepper.status === DONE && fields.length === 0)
				return null;
			return stepper.bind(fields) ? stepper.step() : null;
		}, (callback, row) => (row ? callback.call(this, null, row) : callback.call(this, null)));
	}

	run(...args) {
		return this.#execute(args, (stepper, fields) => {
			if (!restart(stepper, fields))
				return null;
			stepper.step();
			return stepper.status === ROW || stepper.status === DONE ? stepper.effects() : null;
		}, (callback, effects) => {
			this.lastID = effects.lastID;
			this.changes = effects.changes;
			callback.call(this, null);
		});
	}

	all(...args) {
		return this.#execute(args, (stepper, fields) => {
			const rows = [];
			if (!restart(stepper, fields))
				return rows;
			for (let row = stepper.step(); row; row = stepper.step())
				rows.push(row);
			return rows;
		}, (callback, rows) => callback.call(this, null, rows));
	}

	each(...args) {
		const rest = [...args];
		const isCallback = (i) => typeof rest[rest.length - i] === 'function';
		const complete = isCallback(1) && isCallback(2) ? rest.pop() : undefined;
		const callback = isCallback(1) ? rest.pop() : undefined;
		const fields = fieldsOf(rest);

		this.#schedule(() => {
			const state = { fields, callback, complete, count: 0, begun: false,
				interrupts: this.#db[INNER].interrupts };
			this.#locked = true;
			this.#eachRows(state);
		}, callback);
		return this;
	}

	/** One turn of each(): some rows, then the next turn or the end. */
	#eachRows(state) {
		const { gate } = this.#db[INNER];

		gate.work(() => this.#take(state), (rows, release) => {
			const more = this.#stepper.status === ROW;
			try {
				this.#hand(rows, state);
			} finally {
				if (more)
					this.#eachRows(state);
			}
			if (!more)
				this.#ending(release, () => this.#eachEnd(state));
		});
	}

	#take(state) {
		const stepper = this.#stepper;
		const rows = [];

		if (!state.begun && !restart(stepper, state.fields))
			return rows;
		if (state.begun && state.interrupts !== this.#db[INNER].interrupts) {
			stepper.reset();
			Object.assign(stepper, { status: results.INTERRUPT, message: 'interrupted' });
			return rows;
		}
		state.begun = true;
		while (rows.length < EACH_ROWS) {
			const row = stepper.step();
			if (!row)
				break;
			rows.push(row);
		}
		return rows;
	}

	#hand(rows, state) {
		for (const row of rows) {
			state.count++;
			if (state.callback)
				state.callback.call(this, null, row);
		}
	}

	/** Also after an error the addon says that it is complete. */
	#eachEnd(state) {
		try {
			if (this.#stepper.status !== DONE)
				this.#fail(state.callback);
		} finally {
			if (state.complete)
				state.complete.call(this, null, state.count);
		}
	}

	finalize(callback) {
		if (callback !== undefined && typeof callback !== 'function')
			throw new TypeError('Argument 0 must be a function');
		this.#schedule(() => {
			this.#finish();
			if (callback)
				callback.call(this);
		}, callback);
		return this.#db;
	}

	#finish() {
		this.#finalized = true;
		this.#refuseAll();
		this.#stepper.finalize();
	}
}

/** run(), all() and each() begin anew also when nothing is bound. */
function restart(stepper, fields) {
	if (fields.length === 0)
		stepper.reset();
	return stepper.bind(fields);
}

module.exports = { Statement };
