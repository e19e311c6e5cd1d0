'use strict';

/* The application's own sqlite3, if its addon loads here; else why it does not, in the doctor's words. */

const fs = require('node:fs');
const path = require('node:path');

const { diagnose } = require('../diagnose');
const { applicationFolders, applicationManifest } = require('./application');

/** Where sqlite3's own loader looks, and how far below: enough for build/Release and lib/binding/*. */
const PLACES = ['build', 'lib/binding', 'prebuilds', 'compiled'];
const DEPTH = 3;

function find() {
	try {
		return require.resolve('sqlite3', { paths: applicationFolders() });
	} catch {
		return null;
	}
}

function isWanted() {
	const { dependencies, optionalDependencies } = applicationManifest();

	return Boolean({ ...dependencies, ...optionalDependencies }.sqlite3);
}

function* addonsBelow(folder, depth) {
	let entries = [];

	try {
		entries = fs.readdirSync(folder, { withFileTypes: true });
	} catch {
		return;
	}
	for (const entry of entries) {
		const full = path.join(folder, entry.name);
		if (entry.isDirectory() && depth > 0)
			yield* addonsBelow(full, depth - 1);
		else if (entry.name.endsWith('.node'))
			yield full;
	}
}

/** The addon that could not be loaded: the loader's message begins with it, else the first there is. */
function addonOf(main, error) {
	const root = path.dirname(path.dirname(main));
	const named = /^(.*?\.node): /.exec(error.message);

	if (named && path.isAbsolute(named[1]))
		return named[1];
	for (const place of PLACES)
		for (const file of addonsBelow(path.join(root, place), DEPTH))
			return file;
	return null;
}

/** What the loader said, in a line: it may be a list of all places that were searched. */
function firstLine(error) {
	return String(error.message).split('\n')[0];
}

/** "sqlite3's addon … is Mach-O arm64; this machine loads ELF 64-bit x86-64" */
function failureOf(main, error) {
	const file = addonOf(main, error);
	const folder = path.dirname(path.dirname(main));

	if (file === null)
		return { reason: `sqlite3 has no addon in ${folder}: ${firstLine(error)}`, diagnosis: null };
	const diagnosis = diagnose(file);
	const reason = diagnosis.ok ? firstLine(error) : `${diagnosis.summary} (${firstLine(error)})`;
	return { reason: `sqlite3's addon ${file} does not load: ${reason}`, diagnosis };
}

/** Returns { api } or { reason, diagnosis, wanted }. */
function loadNative() {
	const main = find();

	if (main === null) {
		const wanted = isWanted();
		const though = wanted ? ', though package.json asks for it' : '';
		return { reason: `sqlite3 is not installed${though}`, diagnosis: null, wanted };
	}
	try {
		return { api: require(main), diagnosis: null, wanted: true };
	} catch (e) {
		return { ...failureOf(main, e), wanted: true };
	}
}

module.exports = { loadNative };
