'use strict';

/*
 * Says what a file is by its first bytes, also when it is not a binary at all: what people find in
 * place of an addon is often a page, an error text or a cut download. The same words as
 * `prebuildctl check` (builder/audit/format.c).
 */

/** How much of a text is quoted. */
const QUOTE_MAX = 40;
/** More slices than this have no universal file; Java classes, which begin alike, have a version there. */
const SLICES_MAX = 40;

const ELF_MACHINES = {
	3: 'x86', 8: 'MIPS', 20: 'PowerPC', 21: 'PowerPC64', 22: 'S/390', 40: 'ARM', 43: 'SPARC',
	62: 'x86-64', 183: 'AArch64', 243: 'RISC-V', 258: 'LoongArch',
};
/* mach/machine.h: the 0x01000000 bit stands for 64 bits. */
const MACHO_MACHINES = { 0x01000007: 'x86-64', 0x0100000c: 'arm64', 7: 'i386', 12: 'arm' };
const MACHO_TYPES = { 1: 'object file', 2: 'program', 6: 'dynamic library', 8: 'bundle' };
const PE_MACHINES = { 0x8664: 'x64', 0xaa64: 'arm64', 0x14c: 'ia32', 0x1c4: 'arm' };

/** What begins with these bytes, is that. */
const MAGICS = [
	['\x1f\x8b', 'gzip data; is this a tarball?'],
	['PK\x03\x04', 'a zip archive'],
	['\xfd7zXZ', 'xz data'],
	['\x28\xb5\x2f\xfd', 'zstd data'],
	['BZh', 'bzip2 data'],
	['!<arch>\n', 'an ar archive (a static library?)'],
	['BC\xc0\xde', 'LLVM bitcode'],
	['\0asm', 'a WebAssembly module'],
	['version https://git-lfs', 'a Git LFS pointer; the file itself was not fetched'],
];

/** "ELF 64-bit x86-64", from the fields of an ELF header. */
function elfText(bits, big, machine) {
	const name = ELF_MACHINES[machine] || `machine ${machine}`;

	return `ELF ${bits}-bit ${name}${big ? ' big-endian' : ''}`;
}

function identifyElf(bytes) {
	if (bytes.toString('latin1', 0, 4) !== '\x7fELF')
		return null;
	if (bytes.length < 20)
		return { kind: 'elf', text: 'ELF, cut inside its header', machines: [] };
	const big = bytes[5] === 2;
	const machine = big ? bytes.readUInt16BE(18) : bytes.readUInt16LE(18);

	return {
		kind: 'elf',
		text: elfText(bytes[4] === 1 ? 32 : 64, big, machine),
		machines: [ELF_MACHINES[machine] || `machine ${machine}`],
	};
}

function identifySlices(bytes) {
	const step = bytes.readUInt32BE(0) === 0xcafebabf ? 32 : 20;
	const machines = [];

	for (let i = 0; i < bytes.readUInt32BE(4) && 8 + (i + 1) * step <= bytes.length; i++)
		machines.push(MACHO_MACHINES[bytes.readUInt32BE(8 + i * step)] || 'an unknown machine');
	return { kind: 'mach-o', text: `Mach-O universal with ${machines.join(', ')}`, machines };
}

function identifyMachO(bytes) {
	if (bytes.length < 16)
		return null;
	const magic = bytes.readUInt32BE(0);

	if ((magic === 0xcafebabe || magic === 0xcafebabf) && bytes.readUInt32BE(4) < SLICES_MAX)
		return identifySlices(bytes);
	const little = magic === 0xcefaedfe || magic === 0xcffaedfe;

	if (!little && magic !== 0xfeedface && magic !== 0xfeedfacf)
		return null;
	const u32 = (at) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
	const machine = MACHO_MACHINES[u32(4)] || 'of an unknown machine';

	return {
		kind: 'mach-o',
		text: `Mach-O ${machine} ${MACHO_TYPES[u32(12)] || 'file'}`,
		machines: [machine],
	};
}

function identifyPe(bytes) {
	if (bytes.length < 64 || bytes.toString('latin1', 0, 2) !== 'MZ')
		return null;
	const at = bytes.readUInt32LE(60);

	if (at + 24 > bytes.length || bytes.toString('latin1', at, at + 4) !== 'PE\0\0')
		return { kind: 'unknown', text: 'a DOS program', machines: [] };
	const machine = PE_MACHINES[bytes.readUInt16LE(at + 4)] || 'of an unknown machine';
	const type = (bytes.readUInt16LE(at + 22) & 0x2000) !== 0 ? 'DLL' : 'program';

	return { kind: 'pe', text: `PE ${machine} ${type}`, machines: [machine] };
}

function unknown(text) {
	return { kind: 'unknown', text, machines: [] };
}

/** HTML, scripts and plain text; null if it is none. */
function identifyText(bytes) {
	const text = bytes.toString('latin1', 0, 4096).trimStart();

	if (text === '')
		return null;
	if (text.startsWith('#!'))
		return unknown('a script');
	if (/^<(!doctype html|html)/i.test(text))
		return unknown('an HTML page');
	if (/^<\?xml/i.test(text))
		return unknown('an XML document');
	const quoted = /^[\x20-\x7e]*/.exec(text.slice(0, QUOTE_MAX))[0];

	if (quoted.length < Math.min(text.length, QUOTE_MAX) && !/\s/.test(text[quoted.length]))
		return null;
	return unknown(`text that begins with "${quoted}"`);
}

function identifyMagic(bytes) {
	for (const [magic, text] of MAGICS)
		if (bytes.toString('latin1', 0, magic.length) === magic)
			return unknown(text);
	return null;
}

/**
 * What are these bytes? Never throws on what it is given.
 * @param {Buffer} bytes of a file, from its beginning; 4096 are enough for all but a PE file's header.
 * @returns {{kind: 'elf'|'mach-o'|'pe'|'unknown', text: string, machines: string[]}} machines has one
 * name, or that of each slice of a universal Mach-O file.
 */
function identify(bytes) {
	if (bytes.length === 0)
		return unknown('an empty file');
	return identifyElf(bytes) || identifyMachO(bytes) || identifyPe(bytes) ||
		identifyMagic(bytes) || identifyText(bytes) || unknown('unknown data');
}

module.exports = { identify, elfText };
