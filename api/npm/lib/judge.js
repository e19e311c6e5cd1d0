'use strict';

/*
 * Can this machine load that ELF file? The rules have the names that `prebuildctl check` gives them
 * (builder/audit/audit.h), but the question is another: not whether a file may be published, but whether
 * it loads here and now. So only what stops the loader or Node is a finding.
 */

const { elfText } = require('./format');
const { ARCHS } = require('./machine');
const { findLibrary, versionsOf } = require('./libraries');
const { findEntry } = require('./entry');

const ET_DYN = 3;
const EF_ARM_SOFT_FLOAT = 0x200;
const EXEC_STACK_REFUSED = '2.41'; /* glibc: dlopen does not make the stack executable any more */
const RELR_SINCE = '2.36';
const NAMES_SHOWN = 3;

/** Is version a ("2.36") at least b? */
function atLeast(a, b) {
	const [x, y] = [a, b].map((v) => v.split('.').map(Number));

	for (let i = 0; i < y.length; i++)
		if ((x[i] || 0) !== y[i])
			return (x[i] || 0) > y[i];
	return true;
}

function finding(rule, expected, found) {
	return { rule, expected, found };
}

/** Rules class and machine: nothing else makes sense if one of them fails. */
function judgeIdentity(header, text, machine) {
	const want = ARCHS[machine.arch];

	if (!want)
		return [];
	const expected = elfText(want.bits, want.big, want.machine);

	if (header.machine !== want.machine)
		return [finding('machine', expected, text)];
	if (header.bits !== want.bits || header.big !== Boolean(want.big))
		return [finding('class', expected, text)];
	if (machine.arch === 'arm' && (header.flags & EF_ARM_SOFT_FLOAT) !== 0)
		return [finding('eflags', 'ARM with hard float', 'ARM with soft float')];
	return [];
}

function judgeType(elf) {
	if (elf.type === ET_DYN && !elf.interp && elf.dynamic !== null)
		return [];
	const found = { 1: 'an object file that was not linked', 2: 'a program', 4: 'a core dump' }[elf.type];

	return [finding('format', 'a shared object',
		found || (elf.interp ? 'a program (position independent)' : 'a file without a dynamic section'))];
}

/** The highest GLIBC_ version that a file needs; null if it needs none. */
function glibcNeeded(elf) {
	let highest = null;

	for (const { file, version, weak } of elf.versionNeeds) {
		const found = /^GLIBC_(\d+(?:\.\d+)+)$/.exec(version);

		/* libgcc_s has a version of glibc's, for functions that were once there; musl's has it too. */
		if (found && !weak && !file.startsWith('libgcc_s') && (highest === null || !atLeast(highest, found[1])))
			highest = found[1];
	}
	return highest;
}

function isForMusl(elf) {
	return elf.needed.some((name) => /^(libc\.musl-|ld-musl-|libc\.so$)/.test(name));
}

function libcText(libc) {
	return `${libc.family}${libc.version ? ` ${libc.version}` : ''}`;
}

function judgeGlibcVersion(elf, machine) {
	const needed = glibcNeeded(elf);
	const findings = [];

	if (machine.libc.version && needed && !atLeast(machine.libc.version, needed))
		findings.push(finding('libc-version', `glibc ${machine.libc.version}`, `needs glibc ${needed}`));
	const relr = elf.versionNeeds.some((v) => v.version === 'GLIBC_ABI_DT_RELR');

	if (machine.libc.version && relr && !atLeast(machine.libc.version, RELR_SINCE))
		findings.push(finding('relr', `glibc ${machine.libc.version} has no DT_RELR`, 'needs DT_RELR'));
	if (machine.libc.version && elf.execStack && atLeast(machine.libc.version, EXEC_STACK_REFUSED))
		findings.push(finding('execstack', `a stack without code (glibc ${machine.libc.version})`,
			'wants an executable stack'));
	return findings;
}

/** The C library: of the right family, and new enough. */
function judgeLibc(elf, machine) {
	if (!machine.libc || machine.libc.family === 'unknown')
		return [];
	const needed = glibcNeeded(elf);

	if (machine.libc.family === 'musl')
		return needed === null ? [] :
			[finding('libc-version', libcText(machine.libc), `made for glibc, needs ${needed}`)];
	if (isForMusl(elf))
		return [finding('libc-version', libcText(machine.libc), 'made for musl (Alpine Linux)')];
	return judgeGlibcVersion(elf, machine);
}

