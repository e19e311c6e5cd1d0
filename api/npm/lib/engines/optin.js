'use strict';

/*
 * Has the application asked for the JSON store? It holds less than a database and takes one process only,
 * so nobody gets it without having said so: PREBUILDD_STORE=json, "prebuildd": { "store": "json" } in
 * package.json, or { json: true } to openStore().
 */

const { applicationManifest } = require('./application');

function wantsJson() {
	const set = process.env.PREBUILDD_STORE;
	const { prebuildd } = applicationManifest();

	if (set !== undefined && set !== '')
		return set === 'json';
	return Boolean(prebuildd) && prebuildd.store === 'json';
}

module.exports = { wantsJson };
