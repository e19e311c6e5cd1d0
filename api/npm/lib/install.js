'use strict';

/*
 * prebuildd install: brings the addons that a project needs, as a line in "postinstall" or by hand, and
 * keeps their digests in a lock file. Frozen, it changes the lock by nothing and fails if anything would
 * be other than what is locked.
 */

const fs = require('node:fs');
const path = require('node:path');

const { readConfig } = require('./config');
const { EXIT, Failure } = require('./failure');
const { needsAddon, placeFor } = require('./loader');
const { Lock, NAME } = require('./lock');
const { machineOf, thisMachine } = require('./machine');
const { namesFor } = require('./names');
const { obtain } = require('./obtain');
const options = require('./options');
const { sha256 } = require('./service');
const { survey } = require('./survey');
const { swapIn } = require('./swap');

const USAGE = `usage: prebuildd install [DIR] [--frozen | --update] [--target T]... [--server URL] [--key FILE|KEY]
       [--wait SECONDS] [--json]

Brings the addons that the installed packages in DIR (.) need, and writes their digests to
${NAME}. Exit: 0 done, 1 failed, 2 usage, 3 server not reachable, 4 the service has none,
5 not allowed.

  --frozen     the lock file is the law: an addon that is not in it, or that would have other bytes, is a
               failure, and nothing of it is installed. The default where CI is set
  --update     not frozen, even where CI is set
  --target T   lock that target's addons too, x86_64-linux-musl or linux-arm64; more than once`;

const OWN = {
	frozen: { type: 'boolean', default: false },
	update: { type: 'boolean', default: false },
	target: { type: 'string', multiple: true, default: [] },
};

/** Answers of the service that mean: it has none now. What is there and works is then locked as it is. */
const HAS_NONE = [EXIT.NOT_FOUND, EXIT.FAILED];

function digestOf(file) {
	return `sha256:${sha256(fs.readFileSync(file))}`;
}

function same(a, b) {
	const names = Object.keys(a);

	return names.length === Object.keys(b).length && names.every((n) => a[n] === b[n]);
}

/** A package as installed in one folder, with its addons and what they are now. */
function itemsOf(found, machine) {
	const byFolder = new Map();

	for (const addon of found.addons.filter((a) => a.package && a.version && a.pkg.installed)) {
		const item = byFolder.get(addon.pkg.folder) || { pkg: addon.pkg, addons: [], now: {} };
		const inside = path.relative(addon.pkg.folder, addon.file).split(path.sep).join('/');

		item.addons.push(addon);
		if (addon.state !== 'missing')
			item.now[inside] = digestOf(addon.file);
		byFolder.set(addon.pkg.folder, item);
	}
	return [...byFolder.values()].map((item) => describe(item, machine));
}

function describe(item, machine) {
	const names = namesFor(item.pkg, machine);
	const inPackage = Object.keys(item.now);

	return {
		...item,
		label: `${item.pkg.name}@${item.pkg.version}`,
		abi: names === null ? 'none' : names.abi,
		healthy: item.addons.every((a) => a.state === 'ok'),
		/* Delivered by the package itself, whose bytes npm's own lock file protects. */
		carried: inPackage.length > 0 && (!needsAddon(item.pkg) || inPackage.every((f) => f.startsWith('prebuilds/'))),
		hint: item.addons.map((a) => a.hint).find((h) => h) || null,
	};
}

function entryOf(item, got, machine) {
	return {
		file: got.file, tarball: `sha256:${got.tarball}`,
		/* Others that the package has stay what they are. */
		addons: { ...item.now, [placeOfAddon(item, got, machine)]: `sha256:${got.addon}` },
	};
}

/** Where the one addon of a tarball goes: over the one that is there, or where the loader looks first. */
function placeOfAddon(item, got, machine) {
	const name = path.posix.basename(got.name);
	const there = Object.keys(item.now).filter((f) => path.posix.basename(f) === name);

	return there.length === 1 ? there[0] : placeFor(item.pkg, name, machine);
}

function unlocked(context, item) {
	return new Failure(EXIT.FAILED, `${item.label} (${context.machine.target}, ${item.abi}) is not in ${NAME}: ` +
		'run prebuildd install where the lock may change, and commit it');
}

