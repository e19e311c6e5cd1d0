'use strict';

/*
 * The machine that an addon has to load on: its processor, its C library, and its Node. Found out without
 * a compiler and without ldd, because a production image has neither.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');

/** By process.arch: the fields of an ELF header, Mach-O's and PE's name for it, and a GNU triple's. */
const ARCHS = {
	x64: { bits: 64, machine: 62, macho: 'x86-64', pe: 'x64', triple: 'x86_64' },
	ia32: { bits: 32, machine: 3, macho: 'i386', pe: 'ia32', triple: 'i686' },
	arm64: { bits: 64, machine: 183, macho: 'arm64', pe: 'arm64', triple: 'aarch64' },
	arm: { bits: 32, machine: 40, macho: 'arm', pe: 'arm', triple: 'arm', suffix: 'eabihf' },
	ppc64: { bits: 64, machine: 21, triple: 'powerpc64le' },
	s390x: { bits: 64, machine: 22, big: true, triple: 's390x' },
	riscv64: { bits: 64, machine: 243, triple: 'riscv64' },
	loong64: { bits: 64, machine: 258, triple: 'loongarch64' },
};

/* NODE_MODULE_VERSION of Electron's releases, by major. Source: node-abi's abi_registry.json. */
const ELECTRON_ABIS = {
	29: 121, 30: 123, 31: 125, 32: 128, 33: 130, 34: 132, 35: 133, 36: 135, 37: 136, 38: 139,
	39: 140, 40: 143, 41: 145, 42: 146, 43: 148, 44: 149, 45: 150,
};

/** The Node-API version that every Node and Electron has which this program knows. */
const NAPI_EVERYWHERE = 8;

/** Type of a page's size in the auxiliary vector (elf.h, AT_PAGESZ). */
const AT_PAGESZ = 6;

/** Node's own report, without looking up the names of the machine's network peers, which takes seconds. */
function report() {
	if (!process.report)
		return { header: {}, sharedObjects: [] };
	const before = process.report.excludeNetwork;

	process.report.excludeNetwork = true;
	try {
		return process.report.getReport();
	} finally {
		process.report.excludeNetwork = before;
	}
}

/** The libraries that this process has loaded; not every runtime's report lists them, but the kernel does. */
function loadedLibraries(found) {
	let maps = '';

	try {
		maps = fs.readFileSync('/proc/self/maps', 'utf8');
	} catch {
		/* Not Linux. */
	}
	const mapped = maps.split('\n').map((line) => line.slice(line.indexOf('/')))
		.filter((name) => /\.so[.\d]*$/.test(name));

	return [...new Set([...(found.sharedObjects || []), ...mapped])].filter((name) => name.startsWith('/'));
}

/** "1.2.5": musl's loader says it when it is started without a program. */
function muslVersion(loader) {
	const run = spawnSync(loader, [], { encoding: 'utf8', timeout: 5000 });
	const found = /^Version (\d+(?:\.\d+)+)/m.exec(run.stderr || '');

	return found ? found[1] : null;
}

function muslLoader(objects) {
	const loaded = objects.find((name) => /\/(ld-musl|libc\.musl)-[^/]*\.so/.test(name));

	if (loaded)
		return loaded;
	const names = fs.existsSync('/lib') ? fs.readdirSync('/lib') : [];
	const name = names.find((n) => /^ld-musl-.*\.so\.1$/.test(n));

	return name ? `/lib/${name}` : null;
}

/**
 * The C library that Node runs with: {family, version}; null where there is only one. A machine can have
 * both; what counts is Node's own.
 */
function libc(found, libraries) {
	if (process.platform !== 'linux')
		return null;
	if (found.header.glibcVersionRuntime)
		return { family: 'glibc', version: found.header.glibcVersionRuntime };
	const loader = muslLoader(libraries);

	return loader ? { family: 'musl', version: muslVersion(loader) } : { family: 'unknown', version: null };
}

/** The size of a page in bytes, from the kernel; null if it does not say. */
function pageSize() {
	let vector;

	try {
		vector = fs.readFileSync('/proc/self/auxv');
	} catch {
		return null;
	}
	const word = ARCHS[process.arch] && ARCHS[process.arch].bits === 32 ? 4 : 8;
	const big = ARCHS[process.arch] && ARCHS[process.arch].big;
	const read = (at) => (big ? vector.readUInt32BE(at + word - 4) : vector.readUInt32LE(at));

	for (let at = 0; at + 2 * word <= vector.length; at += 2 * word)
		if (read(at) === AT_PAGESZ)
			return read(at + word);
	return null;
}

