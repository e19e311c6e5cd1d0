'use strict';

/*
 * prebuild-install's cache of tarballs. It takes a file from there without looking at it, so a broken one
 * breaks every later install, on a machine whose service has long been right. Source: prebuild-install 7.1
 * util.js, cachedPrebuild: <cache>/_prebuilds/<6 digits of a digest of the URL>-<base name>.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { addonIn, BadTarball } = require('./tarball');
const { placeOf } = require('./placed');
const { judgeBytes } = require('./diagnose');

const ENTRY = /^[0-9a-f]{6}-(.+\.tar\.gz)$/;
const ENTRY_MAX = 512 << 20;

/** "cache=" of an .npmrc; environment variables in it are npm's business and make it unknown. */
function cacheOf(npmrc) {
	try {
		const found = /^\s*cache\s*=\s*"?([^"\r\n]+?)"?\s*$/m.exec(fs.readFileSync(npmrc, 'utf8'));

		return found && !found[1].includes('${') ? found[1].replace(/^~(?=\/)/, os.homedir()) : null;
	} catch {
		return null;
	}
}

/** Where npm may have its cache: asking npm takes half a second, and a production image has none. */
function cacheFolders(root) {
	const standard = process.platform === 'win32' ?
		path.join(process.env.LOCALAPPDATA || os.homedir(), 'npm-cache') : path.join(os.homedir(), '.npm');
	const folders = [process.env.npm_config_cache, process.env.NPM_CONFIG_CACHE, cacheOf(path.join(root, '.npmrc')),
		cacheOf(path.join(os.homedir(), '.npmrc')), standard];

	return [...new Set(folders.filter((f) => f).map((f) => path.resolve(root, f, '_prebuilds')))];
}

function list(folder) {
	try {
		return fs.readdirSync(folder);
	} catch {
		return [];
	}
}

/** Why an entry is of no use to this machine; null if nothing speaks against it. */
function faultOf(file, machine) {
	let addon;

	try {
		if (fs.statSync(file).size > ENTRY_MAX)
			return null;
		addon = addonIn(fs.readFileSync(file));
	} catch (e) {
		if (e instanceof BadTarball)
			return e.message;
		if (e.code)
			return null;
		throw e;
	}
	const place = placeOf(path.basename(file));

	/* What another machine's name is on cannot be judged here. */
	if (place === null || place.platform !== machine.platform || !place.archs.includes(machine.arch) ||
	    (place.libc === 'musl') !== (machine.libc !== null && machine.libc.family === 'musl'))
		return null;
	const identity = judgeBytes(addon.data, file, machine).findings
		.find((f) => ['format', 'machine', 'class'].includes(f.rule));

	return identity ? `${identity.found} in it` : null;
}

/**
 * The broken entries of these packages.
 * @param {{name: string, version: string}[]} packages
 * @returns {{file: string, fault: string}[]}
 */
function poisonedEntries(packages, root, machine) {
	const stems = packages.map((p) => `${p.name.replace(/^@[^/]*\//, '')}-v${p.version}-`)
		.map((stem) => stem.replace(/[^a-zA-Z0-9.]+/g, '-'));
	const found = [];

	for (const folder of cacheFolders(root))
		for (const name of list(folder)) {
			const entry = ENTRY.exec(name);
			const file = path.join(folder, name);
			const fault = entry && stems.some((s) => entry[1].startsWith(s)) ? faultOf(file, machine) : null;

			if (fault !== null)
				found.push({ file, fault });
		}
	return found;
}

module.exports = { poisonedEntries };
