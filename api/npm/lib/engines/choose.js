'use strict';

/*
 * Which engine runs: the application's own sqlite3, else Node's node:sqlite, else, if the application has
 * asked for it, the JSON store. Never an engine that locks files in a way of its own: one compiled to
 * WebAssembly does not see SQLite's locks, so two processes would lose each other's writes.
 *
 *   PREBUILDD_ENGINE=native|builtin|json   only this one
 */

const { createApi } = require('./builtin/api');
const builtin = require('./builtin/module');
const { loadNative } = require('./native');
const { wantsJson } = require('./optin');
const { say } = require('./report');

/** How the engines are called in what people read. */
const TITLES = {
	native: "sqlite3's native addon",
	builtin: "Node's built-in node:sqlite",
	json: 'the JSON store (no SQL)',
};

/** Thrown where nothing can run; `engine` has what a health check would show. */
class NoEngine extends Error {
	constructor(engine) {
		super(engine.reason);
		this.name = 'NoEngine';
		this.code = 'PREBUILDD_NO_ENGINE';
		this.engine = engine;
	}
}

function tryNative() {
	const { api, reason, diagnosis, wanted } = loadNative();

	return { api, reason, diagnosis, wanted };
}

function tryBuiltin() {
	const { sqlite, reason } = builtin.load();

	return sqlite ? { api: createApi(sqlite) } : { reason };
}

const attempts = { native: tryNative, builtin: tryBuiltin, json: () => ({ api: null }) };

/** The engines to try, in order. */
function candidates() {
	const only = process.env.PREBUILDD_ENGINE;

	if (only !== undefined && only !== '') {
		if (!TITLES[only])
			throw new Error(`PREBUILDD_ENGINE=${only}: there are native, builtin and json`);
		return [only];
	}
	return wantsJson() ? ['native', 'builtin', 'json'] : ['native', 'builtin'];
}

/** Tries them: { name, api, failures, diagnosis, wanted }; the name is "none" if none runs. */
function attempt(names) {
	const failures = [];
	const found = { name: 'none', api: null, failures, diagnosis: null, wanted: true };

	for (const name of names) {
		const { api, reason, diagnosis, wanted } = attempts[name]();
		if (name === 'native')
			Object.assign(found, { diagnosis: diagnosis || null, wanted });
		if (api !== undefined)
			return Object.assign(found, { name, api });
		failures.push(reason);
	}
	return found;
}

/** One text: what failed, what runs, what to do. */
function reasonOf({ name, failures, diagnosis }) {
	const repair = diagnosis ? ['to repair it: npx prebuildd doctor --fix'] : [];

	if (name === 'none')
		return ['no SQLite engine runs here', ...failures, ...repair].join('; ');
	if (failures.length === 0)
		return `${TITLES[name]} runs`;
	return [`${TITLES[name]} runs instead of ${TITLES.native}`, ...failures, ...repair].join('; ');
}

function describe(found) {
	const { name, failures, diagnosis, wanted } = found;
	// Who does not depend on sqlite3 at all has chosen node:sqlite, and misses nothing.
	const degraded = name === 'none' || name === 'json' || (failures.length > 0 && wanted);

	return Object.freeze({ name, reason: reasonOf(found), degraded, diagnosis });
}

let chosen = null;

/**
 * Chooses once for the process, and says so on standard error if it is not the best.
 * @returns {{api: ?object, engine: {name: 'native'|'builtin'|'json'|'none', reason: string,
 *   degraded: boolean, diagnosis: ?object}}} `diagnosis` is what `prebuildd doctor` says of the addon
 *   that does not load; `api` is null for json and none.
 */
function choose() {
	if (chosen === null) {
		const found = attempt(candidates());
		chosen = { api: found.api, engine: describe(found) };
		/* Without any, who needs one throws, or says what it does instead. */
		if (chosen.engine.degraded && found.name !== 'none')
			say(chosen.engine.reason);
	}
	return chosen;
}

module.exports = { choose, NoEngine };
