'use strict';

/*
 * prebuildd doctor: says of every addon of a project whether this machine can load it, and with --fix
 * replaces those that it cannot. Nothing is written as long as nothing is wrong.
 */

const fs = require('node:fs');
const path = require('node:path');

const { readConfig } = require('./config');
const { EXIT, Failure } = require('./failure');
const { thisMachine, machineText } = require('./machine');
const { poisonedEntries } = require('./npm_cache');
const options = require('./options');
const { repair } = require('./repair');
const { survey } = require('./survey');

const USAGE = `usage: prebuildd doctor [DIR] [--fix [--dry-run] [--build-from-source]] [--load] [--server URL]
       [--key FILE|KEY] [--electron VERSION] [--wait SECONDS] [--json]

Says of every .node file that the project in DIR (.) can load what it is, and whether this machine can
load it. Exit: 0 all load, 1 not all, 2 usage; of --fix also 3 server not reachable, 4 the service has
none, 5 not allowed.

  --fix                replace those that do not load with the service's
  --dry-run            with --fix: say what would be asked for, change nothing
  --build-from-source  with --fix: where the service has none, npm rebuild --build-from-source
  --load               also load those that look right, each in a process of its own
  --server URL         the service (PREBUILDD_URL; "prebuildd": {"server"} in package.json;
                       http://127.0.0.1:8377)
  --key FILE|KEY       minisign's public key of the service (PREBUILDD_KEY, {"key"}): signatures are
                       verified, and nothing without one is taken
  --electron VERSION   judge for that Electron instead of this Node
  --wait SECONDS       how long to wait for what has to be built first (600)
  --json               one object on standard output, the log on standard error`;

const OWN = {
	fix: { type: 'boolean', default: false },
	'dry-run': { type: 'boolean', default: false },
	'build-from-source': { type: 'boolean', default: false },
	load: { type: 'boolean', default: false },
	electron: { type: 'string' },
};

function label(addon) {
	return addon.package ? `${addon.package}${addon.version ? `@${addon.version}` : ''}` : '(no package)';
}

function machineFor(flags) {
	try {
		return thisMachine({ electron: flags.electron });
	} catch (e) {
		if (!(e instanceof RangeError))
			throw e;
		throw new Failure(EXIT.USAGE, e.message);
	}
}

function showAddon(addon, root, log) {
	const file = path.relative(root, addon.file) || '.';

	log(`${addon.state.padEnd(8)}${label(addon)}  ${file}`);
	if (addon.state === 'ok') {
		log(`        ${addon.summary}`);
		return;
	}
	for (const f of addon.findings)
		log(`        ${f.rule}: ${f.found}${f.rule === 'missing' ? '' : `; expected: ${f.expected}`}`);
	if (addon.hint)
		log(`        ${addon.hint}`);
}

/** Repairs what is wrong, one after the other; what fails is written into its entry. */
async function repairAll(broken, context) {
	for (const addon of broken) {
		context.log(`${context.dryRun ? 'plan' : 'repair'}  ${label(addon)}`);
		try {
			addon.repair = { ok: !context.dryRun, ...await repair(addon, context) };
		} catch (e) {
			if (!(e instanceof Failure))
				throw e;
			addon.repair = { ok: false, error: e.message, exit: e.exit };
			context.log(`  failed: ${e.message}`);
		}
	}
}

/** Broken tarballs in the cache would break the next install again. */
function clearCache(poisoned, context) {
	for (const entry of poisoned) {
		if (context.dryRun) {
			context.log(`plan    remove ${entry.file}`);
			continue;
		}
		try {
			fs.unlinkSync(entry.file);
			entry.removed = true;
			context.log(`removed ${entry.file} from npm's cache`);
		} catch (e) {
			entry.error = e.message;
			context.log(`failed: ${e.message}`);
		}
	}
}

/** The one reason why nothing could be repaired, or 1 for several. */
function exitOf(broken, poisoned) {
	const failed = broken.filter((a) => !a.repair || !a.repair.ok);
	const exits = new Set(failed.map((a) => (a.repair && a.repair.exit) || EXIT.FAILED));

	if (poisoned.some((p) => !p.removed))
		exits.add(EXIT.FAILED);
	if (exits.size === 0)
		return EXIT.DONE;
	return exits.size === 1 ? [...exits][0] : EXIT.FAILED;
}

function closing(addons, broken, poisoned, flags) {
	const repaired = broken.filter((a) => a.repair && a.repair.ok).length;
	const left = broken.length - repaired;
	const parts = [
		[addons.length - broken.length, 'right'], [repaired, 'repaired'], [left, 'not right'],
		[poisoned.length, poisoned.length === 1 ? "broken entry in npm's cache" : "broken entries in npm's cache"],
	].filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
	const counted = [`${addons.length} ${addons.length === 1 ? 'addon' : 'addons'}`, parts.join(', ')];
	const text = `${counted.filter((t) => t !== '').join(': ')}.`;
	const todo = left + poisoned.length > 0 && !flags.fix;

	return todo ? `${text} "prebuildd doctor --fix" repairs what the service has.` : text;
}

/** Its addons may be for another ABI than Node's, and nothing in them says which program they are for. */
function electronHint(packages, flags, log) {
	const electron = packages.find((p) => p.name === 'electron' && p.installed && p.version);

	if (electron && !flags.electron)
		log(`The project has Electron: "--electron ${electron.version}" judges for that.`);
}

/** For machines: without the package's whole manifest, with paths as they are. */
function asJson(machine, found, poisoned, exit) {
	const { libraries, ...seen } = machine;

	return {
		machine: seen, root: found.root, addons: found.addons.map(({ pkg, ...addon }) => addon), cache: poisoned, exit,
	};
}

function examine(root, flags, machine) {
	if (!fs.statSync(root, { throwIfNoEntry: false })?.isDirectory())
		throw new Failure(EXIT.USAGE, `${root} is no folder`);
	const found = survey(root, machine, { load: flags.load });
	const named = found.packages.filter((p) => p.name && p.version && p.installed);

	return { found, poisoned: poisonedEntries(named, found.root, machine) };
}

/** @returns {Promise<number>} the exit code. */
async function doctor(args) {
	const { flags, words } = options.parse(args, OWN, 1);

	if (flags.help) {
		console.log(USAGE);
		return EXIT.DONE;
	}
	const log = flags.json ? console.error : console.log;
	const machine = machineFor(flags);
	const root = words[0] || '.';
	const { found, poisoned } = examine(root, flags, machine);
	const broken = found.addons.filter((a) => a.state !== 'ok');

	log(machineText(machine));
	found.addons.forEach((a) => showAddon(a, found.root, log));
	poisoned.forEach((p) => log(`cache   ${p.file}\n        ${p.fault}`));
	if (flags.fix && broken.length + poisoned.length > 0) {
		const context = {
			root: found.root, machine, log, config: readConfig(flags, found.root), waitMs: flags.wait * 1000,
			fromSource: flags['build-from-source'], dryRun: flags['dry-run'],
		};

		clearCache(poisoned, context);
		await repairAll(broken, context);
	}
	electronHint(found.packages, flags, log);
	const exit = exitOf(broken, poisoned);

	log(closing(found.addons, broken, poisoned, flags));
	if (flags.json)
		console.log(JSON.stringify(asJson(machine, found, poisoned, exit), null, '\t'));
	return exit;
}

module.exports = { doctor };
