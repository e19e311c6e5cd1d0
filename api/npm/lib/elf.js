'use strict';

/*
 * An ELF file's facts, from bytes that may be hostile: every offset is checked against the length, every
 * table has a limit. Section headers are not read: the loader does not read them either, and stripped
 * files have none. Source: System V gABI, chapters 4 and 5; symbol versions: LSB 5.0 core, 10.7.
 */

const PHDRS_MAX = 128;
const DYNAMIC_MAX = 4096;
const SYMBOLS_MAX = 1000000;
const VERSIONS_MAX = 4096;
const STRING_MAX = 4096;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_GNU_STACK = 0x6474e551;

const DT = {
	NEEDED: 1, HASH: 4, STRTAB: 5, SYMTAB: 6, STRSZ: 10, INIT: 12, RPATH: 15, RUNPATH: 29,
	INIT_ARRAY: 25, INIT_ARRAYSZ: 27, RELA: 7, RELASZ: 8, REL: 17, RELSZ: 18,
	GNU_HASH: 0x6ffffef5, VERNEED: 0x6ffffffe, VERNEEDNUM: 0x6fffffff, VERDEF: 0x6ffffffc,
	VERDEFNUM: 0x6ffffffd,
};
const VER_FLG_WEAK = 2;

/** The bytes cannot be read as what they claim to be. */
class Malformed extends Error {}

/** Reads numbers of the file's own size and order. */
class Bytes {
	constructor(buffer, wide, big) {
		this.buffer = buffer;
		this.wide = wide;
		this.big = big;
		this.wordSize = wide ? 8 : 4;
	}

	check(at, size, what) {
		if (!(at >= 0) || at + size > this.buffer.length)
			throw new Malformed(`${what} lies outside the file (cut short?)`);
	}

	u16(at) {
		this.check(at, 2, 'a number');
		return this.big ? this.buffer.readUInt16BE(at) : this.buffer.readUInt16LE(at);
	}

	u32(at) {
		this.check(at, 4, 'a number');
		return this.big ? this.buffer.readUInt32BE(at) : this.buffer.readUInt32LE(at);
	}

	/** Above 2^53 a number loses its last digits; no offset of a file is near that. */
	word(at) {
		if (!this.wide)
			return this.u32(at);
		const [high, low] = this.big ? [at, at + 4] : [at + 4, at];

		return this.u32(high) * 0x100000000 + this.u32(low);
	}

	string(at) {
		this.check(at, 1, 'a string');
		/* Not the whole file for each name: a hostile one has many names and no end of them. */
		const length = this.buffer.subarray(at, at + STRING_MAX).indexOf(0);

		if (length < 0)
			throw new Malformed('a string has no end');
		return this.buffer.toString('latin1', at, at + length);
	}
}

function readHeader(buffer) {
	if (buffer.length < 52 || buffer.toString('latin1', 0, 4) !== '\x7fELF')
		throw new Malformed('cut inside its header');
	const wide = buffer[4] === 2;
	const b = new Bytes(buffer, wide, buffer[5] === 2);

	return {
		bytes: b,
		bits: wide ? 64 : 32,
		big: b.big,
		osabi: buffer[7],
		type: b.u16(16),
		machine: b.u16(18),
		flags: b.u32(wide ? 48 : 36),
		phoff: b.word(wide ? 32 : 28),
		phentsize: b.u16(wide ? 54 : 42),
		phnum: b.u16(wide ? 56 : 44),
	};
}

function readSegments(h) {
	const b = h.bytes;
	const size = b.wide ? 56 : 32;
	const segments = [];

	if (h.phnum > PHDRS_MAX)
		throw new Malformed(`${h.phnum} program headers are more than ${PHDRS_MAX}`);
	if (h.phnum > 0 && h.phentsize !== size)
		throw new Malformed(`program headers of ${h.phentsize} bytes`);
	b.check(h.phoff, h.phnum * size, 'the table of segments');
	for (let i = 0, at = h.phoff; i < h.phnum; i++, at += size)
		segments.push(b.wide ? {
			type: b.u32(at), flags: b.u32(at + 4), offset: b.word(at + 8), vaddr: b.word(at + 16),
			filesz: b.word(at + 32), align: b.word(at + 48),
		} : {
			type: b.u32(at), offset: b.u32(at + 4), vaddr: b.u32(at + 8), filesz: b.u32(at + 16),
			flags: b.u32(at + 24), align: b.u32(at + 28),
		});
	return segments;
}

