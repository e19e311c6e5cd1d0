'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { ADDON, WRONG, addonPackage, addonTarball, makeKey, prebuildPath, real, run, scratch, service, sha256, sign, stateOf, tree, under } = require('./support');

const PATH = prebuildPath('addon', '1.0.0');
const INSIDE = 'node_modules/addon/build/Release/addon.node';
const OTHER = () => real('better-sqlite3/prebuilds/linux-x64.node');

function project(t, more = {}) {
	const root = scratch(t);

	tree(root, { 'package.json': { name: 'app', version: '1.0.0' }, ...under('node_modules/addon', addonPackage('addon', '1.0.0')), ...more });
	return root;
}

function answer(file = ADDON()) {
	return { body: addonTarball(fs.readFileSync(file)) };
}

/** The same addon in a tarball that was packed again: other bytes around the same. */
function repacked() {
	return { body: addonTarball(fs.readFileSync(ADDON()), './build/Release/addon.node') };
}

function lockOf(root) {
	return JSON.parse(fs.readFileSync(path.join(root, 'prebuildd.lock.json'), 'utf8'));
}

function install(root, url, ...args) {
	const env = args.find((a) => typeof a === 'object') || {};

	return run(['install', ...args.filter((a) => typeof a === 'string')], { cwd: root, env: { PREBUILDD_URL: url, ...env } });
}

test('a missing addon is brought and locked; the second time nothing is done', async (t) => {
	const root = project(t);
	const { url, asked, files } = await service(t, { [PATH]: answer() });
	const first = await install(root, url);

	assert.strictEqual(first.exit, 0, first.out + first.err);
	assert.strictEqual(sha256(fs.readFileSync(path.join(root, INSIDE))), sha256(fs.readFileSync(ADDON())));
	assert.deepStrictEqual(lockOf(root), {
		version: 1,
		addons: { 'addon@1.0.0': { 'x86_64-linux-gnu': { 'napi-v6': {
			file: path.basename(PATH), tarball: `sha256:${sha256(files[PATH].body)}`,
			addons: { 'build/Release/addon.node': `sha256:${sha256(fs.readFileSync(ADDON()))}` },
		} } } },
	});
	const before = stateOf(root);
	const requests = asked.length;

	for (const args of [[], ['--frozen'], [{ CI: 'true' }]])
		assert.strictEqual((await install(root, 'http://127.0.0.1:9', ...args)).exit, 0, 'what is as locked needs no service');
	assert.deepStrictEqual([stateOf(root), asked.length], [before, requests]);
});

test('frozen: the locked bytes or none', async (t) => {
	const root = project(t);
	const { url, files } = await service(t, { [PATH]: answer() });
	const gone = () => fs.rmSync(path.join(root, 'node_modules/addon/build'), { recursive: true, force: true });
	const frozen = async (how) => {
		const done = await install(root, url, ...how);

		return [done.exit, done.out + done.err];
	};

	for (const how of [['--frozen'], [{ CI: 'true' }]]) {
		const [exit, text] = await frozen(how);

		assert.strictEqual(exit, 1);
		assert.match(text, /there is no prebuildd\.lock\.json/);
	}
	assert.strictEqual((await install(root, url, '--update', { CI: '1' })).exit, 0);
	const lock = fs.readFileSync(path.join(root, 'prebuildd.lock.json'), 'utf8');

	gone();
	assert.deepStrictEqual((await frozen(['--frozen']))[0], 0, 'it is brought again');
	for (const [what, served] of Object.entries({ 'packed again': repacked(), 'another addon': answer(OTHER()) })) {
		gone();
		files[PATH] = served;
		const [exit, text] = await frozen([{ CI: 'true' }]);

		assert.strictEqual(exit, 1, what);
		assert.match(text, what === 'packed again' ? /has other bytes than prebuildd\.lock\.json says/ : /other bytes|does not fit/, what);
		assert.strictEqual(fs.existsSync(path.join(root, INSIDE)), false, what);
	}
	/* An addon that somebody compiled here, or that another server gave, is replaced by what is locked. */
	files[PATH] = answer();
	tree(root, { [INSIDE]: Buffer.concat([fs.readFileSync(ADDON()), Buffer.from('x')]) });
	assert.strictEqual((await frozen(['--frozen']))[0], 0);
	assert.strictEqual(sha256(fs.readFileSync(path.join(root, INSIDE))), sha256(fs.readFileSync(ADDON())));
	/* A new version is not in the lock. */
	tree(root, under('node_modules/addon', addonPackage('addon', '1.0.1')));
	const [exit, text] = await frozen(['--frozen']);

	assert.strictEqual(exit, 1);
	assert.match(text, /addon@1\.0\.1 \(x86_64-linux-gnu, napi-v6\) is not in prebuildd\.lock\.json/);
	assert.strictEqual(fs.readFileSync(path.join(root, 'prebuildd.lock.json'), 'utf8'), lock, 'the lock did not change');
});

test('not frozen: a change is said and locked, what is gone is forgotten', async (t) => {
	const root = project(t);
	const { url, files } = await service(t, { [PATH]: answer() });

	await install(root, url);
	fs.rmSync(path.join(root, INSIDE));
	files[PATH] = repacked();
	const changed = await install(root, url);

	assert.strictEqual(changed.exit, 0, changed.out);
	assert.match(changed.out, /prebuildd\.lock\.json changes/);
	assert.strictEqual(lockOf(root).addons['addon@1.0.0']['x86_64-linux-gnu']['napi-v6'].tarball, `sha256:${sha256(files[PATH].body)}`);
	tree(root, under('node_modules/addon', addonPackage('addon', '2.0.0')));
	files[prebuildPath('addon', '2.0.0')] = answer();
	assert.match((await install(root, url)).out, /addon@1\.0\.0: no longer installed/);
	assert.deepStrictEqual(Object.keys(lockOf(root).addons), ['addon@2.0.0']);
});

