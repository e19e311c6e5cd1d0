'use strict';

const assert = require('node:assert');
const path = require('node:path');
const test = require('node:test');

const { LIB, addonPackage, real, scratch, tree } = require('./support');
const { findPackages } = require(path.join(LIB, 'packages'));
const { loadable, placeFor } = require(path.join(LIB, 'loader'));
const { machineOf, thisMachine } = require(path.join(LIB, 'machine'));
const { namesFor } = require(path.join(LIB, 'names'));
const { isForAnother } = require(path.join(LIB, 'placed'));

const X64 = { ...machineOf('linux-x64', thisMachine()), abi: 115, napi: 9 };
const MUSL = { ...machineOf('linuxmusl-arm64', thisMachine()), abi: 115, napi: 9 };
const ELECTRON = { ...X64, runtime: 'electron', runtimeVersion: '33.2.1', abi: 130 };

/* What sqlite3 5.1.6, bcrypt 5.1.1 and canvas 2.11.2 have in their package.json. */
const SQLITE_5 = {
	module_name: 'node_sqlite3', module_path: './lib/binding/napi-v{napi_build_version}-{platform}-{libc}-{arch}',
	package_name: 'napi-v{napi_build_version}-{platform}-{libc}-{arch}.tar.gz', napi_versions: [3, 6],
};
const BCRYPT_5 = {
	module_name: 'bcrypt_lib', module_path: './lib/binding/napi-v{napi_build_version}',
	package_name: '{module_name}-v{version}-napi-v{napi_build_version}-{platform}-{arch}-{libc}.tar.gz', napi_versions: [3],
};
const CANVAS_2 = {
	module_name: 'canvas', module_path: 'build/Release',
	package_name: '{module_name}-v{version}-{node_abi}-{platform}-{libc}-{arch}.tar.gz',
};

function packageWith(t, files, manifest = {}) {
	const folder = scratch(t);

	tree(path.join(folder, 'node_modules/addon'), {
		'package.json': { name: 'addon', version: '1.2.3', ...manifest },
		...Object.fromEntries(files.map((f) => [f, 'x'])),
	});
	return findPackages(folder).find((p) => p.installed);
}

/* MANIFEST, FILES, MACHINE, what is loaded. */
const TABLE = [
	[{}, ['build/Release/a.node', 'build/Release/obj.target/a.node'], X64, ['build/Release/a.node']],
	[{}, ['build/Release/a.node', 'build/Debug/a.node', 'build/a.node'], X64, ['build/a.node']],
	[{}, ['build/Release/a.node', 'build/Release/b.node'], X64, ['build/Release/a.node', 'build/Release/b.node']],
	[{}, ['index.linux-x64-gnu.node', 'index.linux-x64-musl.node', 'index.darwin-arm64.node', 'index.win32-x64-msvc.node'], X64, ['index.linux-x64-gnu.node']],
	[{}, ['index.linux-x64-gnu.node', 'index.linux-arm64-musl.node', 'index.linux-arm64-gnu.node'], MUSL, ['index.linux-arm64-musl.node']],
	[{}, ['prebuilds/linux-x64.node', 'prebuilds/linuxmusl-x64.node', 'prebuilds/darwin-x64.node'], X64, ['prebuilds/linux-x64.node']],
	[{}, ['prebuilds/linux-arm64.node', 'prebuilds/linuxmusl-arm64.node'], MUSL, ['prebuilds/linuxmusl-arm64.node']],
	[{}, ['prebuilds/linux-x64.node', 'build/Release/a.node'], X64, ['build/Release/a.node']],
	[{}, ['prebuilds/darwin-x64/a.node'], X64, []],
	[{ os: ['darwin'] }, ['a.node'], X64, []],
	[{ os: ['!win32'], cpu: ['x64'], libc: ['glibc'] }, ['a.node'], X64, ['a.node']],
	[{ cpu: ['arm64'], libc: ['glibc'] }, ['a.node'], MUSL, []],
	[{ binary: SQLITE_5 }, ['lib/binding/napi-v6-linux-glibc-x64/node_sqlite3.node', 'lib/binding/napi-v6-darwin-unknown-arm64/node_sqlite3.node'], X64, ['lib/binding/napi-v6-linux-glibc-x64/node_sqlite3.node']],
	[{ binary: SQLITE_5 }, ['lib/binding/napi-v6-linux-glibc-x64/node_sqlite3.node', 'build/Release/node_sqlite3.node'], MUSL, []],
	[{ binary: BCRYPT_5 }, ['lib/binding/napi-v3/bcrypt_lib.node'], X64, ['lib/binding/napi-v3/bcrypt_lib.node']],
	[{}, ['lib/binding/node-v115-linux-x64/a.node', 'lib/binding/node-v108-linux-x64/a.node'], X64, ['lib/binding/node-v115-linux-x64/a.node']],
];