function otherBytes(item, what, have, want) {
	return new Failure(EXIT.FAILED, `${item.label}: ${what} has other bytes than ${NAME} says ` +
		`(${have}, not ${want}); nothing was installed`);
}

/** Compares what the service has with the lock, before anything is written. */
function checkLocked(item, fresh, locked) {
	if (fresh.tarball !== locked.tarball)
		throw otherBytes(item, fresh.file, fresh.tarball, locked.tarball);
	if (!same(fresh.addons, locked.addons))
		throw otherBytes(item, `the addon in ${fresh.file}`, JSON.stringify(fresh.addons), JSON.stringify(locked.addons));
}

/** A tarball has one addon; a package with two of which another does not load is not helped by it. */
function checkOthers(item, place) {
	const file = path.join(item.pkg.folder, place);
	const left = item.addons.find((a) => a.state === 'wrong' && a.file !== file);

	if (left)
		throw new Failure(EXIT.FAILED, `${item.label}: ${left.file} does not load, and the service has only ` +
			`${place}: ${left.summary}`);
}

function write(item, entry, got, context) {
	const place = placeOfAddon(item, got, context.machine);

	checkOthers(item, place);
	if (item.now[place] === entry.addons[place])
		return;
	swapIn(path.join(item.pkg.folder, place), got.data, context.machine, context.root);
	context.log(`${item.label}: ${place} from ${got.file}` +
		`${got.signed ? ', signature verified' : '; signature not checked: no key given'}`);
}

/** Frozen: the locked bytes are there, or are brought, or it fails. */
async function enforce(item, locked, context) {
	if (locked === null)
		throw unlocked(context, item);
	if (same(item.now, locked.addons) && item.healthy)
		return 'as locked';
	if (locked.file === null)
		throw new Failure(EXIT.FAILED, `${item.label}: its addon has other bytes than ${NAME} says, and did not come ` +
			'from the service: install the package again');
	const got = await obtain(item.pkg, context.machine, context.config, context.wait(item));
	const fresh = entryOf(item, got, context.machine);

	checkLocked(item, fresh, locked);
	write(item, fresh, got, context);
	return 'brought';
}

/** The service's addon if it has one; else what is there, if it works. */
async function bring(item, context) {
	if (item.carried && item.healthy)
		return { entry: { file: null, tarball: null, addons: item.now }, how: 'in its package' };
	try {
		const got = await obtain(item.pkg, context.machine, context.config, context.wait(item));
		const entry = entryOf(item, got, context.machine);

		write(item, entry, got, context);
		return { entry, how: 'from the service' };
	} catch (e) {
		if (!(e instanceof Failure) || !item.healthy || !HAS_NONE.includes(e.exit))
			throw e;
		context.log(`${item.label}: kept as it is: ${e.message}`);
		return { entry: { file: null, tarball: null, addons: item.now }, how: 'kept' };
	}
}

async function renew(item, locked, context) {
	if (locked !== null && same(item.now, locked.addons) && item.healthy)
		return 'as locked';
	const { entry, how } = await bring(item, context);

	if (locked !== null && JSON.stringify(locked) !== JSON.stringify(entry))
		context.log(`${item.label}: ${NAME} changes: ${JSON.stringify(locked.addons)} become ` +
			JSON.stringify(entry.addons));
	context.lock.set(item.label, context.machine.target, item.abi, entry);
	return how;
}

async function installOne(item, context) {
	const locked = context.lock.get(item.label, context.machine.target, item.abi);

	if (item.hint)
		throw new Failure(EXIT.FAILED, `${item.label}: ${item.addons[0].summary}; ${item.hint}`);
	return context.frozen ? enforce(item, locked, context) : renew(item, locked, context);
}

/** Another target's addon: fetched for its digest, installed nowhere. */
async function lockTarget(item, machine, context) {
	const mine = context.lock.get(item.label, context.machine.target, item.abi);

	if (mine === null || mine.file === null)
		return null;
	const got = await obtain(item.pkg, machine, context.config, { ...context.wait(item), waitMs: context.waitMs });
	const entry = entryOf({ ...item, now: {} }, got, machine);
	const locked = context.lock.get(item.label, machine.target, got.abi);

	if (!context.frozen)
		context.lock.set(item.label, machine.target, got.abi, entry);
	else if (locked === null)
		throw unlocked({ machine }, item);
	else
		checkLocked(item, entry, locked);
	return context.frozen ? 'as locked' : 'locked';
}

