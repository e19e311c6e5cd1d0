'use strict';

/* Which engine runs, what is said of it, and that nothing else is loaded. */

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { application, program, sqlEngine, temporary } = require('./lib');

const hasBuiltin = sqlEngine === 'builtin';
const sqlite3Js = path.join(__dirname, '../../../api/npm/sqlite3.js');

/** An application with sqlite3, whose addon is FILE; undefined is the right one, null none. */
function applicationWith(t, file, manifest = { dependencies: { sqlite3: '6.0.1' } }) {
	const folder = temporary(t);
	const addon = path.join(folder, 'node_modules/sqlite3/build/Release/node_sqlite3.node');

	fs.cpSync(path.join(application, 'node_modules'), path.join(folder, 'node_modules'), { recursive: true, dereference: true });
	fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
	if (file !== undefined)
		fs.rmSync(addon);
	if (file)
		fs.copyFileSync(file, addon);
	return folder;
}

/** Requires prebuildd/sqlite3 there; resolves to { engine, err, … } with what BODY gives. */
async function required(folder, { env = {}, body = '' } = {}) {
	const script = `try {
			const sqlite3 = require(${JSON.stringify(sqlite3Js)});
			const value = (() => { ${body} })();
			console.log(JSON.stringify({ engine: sqlite3.engine, value, keys: Object.keys(sqlite3).includes('engine') }));
		} catch (e) { console.log(JSON.stringify({ code: e.code, message: e.message, engine: e.engine })); }`;
	const { out, err } = await program('', ['-e', script], undefined, { cwd: folder, ...env });

	return { ...JSON.parse(out), err };
}

const machO = () => path.join(process.env.FALLBACK_OTHERS, 'darwin-arm64.node');
const arm64 = () => path.join(process.env.FALLBACK_OTHERS, 'linux-arm64.node');

test('the addon, if it loads: nothing is said', async (t) => {
	const { engine, err, keys } = await required(applicationWith(t));

	assert.deepEqual(engine, { name: 'native', reason: "sqlite3's native addon runs", degraded: false, diagnosis: null });
	assert.equal(keys, false);
	assert.equal(err, '');
});

for (const [name, file, text, loader] of [
	['a Mach-O file', machO, /Mach-O arm64 bundle; this machine loads ELF 64-bit x86-64/, /invalid ELF header/],
	['an arm64 file', arm64, /ELF 64-bit AArch64; this machine loads ELF 64-bit x86-64/, /cannot open shared object file/],
]) {
	test(`${name} instead of the addon`, async (t) => {
		const { engine, code, message, err } = await required(applicationWith(t, file()));
		const text2 = hasBuiltin ? engine.reason : message;

		assert.match(text2, text);
		assert.match(text2, loader);
		assert.match(text2, /npx prebuildd doctor --fix/);
		assert.match(engine.diagnosis.file, /node_sqlite3\.node$/);
		assert.equal(engine.diagnosis.ok, false);
		assert.equal(engine.degraded, true);
		if (hasBuiltin) {
			assert.equal(engine.name, 'builtin');
			/* Once, on one line, and without Node's own warning. */
			assert.equal(err, `prebuildd: ${engine.reason}\n`);
		} else {
			assert.equal(code, 'PREBUILDD_NO_ENGINE');
			assert.equal(engine.name, 'none');
			assert.match(message, /has no node:sqlite/);
		}
	});
}

test('no addon at all', async (t) => {
	const { engine } = await required(applicationWith(t, null));

	assert.equal(engine.degraded, true);
	assert.match(engine.reason, /sqlite3 has no addon in .*node_modules\/sqlite3/);
});

test('sqlite3 is not installed', async (t) => {
	const wanted = temporary(t);
	const unwanted = temporary(t);

	fs.writeFileSync(path.join(wanted, 'package.json'), '{"dependencies":{"sqlite3":"6"}}');
	fs.writeFileSync(path.join(unwanted, 'package.json'), '{}');
	const [a, b] = [await required(wanted), await required(unwanted)];
	assert.match(a.engine.reason, /sqlite3 is not installed, though package.json asks for it/);
	assert.equal(a.engine.degraded, true);
	assert.equal(b.engine.degraded, !hasBuiltin);
	assert.equal(b.err, '');
});

/** Where nothing else runs: in a Node with node:sqlite, one that is told to use only this. */
const onlyJson = hasBuiltin ? { PREBUILDD_ENGINE: 'json' } : {};