test('which files of a package are loaded', (t) => {
	for (const [manifest, files, machine, want] of TABLE)
		assert.deepStrictEqual(loadable(packageWith(t, files, manifest), machine).files.sort(), want, files.join());
});

test('prebuilds/ is read as node-gyp-build reads it', (t) => {
	const gypBuild = require(real('node-gyp-build'));
	const me = thisMachine();
	const here = `prebuilds/${me.platform}-${me.arch}`;
	const names = ['a', 'a.napi', 'a.glibc', 'a.musl', 'a.napi.glibc', 'a.napi.musl', 'node.napi', 'electron.napi', `node.abi${me.abi}`,
		`electron.abi${me.abi}`, 'node.abi83', 'abi83.napi', `abi${me.abi}.glibc`, 'a.armv7', `a.uv${me.uv}`, 'a.uv9', 'node.napi.uv1.glibc'];
	let compared = 0;

	for (let i = 0; i < names.length; i++)
		for (let j = i; j < names.length; j++)
			for (const also of [[], ['build/Release/z.node', 'build/Release/b.node'], [`prebuilds/${me.platform}-${me.arch}+other/only.node`]]) {
				const files = [...new Set([names[i], names[j]])].map((n) => `${here}/${n}.node`).concat(also);
				const pkg = packageWith(t, files, { dependencies: { 'node-gyp-build': '*' } });
				let want = [];

				try {
					want = [path.relative(pkg.folder, gypBuild.resolve(pkg.folder))];
				} catch (e) {
					assert.match(e.message, /No native build/);
				}
				if (!also[0] || !also[0].startsWith('build'))
					assert.deepStrictEqual(loadable(pkg, me).files, want, files.join());
				else
					assert.match(loadable(pkg, me).files.join(), /^build\/Release\/[bz]\.node$/);
				compared++;
			}
	assert.ok(compared > 300, `${compared} compared`);
});

test('what a path says about a machine', () => {
	const another = ['prebuilds/darwin-arm64/x.node', 'bin/win32-x64-115/x.node', 'x.linux-arm-gnueabihf.node', 'linuxmusl-x64.node',
		'sharp-linux-arm64v8/x.node', 'lib/binding/electron-v33.0-linux-x64/x.node', 'lib/binding/node-v108-linux-x64/x.node', 'alpine-x64.node'];
	const mine = ['build/Release/x.node', 'linux-x64.node', 'x.linux-x64-gnu.node', 'lib/binding/napi-v6-linux-glibc-x64/x.node',
		'lib/binding/napi-v6-linux-unknown-x64/x.node', 'lib/unlinux-x644/x.node', 'lib/binding/node-v115-linux-x64/x.node', 'darwin.node'];

	for (const file of another.filter((f) => !f.includes('arm64v8')))
		assert.strictEqual(isForAnother(file, X64), true, file);
	for (const file of mine)
		assert.strictEqual(isForAnother(file, X64), false, file);
});

