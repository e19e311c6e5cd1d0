'use strict';

/*
 * A journal on disk: opened, appended to, rewritten. What append() has returned from is on the disk; what
 * was being written when the process ended is there as a whole or not at all.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { refuse } = require('./document');
const { headerLine, recordLine, parseJournal } = require('./record');
const { say } = require('../engines/report');

/** Read into memory as a whole, and "small documents". */
const JOURNAL_MAX = 256 << 20;
/** Per line of a rewritten journal, so that none grows without limit. */
const OPERATIONS_PER_LINE = 64;

function syncFolder(file) {
	let fd;

	try {
		fd = fs.openSync(path.dirname(file), 'r');
		fs.fsyncSync(fd);
	} catch (e) {
		/* Windows has no such thing; there a rename is what it is. */
		if (process.platform !== 'win32')
			throw e;
	} finally {
		if (fd !== undefined)
			fs.closeSync(fd);
	}
}

/** Writes a file beside FILE that is to replace it, down to the disk; returns it, open. */
function writeBeside(file, text) {
	const temporary = `${file}.new`;
	const fd = fs.openSync(temporary, 'w', 0o600);

	try {
		fs.writeFileSync(fd, text);
		fs.fsyncSync(fd);
		return { temporary, fd };
	} catch (e) {
		fs.closeSync(fd);
		throw e;
	}
}

/** Writes a file that is there with all of its bytes or not at all. */
function writeWhole(file, text) {
	const { temporary, fd } = writeBeside(file, text);

	fs.closeSync(fd);
	fs.renameSync(temporary, file);
	syncFolder(file);
}

/** A name beside FILE that nothing has yet. */
function asideName(file, what) {
	for (let n = 1; ; n++) {
		const name = `${file}.${what}-${n}`;
		if (!fs.existsSync(name))
			return name;
	}
}

/** The text of a journal with these operations; ID is the old one's, or new. */
function textOf(id, operations) {
	const lines = [];
	let { line, sum } = headerLine(id);

	lines.push(line);
	for (let i = 0; i < operations.length; i += OPERATIONS_PER_LINE) {
		({ line, sum } = recordLine(sum, operations.slice(i, i + OPERATIONS_PER_LINE).map(listOf)));
		lines.push(line);
	}
	return { text: lines.join(''), sum };
}

/** An operation as it is written. */
function listOf({ sequence, collection, id, text }) {
	return text === null ? [sequence, collection, id] : [sequence, collection, id, JSON.parse(text)];
}

function readBytes(file) {
	const { size } = fs.statSync(file);

	if (size > JOURNAL_MAX)
		throw refuse('PREBUILDD_STORE_SIZE', `${file} has ${size} bytes; a store has at most ${JOURNAL_MAX}`);
	return fs.readFileSync(file);
}

/** The end that was never confirmed: kept beside the store, in case somebody wants to look. */
function keepTorn(file, bytes, { good, torn }) {
	const aside = asideName(file, 'torn');

	fs.writeFileSync(aside, bytes.subarray(good));
	say(`${file}: the last write, of ${torn} bytes, was cut off and never confirmed; it is in ${aside} now`);
}

function damaged(file, state) {
	return refuse('PREBUILDD_STORE_DAMAGED', `${file} is damaged: ${state.damage}. Nothing was changed. ` +
		`${state.operations.length} operations before it are good; to go on with those, open it with { salvage: true }, ` +
		'which keeps the damaged file beside it');
}

/** Puts a damaged file aside and writes what was good of it anew. */
function salvage(file, state) {
	const aside = asideName(file, 'damaged');
	const id = state.id || newId();

	fs.copyFileSync(file, aside, fs.constants.COPYFILE_EXCL);
	writeWhole(file, textOf(id, state.operations).text);
	say(`${file} was damaged (${state.damage}); ${state.operations.length} operations are saved, and the ` +
		`file as it was is ${aside}`);
}

function newId() {
	return crypto.randomBytes(16).toString('hex');
}

/**
 * Reads what is there and cuts off what was never confirmed. Only for who holds the lock.
 * @returns the state of parseJournal(), or null if there is no file.
 */
function readJournal(file, options = {}) {
	if (!fs.existsSync(file))
		return null;
	const bytes = readBytes(file);
	let state = parseJournal(bytes);

	if (state.damage !== null) {
		if (!options.salvage)
			throw damaged(file, state);
		salvage(file, state);
		state = parseJournal(readBytes(file));
	}
	if (state.torn > 0)
		keepTorn(file, bytes, state);
	return state;
}

class Journal {
	#fd;
	#file;
	#failed = null;

	/** Opens, or creates; `operations` is what it has. */
	constructor(file, options) {
		const state = readJournal(file, options);

		this.#file = file;
		// Without a whole first line nothing was ever confirmed.
		if (state === null || state.id === null)
			writeWhole(file, headerLine(newId()).line);
		const there = state !== null && state.id !== null ? state : parseJournal(readBytes(file));
		const { id, sum, operations, good } = there;
		Object.assign(this, { id, sum, operations, size: good });
		this.#fd = fs.openSync(file, 'r+');
		fs.ftruncateSync(this.#fd, good);
		fs.fsyncSync(this.#fd);
	}

	/** Appends operations as one write and waits for the disk. What it throws has changed nothing. */
	append(operations) {
		if (this.#failed)
			throw this.#failed;
		const { line, sum } = recordLine(this.sum, operations.map(listOf));
		const bytes = Buffer.from(line);
		if (this.size + bytes.length > JOURNAL_MAX)
			throw refuse('PREBUILDD_STORE_SIZE', `${this.#file} would have more than ${JOURNAL_MAX} bytes`);
		try {
			this.#write(bytes);
		} catch (e) {
			this.#undo(e);
			throw e;
		}
		this.sum = sum;
		this.size += bytes.length;
	}

	#write(bytes) {
		let done = 0;

		while (done < bytes.length)
			done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, this.size + done);
		fs.fdatasyncSync(this.#fd);
	}

	/** On a full disk half a line may be there. If it stays, no further write can be trusted. */
	#undo(cause) {
		try {
			fs.ftruncateSync(this.#fd, this.size);
			fs.fsyncSync(this.#fd);
		} catch {
			this.#fail(cause);
		}
	}

	/** Writes the journal anew with only these operations; until the rename, the old one is untouched. */
	rewrite(operations) {
		const { text, sum } = textOf(this.id, operations);
		const { temporary, fd } = writeBeside(this.#file, text);

		try {
			fs.renameSync(temporary, this.#file);
		} catch (e) {
			fs.closeSync(fd);
			throw e;
		}
		fs.closeSync(this.#fd);
		this.#fd = fd;
		this.sum = sum;
		this.size = Buffer.byteLength(text);
		try {
			syncFolder(this.#file);
		} catch (e) {
			/* After a power cut the old journal might be back, without what is written from now on. */
			this.#fail(e);
		}
	}

	#fail(cause) {
		this.#failed = refuse('PREBUILDD_STORE_FAILED',
			`${this.#file} takes no more writes until it is opened anew: ${cause.message}`);
	}

	close() {
		fs.closeSync(this.#fd);
	}
}

module.exports = { Journal, readJournal, syncFolder, asideName };
