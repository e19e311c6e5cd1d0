'use strict';

/*
 * The order in which a database's calls run: that of sqlite3's addon (Database::Schedule and ::Process in
 * its src/database.cc), so that what an application sees is the same. Calls wait until the database is
 * open; exclusive ones (exec, close, and all after serialize()) until nothing else is pending.
 *
 * What is different: the addon works in threads, node:sqlite in the event loop. Every piece of work has
 * a turn of the loop for itself (setImmediate), so callbacks are never called before the function that
 * took them has returned, and come in the order of the calls.
 */

const { results } = require('./codes');
const { sqliteError } = require('./errors');

class Gate {
	/** OWNER is the Database: `this` of its callbacks, and where errors without a callback are emitted. */
	constructor(owner) {
		this.owner = owner;
		this.open = false;
		this.locked = false;
		this.serialized = false;
		this.pending = 0;
		this.queue = [];
	}

	/** Closed for good: `locked` stays after a close that has succeeded. */
	get ended() {
		return !this.open && this.locked;
	}

	/** Runs START now or later; if the database is closed, CALLBACK is told instead. Returns whether not. */
	schedule(start, callback, exclusive = false) {
		if (this.ended) {
			this.tell(callback, sqliteError(results.MISUSE, 'Database is closed'));
			return false;
		}
		const alone = exclusive || this.serialized;
		if (!this.open || ((this.locked || alone) && this.pending > 0)) {
			this.queue.push({ start, callback, exclusive: alone });
		} else {
			this.locked = exclusive;
			start();
		}
		return true;
	}

	process() {
		if (this.ended && this.queue.length > 0)
			this.refuseAll();
		while (this.open && (!this.locked || this.pending === 0) && this.queue.length > 0) {
			if (this.queue[0].exclusive && this.pending > 0)
				break;
			const call = this.queue.shift();
			this.locked = call.exclusive;
			call.start();
			if (this.locked)
				break;
		}
	}

	/**
	 * Work of its own turn: PERFORM does it, then AFTER(result, release) calls back. Until `release` is
	 * called, at the latest when AFTER returns or throws, the work counts as pending.
	 */
	work(perform, after) {
		let held = true;
		const release = () => {
			this.pending -= held ? 1 : 0;
			held = false;
		};

		this.pending++;
		setImmediate(() => {
			try {
				after(perform(), release);
			} finally {
				release();
				this.process();
			}
		});
	}

	/** To the callback, or as an event. */
	tell(callback, e) {
		if (callback)
			callback.call(this.owner, e);
		else
			this.owner.emit('error', e);
	}

	refuseAll() {
		const e = sqliteError(results.MISUSE, 'Database handle is closed');
		const callbacks = this.queue.splice(0).map((call) => call.callback).filter(Boolean);

		for (const callback of callbacks)
			callback.call(this.owner, e);
		if (callbacks.length === 0)
			this.owner.emit('error', e);
	}
}

module.exports = { Gate };
