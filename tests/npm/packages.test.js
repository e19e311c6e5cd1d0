'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { LIB, ADDON, WRONG, addonPackage, scratch, tree, under } = require('./support');
const { findPackages } = require(path.join(LIB, 'packages'));
const { survey } = require(path.join(LIB, 'survey'));
const { thisMachine } = require(path.join(LIB, 'machine'));

const ROOT = { 'package.json': { name: 'app', version: '1.0.0' } };

function addonsOf(root) {
	return survey(root, thisMachine()).addons.map((a) => `${a.state} ${a.package}@${a.version} ${path.relative(root, a.file)}`).sort();
}

function installed(where, file = WRONG(), name = 'addon', version = '1.0.0') {
	return { ...under(where, addonPackage(name, version)), [`${where}/build/Release/addon.node`]: { from: file } };
}

test('npm: flat, nested, scoped, and workspaces that are links', (t) => {
	const root = scratch(t);

	tree(root, {
		...ROOT, ...installed('node_modules/addon', ADDON()), ...installed('node_modules/b/node_modules/addon', WRONG(), 'addon', '2.0.0'),
		'node_modules/b/package.json': { name: 'b', version: '1.0.0' }, ...installed('node_modules/@s/c', WRONG(), '@s/c'),
		'packages/w/package.json': { name: 'w', version: '0.0.1' }, ...installed('packages/w/node_modules/d', WRONG(), 'd'),
		'node_modules/w': { link: '../packages/w' }, 'node_modules/.bin/x': 'x', '.git/x.node': 'x',
	});
	assert.deepStrictEqual(addonsOf(root), [
		'ok addon@1.0.0 node_modules/addon/build/Release/addon.node', 'wrong @s/c@1.0.0 node_modules/@s/c/build/Release/addon.node',
		'wrong addon@2.0.0 node_modules/b/node_modules/addon/build/Release/addon.node',
		'wrong d@1.0.0 packages/w/node_modules/d/build/Release/addon.node']);
});

test('pnpm: a store of links, each package once', (t) => {
	const root = scratch(t);

	tree(root, {
		...ROOT, ...installed('node_modules/.pnpm/addon@1.0.0/node_modules/addon'),
		'node_modules/addon': { link: '.pnpm/addon@1.0.0/node_modules/addon' },
		'node_modules/.pnpm/b@1.0.0/node_modules/addon': { link: '../../addon@1.0.0/node_modules/addon' },
		'node_modules/.pnpm/node_modules/addon': { link: '../addon@1.0.0/node_modules/addon' },
		'node_modules/loop': { link: '..' },
	});
	assert.deepStrictEqual(addonsOf(root), ['wrong addon@1.0.0 node_modules/.pnpm/addon@1.0.0/node_modules/addon/build/Release/addon.node']);
});

test('pnpm with a store outside of the project', (t) => {
	const folder = scratch(t);

	tree(folder, {
		...under('app', ROOT), ...installed('store/links/b/1/hash/node_modules/b', ADDON(), 'b'),
		...installed('store/links/addon/1/hash/node_modules/addon'), 'store/links/b/1/hash/node_modules/addon': { link: '../../../../addon/1/hash/node_modules/addon' },
		'app/node_modules/b': { link: '../../store/links/b/1/hash/node_modules/b' },
	});
	assert.deepStrictEqual(survey(path.join(folder, 'app'), thisMachine()).addons.map((a) => `${a.state} ${a.package}`).sort(), ['ok b', 'wrong addon']);
});

test("yarn's unplugged packages", (t) => {
	const root = scratch(t);

	tree(root, { ...ROOT, '.pnp.cjs': '', ...installed('.yarn/unplugged/addon-npm-1.0.0-abc/node_modules/addon'), '.yarn/cache/x.node': 'x' });
	assert.deepStrictEqual(addonsOf(root), ['wrong addon@1.0.0 .yarn/unplugged/addon-npm-1.0.0-abc/node_modules/addon/build/Release/addon.node']);
});

test("an Electron app's unpacked modules, and a folder that is a package", (t) => {
	const root = scratch(t);

	tree(root, { ...installed('dist/linux-unpacked/resources/app.asar.unpacked/node_modules/addon') });
	assert.deepStrictEqual(addonsOf(root).length, 1);
	assert.deepStrictEqual(addonsOf(path.join(root, 'dist/linux-unpacked/resources/app.asar.unpacked/node_modules/addon')),
		['wrong addon@1.0.0 build/Release/addon.node']);
});

