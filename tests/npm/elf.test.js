'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { LIB, ADDON, real } = require('./support');
const { readElf, Malformed } = require(path.join(LIB, 'elf'));
const { findEntry } = require(path.join(LIB, 'entry'));
const { judgeBytes } = require(path.join(LIB, 'diagnose'));
const { thisMachine } = require(path.join(LIB, 'machine'));
const napi = require(path.join(LIB, 'napi'));

test('the table of Node-API is that of the audit', () => {
	const table = fs.readFileSync(path.join(__dirname, '../../builder/audit/napi_table.c'), 'latin1');
	const rows = [...table.matchAll(/\{"(\w+)", (\d+)\}/g)];

	assert.ok(rows.length > 100, `${rows.length} rows`);
	for (const [, name, version] of rows)
		assert.strictEqual(napi.napiVersion(name), Number(version), name);
	for (const name of napi.versions.keys())
		assert.ok(rows.some((r) => r[1] === name), name);
	assert.strictEqual(napi.napiVersion('uv_default_loop'), 0);
});

test('what real addons need and offer', () => {
	const read = (file) => readElf(fs.readFileSync(real(file)));
	const better = read('better-sqlite3/prebuilds/linux-x64.node');

	assert.deepStrictEqual([better.bits, better.machine, better.type, better.interp], [64, 62, 3, false]);
	assert.deepStrictEqual(better.needed.sort(), ['ld-linux-x86-64.so.2', 'libc.so.6', 'libm.so.6', 'libstdc++.so.6']);
	assert.ok(better.versionNeeds.some((v) => v.version === 'GLIBC_2.34' && v.file === 'libc.so.6'));
	assert.deepStrictEqual(findEntry(better), { napi: true, node: false, used: 8, declared: 10, abi: null });
	assert.strictEqual(findEntry(read('better-sqlite3/prebuilds/linux-arm64.node')).declared, 10);
	/* 32 bits, with tables of both kinds of hash. */
	const arm = read('serialport/prebuilds/linux-arm/@serialport+bindings-cpp.armv7.glibc.node');

	assert.deepStrictEqual([arm.bits, arm.machine], [32, 40]);
	assert.ok(findEntry(arm).napi);
});

test("libstdc++'s own versions are read", () => {
	const library = thisMachine().libraries.find((f) => /libstdc\+\+\.so/.test(f));

	if (!library)
		return;
	const versions = readElf(fs.readFileSync(library)).versionDefinitions;

	assert.ok(versions.includes('GLIBCXX_3.4') && versions.includes('CXXABI_1.3'), versions.join());
});

test('a file that was cut anywhere is malformed or lacks what stood behind the cut', () => {
	const whole = fs.readFileSync(ADDON());
	let refused = 0;

	for (let size = 0; size < whole.length; size += size < 4096 ? 7 : 331) {
		try {
			readElf(whole.subarray(0, size));
		} catch (e) {
			assert.ok(e instanceof Malformed, `${size}: ${e.stack}`);
			refused++;
		}
	}
	assert.ok(refused > 500, `${refused} refused`);
});

test('damaged files are judged and never throw', () => {
	const whole = fs.readFileSync(ADDON());
	const machine = thisMachine();
	let seed = 12345;
	const random = (n) => {
		seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
		return (seed >>> 8) % n;
	};

	for (let round = 0; round < 3000; round++) {
		const bytes = Buffer.from(whole);

		/* Headers and tables stand near the front, where a change does most. */
		for (let i = 0; i <= random(8); i++)
			bytes[random(round % 2 ? 1024 : bytes.length)] = random(256);
		const judged = judgeBytes(bytes, 'x.node', machine);

		assert.strictEqual(judged.ok, judged.findings.length === 0);
		assert.strictEqual(typeof judged.summary, 'string');
	}
});
