'use strict';

/*
 * How Node gets into an addon, and which Node it is for. Node looks in this order: modules that a
 * constructor of the file registered while it was loaded, node_register_module_v<ABI>,
 * napi_register_module_v1; else it says "Module did not self-register".
 */

const { offsetOf, Malformed, DT } = require('./elf');
const { napiVersion } = require('./napi');

/** NODE_MODULE_VERSION is near 150; what is far above it is something else. */
const NODE_ABI_MAX = 9999;
const RELOCATIONS_MAX = 1000000;

/** Per machine, the type of a relocation that is a pointer into the file itself, with an addend. */
const RELATIVE = { 62: 8, 183: 1027, 21: 22, 22: 12, 243: 3, 258: 3 };

function decodeX64(bytes, at) {
	const endbr = bytes.toString('hex', at, at + 4) === 'f30f1efa';
	let i = endbr ? at + 4 : at;

	if (bytes.toString('hex', i, i + 4) === '554889e5') /* push %rbp; mov %rsp, %rbp */
		i += 4;
	return bytes[i] === 0xb8 && i + 5 <= bytes.length ? bytes.readUInt32LE(i + 1) : null; /* mov eax, n */
}

function decodeArm64(bytes, at) {
	let insn = bytes.readUInt32LE(at);

	if (insn === 0xd503245f) /* bti c */
		insn = bytes.readUInt32LE(at + 4);
	return (insn & 0xffe0001f) >>> 0 === 0x52800000 ? insn >>> 5 & 0xffff : null; /* mov w0, n */
}

/**
 * The Node-API version that the file declares: the constant which a function of it returns, read from the
 * function's code; null if there is none or its code has another shape.
 */
function declaredNapi(elf) {
	const symbol = elf.symbols.find((s) => s.defined && s.name === 'node_api_module_get_api_version_v1');
	const decode = { 62: decodeX64, 183: decodeArm64 }[elf.machine];

	if (!symbol || !decode)
		return null;
	const at = offsetOf(elf, symbol.value);

	return at + 16 <= elf.bytes.buffer.length ? decode(elf.bytes.buffer, at) : null;
}

/** The string that an address points to, if it is the name of a source file. */
function isSourceName(elf, vaddr) {
	try {
		return /^[\x20-\x7e]+\.(cc|cpp|cxx|c\+\+|c|C)$/.test(elf.bytes.string(offsetOf(elf, vaddr)));
	} catch (e) {
		if (e instanceof Malformed || e instanceof RangeError)
			return false;
		throw e;
	}
}

/** struct node_module (node.h): int version; unsigned flags; void *handle; const char *filename; … */
function versionBefore(elf, filename) {
	const at = offsetOf(elf, filename - 16);
	const version = elf.bytes.u32(at);
	const plausible = version > 0 && version <= NODE_ABI_MAX && elf.bytes.u32(at + 4) < 16;

	return plausible && elf.bytes.word(at + 8) === 0 ? version : null;
}

/**
 * NODE_MODULE_VERSION of an addon that registers itself from a constructor: it stands in the struct that
 * it passes, found by the name of a source file in it. Null if none is found.
 */
function registeredAbi(elf) {
	const tags = elf.dynamic.tags;

	if (!elf.bytes.wide || !RELATIVE[elf.machine] || !tags.has(DT.RELA))
		return null;
	const table = offsetOf(elf, tags.get(DT.RELA));
	const count = Math.min((tags.get(DT.RELASZ) || 0) / 24, RELOCATIONS_MAX);

	for (let i = 0, at = table; i + 1 <= count; i++, at += 24) {
		/* The type is the lower half of r_info. */
		const type = elf.bytes.u32(at + (elf.big ? 12 : 8));

		if (type !== RELATIVE[elf.machine] || !isSourceName(elf, elf.bytes.word(at + 16)))
			continue;
		const version = versionBefore(elf, elf.bytes.word(at));

		if (version !== null)
			return version;
	}
	return null;
}

/**
 * @returns {{napi: boolean, node: boolean, used: number, declared: ?number, abi: ?number}} napi and node
 * say which kinds of entry there are; used and declared are Node-API versions, abi is NODE_MODULE_VERSION
 * of an addon that uses V8, null if it is not known.
 */
function findEntry(elf) {
	const entry = { napi: false, node: false, used: 0, declared: null, abi: null };

	for (const s of elf.symbols) {
		const version = /^node_register_module_v([1-9]\d{0,3})$/.exec(s.name);

		if (!s.defined && !s.weak)
			entry.used = Math.max(entry.used, napiVersion(s.name));
		if (s.defined && version) {
			entry.node = true;
			entry.abi = Number(version[1]);
		} else if (s.defined && s.name === 'napi_register_module_v1') {
			entry.napi = true;
		} else if (!s.defined && elf.hasInit && s.name === 'napi_module_register') {
			entry.napi = true;
		} else if (!s.defined && elf.hasInit && s.name === 'node_module_register') {
			entry.node = true;
		}
	}
	if (entry.node && entry.abi === null)
		entry.abi = registeredAbi(elf);
	if (entry.napi)
		entry.declared = declaredNapi(elf);
	return entry;
}

module.exports = { findEntry };