test("a package's own binaries are locked without asking", async (t) => {
	const root = project(t, {
		...under('node_modules/addon', addonPackage('addon', '1.0.0', 'prebuilds/linux-x64/addon.node', { scripts: { install: 'node-gyp-build' } })),
		'node_modules/addon/prebuilds/linux-x64/addon.node': { from: ADDON() },
	});
	const { url, asked } = await service(t);

	assert.strictEqual((await install(root, url)).exit, 0);
	assert.deepStrictEqual(asked, []);
	const entry = Object.values(Object.values(lockOf(root).addons['addon@1.0.0'])[0])[0];

	assert.deepStrictEqual([entry.file, Object.keys(entry.addons)], [null, ['prebuilds/linux-x64/addon.node']]);
	fs.appendFileSync(path.join(root, 'node_modules/addon/prebuilds/linux-x64/addon.node'), 'x');
	const done = await install(root, url, '--frozen');

	assert.strictEqual(done.exit, 1);
	assert.match(done.out, /did not come from the service: install the package again/);
});

test('what works and the service does not have is kept; what it cannot be asked is not locked', async (t) => {
	const root = project(t, { [INSIDE]: { from: ADDON() } });
	const { url } = await service(t);

	assert.strictEqual((await install(root, 'http://127.0.0.1:9')).exit, 3);
	assert.match((await install(root, url)).out, /kept as it is/);
	fs.rmSync(path.join(root, INSIDE));
	fs.rmSync(path.join(root, 'prebuildd.lock.json'));
	assert.strictEqual((await install(root, url)).exit, 4, 'there is none, and there has to be one');
});

test('a second addon of a package is locked as it is, and not forgotten', async (t) => {
	const root = project(t, { 'node_modules/addon/build/Release/second.node': { from: ADDON() } });
	const { url } = await service(t, { [PATH]: answer() });

	tree(root, { [INSIDE]: { from: WRONG() } });
	assert.strictEqual((await install(root, url)).exit, 0);
	assert.deepStrictEqual(Object.keys(lockOf(root).addons['addon@1.0.0']['x86_64-linux-gnu']['napi-v6'].addons).sort(),
		['build/Release/addon.node', 'build/Release/second.node']);
	assert.strictEqual((await install(root, url, '--frozen')).exit, 0);
	fs.appendFileSync(path.join(root, 'node_modules/addon/build/Release/second.node'), 'x');
	assert.match((await install(root, url, '--frozen')).out, /has other bytes than prebuildd\.lock\.json says/);
	tree(root, { 'node_modules/addon/build/Release/second.node': { from: WRONG() } });
	assert.match((await install(root, url)).out, /second\.node does not load, and the service has only build\/Release\/addon\.node/);
});

test('locks for other targets', async (t) => {
	const root = project(t);
	const arm = '/prebuilds/addon/v1.0.0/addon-v1.0.0-napi-v6-linux-arm64.tar.gz';
	const { url, files } = await service(t, { [PATH]: answer(), [arm]: answer(WRONG()) });
	const both = ['--target', 'aarch64-linux-gnu', '--target', 'linux-x64'];
	const done = await install(root, url, ...both);

	assert.strictEqual(done.exit, 0, done.out + done.err);
	assert.deepStrictEqual(Object.keys(lockOf(root).addons['addon@1.0.0']), ['aarch64-linux-gnu', 'x86_64-linux-gnu']);
	assert.strictEqual((await install(root, url, '--frozen', ...both)).exit, 0);
	files[arm] = { body: addonTarball(fs.readFileSync(WRONG()), './build/Release/addon.node') };
	assert.strictEqual((await install(root, url, '--frozen', ...both)).exit, 1);
	files[arm] = answer();
	const wrong = await install(root, url, ...both);

	assert.strictEqual(wrong.exit, 1, 'an addon of another machine is not locked for that one');
	assert.match(wrong.out, /does not fit either: ELF 64-bit x86-64/);
	assert.strictEqual((await install(root, url, '--target', 'pdp11')).exit, 2);
	assert.strictEqual((await install(root, url, '--target', 'riscv64-linux-gnu')).exit, 4);
});

test('signatures count here too', async (t) => {
	const root = project(t);
	const key = makeKey(root);
	const file = answer();
	const { url } = await service(t, { [PATH]: file });

	assert.strictEqual((await install(root, url, '--key', key.public)).exit, 1);
	assert.strictEqual(fs.existsSync(path.join(root, INSIDE)), false);
	file.minisig = sign(root, key, file.body, `file:${path.basename(PATH)} package:addon@1.0.0 sha256:${sha256(file.body)}`);
	const done = await install(root, url, '--key', key.public);

	assert.strictEqual(done.exit, 0, done.out);
	assert.match(done.out, /signature verified/);
});

test('a lock that is none is not overwritten', async (t) => {
	const root = project(t);
	const { url } = await service(t, { [PATH]: answer() });
	const bad = ['', '{', '[]', '{"version":2,"addons":{}}', '{"version":1,"addons":{"a@1":null}}', '{"version":1,"addons":{"a@1":{"t":{"n":{}}}}}',
		'<<<<<<< ours\n{}\n'];

	for (const text of bad) {
		tree(root, { 'prebuildd.lock.json': text });
		const done = await install(root, url);

		assert.strictEqual(done.exit, 1, text);
		assert.match(done.err, /prebuildd\.lock\.json: /, text);
		assert.strictEqual(fs.readFileSync(path.join(root, 'prebuildd.lock.json'), 'utf8'), text);
	}
});