/** "x86_64-linux-gnu", the service's name for it; null if it has none. */
function triple(platform, arch, libcFamily) {
	const a = ARCHS[arch];

	if (!a)
		return null;
	if (platform === 'darwin')
		return `${a.triple}-apple-darwin`;
	if (platform === 'win32')
		return `${a.triple}-w64-mingw32`;
	if (platform !== 'linux')
		return null;
	return `${a.triple}-linux-${libcFamily === 'musl' ? 'musl' : 'gnu'}${a.suffix || ''}`;
}

/** An Electron release instead of this Node: another NODE_MODULE_VERSION on the same machine. */
function asElectron(machine, version) {
	const abi = ELECTRON_ABIS[Number.parseInt(version, 10)];

	if (!abi)
		throw new RangeError(`--electron ${version}: its NODE_MODULE_VERSION is not known here; ` +
			`known are ${Object.keys(ELECTRON_ABIS).join(' ')}`);
	return { ...machine, runtime: 'electron', runtimeVersion: version, abi, napi: NAPI_EVERYWHERE };
}

/** As node-gyp-build has it. */
function armVersion(arch, configured) {
	return arch === 'arm64' ? '8' : String(configured || '');
}

let detected = null;

/**
 * This machine, found out once. With `electron`, a version, what its Electron is instead of Node.
 * @returns {{platform: string, arch: string, libc: {family: string, version: ?string}|null,
 *   runtime: 'node'|'electron', runtimeVersion: string, abi: number, napi: number, pageSize: ?number,
 *   armVersion: string, uv: string, target: ?string, libraries: ?string[]}} libraries are the files that
 *   Node has loaded
 */
function thisMachine({ electron } = {}) {
	if (!detected) {
		const found = report();
		const libraries = loadedLibraries(found);
		const c = libc(found, libraries);

		detected = {
			platform: process.platform,
			arch: process.arch,
			libc: c,
			runtime: 'node',
			runtimeVersion: process.versions.node,
			abi: Number(process.versions.modules),
			napi: Number(process.versions.napi),
			pageSize: pageSize(),
			armVersion: armVersion(process.arch, process.config.variables.arm_version),
			uv: (process.versions.uv || '').split('.')[0],
			target: triple(process.platform, process.arch, c && c.family),
			libraries,
		};
	}
	return electron ? asElectron(detected, electron) : { ...detected };
}

/** {platform, arch, libc} by a triple or by Node's own name for it; null if it is neither. */
function parseTarget(name) {
	for (const [arch, a] of Object.entries(ARCHS)) {
		const suffix = a.suffix || '';
		const known = {
			[`${a.triple}-linux-gnu${suffix}`]: ['linux', 'glibc'], [`linux-${arch}`]: ['linux', 'glibc'],
			[`${a.triple}-linux-musl${suffix}`]: ['linux', 'musl'], [`linuxmusl-${arch}`]: ['linux', 'musl'],
			[`${a.triple}-apple-darwin`]: ['darwin', null], [`darwin-${arch}`]: ['darwin', null],
			[`${a.triple}-w64-mingw32`]: ['win32', null], [`win32-${arch}`]: ['win32', null],
		};

		if (Object.hasOwn(known, name))
			return { platform: known[name][0], arch, libc: known[name][1] };
	}
	return null;
}

/**
 * A machine of that target that runs the same Node as this one. What cannot be known from here, such as
 * the version of its C library, is null, and is not judged.
 * @returns {?object} null if there is no such target.
 */
function machineOf(name, machine) {
	const found = parseTarget(name);

	return found && {
		...machine, platform: found.platform, arch: found.arch,
		libc: found.libc ? { family: found.libc, version: null } : null,
		pageSize: null, armVersion: armVersion(found.arch, ''), libraries: null,
		target: triple(found.platform, found.arch, found.libc),
	};
}

/** "x86_64-linux-gnu, glibc 2.36, Node 20.20.2 (NODE_MODULE_VERSION 115, Node-API 9)" */
function machineText(machine) {
	const where = machine.target || `${machine.platform}-${machine.arch}`;
	const c = machine.libc ? `, ${machine.libc.family} ${machine.libc.version || '(version unknown)'}` : '';
	const runtime = machine.runtime === 'electron' ? 'Electron' : 'Node';

	return `${where}${c}, ${runtime} ${machine.runtimeVersion} ` +
		`(NODE_MODULE_VERSION ${machine.abi}, Node-API ${machine.napi})`;
}

module.exports = { ARCHS, thisMachine, machineOf, machineText };
