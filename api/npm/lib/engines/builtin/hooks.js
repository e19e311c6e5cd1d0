'use strict';

/*
 * The events "trace" and "profile", made here because node:sqlite has no such hooks, and what it cannot
 * do at all: "change" and limits. That is said once, loudly: an application that waits for an event that
 * never comes should not find out by itself.
 */

const { performance } = require('node:perf_hooks');

const said = new Set();

function sayOnce(what) {
	if (said.has(what))
		return;
	said.add(what);
	process.emitWarning(`${what} does nothing on node:sqlite (docs/fallback.md)`,
		{ type: 'PrebuilddWarning', code: 'PREBUILDD_NOT_SUPPORTED' });
}

class Hooks {
	constructor(owner) {
		this.owner = owner;
		this.clear();
	}

	clear() {
		this.trace = false;
		this.profile = false;
	}

	set(name, on) {
		if (name !== 'change')
			this[name] = on;
		else if (on)
			sayOnce('the event "change"');
	}

	/** Names of sqlite3_limit's numbers on the `limits` of newer versions of Node. */
	limit(handle, id, value) {
		const names = ['length', 'sqlLength', 'column', 'exprDepth', 'compoundSelect', 'vdbeOp',
			'functionArg', 'attach', 'likePatternLength', 'variableNumber', 'triggerDepth'];

		if (handle.limits && names[id] in handle.limits)
			handle.limits[names[id]] = value;
		else
			sayOnce('configure("limit")');
	}

	/** Runs something and tells of it; SQL is text, or a function that knows it with its values. */
	around(sql, perform) {
		const start = performance.now();

		this.started(sql);
		try {
			return perform();
		} finally {
			this.ended(sql, start);
		}
	}

	started(sql) {
		if (this.trace)
			setImmediate(() => this.owner.emit('trace', sql));
	}

	ended(sql, start) {
		const ms = performance.now() - start;

		if (this.profile)
			setImmediate(() => this.owner.emit('profile', sql, ms));
	}
}

module.exports = { Hooks };
