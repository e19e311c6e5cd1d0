'use strict';

/*
 * Where the service is and whose signatures count: a flag wins over the environment, the environment over
 * "prebuildd": {"server", "key"} in a package.json, of the folder itself or above it, where a workspace's
 * root has it. A key is never taken from the server that it is to check.
 */

const fs = require('node:fs');
const path = require('node:path');

const { EXIT, Failure } = require('./failure');
const { readManifest } = require('./packages');
const minisign = require('./minisign');

const SERVER = 'http://127.0.0.1:8377';

/** The nearest "prebuildd" section from a folder upward, with the folder that it is in. */
function sectionFrom(folder) {
	for (let at = path.resolve(folder); ; at = path.dirname(at)) {
		const section = (readManifest(at) || {}).prebuildd;

		if (section !== null && typeof section === 'object')
			return { section, folder: at };
		if (at === path.dirname(at))
			return { section: {}, folder };
	}
}

function checkServer(server) {
	let url = null;

	try {
		url = new URL(server);
	} catch {
		/* Said below. */
	}
	if (!url || !['http:', 'https:'].includes(url.protocol))
		throw new Failure(EXIT.USAGE, `the server ${JSON.stringify(server)} is no http:// or https:// URL`);
	return server;
}

/** A key is its own line of base64, or the name of a file that has it. */
function readKey(value, folder) {
	let text = value;

	if (!/^RW[0-9A-Za-z+/]{54}$/.test(value)) {
		try {
			text = fs.readFileSync(path.resolve(folder, value), 'utf8');
		} catch (e) {
			throw new Failure(EXIT.USAGE, `the key ${value} is neither a public key (RW…) nor a file: ${e.message}`);
		}
	}
	try {
		return minisign.parseKey(text);
	} catch (e) {
		throw new Failure(EXIT.USAGE, `the key ${value}: ${e.message}`);
	}
}

/**
 * @param {{server: ?string, key: ?string}} flags
 * @returns {{server: string, key: ?object}} key as minisign.parseKey returns it; null if none is configured.
 * @throws {Failure} of exit 2 for what cannot be used.
 */
function readConfig(flags, root) {
	const { section, folder } = sectionFrom(root);
	const fromHere = flags.key || process.env.PREBUILDD_KEY;
	const key = fromHere || section.key;

	return {
		server: checkServer(flags.server || process.env.PREBUILDD_URL || section.server || SERVER),
		key: key ? readKey(String(key), fromHere ? process.cwd() : folder) : null,
	};
}

module.exports = { readConfig, readKey };
