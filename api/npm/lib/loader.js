'use strict';

/*
 * How a package finds its addon: which of its .node files this machine would load, and where one has to
 * be that is missing. Sources: bindings 1.5 and node-pre-gyp 2.0 themselves; node-gyp-build has its own file.
 */

const fs = require('node:fs');
const path = require('node:path');

const { pickPrebuild } = require('./node_gyp_build');
const { isForAnother, placeOf } = require('./placed');

/** bindings' own list of folders, as far as Node fills them. */
const BINDINGS_FOLDERS = ['build', 'build/Debug', 'build/Release', 'out/Debug', 'Debug', 'out/Release',
	'Release', 'build/default'];
/** Tools that an install script calls when a package needs an addon. */
const INSTALLERS = /\b(prebuild-install|node-pre-gyp|node-gyp|node-gyp-build|cmake-js|pkg-prebuilds-verify)\b/;

function slashes(file) {
	return file.replace(/\\/g, '/');
}

/** Fields such as {node_abi} in node-pre-gyp's templates. */
function preGypFields(pkg, machine) {
	const binary = pkg.manifest.binary;
	const napi = highestNapi(binary.napi_versions, machine.napi);
	const [major, minor, patch] = pkg.version.split(/[.+-]/);
	const v8 = machine.runtime === 'electron' ?
		`electron-v${machine.runtimeVersion.split('.').slice(0, 2).join('.')}` : `node-v${machine.abi}`;
	const libc = machine.libc === null || machine.libc.family === 'unknown' ? 'unknown' : machine.libc.family;

	return {
		name: pkg.name.replace(/^@[^/]*\//, ''), module_name: binary.module_name, version: pkg.version,
		major, minor, patch, configuration: 'Release', toolset: '', runtime: machine.runtime,
		platform: machine.platform, target_platform: machine.platform, arch: machine.arch,
		target_arch: machine.arch, libc, target_libc: libc, napi_version: String(machine.napi),
		napi_build_version: napi === null ? '' : String(napi),
		node_napi_label: napi === null ? v8 : `napi-v${napi}`,
		node_abi_napi: napi === null ? v8 : 'napi', node_abi: v8,
	};
}

/** A template with its fields filled in; null if one of them is not known here. */
function fill(template, fields) {
	let known = true;
	const text = String(template).replace(/\{(\w+)\}/g, (all, name) => {
		known = known && fields[name] !== undefined;
		return fields[name];
	});

	return known ? text : null;
}

/** The highest version of the list that a Node has which has `most`; null if there is no list. */
function highestNapi(versions, most) {
	const fits = Array.isArray(versions) ? versions.map(Number).filter((n) => n <= most) : [];

	return fits.length > 0 ? Math.max(...fits) : null;
}

function usesPreGyp(pkg) {
	const binary = pkg.manifest.binary;

	return Boolean(binary && binary.module_name && binary.module_path && pkg.version && pkg.name);
}

/** Where node-pre-gyp's find() says that the addon is, relative to the package. */
function preGypPath(pkg, machine) {
	const filled = fill(pkg.manifest.binary.module_path, preGypFields(pkg, machine));

	if (filled === null)
		return null;
	const file = path.posix.normalize(`${filled}/${pkg.manifest.binary.module_name}.node`);

	return file.startsWith('../') || path.isAbsolute(file) ? null : file;
}

/** Files of one name in several of bindings' folders: only the first is loaded. */
function firstOfEachName(files) {
	const byName = new Map();
	const rank = (file) => {
		const at = BINDINGS_FOLDERS.indexOf(path.posix.dirname(file));

		return at < 0 ? BINDINGS_FOLDERS.length : at;
	};

	for (const file of [...files].sort((a, b) => rank(a) - rank(b))) {
		const name = path.posix.basename(file);
		const known = byName.get(name);

		if (!known || rank(file) === BINDINGS_FOLDERS.length)
			byName.set(name, [...(known || []), file]);
	}
	return [...byName.values()].flat();
}

/** Packages for one machine say so to npm (napi-rs, sharp): for any other they are ballast. */
function excludes(list, value) {
	const words = [].concat(list || []).filter((w) => typeof w === 'string');
	const wanted = words.filter((w) => !w.startsWith('!'));

	return words.includes(`!${value}`) || (wanted.length > 0 && !wanted.includes(value) && !wanted.includes('any'));
}

function isPackageForAnother(pkg, machine) {
	const { os, cpu, libc } = pkg.manifest;

	return excludes(os, machine.platform) || excludes(cpu, machine.arch) ||
		(machine.libc !== null && machine.libc.family !== 'unknown' && excludes(libc, machine.libc.family));
}

/** What was compiled in place comes before what was delivered with the package; null if there is none. */
function pickLocal(pkg, files) {
	for (const folder of ['build/Release', 'build/Debug']) {
		const there = files.filter((f) => path.posix.dirname(f) === folder).sort();

		/* node-gyp-build does not know the addon's name: it takes the first. */
		if (there.length > 0)
			return (pkg.manifest.dependencies || {})['node-gyp-build'] ? there.slice(0, 1) : there;
	}
	return null;
}

/** Where a package has files for musl, those that say only "linux" are for glibc. */
function withoutGlibc(files, machine) {
	const musl = files.filter((f) => (placeOf(f) || {}).libc === 'musl');

	if (machine.libc === null || machine.libc.family !== 'musl' || musl.length === 0)
		return files;
	return files.filter((f) => placeOf(f) === null || musl.includes(f));
}

/** A package of the service's own registry: a file for each ABI (api/registry/platform.js). */
function isOfRegistry(pkg) {
	return pkg.installed && Array.isArray(pkg.manifest.abis) && fs.existsSync(path.join(pkg.folder, 'prebuildd.json'));
}

/** V8's own ABI before Node-API, of which the highest that this Node has. */
function pickByAbi(files, machine) {
	const own = `${machine.runtime}-v${machine.abi}.node`;
	const napi = files.map((f) => /^napi-v(\d+)\.node$/.exec(f))
		.filter((m) => m !== null && Number(m[1]) <= machine.napi)
		.sort((a, b) => b[1] - a[1]);

	return files.includes(own) ? [own] : napi.slice(0, 1).map((m) => m[0]);
}

function pick(pkg, files, machine) {
	if (isOfRegistry(pkg))
		return pickByAbi(files, machine);
	if (usesPreGyp(pkg)) {
		const file = preGypPath(pkg, machine);

		return files.includes(file) ? [file] : [];
	}
	const carried = files.some((f) => f.startsWith('prebuilds/'));
	const local = carried ? pickLocal(pkg, files) : null;

	if (local !== null)
		return local;
	const tagged = files.filter((f) => /^prebuilds\/[^/]+\/[^/]+$/.test(f));
	const others = files.filter((f) => !tagged.includes(f) && !isForAnother(f, machine));

	return [...pickPrebuild(tagged, machine), ...firstOfEachName(withoutGlibc(others, machine))];
}

/** Does installing the package mean to get an addon? */
function needsAddon(pkg) {
	const scripts = pkg.manifest.scripts || {};
	const hooks = ['preinstall', 'install', 'postinstall'].map((name) => scripts[name] || '').join(' && ');

	if (!pkg.name || !pkg.version || !pkg.installed || pkg.manifest.gypfile === false)
		return false;
	return usesPreGyp(pkg) || INSTALLERS.test(hooks) ||
		fs.existsSync(path.join(pkg.folder, 'binding.gyp'));
}

/**
 * The .node files of a package that this machine would load.
 * @returns {{files: string[], needed: boolean}} files are relative to the package, with slashes; needed
 * says that the package has none and cannot do without.
 */
function loadable(pkg, machine) {
	if (isPackageForAnother(pkg, machine))
		return { files: [], needed: false };
	const files = pick(pkg, pkg.files.map(slashes), machine);

	return { files, needed: files.length === 0 && (needsAddon(pkg) || isOfRegistry(pkg)) };
}

/** Where an addon of that file name has to be so that the package's loader finds it. */
function placeFor(pkg, name, machine) {
	return (usesPreGyp(pkg) && preGypPath(pkg, machine)) || `build/Release/${name}`;
}

module.exports = { loadable, isOfRegistry, placeFor, usesPreGyp, preGypFields, fill, highestNapi, needsAddon };
