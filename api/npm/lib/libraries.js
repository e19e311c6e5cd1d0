'use strict';

/*
 * Where this machine has a shared library, and which versions of symbols it offers: what the dynamic
 * loader would find, without asking it.
 */

const fs = require('node:fs');
const path = require('node:path');

const { readElf, Malformed } = require('./elf');

const CACHE = '/etc/ld.so.cache';
const LIBRARY_MAX = 512 << 20;

/** Folders that a loader looks into by itself; musl's has the first three only. */
function systemFolders(machine) {
	const folders = ['/lib', '/usr/local/lib', '/usr/lib'];

	if (machine.libc && machine.libc.family === 'musl')
		return folders;
	const multiarch = (machine.target || '').replace(/^i686-/, 'i386-');

	return [`/lib/${multiarch}`, `/usr/lib/${multiarch}`, '/lib64', '/usr/lib64', ...folders];
}

/** The paths that glibc's cache has for a name: they stand in it as strings with a NUL behind each. */
function cached(name) {
	let text;

	try {
		text = fs.readFileSync(CACHE, 'latin1');
	} catch {
		return [];
	}
	return text.split('\0').filter((s) => s.startsWith('/') && s.endsWith(`/${name}`));
}

function expand(folder, origin) {
	return folder.replace(/\$\{?ORIGIN\}?/g, origin);
}

/** Is that a library of the file's own kind? A 64-bit machine has some of 32 bits beside it. */
function fits(file, elf) {
	let fd;

	try {
		fd = fs.openSync(file, 'r');
	} catch {
		return false;
	}
	try {
		const head = Buffer.alloc(20);

		if (fs.readSync(fd, head, 0, 20, 0) < 20 || head.toString('latin1', 0, 4) !== '\x7fELF')
			return false;
		const machine = elf.big ? head.readUInt16BE(18) : head.readUInt16LE(18);

		return machine === elf.machine && (head[4] === 2) === (elf.bits === 64);
	} finally {
		fs.closeSync(fd);
	}
}

/**
 * The path of the library that an addon gets when it needs `name`; null if this machine has none.
 * @param {string} name as in DT_NEEDED.
 * @param {object} elf of the file that needs it, and `file`, its path.
 */
function findLibrary(name, elf, file, machine) {
	const origin = path.dirname(file);
	const folders = [
		...elf.paths.map((p) => expand(p, origin)),
		...(process.env.LD_LIBRARY_PATH || '').split(':').filter((p) => p !== ''),
	].map((folder) => path.join(folder, name));
	/* A library that Node has loaded already is taken before anything else is looked for. */
	const loaded = machine.libraries.filter((p) => path.basename(p) === name);
	const found = [...loaded, ...folders, ...cached(name),
		...systemFolders(machine).map((folder) => path.join(folder, name))];

	return found.find((p) => fits(p, elf)) || null;
}

const offered = new Map();

/** The names of the symbol versions that a library offers; null if it cannot be read. */
function versionsOf(file) {
	if (offered.has(file))
		return offered.get(file);
	let versions = null;

	try {
		if (fs.statSync(file).size <= LIBRARY_MAX)
			versions = new Set(readElf(fs.readFileSync(file)).versionDefinitions);
	} catch (e) {
		if (!(e instanceof Malformed) && !e.code)
			throw e;
	}
	offered.set(file, versions);
	return versions;
}

module.exports = { findLibrary, versionsOf };