test('the JSON store only for who has asked for it', async (t) => {
	const body = 'try { new sqlite3.Database(":memory:"); } catch (e) { return [e.code, sqlite3.BUSY]; }';
	const asked = { dependencies: { sqlite3: '6.0.1' }, prebuildd: { store: 'json' } };
	const byManifest = await required(applicationWith(t, machO(), asked), { body, env: onlyJson });
	const byVariable = await required(applicationWith(t, machO()), { body, env: { PREBUILDD_STORE: 'json', ...onlyJson } });

	for (const { engine, value, err } of [byManifest, byVariable]) {
		assert.equal(engine.name, 'json');
		assert.equal(engine.degraded, true);
		assert.deepEqual(value, ['PREBUILDD_NO_SQL', 5]);
		assert.match(err, /^prebuildd: the JSON store \(no SQL\) runs/);
	}
	const notAsked = await required(applicationWith(t, machO(), { prebuildd: { store: 'no' } }));
	assert.notEqual(notAsked.engine.name, 'json');
});

test('PREBUILDD_ENGINE', async (t) => {
	const folder = applicationWith(t, machO());

	assert.equal((await required(folder, { env: { PREBUILDD_ENGINE: 'native' } })).code, 'PREBUILDD_NO_ENGINE');
	assert.match((await required(folder, { env: { PREBUILDD_ENGINE: 'wasm' } })).message, /there are native, builtin and json/);
	assert.equal((await required(folder, { env: { PREBUILDD_ENGINE: 'json' } })).engine.name, 'json');
});

test('the addon and node:sqlite at one file', { skip: !hasBuiltin && 'this Node has no node:sqlite' }, async (t) => {
	const file = path.join(temporary(t), 'a.db');
	const script = `const sqlite3 = require(${JSON.stringify(sqlite3Js)});
		const db = new sqlite3.Database(process.argv[1]);
		db.configure('busyTimeout', 20000);
		db.serialize();
		db.exec('PRAGMA journal_mode = ' + process.argv[2] + '; CREATE TABLE IF NOT EXISTS t (engine, n)');
		for (let n = 0; n < 150; n++)
			db.run('INSERT INTO t VALUES (?, ?)', [sqlite3.engine.name, n], (e) => { if (e) throw e; });
		db.close(() => console.log(sqlite3.engine.name));`;

	for (const mode of ['DELETE', 'WAL']) {
		const ends = await Promise.all(['native', 'builtin', 'native', 'builtin'].map((engine) => program(engine, ['-e', script, `${file}.${mode}`, mode])));
		assert.deepEqual(ends.map(({ out, err }) => out.trim() + err), ['native', 'builtin', 'native', 'builtin']);
		const count = `const sqlite3 = require(${JSON.stringify(sqlite3Js)});
			new sqlite3.Database(process.argv[1]).all('SELECT engine, count(*) AS n FROM t GROUP BY engine', (e, rows) => console.log(JSON.stringify(rows)))`;
		for (const engine of ['native', 'builtin']) {
			const { out } = await program(engine, ['-e', count, `${file}.${mode}`]);
			assert.deepEqual(JSON.parse(out), [{ engine: 'builtin', n: 300 }, { engine: 'native', n: 300 }]);
		}
	}
});

test('one is locked out by the other', { skip: !hasBuiltin && 'this Node has no node:sqlite' }, async (t) => {
	const script = `const sqlite3 = require(${JSON.stringify(sqlite3Js)});
		const db = new sqlite3.Database(process.argv[1]);
		db.exec('CREATE TABLE IF NOT EXISTS t (a); BEGIN EXCLUSIVE', () => { console.log('locked'); setTimeout(() => {}, 60000); });`;
	const other = `const sqlite3 = require(${JSON.stringify(sqlite3Js)});
		const db = new sqlite3.Database(process.argv[1]); db.configure('busyTimeout', 1);
		db.run('INSERT INTO t VALUES (1)', (e) => console.log(e && e.message));`;

	for (const [holder, comer] of [['native', 'builtin'], ['builtin', 'native']]) {
		const file = path.join(temporary(t), 'a.db');
		let out;
		await program(holder, ['-e', script, file], (child) => child.once('told', async () => {
			({ out } = await program(comer, ['-e', other, file]));
			child.kill('SIGKILL');
		}));
		assert.equal(out, 'SQLITE_BUSY: database is locked\n');
	}
});
