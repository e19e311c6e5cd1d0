'use strict';

/*
 * prebuildd.lock.json: the digests of a project's addons, by package, target and ABI.
 *
 *   {"version": 1, "addons": {"sqlite3@6.0.1": {"x86_64-linux-gnu": {"napi-v6": {
 *     "file": "sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz",    null: not from the service
 *     "tarball": "sha256:…",                                null likewise
 *     "addons": {"build/Release/node_sqlite3.node": "sha256:…"}}}}}}
 */

const fs = require('node:fs');
const path = require('node:path');

const { EXIT, Failure } = require('./failure');
const { writeWhole } = require('./whole_file');

const NAME = 'prebuildd.lock.json';
const VERSION = 1;
const SIZE_MAX = 64 << 20;

function isEntry(entry) {
	return entry !== null && typeof entry === 'object' && entry.addons !== null && typeof entry.addons === 'object' &&
		[entry.file, entry.tarball].every((v) => v === null || typeof v === 'string');
}

/** Written by hand or by a merge, so it is checked before anything relies on it. */
function checkShape(value, file) {
	const bad = (why) => new Failure(EXIT.FAILED, `${file}: ${why}; restore it, or remove it and run prebuildd install`);

	if (value === null || typeof value !== 'object' || value.addons === null || typeof value.addons !== 'object')
		throw bad('this is no lock file');
	if (value.version !== VERSION)
		throw bad(`version ${value.version} is not ${VERSION}`);
	for (const targets of Object.values(value.addons))
		for (const abis of Object.values(targets || { '': null }))
			if (abis === null || typeof abis !== 'object' || !Object.values(abis).every(isEntry))
				throw bad('an entry is not complete');
}

function read(file) {
	try {
		if (fs.statSync(file).size > SIZE_MAX)
			throw new Failure(EXIT.FAILED, `${file} has more than ${SIZE_MAX} bytes`);
		return fs.readFileSync(file, 'utf8');
	} catch (e) {
		if (e.code === 'ENOENT')
			return null;
		throw e instanceof Failure ? e : new Failure(EXIT.FAILED, e.message);
	}
}

/** Keys in order, so that two who write the same lock write the same bytes. */
function sorted(value) {
	if (value === null || typeof value !== 'object')
		return value;
	return Object.fromEntries(Object.keys(value).sort().map((k) => [k, sorted(value[k])]));
}

class Lock {
	constructor(root) {
		this.file = path.join(root, NAME);
		this.text = read(this.file);
		this.exists = this.text !== null;
		this.addons = {};
		if (this.exists) {
			let value;

			try {
				value = JSON.parse(this.text);
			} catch (e) {
				throw new Failure(EXIT.FAILED, `${this.file}: ${e.message} (a merge conflict?)`);
			}
			checkShape(value, this.file);
			this.addons = value.addons;
		}
	}

	/** The entry of a package, "sqlite3@6.0.1"; null if there is none. */
	get(pkg, target, abi) {
		const targets = Object.hasOwn(this.addons, pkg) ? this.addons[pkg] : {};
		const abis = Object.hasOwn(targets, target) ? targets[target] : {};

		return Object.hasOwn(abis, abi) ? abis[abi] : null;
	}

	set(pkg, target, abi, entry) {
		this.addons[pkg] = this.addons[pkg] || {};
		this.addons[pkg][target] = this.addons[pkg][target] || {};
		this.addons[pkg][target][abi] = entry;
	}

	/** Forgets all packages but these; returns those that it forgot. */
	keepOnly(packages) {
		const gone = Object.keys(this.addons).filter((pkg) => !packages.has(pkg));

		for (const pkg of gone)
			delete this.addons[pkg];
		return gone;
	}

	/** Writes the file if that changes it; says whether. */
	save() {
		const text = `${JSON.stringify({ version: VERSION, addons: sorted(this.addons) }, null, 2)}\n`;

		if (text === this.text)
			return false;
		const part = `${this.file}.${process.pid}`;

		try {
			writeWhole(part, text);
			fs.renameSync(part, this.file);
		} catch (e) {
			fs.rmSync(part, { force: true });
			throw new Failure(EXIT.FAILED, `${this.file} cannot be written: ${e.message}`);
		}
		this.text = text;
		return true;
	}
}

module.exports = { Lock, NAME };