/** Where in the file a virtual address stands. */
function offsetOf(elf, vaddr) {
	for (const s of elf.segments)
		if (s.type === PT_LOAD && vaddr >= s.vaddr && vaddr < s.vaddr + s.filesz)
			return vaddr - s.vaddr + s.offset;
	throw new Malformed(`address 0x${vaddr.toString(16)} is in no segment`);
}

/** The dynamic section: a Map of tag to value, and the list of those that may come more than once. */
function readDynamic(elf) {
	const b = elf.bytes;
	const segment = elf.segments.find((s) => s.type === PT_DYNAMIC);
	const dynamic = { tags: new Map(), needed: [] };

	if (!segment)
		return null;
	for (let i = 0, at = segment.offset; ; i++, at += 2 * b.wordSize) {
		if (i >= DYNAMIC_MAX || at + 2 * b.wordSize > segment.offset + segment.filesz)
			break;
		const tag = b.word(at);
		const value = b.word(at + b.wordSize);

		if (tag === 0)
			break;
		if (tag === DT.NEEDED)
			dynamic.needed.push(value);
		else
			dynamic.tags.set(tag, value);
	}
	return dynamic;
}

/** The table says nowhere how long it is; the table that looks symbols up does. */
function symbolCount(elf) {
	const b = elf.bytes;
	const tags = elf.dynamic.tags;

	/* s390x has words of 8 bytes there (its own ABI); the GNU table is the same everywhere. */
	if (tags.has(DT.HASH) && !(elf.machine === 22 && b.wide))
		return b.u32(offsetOf(elf, tags.get(DT.HASH)) + 4);
	if (!tags.has(DT.GNU_HASH))
		return 0;
	const at = offsetOf(elf, tags.get(DT.GNU_HASH));
	const buckets = b.u32(at);
	const first = b.u32(at + 4);
	const bucketsAt = at + 16 + b.u32(at + 8) * b.wordSize;
	let last = 0;

	b.check(bucketsAt, buckets * 4, 'the hash table');
	for (let i = 0; i < buckets; i++)
		last = Math.max(last, b.u32(bucketsAt + 4 * i));
	if (last < first)
		return first;
	while ((b.u32(bucketsAt + 4 * (buckets + last - first)) & 1) === 0)
		last++;
	return last + 1;
}

/** The dynamic symbols that have a name: {name, defined, weak, value}. */
function readSymbols(elf, string) {
	const b = elf.bytes;
	const tags = elf.dynamic.tags;
	const symbols = [];

	if (!tags.has(DT.SYMTAB))
		return symbols;
	const count = symbolCount(elf);
	const size = b.wide ? 24 : 16;
	const table = offsetOf(elf, tags.get(DT.SYMTAB));

	if (count > SYMBOLS_MAX)
		throw new Malformed(`${count} symbols are more than ${SYMBOLS_MAX}`);
	b.check(table, count * size, 'the symbol table');
	for (let i = 1, at = table + size; i < count; i++, at += size) {
		const info = b.buffer[at + (b.wide ? 4 : 12)];
		const index = b.u16(at + (b.wide ? 6 : 14));

		symbols.push({
			name: string(b.u32(at)),
			defined: index !== 0,
			weak: info >> 4 === 2,
			value: b.word(at + (b.wide ? 8 : 4)),
		});
	}
	return symbols;
}

