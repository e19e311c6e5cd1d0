'use strict';

const assert = require('node:assert');
const { execFile, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { ADDON, PROGRAM, WRONG, addonPackage, addonTarball, makeKey, prebuildPath, real, run, scratch, service, sha256, sign, stateOf,
	tarball, tarEntry, tree, under } = require('./support');

const PATH = prebuildPath('addon', '1.0.0');
const INSIDE = 'node_modules/addon/build/Release/addon.node';

/** A project whose one addon is `file`; its package.json is read by nobody here. */
function project(t, file = WRONG(), more = {}) {
	const root = scratch(t);

	tree(root, {
		'package.json': { name: 'app', version: '1.0.0' },
		...under('node_modules/addon', addonPackage('addon', '1.0.0')), [INSIDE]: { from: file }, ...more,
	});
	return root;
}

function good() {
	return { body: addonTarball(fs.readFileSync(ADDON())) };
}

/** An addon that looks right and does not load: it calls a function that no Node has. */
function brokenAddon() {
	const bytes = Buffer.from(fs.readFileSync(ADDON()));
	const at = bytes.indexOf('\0napi_create_function\0');

	bytes.write('X', at + '\0napi_create_function'.length - 1);
	return bytes;
}

function requireIn(root, code = "require('addon')") {
	return new Promise((done) => execFile(process.execPath, ['-e', code], { cwd: root }, (e, out, err) => done(e ? err : 'ok')));
}

function doctor(root, ...args) {
	const env = args.find((a) => typeof a === 'object') || {};

	return run(['doctor', ...args.filter((a) => typeof a === 'string')], { cwd: root, env });
}

test('invalid ELF header, said, repaired, and left alone', async (t) => {
	const root = project(t);
	const { url, asked } = await service(t, { [PATH]: good() });

	assert.match(await requireIn(root), /cannot open shared object file|invalid ELF header|wrong ELF class/);
	const said = await doctor(root);

	assert.strictEqual(said.exit, 1);
	assert.match(said.out, /wrong {3}addon@1\.0\.0 {2}node_modules\/addon\/build\/Release\/addon\.node\n +machine: ELF 64-bit AArch64; expected: ELF 64-bit x86-64/);
	const fixed = await doctor(root, '--fix', '--server', url);

	assert.strictEqual(fixed.exit, 0, fixed.out + fixed.err);
	assert.match(fixed.out, /signature not checked: no key given/);
	assert.match(fixed.out, /put in place: node_modules\/addon\/build\/Release\/addon\.node\n {2}require\('addon'\) works/);
	assert.strictEqual(await requireIn(root), 'ok');
	assert.deepStrictEqual(fs.readdirSync(path.dirname(path.join(root, INSIDE))), ['addon.node']);
	const before = stateOf(root);
	const requests = asked.length;

	for (const args of [[], ['--fix', '--server', url], ['--load']])
		assert.strictEqual((await doctor(root, ...args)).exit, 0);
	assert.deepStrictEqual(stateOf(root), before);
	assert.strictEqual(asked.length, requests, 'the service was not asked');
});

test('a Mach-O file is named as what it is, and JSON says the same', async (t) => {
	const root = project(t, real('better-sqlite3/prebuilds/darwin-arm64.node'));
	const { exit, json } = await doctor(root, '--json');

	assert.strictEqual(exit, 1);
	assert.strictEqual(json.machine.arch, process.arch);
	assert.deepStrictEqual(json.addons.map((a) => [a.package, a.version, a.state, a.format, a.findings]), [['addon', '1.0.0', 'wrong', 'mach-o',
		[{ rule: 'format', expected: 'ELF 64-bit x86-64', found: 'Mach-O arm64 bundle' }]]]);
});

test('a missing addon is brought to where the loader looks', async (t) => {
	const root = project(t);
	const { url } = await service(t, { [PATH]: good() });

	fs.rmSync(path.join(root, 'node_modules/addon/build'), { recursive: true });
	assert.match((await doctor(root)).out, /missing addon@1\.0\.0.*\n +missing: needs an addon, and has no \.node file at all/);
	assert.strictEqual((await doctor(root, '--fix', '--server', url)).exit, 0);
	assert.strictEqual(await requireIn(root), 'ok');
});

test('with a key a signature is verified, from a flag, the environment or package.json', async (t) => {
	const root = project(t);
	const key = makeKey(root);
	const file = good();

	file.minisig = sign(root, key, file.body, `file:${path.basename(PATH)} package:addon@1.0.0 sha256:${sha256(file.body)}`);
	const { url } = await service(t, { [PATH]: file });
	const line = fs.readFileSync(key.public, 'utf8').split('\n')[1];
	const ways = {
		flag: () => doctor(root, '--fix', '--server', url, '--key', key.public),
		environment: () => doctor(root, '--fix', { PREBUILDD_URL: url, PREBUILDD_KEY: line }),
		'package.json': () => {
			tree(root, { 'package.json': { prebuildd: { server: url, key: 'key.pub' } } });
			return doctor(root, '--fix');
		},
	};

	for (const [way, fix] of Object.entries(ways)) {
		fs.copyFileSync(WRONG(), path.join(root, INSIDE));
		const done = await fix();

		assert.strictEqual(done.exit, 0, `${way}: ${done.out}${done.err}`);
		assert.match(done.out, /signature verified/, way);
	}
	assert.strictEqual((await doctor(root, '--fix', '--key', 'RWnonsense', '--server', url)).exit, 0, 'nothing to do: no key is read');
	fs.copyFileSync(WRONG(), path.join(root, INSIDE));
	assert.strictEqual((await doctor(root, '--fix', '--key', 'RWnonsense', '--server', url)).exit, 2);
});

test('what the service must not be believed: refused, and the old file is still there', async (t) => {
	const root = project(t);
	const [key, other] = [makeKey(root), makeKey(root, 'other')];
	const { body } = good();
	const comment = `file:${path.basename(PATH)} package:addon@1.0.0 sha256:${sha256(body)}`;
	const signed = (by, text) => sign(root, by, body, text);
	const changed = Buffer.concat([body, Buffer.from('x')]);
	const withKey = ['--key', key.public];
	/* What it answers, flags, exit, what is said. */
	const table = {
		'other bytes than the digest': [{ body, digest: sha256(changed) }, [], 1, /not those of the digest/],
		'no signature': [{ body }, withKey, 1, /there is no signature \(404\), and a key was given/],
		'the signature of another key': [{ body, minisig: signed(other, comment) }, withKey, 1, /signed with key [0-9A-F]{16}, not with/],
		'a signature of other bytes': [{ body: changed, minisig: signed(key, comment) }, withKey, 1, /not of these bytes/],
		'a signature of another file': [{ body, minisig: signed(key, comment.replace('addon-v', 'other-v')) }, withKey, 1, /the signature is for file other-v/],
		'a signature of another package': [{ body, minisig: signed(key, comment.replace('addon@', 'evil@')) }, withKey, 1, /is for package evil@1\.0\.0/],
		'an addon for another machine': [{ body: addonTarball(fs.readFileSync(WRONG())) }, [], 1, /does not fit either: ELF 64-bit AArch64/],
		'an addon that does not load': [{ body: addonTarball(brokenAddon()) }, [], 1, /what the service has does not load: .*napi_create_functioX/],
		'an addon of another name': [{ body: addonTarball(fs.readFileSync(ADDON()), 'build/Release/other.node') }, [], 1, /is other\.node, not addon\.node/],
		'no addon': [{ body: tarball(tarEntry('README', Buffer.from('x'))) }, [], 1, /no \.node files in it/],
		'a page': [{ body: Buffer.from('<html>') }, [], 1, /no whole gzip stream/],
		'half of it': [{ body, cut: body.length >> 1 }, [], 3, /aborted|ended after/],
		'an error of the server': [{ body, status: 500 }, [], 1, /: 500/],
		'not allowed': [{ body, status: 401 }, [], 5, /a token goes into the URL/],
		'no such package': [{ code: 'unknown-package' }, [], 4, /404 unknown-package/],
		'a build that failed': [{ code: 'build-failed' }, [], 4, /404 build-failed/],
		'still being built': [{ code: 'building' }, ['--wait', '0'], 4, /404 building/],
		'a redirect in circles': [{ body, status: 302, headers: { location: PATH } }, [], 1, /more than 5 redirects/],
	};
	const { url, files } = await service(t);
	const folder = path.dirname(path.join(root, INSIDE));

	for (const [what, [answer, flags, exit, text]] of Object.entries(table)) {
		const before = stateOf(folder);

		files[PATH] = answer;
		const done = await doctor(root, '--fix', '--server', url, ...flags);

		assert.strictEqual(done.exit, exit, `${what}: ${done.out}${done.err}`);
		assert.match(done.out, text, what);
		assert.deepStrictEqual(stateOf(folder), before, what);
	}
});

test('what is being built is waited for', async (t) => {
	const root = project(t);
	let asked = 0;
	const { url } = await service(t, { [PATH]: () => (++asked < 3 ? { code: 'building' } : good()) });
	const done = await doctor(root, '--fix', '--server', url);

	assert.strictEqual(done.exit, 0, done.out);
	assert.match(done.out, /is being built; waiting/);
});

test('a service that is not there, and one that is none', async (t) => {
	const root = project(t);
	const { url } = await service(t);

	assert.strictEqual((await doctor(root, '--fix', '--server', 'http://127.0.0.1:9')).exit, 3);
	assert.strictEqual((await doctor(root, '--fix', '--server', url)).exit, 4);
	for (const bad of ['nonsense', 'file:///etc', ''])
		assert.strictEqual((await doctor(root, '--fix', { PREBUILDD_URL: bad || 'x' })).exit, 2, bad);
	assert.strictEqual(sha256(fs.readFileSync(path.join(root, INSIDE))), sha256(fs.readFileSync(WRONG())));
});

test('usage', async (t) => {
	const root = project(t);

	for (const args of [['doctor', '--nonsense'], ['doctor', 'a', 'b'], ['doctor', 'nowhere'], ['nonsense'], [], ['doctor', '--wait', 'x'], ['doctor', '--electron', '1.0.0']])
		assert.strictEqual((await run(args, { cwd: root })).exit, 2, args.join(' '));
	for (const args of [['--help'], ['doctor', '--help'], ['install', '--help'], ['verify', '--help'], ['--version']])
		assert.strictEqual((await run(args, { cwd: root })).exit, 0, args.join(' '));
});

test('a dry run asks for nothing and changes nothing', async (t) => {
	const root = project(t);
	const { url, asked } = await service(t, { [PATH]: good() });
	const before = stateOf(root);
	const done = await doctor(root, '--fix', '--dry-run', '--server', url);

	assert.strictEqual(done.exit, 1);
	assert.match(done.out, /would ask http:\/\/127\.0\.0\.1:\d+ for addon-v1\.0\.0-napi-v6-linux-x64\.tar\.gz/);
	assert.deepStrictEqual([stateOf(root), asked], [before, []]);
});

test('a folder that cannot be written is said, and the others are repaired', async (t) => {
	const root = project(t, WRONG(), {
		...under('node_modules/b', addonPackage('b', '1.0.0')), 'node_modules/b/build/Release/addon.node': { from: WRONG() },
	});
	const { url } = await service(t, { [PATH]: good(), [prebuildPath('b', '1.0.0')]: good() });
	const folder = path.dirname(path.join(root, INSIDE));
	/* Root writes everywhere, unless that is taken from it. */
	const words = [process.execPath, PROGRAM, 'doctor', '--fix', '--server', url];
	const all = process.getuid() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', ...words] : words;

	fs.chmodSync(folder, 0o555);
	const before = stateOf(folder);
	const done = await new Promise((end) => execFile(all[0], all.slice(1), { cwd: root, env: { ...process.env, HOME: root } }, (e, out) => end({ exit: e ? e.code : 0, out })));
	const after = stateOf(folder);

	fs.chmodSync(folder, 0o755);
	assert.strictEqual(done.exit, 1, done.out);
	assert.match(done.out, /addon\/build\/Release cannot be written \(EACCES\)/);
	assert.match(done.out, /1 repaired, 1 not right/);
	assert.deepStrictEqual(after, before);
	assert.strictEqual(await requireIn(root, "require('b')"), 'ok');
});

test("a store that shares a file with the project keeps its own", async (t) => {
	const root = project(t);
	const { url } = await service(t, { [PATH]: good() });

	fs.linkSync(path.join(root, INSIDE), path.join(root, 'store'));
	assert.strictEqual((await doctor(root, '--fix', '--server', url)).exit, 0);
	assert.strictEqual(sha256(fs.readFileSync(path.join(root, 'store'))), sha256(fs.readFileSync(WRONG())));
});

test('broken entries of the cache are found and removed, others stay', async (t) => {
	const root = project(t, ADDON());
	const folder = path.join(root, 'cache/_prebuilds');
	const name = (n) => `cache/_prebuilds/${n}-addon-v1.0.0-napi-v6-linux-x64.tar.gz`;

	tree(root, {
		[name('000001')]: 'not gzip', [name('000002')]: addonTarball(fs.readFileSync(WRONG())), [name('000003')]: good().body,
		'cache/_prebuilds/000004-addon-v1.0.0-napi-v6-darwin-arm64.tar.gz': addonTarball(fs.readFileSync(WRONG())),
		'cache/_prebuilds/000005-stranger-v1.0.0-napi-v6-linux-x64.tar.gz': 'not gzip',
		'cache/_prebuilds/000006-addon-v1.0.0-napi-v6-linuxmusl-x64.tar.gz': good().body.subarray(0, 100),
	});
	const env = { npm_config_cache: path.join(root, 'cache') };
	const said = await doctor(root, '--json', env);

	assert.strictEqual(said.exit, 1);
	assert.deepStrictEqual(said.json.cache.map((c) => path.basename(c.file).slice(0, 6)).sort(), ['000001', '000002', '000006']);
	assert.strictEqual((await doctor(root, '--fix', env)).exit, 0);
	assert.deepStrictEqual(fs.readdirSync(folder).map((f) => f.slice(0, 6)).sort(), ['000003', '000004', '000005']);
	assert.strictEqual((await doctor(root, env)).exit, 0);
});

test('--load finds what only loading shows', async (t) => {
	const root = project(t);

	fs.writeFileSync(path.join(root, INSIDE), brokenAddon());
	assert.strictEqual((await doctor(root)).exit, 0);
	const loaded = await doctor(root, '--load');

	assert.strictEqual(loaded.exit, 1);
	assert.match(loaded.out, /load: .*napi_create_functioX/);
	const { url } = await service(t, { [PATH]: good() });

	assert.strictEqual((await doctor(root, '--load', '--fix', '--server', url)).exit, 0);
	assert.strictEqual(await requireIn(root), 'ok');
});

test('for Electron another ABI is asked for', async (t) => {
	const root = project(t, WRONG(), { 'node_modules/addon/package.json': { name: 'addon', version: '1.0.0', main: 'index.js', dependencies: { nan: '2' } } });
	const done = await doctor(root, '--fix', '--dry-run', '--electron', '33.2.1');

	assert.match(done.out, /Electron 33\.2\.1 \(NODE_MODULE_VERSION 130/);
	assert.match(done.out, /addon-v1\.0\.0-electron-v130-linux-x64\.tar\.gz/);
});

test('npm rebuild only if that was asked for, and what it breaks is restored', async (t) => {
	const script = (body) => ({ 'node_modules/addon/node-gyp.js': `const fs = require('fs'); fs.rmSync('build', { recursive: true, force: true });\n${body}` });
	const works = `fs.mkdirSync('build/Release', { recursive: true }); fs.copyFileSync(${JSON.stringify(ADDON())}, 'build/Release/addon.node');`;
	const manifest = { 'node_modules/addon/package.json': { name: 'addon', version: '1.0.0', main: 'index.js', scripts: { install: 'node node-gyp.js' } } };
	const root = project(t, WRONG(), { ...manifest, ...script(works) });
	const before = stateOf(path.join(root, 'node_modules/addon/build'));

	assert.strictEqual((await doctor(root, '--fix', '--server', 'http://127.0.0.1:9')).exit, 3);
	assert.deepStrictEqual(stateOf(path.join(root, 'node_modules/addon/build')), before);
	const failing = project(t, WRONG(), { ...manifest, ...script("console.error('no compiler'); process.exit(7);") });
	const failed = await doctor(failing, '--fix', '--build-from-source', '--server', 'http://127.0.0.1:9');

	assert.strictEqual(failed.exit, 1, failed.out);
	assert.match(failed.out, /npm rebuild addon --build-from-source: exit/);
	assert.strictEqual(sha256(fs.readFileSync(path.join(failing, INSIDE))), sha256(fs.readFileSync(WRONG())));
	const built = await doctor(root, '--fix', '--build-from-source', '--server', 'http://127.0.0.1:9');

	assert.strictEqual(built.exit, 0, built.out);
	assert.strictEqual(await requireIn(root), 'ok');
});

test('killed at any moment, one of the two files is there, whole', async (t) => {
	const root = project(t);
	const { url } = await service(t, { [PATH]: good() });
	const whole = [sha256(fs.readFileSync(ADDON())), sha256(fs.readFileSync(WRONG()))];
	const seen = new Set();

	for (let round = 0; round < 8; round++) {
		const child = spawn(process.execPath, [PROGRAM, 'doctor', '--fix', '--server', url], { cwd: root, stdio: 'ignore', detached: true });
		const ended = new Promise((done) => child.on('exit', done));

		await new Promise((done) => setTimeout(done, 60 * round));
		try {
			process.kill(-child.pid, 'SIGKILL');
		} catch (e) {
			assert.strictEqual(e.code, 'ESRCH');
		}
		await ended;
		const is = sha256(fs.readFileSync(path.join(root, INSIDE)));

		assert.ok(whole.includes(is), `round ${round}`);
		seen.add(is);
		fs.copyFileSync(WRONG(), path.join(root, INSIDE));
	}
	assert.strictEqual((await doctor(root, '--fix', '--server', url)).exit, 0);
	assert.ok(seen.size > 0);
});
