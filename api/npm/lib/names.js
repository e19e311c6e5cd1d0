'use strict';

/*
 * What the service has to be asked for: the file names that the package's own install client would ask
 * for (docs/mirror.md), and the ABI in them, which the package decides and not the machine alone.
 */

const fs = require('node:fs');
const path = require('node:path');

const { usesPreGyp, preGypFields, fill, highestNapi } = require('./loader');

/** The Node-API version that every supported Node has; what the service builds when nobody says another. */
const EVERY_NODE = 8;
const SOURCE_MAX = 1 << 20;
const SOURCES_MAX = 2000;
const DEPTH_MAX = 8;
const SOURCE = /\.(c|cc|cpp|cxx|h|hh|hpp)$/;

function readSmall(file) {
	try {
		return fs.statSync(file).size <= SOURCE_MAX ? fs.readFileSync(file, 'latin1') : '';
	} catch {
		return '';
	}
}

function listFolder(folder) {
	try {
		return fs.readdirSync(folder, { withFileTypes: true });
	} catch {
		return [];
	}
}

/** Does a source of the package include a header of Node-API? Its dependencies are not its sources. */
function includesNodeApi(folder) {
	const pending = [[folder, 0]];
	let left = SOURCES_MAX;

	while (pending.length > 0 && left > 0) {
		const [at, depth] = pending.pop();

		for (const entry of listFolder(at)) {
			const full = path.join(at, entry.name);

			if (entry.name.startsWith('.') || entry.name === 'node_modules')
				continue;
			if (entry.isDirectory() && depth < DEPTH_MAX)
				pending.push([full, depth + 1]);
			else if (entry.isFile() && SOURCE.test(entry.name) && left-- > 0 &&
			    /\bnode_api\.h|\bnapi\.h/.test(readSmall(full)))
				return true;
		}
	}
	return false;
}

/**
 * The ABI that the package is built for: {kind: 'napi'|'node'|'electron', version, label}; null if it has
 * only Node-API versions above this Node's. The rules of the service (builder/source/default_abi.c).
 */
function abiOf(pkg, machine) {
	const binary = pkg.manifest.binary || {};
	const defined = /NAPI_VERSION=(\d+)/.exec(readSmall(path.join(pkg.folder, 'binding.gyp')));
	let version = highestNapi(binary.napi_versions, machine.napi);

	if (version === null && Array.isArray(binary.napi_versions) && binary.napi_versions.length > 0)
		return null;
	if (version === null && defined)
		version = Number(defined[1]);
	if (version === null && ((pkg.manifest.dependencies || {})['node-addon-api'] || includesNodeApi(pkg.folder)))
		version = EVERY_NODE;
	if (version === null)
		return { kind: machine.runtime, version: machine.abi, label: `${machine.runtime}-v${machine.abi}` };
	return version > machine.napi ? null : { kind: 'napi', version, label: `napi-v${version}` };
}

/** prebuild-install's words: "linuxmusl" is a platform of its own. */
function platformOf(machine) {
	return machine.libc && machine.libc.family === 'musl' ? `${machine.platform}musl` : machine.platform;
}

function prebuildInstallName(pkg, abi, machine) {
	const name = pkg.name.replace(/^@[^/]*\//, '');

	return `${name}-v${pkg.version}-${abi.label}-${platformOf(machine)}-${machine.arch}.tar.gz`;
}

/** node-pre-gyp's default, if the package does not say another. */
const PRE_GYP_NAME = '{module_name}-v{version}-{node_abi}-{platform}-{arch}.tar.gz';

function preGypName(pkg, machine) {
	const name = fill(pkg.manifest.binary.package_name || PRE_GYP_NAME, preGypFields(pkg, machine));

	return name !== null && /^[\w.+-]+$/.test(name) ? name : null;
}

/**
 * What to ask for, the best first: {abi: string, files: string[]}; null if no ABI of the package fits.
 * The second name is for services that know the package by the newer client only.
 */
function namesFor(pkg, machine) {
	const abi = abiOf(pkg, machine);

	if (abi === null)
		return null;
	const files = [usesPreGyp(pkg) ? preGypName(pkg, machine) : null, prebuildInstallName(pkg, abi, machine)];

	return { abi: abi.label, files: files.filter((f) => f !== null) };
}

module.exports = { namesFor };
