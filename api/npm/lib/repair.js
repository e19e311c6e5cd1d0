'use strict';

/*
 * Repairs one addon of a survey: from the service, or, if that was asked for, by compiling it.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { EXIT, Failure } = require('./failure');
const { diagnose } = require('./diagnose');
const { loadFile, loadPackage } = require('./load');
const { placeFor } = require('./loader');
const { obtain } = require('./obtain');
const { namesFor } = require('./names');
const { swapIn } = require('./swap');

const COMPILE_MAX_MS = 30 * 60000;
const TAIL_LINES = 5;

/** The file that is replaced, or where a missing one has to be. */
function destination(addon, got, machine) {
	const name = path.posix.basename(got.name);

	if (addon.state === 'missing')
		return path.join(addon.pkg.folder, placeFor(addon.pkg, name, machine));
	/* In prebuilds/ the client's own words are in the name; elsewhere another name is another addon. */
	const inside = path.relative(addon.pkg.folder, addon.file);

	if (!inside.startsWith('prebuilds') && path.basename(addon.file) !== name)
		throw new Failure(EXIT.FAILED,
			`the service's addon of ${addon.package} is ${name}, not ${path.basename(addon.file)}`);
	return addon.file;
}

function signatureText(got) {
	return got.signed ? 'signature verified' : 'signature not checked: no key given';
}

async function fromService(addon, context) {
	const { machine, config, log } = context;
	const got = await obtain(addon.pkg, machine, config, {
		waitMs: context.waitMs,
		onBuilding: () => log(`  ${addon.package}@${addon.version} is being built; waiting`),
	});

	log(`  fetched ${got.file}: sha256 ${got.tarball} is right; ${signatureText(got)}`);
	const file = destination(addon, got, machine);
	const ran = swapIn(file, got.data, machine, context.root);

	log(`  ${ran ? 'loaded in a process of its own, ' : ''}put in place: ${path.relative(context.root, file)}`);
	if (!ran)
		log('  not loaded: the project has no Electron here that could');
	const { tarball, addon: digest, signed, abi } = got;

	return { from: 'service', file, name: got.file, tarball, addon: digest, signed, abi };
}

/** What a failed compiler says stands at the end. */
function tailOf(run) {
	return `${run.stdout || ''}${run.stderr || ''}`.trim().split('\n').slice(-TAIL_LINES).join('\n    ');
}

function npmRebuild(addon) {
	const parts = addon.pkg.folder.split(path.sep);
	const cwd = parts.slice(0, parts.lastIndexOf('node_modules')).join(path.sep) || path.sep;
	const run = spawnSync('npm', ['rebuild', addon.package, '--build-from-source', '--foreground-scripts'],
		{ cwd, encoding: 'utf8', timeout: COMPILE_MAX_MS, shell: process.platform === 'win32' });

	if (run.error || run.status !== 0)
		throw new Failure(EXIT.FAILED, `npm rebuild ${addon.package} --build-from-source: ` +
			`${run.error ? run.error.message : `exit ${run.status}\n    ${tailOf(run)}`}`);
}

/** npm's scripts begin by removing what is there, so the old file is put aside for that time. */
function fromSource(addon, context) {
	const { machine, log, root } = context;
	const aside = addon.state === 'wrong' ? fs.readFileSync(addon.file) : null;

	log(`  npm rebuild ${addon.package} --build-from-source`);
	try {
		npmRebuild(addon);
		const file = addon.state === 'wrong' ? addon.file : null;
		const judged = file ? diagnose(file, machine) : null;
		const loaded = file && judged.ok ? loadFile(file, machine, root) : { ok: true };

		if ((judged && !judged.ok) || !loaded.ok)
			throw new Failure(EXIT.FAILED, `compiled, but: ${judged.ok ? loaded.error : judged.summary}`);
		log('  compiled');
		return { from: 'source', file: file || addon.file };
	} catch (e) {
		if (aside !== null && !fs.existsSync(addon.file)) {
			fs.mkdirSync(path.dirname(addon.file), { recursive: true });
			fs.writeFileSync(addon.file, aside, { mode: 0o755 });
		}
		throw e;
	}
}

/** Does the package's own loader find it now? */
function checkPackage(addon, context) {
	const result = loadPackage(addon.pkg.folder, context.machine, context.root);

	if (!result.ran)
		return;
	if (!result.ok)
		throw new Failure(EXIT.FAILED, `the addon is in its place and loads, but require('${addon.package}') ` +
			`does not: ${result.error}`);
	context.log(`  require('${addon.package}') works`);
}

/** What --dry-run says instead of doing it. */
function plan(addon, context) {
	const names = namesFor(addon.pkg, context.machine);

	if (names === null)
		context.log(`  no ABI of ${addon.package}@${addon.version} fits`);
	else
		context.log(`  would ask ${new URL(context.config.server).origin} for ${names.files.join(' or ')}`);
	return { from: null, planned: names === null ? [] : names.files };
}

/**
 * @param {object} addon of a survey, in state 'wrong' or 'missing'.
 * @param {{root, machine, config, waitMs, fromSource: boolean, dryRun: boolean, log: function}} context
 * @returns {Promise<object>} what was done.
 * @throws {Failure} nothing has changed then, except where its text says otherwise.
 */
async function repair(addon, context) {
	let done;

	if (addon.hint)
		throw new Failure(EXIT.FAILED, `this one comes as a package of its own: ${addon.hint}`);
	if (!addon.package || !addon.version || !addon.pkg.installed)
		throw new Failure(EXIT.FAILED, 'this is no installed package with a name and a version, so no service has it');
	if (context.dryRun)
		return plan(addon, context);
	try {
		done = await fromService(addon, context);
	} catch (e) {
		if (!(e instanceof Failure) || !context.fromSource)
			throw e;
		context.log(`  ${e.message}`);
		done = fromSource(addon, context);
	}
	checkPackage(addon, context);
	return done;
}

module.exports = { repair };