/** Versions of symbols that the found library does not offer; the C library has its own rule. */
function missingVersions(elf, name, library) {
	const offered = versionsOf(library);
	const needed = elf.versionNeeds.filter((v) => v.file === name && !v.weak &&
		!v.version.startsWith('GLIBC_'));

	return offered === null || offered.size === 0 ? [] :
		needed.map((v) => v.version).filter((v) => !offered.has(v));
}

/** musl's loader takes these names for itself (ldso/dynlink.c, load_library). */
function isPartOfMusl(name, machine) {
	return machine.libc !== null && machine.libc.family === 'musl' &&
		/^lib(c|pthread|rt|m|dl|util|xnet)\./.test(name);
}

/** Other libraries: this machine has them, in versions that are new enough. */
function judgeLibraries(elf, file, machine) {
	const missing = [];
	const findings = [];

	/* Of another machine than this nobody can look up what it has. */
	if (!machine.libraries)
		return [];
	for (const name of elf.needed.filter((n) => !isPartOfMusl(n, machine))) {
		const library = findLibrary(name, elf, file, machine);
		const versions = library ? missingVersions(elf, name, library) : [];

		if (!library)
			missing.push(name);
		else if (versions.length > 0)
			findings.push(finding('libc-version', library, `needs ${versions.slice(0, NAMES_SHOWN).join(', ')}`));
	}
	if (missing.length > 0)
		findings.unshift(finding('needed', 'libraries that this machine has', `needs ${missing.join(', ')}`));
	return findings;
}

/** A file whose segments are aligned to less than a page cannot be mapped (kernels with 16K or 64K pages). */
function judgeAlign(elf, machine) {
	const least = Math.min(...elf.segments.filter((s) => s.type === 1).map((s) => s.align));

	if (!machine.pageSize || !(least < machine.pageSize))
		return [];
	return [finding('align', `segments on pages of ${machine.pageSize} bytes`, `aligned to ${least}`)];
}

/** Node's own side: a way in, and the ABI that this Node has. */
function judgeEntry(entry, machine) {
	const node = machine.runtime === 'electron' ? 'Electron' : 'Node';
	const has = `${node} ${machine.runtimeVersion}`;
	const napi = Math.max(entry.used, entry.declared || 0);

	if (!entry.napi && !entry.node)
		return [finding('entry', 'an addon of Node', 'no way in, Node says "Module did not self-register"')];
	if (entry.node && entry.abi !== null && entry.abi !== machine.abi)
		return [finding('entry', `NODE_MODULE_VERSION ${machine.abi} (${has})`,
			`NODE_MODULE_VERSION ${entry.abi}`)];
	if (entry.napi && !entry.node && napi > machine.napi)
		return [finding('napi', `Node-API ${machine.napi} (${has})`, `needs Node-API ${napi}`)];
	return [];
}

/** {kind: 'napi', version} | {kind: 'node', version: ?number} | null */
function abiOf(entry) {
	if (entry.node)
		return { kind: 'node', version: entry.abi };
	return entry.napi ? { kind: 'napi', version: Math.max(entry.used, entry.declared || 0, 1) } : null;
}

/**
 * @param {object} elf read by readElf
 * @returns {{findings: object[], abi: ?object, needs: object}}
 */
function judgeElf(elf, file, machine) {
	const type = judgeType(elf);

	if (type.length > 0)
		return { findings: type, abi: null, needs: { libs: elf.needed } };
	const entry = findEntry(elf);
	const libc = judgeLibc(elf, machine);
	/* The libraries of another C library are missing too; that says nothing new. */
	const foreign = libc.length > 0 && (isForMusl(elf) || machine.libc.family === 'musl');

	return {
		findings: [...libc, ...(foreign ? [] : judgeLibraries(elf, file, machine)), ...judgeAlign(elf, machine),
			...judgeEntry(entry, machine)],
		abi: abiOf(entry),
		needs: { glibc: glibcNeeded(elf), musl: isForMusl(elf), libs: elf.needed },
	};
}

module.exports = { judgeIdentity, judgeElf, atLeast };
