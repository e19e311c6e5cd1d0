'use strict';

/*
 * require('prebuildd/sqlite3'): the API of the sqlite3 package on the best engine that runs here, and
 * `engine`, which says what that is and why: { name, reason, degraded, diagnosis }. Nothing is loaded
 * that would lock files in another way than SQLite does. docs/fallback.md tells engines apart.
 */

const { choose, NoEngine } = require('./lib/engines/choose');
const { withoutSql } = require('./lib/engines/without_sql');

/** A copy: what is added here must not appear in the application's own sqlite3. */
function exportsOf(api, engine) {
	const exported = { ...api };

	if (api.verbose) {
		exported.verbose = () => {
			api.verbose();
			return exported;
		};
	}
	Object.defineProperty(exported, 'engine', { value: engine });
	return exported;
}

const { api, engine } = choose();

if (engine.name === 'none')
	throw new NoEngine(engine);
module.exports = exportsOf(api || withoutSql(engine), engine);
