'use strict';

/*
 * All addons of a project, each with what this machine says to it. Reads, changes nothing.
 */

const fs = require('node:fs');
const path = require('node:path');

const { diagnose } = require('./diagnose');
const { findPackages } = require('./packages');
const { isOfRegistry, loadable, placeFor } = require('./loader');
const { loadFile } = require('./load');
const { placeOf } = require('./placed');

/** Node cannot enter it, but that is not what it is there for: better-sqlite3's test_extension.node. */
function isNoAddon(d, others) {
	return d.findings.length === 1 && d.findings[0].rule === 'entry' && d.abi === null &&
		others.some((o) => o !== d && o.abi !== null && path.dirname(o.file) === path.dirname(d.file));
}

function entryOf(pkg, d, state) {
	return {
		package: pkg.name, version: pkg.version, file: d.file, state, format: d.format, text: d.text, abi: d.abi,
		needs: d.needs, findings: d.findings, summary: d.summary, pkg,
	};
}

function missing(pkg, file, found, hint = null) {
	const d = {
		file, format: null, text: '', abi: null, needs: null, summary: found,
		findings: [{ rule: 'missing', expected: 'an addon for this machine', found }],
	};

	return { ...entryOf(pkg, d, 'missing'), hint };
}

/** What is there for other machines tells how the folder came here. */
function foundInstead(pkg) {
	if (isOfRegistry(pkg))
		return `has the ABIs ${pkg.manifest.abis.join(', ') || '(none yet)'}, none of which this runtime loads`;
	if (pkg.files.length === 0)
		return 'needs an addon, and has no .node file at all (were its install scripts run?)';
	return `needs an addon, and has none for this machine, only ${pkg.files.slice(0, 3).join(', ')}` +
		`${pkg.files.length > 3 ? ` and ${pkg.files.length - 3} more` : ''}`;
}

function load(entry, machine, root) {
	const result = loadFile(entry.file, machine, root);

	if (result.ok)
		return;
	entry.state = 'wrong';
	entry.findings.push({ rule: 'load', expected: 'an addon that loads', found: result.error });
	entry.summary = `load: ${result.error}`;
}

function surveyPackage(pkg, machine, root, tryLoad) {
	const { files, needed } = loadable(pkg, machine);
	const diagnoses = files.map((f) => diagnose(path.join(pkg.folder, f), machine));
	const entries = diagnoses.filter((d) => !isNoAddon(d, diagnoses))
		.map((d) => entryOf(pkg, d, d.ok ? 'ok' : 'wrong'));

	if (needed)
		entries.push(missing(pkg, path.join(pkg.folder, placeFor(pkg, '', machine)), foundInstead(pkg)));
	/* npm has a newer version of it; the service's prebuilds have another name. */
	if (isOfRegistry(pkg))
		entries.filter((e) => e.state !== 'ok').forEach((e) => Object.assign(e, { hint: `npm update ${pkg.name}` }));
	if (tryLoad)
		entries.filter((e) => e.state === 'ok').forEach((e) => load(e, machine, root));
	return entries;
}

/** Of packages whose binaries are packages for one machine each, the one for this machine. */
function isNamedFor(name, machine) {
	const place = placeOf(name);
	const libc = machine.libc ? machine.libc.family : null;

	return place !== null && place.platform === machine.platform && place.archs.includes(machine.arch) &&
		(place.libc === 'musl') === (libc === 'musl');
}

/**
 * napi-rs, sharp: the addon is in an optional dependency, and npm has installed the one for the machine
 * that it ran on. Only where such a one is there is its sibling missed: else the package may do without.
 */
function missingSibling(pkg, byName, machine) {
	const names = Object.keys(pkg.manifest.optionalDependencies || {}).filter((n) => placeOf(n) !== null);
	const there = names.filter((n) => byName.has(n) && byName.get(n).files.length > 0);
	const wanted = names.filter((n) => isNamedFor(n, machine));

	if (there.length === 0 || wanted.length === 0 || wanted.some((n) => byName.has(n)))
		return [];
	const hint = `npm install --no-save --os=${machine.platform} --cpu=${machine.arch} ${pkg.name}`;

	return [missing(pkg, pkg.folder, `has ${there[0]}, which is for another machine, and not ${wanted[0]}`, hint)];
}

/**
 * @param {string} root of the project.
 * @param {object} machine
 * @param {{load: ?boolean}} options load: try those that look right in a process of their own.
 * @returns {{root: string, packages: object[], addons: object[]}} an addon has state 'ok', 'wrong' (it is
 * there and does not load) or 'missing', and what diagnose says; `pkg` is its package.
 */
function survey(root, machine, options = {}) {
	const real = fs.realpathSync(root);
	const packages = findPackages(real);
	const byName = new Map(packages.filter((p) => p.name).map((p) => [p.name, p]));
	const addons = [];

	for (const pkg of packages)
		addons.push(...surveyPackage(pkg, machine, real, options.load),
			...missingSibling(pkg, byName, machine));
	return { root: real, packages, addons };
}

module.exports = { survey };