/** The versions that are needed of other files' symbols: {file, version, weak}. */
function readVersionNeeds(elf, string) {
	const b = elf.bytes;
	const tags = elf.dynamic.tags;
	const needs = [];

	if (!tags.has(DT.VERNEED))
		return needs;
	let at = offsetOf(elf, tags.get(DT.VERNEED));

	for (let i = 0; i < Math.min(tags.get(DT.VERNEEDNUM) || 0, VERSIONS_MAX); i++) {
		const file = string(b.u32(at + 4));
		let aux = at + b.u32(at + 8);

		for (let n = b.u16(at + 2); n > 0 && needs.length < VERSIONS_MAX; n--) {
			needs.push({
				file,
				version: string(b.u32(aux + 8)),
				weak: (b.u16(aux + 4) & VER_FLG_WEAK) !== 0,
			});
			aux += b.u32(aux + 12);
		}
		if (b.u32(at + 12) === 0)
			break;
		at += b.u32(at + 12);
	}
	return needs;
}

/** The versions that this file's own symbols have: what a library offers. */
function readVersionDefinitions(elf, string) {
	const b = elf.bytes;
	const tags = elf.dynamic.tags;
	const names = [];

	if (!tags.has(DT.VERDEF))
		return names;
	let at = offsetOf(elf, tags.get(DT.VERDEF));

	for (let i = 0; i < Math.min(tags.get(DT.VERDEFNUM) || 0, VERSIONS_MAX); i++) {
		names.push(string(b.u32(at + b.u32(at + 12))));
		if (b.u32(at + 16) === 0)
			break;
		at += b.u32(at + 16);
	}
	return names;
}

/** A segment that ends after the file has: a download that was cut. The loader would map it and crash. */
function checkWhole(elf) {
	for (const s of elf.segments)
		if (s.type === PT_LOAD && s.offset + s.filesz > elf.bytes.buffer.length)
			throw new Malformed(`cut short: ${elf.bytes.buffer.length} of at least ` +
				`${s.offset + s.filesz} bytes`);
}

function stringsOf(elf) {
	const tags = elf.dynamic.tags;
	const table = tags.has(DT.STRTAB) ? offsetOf(elf, tags.get(DT.STRTAB)) : null;
	const size = tags.get(DT.STRSZ) || 0;

	return (index) => {
		if (table === null || index >= size)
			throw new Malformed('a name lies outside the table of names');
		return elf.bytes.string(table + index);
	};
}

/**
 * Reads the header, which is all that is needed to say that a file is for another machine.
 * @param {Buffer} buffer the whole file.
 * @throws {Malformed}
 */
function readElfHeader(buffer) {
	return readHeader(buffer);
}

/**
 * Reads what the loader would.
 * @param {Buffer} buffer the whole file.
 * @throws {Malformed} with what is wrong.
 */
function readElf(buffer) {
	const elf = readHeader(buffer);

	elf.segments = readSegments(elf);
	checkWhole(elf);
	elf.interp = elf.segments.some((s) => s.type === PT_INTERP);
	const stack = elf.segments.find((s) => s.type === PT_GNU_STACK);

	elf.execStack = stack !== undefined && (stack.flags & 1) !== 0;
	elf.dynamic = readDynamic(elf);
	if (elf.dynamic === null)
		return { ...elf, needed: [], symbols: [], versionNeeds: [], versionDefinitions: [], paths: [] };
	const string = stringsOf(elf);
	const tags = elf.dynamic.tags;

	elf.needed = elf.dynamic.needed.map(string);
	elf.paths = [DT.RUNPATH, DT.RPATH].filter((t) => tags.has(t)).flatMap((t) => string(tags.get(t)).split(':'));
	elf.hasInit = tags.has(DT.INIT) || (tags.get(DT.INIT_ARRAYSZ) || 0) > 0;
	elf.symbols = readSymbols(elf, string);
	elf.versionNeeds = readVersionNeeds(elf, string);
	elf.versionDefinitions = readVersionDefinitions(elf, string);
	return elf;
}

module.exports = { readElf, readElfHeader, offsetOf, Malformed, DT, PT_LOAD };