test('hostile package.json files are no names', (t) => {
	const root = scratch(t);
	const names = ['../../etc', 'a/b', '', 5, null, 'x'.repeat(300), '.x', '@a/../b'];

	names.forEach((name, i) => tree(root, { [`node_modules/p${i}/package.json`]: { name, version: '1.0.0/..' } }));
	tree(root, { 'node_modules/q/package.json': 'not json', 'node_modules/r/package.json': 'null' });
	const found = findPackages(root).filter((p) => p.installed);

	assert.strictEqual(found.length, names.length + 2);
	for (const pkg of found)
		assert.deepStrictEqual([pkg.name, pkg.version], [null, null], pkg.folder);
});

test('an extension of SQLite beside an addon is none itself; alone it is a fault', (t) => {
	const root = scratch(t);
	const library = thisMachine().libraries.find((f) => /libm\.so/.test(f));

	tree(root, { ...installed('node_modules/addon', ADDON()), 'node_modules/addon/build/Release/test_extension.node': { from: library } });
	assert.deepStrictEqual(addonsOf(root), ['ok addon@1.0.0 node_modules/addon/build/Release/addon.node']);
	tree(root, { ...under('node_modules/b', addonPackage('b', '1.0.0')), 'node_modules/b/build/Release/addon.node': { from: library } });
	assert.match(addonsOf(root)[1], /^wrong b@1\.0\.0/);
});

test('a binary package for another machine, and none for this one', (t) => {
	const root = scratch(t);
	const me = thisMachine();
	const libc = me.libc && me.libc.family === 'musl' ? 'musl' : 'gnu';
	const mine = me.platform === 'linux' ? `fast-${me.platform}-${me.arch}-${libc}` : `fast-${me.platform}-${me.arch}`;
	const other = 'fast-freebsd-arm64';

	tree(root, {
		'node_modules/fast/package.json': { name: 'fast', version: '1.0.0', optionalDependencies: { [mine]: '1', [other]: '1' } },
		[`node_modules/${other}/package.json`]: { name: other, version: '1.0.0', os: ['freebsd'], cpu: ['arm64'] },
		[`node_modules/${other}/fast.node`]: { from: WRONG() },
	});
	const [addon] = survey(root, me).addons;

	assert.strictEqual(addon.state, 'missing');
	assert.match(addon.summary, new RegExp(`has ${other}, which is for another machine, and not ${mine}`));
	assert.match(addon.hint, /npm install --no-save --os=\w+ --cpu=\w+ fast/);
	tree(root, { [`node_modules/${mine}/package.json`]: { name: mine, version: '1.0.0' }, [`node_modules/${mine}/fast.node`]: { from: ADDON() } });
	assert.deepStrictEqual(survey(root, me).addons.map((a) => a.state), ['ok']);
});

test("the service's own registry: a package with a file for each ABI", (t) => {
	const root = scratch(t);
	const at = 'node_modules/@prebuildd/addon-linux-x64';
	const abis = [`node-v${process.versions.modules}`, 'node-v83', 'napi-v6', 'napi-v99'];

	tree(root, { [`${at}/package.json`]: { name: '@prebuildd/addon-linux-x64', version: '1.0.0-1', os: [process.platform], cpu: [process.arch], abis }, [`${at}/prebuildd.json`]: { abis } });
	for (const abi of abis)
		tree(root, { [`${at}/${abi}.node`]: { from: abi === 'napi-v6' ? ADDON() : WRONG() } });
	const file = (abi) => `@prebuildd/addon-linux-x64@1.0.0-1 ${at}/${abi}.node`;

	assert.deepStrictEqual(addonsOf(root), [`wrong ${file(abis[0])}`]);
	fs.rmSync(path.join(root, at, `${abis[0]}.node`));
	assert.deepStrictEqual(addonsOf(root), [`ok ${file('napi-v6')}`]);
	fs.rmSync(path.join(root, at, 'napi-v6.node'));
	const [addon] = survey(root, thisMachine()).addons;

	assert.deepStrictEqual([addon.state, addon.hint], ['missing', 'npm update @prebuildd/addon-linux-x64']);
});
