'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { ADDON, LIB, real, scratch } = require('./support');
const { diagnose } = require(path.join(LIB, 'diagnose'));
const { machineOf, machineText, thisMachine } = require(path.join(LIB, 'machine'));

const SERIAL = 'serialport/prebuilds';
const NAME = '@serialport+bindings-cpp';

test('this machine is found out', () => {
	const machine = thisMachine();

	assert.strictEqual(machine.abi, Number(process.versions.modules));
	assert.match(machineText(machine), /Node \d+\.\d+\.\d+ \(NODE_MODULE_VERSION \d+, Node-API \d+\)/);
	if (process.platform === 'linux') {
		const page = Number(execFileSync('getconf', ['PAGESIZE']));

		assert.strictEqual(machine.pageSize, page);
		assert.match(machine.libc.version, /^\d+\.\d+/);
	}
	if (machine.libc && machine.libc.family === 'glibc')
		assert.strictEqual(`glibc ${machine.libc.version}`, String(execFileSync('getconf', ['GNU_LIBC_VERSION'])).trim());
});

/* FILE, TARGET it is judged for, the rule that it breaks ("" for none), what was found. */
const REAL = [
	['bufferutil/prebuilds/linux-x64/bufferutil.node', 'linux-x64', '', /^ELF 64-bit x86-64, Node-API 1$/],
	['bufferutil/prebuilds/darwin-arm64/bufferutil.node', 'linux-x64', 'format', /^Mach-O arm64 bundle; this machine loads ELF 64-bit x86-64$/],
	['bufferutil/prebuilds/darwin-arm64/bufferutil.node', 'darwin-arm64', '', /^Mach-O arm64/],
	['bufferutil/prebuilds/darwin-arm64/bufferutil.node', 'darwin-x64', 'machine', /this machine loads Mach-O x86-64/],
	['bufferutil/prebuilds/win32-x64/bufferutil.node', 'linux-x64', 'format', /^PE x64 DLL/],
	['bufferutil/prebuilds/win32-x64/bufferutil.node', 'win32-x64', '', /^PE x64 DLL/],
	['bufferutil/prebuilds/win32-ia32/bufferutil.node', 'win32-x64', 'machine', /^PE ia32 DLL; this machine loads PE x64/],
	[`${SERIAL}/darwin-x64+arm64/${NAME}.node`, 'darwin-arm64', '', /universal/],
	[`${SERIAL}/darwin-x64+arm64/${NAME}.node`, 'darwin-x64', '', /universal/],
	[`${SERIAL}/linux-arm64/${NAME}.armv8.glibc.node`, 'linux-x64', 'machine', /^ELF 64-bit AArch64; this machine loads ELF 64-bit x86-64$/],
	[`${SERIAL}/linux-arm64/${NAME}.armv8.glibc.node`, 'linux-arm64', '', /^ELF 64-bit AArch64, Node-API 6$/],
	[`${SERIAL}/linux-arm64/${NAME}.armv8.musl.node`, 'linux-arm64', 'libc-version', /made for musl/],
	[`${SERIAL}/linux-arm64/${NAME}.armv8.musl.node`, 'linuxmusl-arm64', '', /AArch64/],
	[`${SERIAL}/linux-arm64/${NAME}.armv8.glibc.node`, 'linuxmusl-arm64', 'libc-version', /made for glibc, needs 2\./],
	[`${SERIAL}/linux-arm/${NAME}.armv7.glibc.node`, 'linux-arm', '', /^ELF 32-bit ARM/],
	[`${SERIAL}/linux-arm/${NAME}.armv7.glibc.node`, 'linux-arm64', 'machine', /32-bit ARM/],
	['better-sqlite3/package.json', 'linux-x64', 'format', /^text that begins with "\{"/],
];

test('real files, judged for other machines', () => {
	for (const [file, target, rule, summary] of REAL) {
		const machine = { ...machineOf(target, thisMachine()), napi: 10 };
		const d = diagnose(real(file), machine);

		assert.strictEqual(d.findings.map((f) => f.rule).join(), rule, `${file} on ${target}: ${d.summary}`);
		assert.strictEqual(d.ok, rule === '');
		assert.match(d.summary, summary, file);
	}
});

test('an older glibc and an older Node-API are found', () => {
	const machine = machineOf('linux-x64', thisMachine());
	const file = real('better-sqlite3/prebuilds/linux-x64.node');
	const old = diagnose(file, { ...machine, napi: 10, libc: { family: 'glibc', version: '2.31' } });

	assert.deepStrictEqual(old.findings, [{ rule: 'libc-version', expected: 'glibc 2.31', found: 'needs glibc 2.34' }]);
	assert.strictEqual(diagnose(file, { ...machine, napi: 10, libc: { family: 'glibc', version: '2.34' } }).ok, true);
	assert.strictEqual(diagnose(file, { ...machine, napi: 9 }).findings[0].rule, 'napi');
	assert.strictEqual(diagnose(file, { ...machine, napi: 10, pageSize: 65536 }).findings[0].rule, 'align');
});

test('what people find in place of an addon is named', (t) => {
	const folder = scratch(t);
	const whole = fs.readFileSync(ADDON());
	const table = {
		'an empty file': '',
		'an HTML page': '\n<!DOCTYPE html><html>404</html>',
		'gzip data; is this a tarball?': Buffer.from('1f8b0800', 'hex'),
		'a Git LFS pointer': 'version https://git-lfs.github.com/spec/v1\noid sha256:1\n',
		'cut short': whole.subarray(0, whole.length >> 1),
		'cut inside its header': whole.subarray(0, 30),
		'text that begins with "Not Found"': 'Not Found',
		'unknown data': Buffer.from('0001020304', 'hex'),
	};

	for (const [what, bytes] of Object.entries(table)) {
		const file = path.join(folder, 'x.node');

		fs.writeFileSync(file, bytes);
		const d = diagnose(file, machineOf('linux-x64', thisMachine()));

		assert.strictEqual(d.ok, false, what);
		assert.ok(d.summary.includes(what), `${what}: ${d.summary}`);
	}
	assert.match(diagnose(path.join(folder, 'none')).summary, /^ENOENT/);
	assert.match(diagnose(folder).summary, /^EISDIR/);
});

test('libraries of this machine are looked for', { skip: process.arch !== 'x64' || process.platform !== 'linux' }, (t) => {
	const file = path.join(scratch(t), 'x.node');
	const whole = fs.readFileSync(real('better-sqlite3/prebuilds/linux-x64.node'));
	const renamed = Buffer.from(whole);

	/* The same length, so that nothing moves. */
	renamed.write('libstdc--.so.6', renamed.indexOf('libstdc++.so.6\0'));
	fs.writeFileSync(file, renamed);
	const machine = { ...thisMachine(), napi: 10 };
	const d = diagnose(file, machine);

	assert.deepStrictEqual(d.findings, [{ rule: 'needed', expected: 'libraries that this machine has', found: 'needs libstdc--.so.6' }]);
	const future = Buffer.from(whole);
	const version = /CXXABI_1\.3(\.\d+)?\0/.exec(whole.toString('latin1'))[0];

	future.write(version.replace(/\d\0$/, 'x\0'), future.indexOf(version));
	fs.writeFileSync(file, future);
	assert.match(diagnose(file, machine).summary, /^libc-version: needs CXXABI_1\.3/);
});
