'use strict';

/*
 * One writer. Who wants to write makes a file of its own beside the store, whose name says who it is, and
 * then looks at those of others: if one of them is alive, it takes its own away and gives up. Since every
 * file belongs to one process only, those of dead ones can be removed without a race, and two that come
 * at the same time both see each other.
 *
 * Whether an owner is alive is certain on the same machine. One in another container, or from before a
 * reboot, is alive if its file changes: owners touch theirs every HEARTBEAT_MS.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { refuse } = require('./document');
const { me, stateOf } = require('./owner');

const HEARTBEAT_MS = 1000;
/** Without a touch for so long, an owner that cannot be asked is taken for dead. */
const SILENCE_MS = 10 * HEARTBEAT_MS;
const ATTEMPTS = 5;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function nameOf(file, owner) {
	const { boot, space, pid, start } = owner;

	return `${file}.lock-${boot}-${space}-${pid}-${start}-${crypto.randomBytes(4).toString('hex')}`;
}

/** The files of owners, other than ours: [{ name, owner }]. */
function others(file, own) {
	const folder = path.dirname(file);
	const prefix = `${path.basename(file)}.lock-`;

	return fs.readdirSync(folder).filter((name) => name.startsWith(prefix) && name !== path.basename(own))
		.map((name) => {
			const [boot, space, pid, start] = name.slice(prefix.length).split('-');
			return { name: path.join(folder, name), owner: { boot, space, pid: Number(pid), start } };
		});
}

function touchedAt(name) {
	try {
		return fs.statSync(name, { bigint: true }).mtimeNs;
	} catch {
		return null;
	}
}

/** Watches a file; by its changes, so that the clocks of two machines need not agree. */
async function isTouched(name) {
	const before = touchedAt(name);

	for (let waited = 0; waited < SILENCE_MS; waited += HEARTBEAT_MS / 2) {
		const now = touchedAt(name);
		if (now === null)
			return false;
		if (now !== before)
			return true;
		await sleep(HEARTBEAT_MS / 2);
	}
	return false;
}

async function isAlive({ name, owner }) {
	const state = stateOf(owner);

	return state === 'unknown' ? isTouched(name) : state === 'alive';
}

/** The first owner that is alive; the files of dead ones are removed. */
async function livingOther(file, own) {
	for (const other of others(file, own)) {
		if (await isAlive(other))
			return other;
		fs.rmSync(other.name, { force: true });
	}
	return null;
}

function inUse(file, { owner }) {
	return refuse('PREBUILDD_STORE_LOCKED', `${file} is being written by process ${owner.pid}; a JSON store ` +
		'has one writer. Stop that process, or close its store, first');
}

class Lock {
	#name;
	#timer;

	constructor(name) {
		this.#name = name;
		this.#timer = setInterval(() => this.#touch(), HEARTBEAT_MS);
		this.#timer.unref();
	}

	#touch() {
		const now = new Date();

		fs.utimes(this.#name, now, now, () => {});
	}

	/** False once somebody has taken this process for dead: then it must not write any more. */
	get held() {
		return fs.existsSync(this.#name);
	}

	release() {
		clearInterval(this.#timer);
		fs.rmSync(this.#name, { force: true });
	}
}

async function attempt(file) {
	const living = await livingOther(file, '');

	if (living)
		return { living };
	const name = nameOf(file, me());
	fs.writeFileSync(name, '', { flag: 'wx', mode: 0o600 });
	const late = await livingOther(file, name);
	if (!late)
		return { lock: new Lock(name) };
	fs.rmSync(name, { force: true });
	return { living: late, late: true };
}

/** Takes the lock of a store, or throws who has it. */
async function acquire(file) {
	for (let n = 1; ; n++) {
		const { lock, living, late } = await attempt(file);
		if (lock)
			return lock;
		/* Two came at the same time, and both gave up: try again, not in step. */
		if (!late || n === ATTEMPTS)
			throw inUse(file, living);
		await sleep(Math.random() * 50 * n);
	}
}

module.exports = { acquire };
