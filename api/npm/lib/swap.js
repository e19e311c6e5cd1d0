'use strict';

/*
 * Puts a new addon in the place of an old one so that at every moment one of the two is there, whole: the
 * new one is written beside it, loaded, and renamed over it; the old one is kept under another name until
 * the new one has loaded where it is. A file that is linked elsewhere (pnpm's store) is not written into.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { EXIT, Failure } = require('./failure');
const { loadFile } = require('./load');
const { writeWhole } = require('./whole_file');

/** No run takes longer to load an addon twice. */
const LEFTOVER_MS = 10 * 60000;

function statOf(file) {
	return fs.statSync(file, { throwIfNoEntry: false }) || null;
}

/** Root repairs what belongs to somebody: it stays theirs. */
function keepOwner(file, like) {
	if (process.getuid && process.getuid() === 0 && like !== null)
		fs.chownSync(file, like.uid, like.gid);
}

/** The old file under a second name; a file system without links gets a copy. */
function keep(file, as) {
	if (statOf(file) === null)
		return false;
	try {
		fs.linkSync(file, as);
	} catch (e) {
		if (e.code === 'EEXIST')
			throw e;
		fs.copyFileSync(file, as);
	}
	return true;
}

/** What a run left that was killed; what is newer may belong to one that still runs. */
function removeLeftovers(file) {
	const folder = path.dirname(file);
	const form = /^\.(.+)\.[0-9a-f]{12}\.(new|old)$/;

	for (const name of fs.readdirSync(folder)) {
		const left = form.exec(name);
		const stat = left && left[1] === path.basename(file) ? statOf(path.join(folder, name)) : null;

		if (stat !== null && Date.now() - stat.ctimeMs > LEFTOVER_MS)
			fs.rmSync(path.join(folder, name), { force: true });
	}
}

function loadOrFail(file, machine, root, what) {
	const result = loadFile(file, machine, root);

	if (!result.ok)
		throw new Failure(EXIT.FAILED, `${what} does not load: ${result.error}`);
	return result.ran;
}

/** Renames, loads where it is now, and takes it back if that fails. */
function replace(fresh, file, old, machine, root) {
	const had = keep(file, old);

	try {
		fs.renameSync(fresh, file);
		loadOrFail(file, machine, root, 'the new file in its place');
	} catch (e) {
		if (had)
			fs.renameSync(old, file);
		else
			fs.rmSync(file, { force: true });
		throw e;
	}
	fs.rmSync(old, { force: true });
}

function writeError(e, file) {
	if (!e.syscall)
		return e;
	const hint = ['EACCES', 'EPERM', 'EROFS'].includes(e.code) ?
		'run it as the owner, or while the image is built' : e.message;

	return new Failure(EXIT.FAILED,
		`${path.dirname(file)} cannot be written (${e.code}): ${hint}; nothing was changed there`);
}

/**
 * @param {string} file the place of the addon; its folder is made if it is missing.
 * @param {Buffer} data
 * @returns {boolean} whether it was loaded: not where an Electron is missing that could.
 * @throws {Failure} the old file, if there was one, is then in its place.
 */
function swapIn(file, data, machine, root) {
	const stem = path.join(path.dirname(file), `.${path.basename(file)}.${crypto.randomBytes(6).toString('hex')}`);
	const before = statOf(file);
	const mode = before === null ? 0o755 : before.mode & 0o777;
	let ran;

	try {
		fs.mkdirSync(path.dirname(file), { recursive: true });
		removeLeftovers(file);
		writeWhole(`${stem}.new`, data, mode);
		keepOwner(`${stem}.new`, before || statOf(path.dirname(file)));
		ran = loadOrFail(`${stem}.new`, machine, root, 'what the service has');
		replace(`${stem}.new`, file, `${stem}.old`, machine, root);
	} catch (e) {
		throw writeError(e, file);
	} finally {
		fs.rmSync(`${stem}.new`, { force: true });
	}
	return ran;
}

module.exports = { swapIn };