test('a package that needs an addon and has none', (t) => {
	const needs = [
		addonPackage('addon', '1.0.0')['package.json'], { scripts: { install: 'node-gyp rebuild' } }, { binary: SQLITE_5 },
		{ scripts: { install: 'node-gyp-build' } },
	];

	for (const manifest of needs)
		assert.strictEqual(loadable(packageWith(t, [], { ...manifest, name: 'addon' }), X64).needed, true, JSON.stringify(manifest));
	assert.strictEqual(loadable(packageWith(t, ['binding.gyp']), X64).needed, true);
	for (const manifest of [{}, { scripts: { install: 'echo node' } }, { scripts: { test: 'node-gyp rebuild' } }, { binary: {} }])
		assert.strictEqual(loadable(packageWith(t, [], manifest), X64).needed, false, JSON.stringify(manifest));
	assert.strictEqual(loadable(packageWith(t, ['binding.gyp'], { gypfile: false }), X64).needed, false);
	assert.strictEqual(loadable(packageWith(t, ['prebuilds/darwin-x64/a.node'], needs[3]), X64).needed, true);
	assert.strictEqual(loadable(packageWith(t, [], { ...needs[3], os: ['win32'] }), X64).needed, false);
});

/* MANIFEST, FILES, MACHINE, the ABI, the names that are asked for. Those of docs/mirror.md's clients. */
const NAMES = [
	[{ binary: { napi_versions: [3, 6] } }, [], X64, 'napi-v6', ['addon-v1.2.3-napi-v6-linux-x64.tar.gz']],
	[{ binary: { napi_versions: [3, 6] } }, [], MUSL, 'napi-v6', ['addon-v1.2.3-napi-v6-linuxmusl-arm64.tar.gz']],
	[{ binary: { napi_versions: [3, 10] } }, [], X64, 'napi-v3', ['addon-v1.2.3-napi-v3-linux-x64.tar.gz']],
	[{ name: '@scope/addon' }, [], X64, 'node-v115', ['addon-v1.2.3-node-v115-linux-x64.tar.gz']],
	[{ dependencies: { 'node-addon-api': '*' } }, [], X64, 'napi-v8', ['addon-v1.2.3-napi-v8-linux-x64.tar.gz']],
	[{ dependencies: { nan: '*' } }, [], ELECTRON, 'electron-v130', ['addon-v1.2.3-electron-v130-linux-x64.tar.gz']],
	[{ binary: SQLITE_5 }, [], X64, 'napi-v6', ['napi-v6-linux-glibc-x64.tar.gz', 'addon-v1.2.3-napi-v6-linux-x64.tar.gz']],
	[{ binary: BCRYPT_5 }, [], MUSL, 'napi-v3', ['bcrypt_lib-v1.2.3-napi-v3-linux-arm64-musl.tar.gz', 'addon-v1.2.3-napi-v3-linuxmusl-arm64.tar.gz']],
	[{ binary: CANVAS_2 }, [], X64, 'node-v115', ['canvas-v1.2.3-node-v115-linux-glibc-x64.tar.gz', 'addon-v1.2.3-node-v115-linux-x64.tar.gz']],
	[{ binary: { ...CANVAS_2, package_name: undefined } }, [], ELECTRON, 'electron-v130',
		['canvas-v1.2.3-electron-v33.2-linux-x64.tar.gz', 'addon-v1.2.3-electron-v130-linux-x64.tar.gz']],
];

test('what the service is asked for', (t) => {
	for (const [manifest, files, machine, abi, want] of NAMES)
		assert.deepStrictEqual(namesFor(packageWith(t, files, manifest), machine), { abi, files: want });
	assert.strictEqual(namesFor(packageWith(t, [], { binary: { napi_versions: [10] } }), X64), null);
	const pkg = packageWith(t, []);

	tree(pkg.folder, { 'src/deep/a.cc': '#include <node_api.h>\n' });
	assert.strictEqual(namesFor(pkg, X64).abi, 'napi-v8');
	tree(pkg.folder, { 'binding.gyp': "{'defines': ['NAPI_VERSION=7']}" });
	assert.strictEqual(namesFor(pkg, X64).abi, 'napi-v7');
});

test('where a missing addon has to be', (t) => {
	assert.strictEqual(placeFor(packageWith(t, []), 'a.node', X64), 'build/Release/a.node');
	assert.strictEqual(placeFor(packageWith(t, [], { binary: SQLITE_5 }), 'node_sqlite3.node', X64), 'lib/binding/napi-v6-linux-glibc-x64/node_sqlite3.node');
	/* A package must not say that its addon is somewhere else. */
	assert.strictEqual(placeFor(packageWith(t, [], { binary: { ...SQLITE_5, module_path: '../../x' } }), 'a.node', X64), 'build/Release/a.node');
});
