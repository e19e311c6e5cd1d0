'use strict';

/*
 * One file, and what this machine says to it. Reads, loads nothing: so it is safe for files that nobody
 * trusts, and cannot crash the process as loading them could.
 */

const fs = require('node:fs');

const { identify, elfText } = require('./format');
const { readElf, readElfHeader, Malformed } = require('./elf');
const { judgeIdentity, judgeElf } = require('./judge');
const { ARCHS, thisMachine } = require('./machine');

/** The largest addons (machine learning runtimes) have some 200 MB. */
const FILE_MAX = 1 << 30;
/** Rules whose expectation is a kind of file. */
const LOADED = ['format', 'machine', 'class'];
/** The format that process.platform loads. */
const FORMATS = { darwin: 'mach-o', win32: 'pe' };

function formatOf(machine) {
	return FORMATS[machine.platform] || 'elf';
}

/** What this machine loads, in the words of lib/format.js. */
function wantedText(machine) {
	const format = formatOf(machine);
	const arch = ARCHS[machine.arch] || {};

	if (format === 'mach-o')
		return `Mach-O ${arch.macho || machine.arch}`;
	if (format === 'pe')
		return `PE ${arch.pe || machine.arch} DLL`;
	return arch.bits ? elfText(arch.bits, arch.big, arch.machine) : 'ELF';
}

/** A result without findings; what is found is added to it. */
function blank(file) {
	return { file, format: 'unknown', text: '', machine: null, ok: false, abi: null, needs: null, findings: [] };
}

/** "ELF 64-bit AArch64; this machine loads ELF 64-bit x86-64" */
function summarise(result) {
	const f = result.findings[0];

	if (!f)
		return `${result.text}${abiText(result.abi)}`;
	if (result.text === '')
		return f.found;
	if (LOADED.includes(f.rule) && !f.expected.startsWith('a '))
		return `${f.found}; this machine loads ${f.expected}`;
	return `${f.rule}: ${f.found}; expected: ${f.expected}`;
}

function abiText(abi) {
	if (abi === null)
		return '';
	if (abi.kind === 'napi')
		return `, Node-API ${abi.version}`;
	return `, NODE_MODULE_VERSION ${abi.version === null ? 'unknown' : abi.version}`;
}

function inspectElf(bytes, result, machine) {
	try {
		result.findings.push(...judgeIdentity(readElfHeader(bytes), result.text, machine));
		if (result.findings.length > 0)
			return;
		const judged = judgeElf(readElf(bytes), result.file, machine);

		result.findings.push(...judged.findings);
		result.abi = judged.abi;
		result.needs = judged.needs;
	} catch (e) {
		if (!(e instanceof Malformed))
			throw e;
		result.findings.push({ rule: 'format', expected: 'a whole ELF file', found: `${result.text}, ${e.message}` });
	}
}

function inspect(bytes, result, machine) {
	const format = identify(bytes);
	const want = formatOf(machine);
	const arch = ARCHS[machine.arch] || {};

	result.format = format.kind;
	result.text = format.text;
	result.machine = format.machines.join(', ') || null;
	if (format.kind !== want) {
		result.findings.push({ rule: 'format', expected: wantedText(machine), found: format.text });
	} else if (want === 'elf') {
		inspectElf(bytes, result, machine);
	} else if (!format.machines.includes(want === 'mach-o' ? arch.macho : arch.pe)) {
		result.findings.push({ rule: 'machine', expected: wantedText(machine), found: format.text });
	}
}

function finished(result, findings) {
	result.findings.push(...findings);
	result.ok = result.findings.length === 0;
	result.summary = summarise(result);
	return result;
}

/** As diagnose, for bytes that are to become `file` or are in it. */
function judgeBytes(bytes, file, machine = thisMachine()) {
	const result = blank(file);

	inspect(bytes, result, machine);
	return finished(result, []);
}

/**
 * What is this file, and can this machine load it? Reads the one file, changes nothing, and does not throw
 * for anything that a file can be: one that cannot be read has a finding that says so.
 * @param {string} file
 * @param {object} [machine] another one than this, as thisMachine() describes it.
 * @returns {{file: string, format: 'elf'|'mach-o'|'pe'|'unknown', text: string, machine: ?string,
 *   ok: boolean, abi: ?{kind: 'napi'|'node', version: ?number}, needs: ?object,
 *   findings: {rule: string, expected: string, found: string}[], summary: string}} `findings` say what
 *   stops it, in the order in which the loader would come upon it; `summary` is one line.
 */
function diagnose(file, machine = thisMachine()) {
	let bytes;

	try {
		const size = fs.statSync(file).size;

		if (size > FILE_MAX)
			return finished(blank(file), [{ rule: 'format', expected: `at most ${FILE_MAX} bytes`, found: `${size} bytes` }]);
		bytes = fs.readFileSync(file);
	} catch (e) {
		if (!e.code)
			throw e;
		return finished(blank(file), [{ rule: 'format', expected: 'a file that can be read', found: e.message }]);
	}
	return judgeBytes(bytes, file, machine);
}

module.exports = { diagnose, judgeBytes };