async function attempt(results, item, target, work, context) {
	const about = { package: item.label, folder: item.pkg.folder, target, abi: item.abi };

	try {
		const how = await work();

		if (how !== null)
			results.push({ ...about, ok: true, how });
	} catch (e) {
		if (!(e instanceof Failure))
			throw e;
		results.push({ ...about, ok: false, error: e.message, exit: e.exit });
		context.log(`failed: ${e.message}`);
	}
}

async function installAll(items, targets, context) {
	const results = [];

	for (const item of items) {
		await attempt(results, item, context.machine.target, () => installOne(item, context), context);
		for (const machine of targets)
			await attempt(results, item, machine.target, () => lockTarget(item, machine, context), context);
	}
	return results;
}

function isCI() {
	return !['', '0', 'false', undefined].includes(process.env.CI);
}

function targetMachines(names, machine) {
	const machines = names.map((name) => {
		const found = machineOf(name, machine);

		if (found === null)
			throw new Failure(EXIT.USAGE, `--target ${name}: no target that is known here`);
		return found;
	});

	return machines.filter((m) => m.target !== machine.target);
}

function contextFor(flags, root, machine, log) {
	const frozen = flags.frozen || (isCI() && !flags.update);
	const waitMs = flags.wait * 1000;

	return {
		root, machine, log, frozen, waitMs, lock: new Lock(root), config: readConfig(flags, root),
		/* For what works already nobody waits through a build. */
		wait: (item) => ({
			waitMs: item.healthy ? 0 : waitMs,
			onBuilding: () => log(`${item.label}: being built; waiting`),
		}),
	};
}

/** The one reason of all failures, or 1 for several. */
function exitOf(results) {
	const exits = new Set(results.filter((r) => !r.ok).map((r) => r.exit));

	if (exits.size === 0)
		return EXIT.DONE;
	return exits.size === 1 ? [...exits][0] : EXIT.FAILED;
}

/** What went well is kept even if something else did not: the next run has less to do. */
function saveLock(items, results, context) {
	if (context.frozen)
		return false;
	if (results.every((r) => r.ok))
		for (const gone of context.lock.keepOnly(new Set(items.map((i) => i.label))))
			context.log(`${gone}: no longer installed, removed from ${NAME}`);
	return context.lock.save();
}

function checkFlags(flags, context) {
	if (flags.frozen && flags.update)
		throw new Failure(EXIT.USAGE, '--frozen and --update exclude each other');
	if (context.frozen && !context.lock.exists)
		throw new Failure(EXIT.FAILED, `there is no ${NAME} in ${context.root}, and this run is frozen` +
			`${flags.frozen ? '' : ' because CI is set'}: run prebuildd install elsewhere and commit the file, ` +
			'or give --update');
}

/** @returns {Promise<number>} the exit code. */
async function install(args) {
	const { flags, words } = options.parse(args, OWN, 1);

	if (flags.help) {
		console.log(USAGE);
		return EXIT.DONE;
	}
	const log = flags.json ? console.error : console.log;
	const root = words[0] || '.';

	if (!fs.statSync(root, { throwIfNoEntry: false })?.isDirectory())
		throw new Failure(EXIT.USAGE, `${root} is no folder`);
	const machine = thisMachine();
	const found = survey(root, machine);
	const context = contextFor(flags, found.root, machine, log);

	checkFlags(flags, context);
	const items = itemsOf(found, machine);
	const results = await installAll(items, targetMachines(flags.target, machine), context);
	const saved = saveLock(items, results, context);
	const exit = exitOf(results);

	for (const r of results.filter((one) => one.ok))
		log(`${r.package}  ${r.target} ${r.abi}  ${r.how}`);
	log(`${results.filter((r) => r.ok).length} of ${results.length} addons are in order` +
		`${saved ? `; ${NAME} is written` : ''}`);
	const summary = { root: found.root, frozen: context.frozen, results, written: saved, exit };

	if (flags.json)
		console.log(JSON.stringify(summary, null, '\t'));
	return exit;
}

module.exports = { install };
