'use strict';

/* The store on every engine, what it refuses, its lock, and a journal that is not as it should be. */

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');

const { evaluate, program, sqlEngine, temporary } = require('./lib');

const api = `
	const c = store.collection('things');
	const seen = [store.engine.name];
	await c.put('b', { n: 1, deep: { a: [1, 2] }, when: new Date(0) });
	await c.put('a', 'only text');
	await c.put('ü 🎉 "\\'', null);
	await c.put('b2', { n: 1 });
	seen.push(await c.get('a'), await c.get('b'), await c.get('ü 🎉 "\\''), await c.get('none') === undefined);
	seen.push(await c.find(), await c.find({ n: 1 }), await c.find({ deep: { a: [1, 2] } }), await c.find((v, id) => id > 'b'));
	seen.push(await c.delete('a'), await c.delete('a'), await c.get('a') === undefined);
	await c.put('b2', { n: 2 });
	seen.push(await c.get('b2'), await store.collection('others').find());
	c.put('late', 1);
	seen.push(await c.get('late'));
	await c.put('__proto__', { own: true });
	await c.put('object', JSON.parse('{"__proto__": {"x": 1}}'));
	seen.push(await c.get('__proto__'), JSON.stringify(await c.get('object')));
	return seen;`;

test('the API is the same on every engine', async (t) => {
	const folder = temporary(t);
	const [json, sql] = [await evaluate('json', path.join(folder, 'a.db'), api), await evaluate(sqlEngine, path.join(folder, 'b.db'), api)];

	assert.equal(json.shift(), 'json');
	assert.equal(sql.shift(), sqlEngine);
	assert.equal(json.length, 16);
	assert.deepEqual(json[4].map(({ id }) => id), ['a', 'b', 'b2', 'ü 🎉 "\'']);
	assert.deepEqual(json, sql);
});

for (const engine of ['json', sqlEngine]) {
	test(`${engine}: what is refused`, async (t) => {
		const refused = await evaluate(engine, path.join(temporary(t), 'a.db'), `
			const c = store.collection('c');
			const circle = {}; circle.circle = circle;
			const codes = [];
			for (const [id, value] of [['', 1], ['x'.repeat(513), 1], ['a\\0', 1], ['a\\ud800', 1], [5, 1], ['a', undefined], ['a', () => 1],
					['a', 'x'.repeat(1 << 20)], ['a', circle], ['a', 5n]])
				await c.put(id, value).catch((e) => codes.push(e.code || e.name));
			for (const name of ['', 'a b', '1', '__proto__', 'x'.repeat(65)])
				try { store.collection(name); } catch (e) { codes.push(e.code); }
			await c.find(5).catch((e) => codes.push(e.code));
			const rows = await c.find();
			await store.close();
			for (const late of [c.put('a', 1), c.get('a'), c.delete('a'), c.find()])
				await late.catch((e) => codes.push(e.code));
			return [codes, rows];`);

		assert.deepEqual(refused, [[...Array(5).fill('PREBUILDD_STORE_ID'), 'PREBUILDD_STORE_VALUE', 'PREBUILDD_STORE_VALUE',
			'PREBUILDD_STORE_SIZE', 'TypeError', 'TypeError', ...Array(5).fill('PREBUILDD_STORE_NAME'), 'PREBUILDD_STORE_QUERY',
			...Array(4).fill('PREBUILDD_STORE_CLOSED')], []]);
	});
}

test('it is there when opened again', async (t) => {
	const file = path.join(temporary(t), 'a.db');

	await evaluate('json', file, "for (let i = 0; i < 100; i++) await store.collection('c').put(`k${i % 10}`, { i });");
	assert.deepEqual(await evaluate('json', file, "return (await store.collection('c').find()).map(({ value }) => value.i)"),
		[90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
});

test('the journal is rewritten before it is full of what is gone', async (t) => {
	const file = path.join(temporary(t), 'a.db');
	const size = await evaluate('json', file, `
		for (let i = 0; i < 60; i++) await store.collection('c').put('same', { i, text: 'x'.repeat(100000) });
		await store.collection('c').delete('same');
		return require('fs').statSync(file + '.store').size;`);

	assert.ok(size < 3 << 20, `${size} bytes of 6 MB that were written`);
	assert.deepEqual(await evaluate('json', file, "return store.collection('c').find()"), []);
});

test('a second writer is told who the first is', async (t) => {
	const folder = temporary(t);
	const file = path.join(folder, 'a.db');
	let second;

	await program('json', ['writer.js', file, '1'], (child) => child.once('told', async () => {
		second = await evaluate('json', file, 'return 1');
		second.pid = child.pid;
		child.kill('SIGKILL');
	}));
	assert.equal(second.failed, 'PREBUILDD_STORE_LOCKED');
	assert.match(second.message, new RegExp(`written by process ${second.pid};`));
	/* That one was killed: its lock is still there, and is nobody's. */
	assert.equal(fs.readdirSync(folder).filter((name) => name.includes('.lock-')).length, 1);
	assert.equal(await evaluate('json', file, 'return 1'), 1);
	assert.deepEqual(fs.readdirSync(folder).filter((name) => name.includes('.lock-')), []);
});

test('of many that come at once, never two have it', async (t) => {
	const file = path.join(temporary(t), 'a.db');
	const body = `const held = file + '.held';
		require('fs').writeFileSync(held, '', { flag: 'wx' });
		await new Promise((resolve) => setTimeout(resolve, 20));
		require('fs').rmSync(held); return 'had it';`;
	const all = await Promise.all(Array.from({ length: 5 }, () => evaluate('json', file, body)));

	for (const one of all)
		assert.ok(one === 'had it' || one.failed === 'PREBUILDD_STORE_LOCKED', JSON.stringify(one));
	assert.equal(await evaluate('json', file, body), 'had it');
});

test('the lock of a container that is gone', async (t) => {
	const file = path.join(temporary(t), 'a.db');
	const lock = `${file}.store.lock-${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().replace(/-/g, '')}-4026530000-1-5-abcdef01`;
	const script = `const fs = require('node:fs'); setInterval(() => fs.utimesSync(process.argv[1], new Date(), new Date()), 300); console.log('touching');`;

	fs.writeFileSync(lock, '');
	await program('json', ['-e', script, lock], (child) => child.once('told', async () => {
		const refused = await evaluate('json', file, 'return 1');
		child.kill('SIGKILL');
		t.diagnostic(`while it was touched: ${refused.message}`);
		assert.equal(refused.failed, 'PREBUILDD_STORE_LOCKED');
	}));
	assert.equal(await evaluate('json', file, 'return 1'), 1);
	assert.equal(fs.existsSync(lock), false);
});

/** A journal of three writes, as bytes. */
async function journalOf(file) {
	await evaluate('json', file, "for (const id of ['a', 'b', 'c']) await store.collection('c').put(id, { id });");
	return fs.readFileSync(`${file}.store`);
}

const ids = "return (await store.collection('c').find()).map(({ id }) => id)";

test('a last record that is torn, at every byte', async (t) => {
	const folder = temporary(t);
	const file = path.join(folder, 'a.db');
	const bytes = await journalOf(file);
	const { parseJournal } = require('../../../api/npm/lib/store/record');
	const last = bytes.lastIndexOf('\n', bytes.length - 2) + 1;

	for (let end = last; end < bytes.length; end++) {
		const state = parseJournal(bytes.subarray(0, end));
		assert.deepEqual([state.good, state.torn, state.damage, state.operations.length], [last, end - last, null, 2]);
	}
	fs.writeFileSync(`${file}.store`, bytes.subarray(0, bytes.length - 5));
	assert.deepEqual(await evaluate('json', file, `await store.collection('c').put('d', 4); ${ids}`), ['a', 'b', 'd']);
	assert.deepEqual(fs.readFileSync(`${file}.store.torn-1`), bytes.subarray(last, bytes.length - 5));
});

test('a journal of which any byte has changed is refused and left as it is', async (t) => {
	const folder = temporary(t);
	const file = path.join(folder, 'a.db');
	const bytes = await journalOf(file);
	const { parseJournal } = require('../../../api/npm/lib/store/record');

	for (let at = 0; at < bytes.length - 1; at++) {
		const changed = Buffer.from(bytes);
		changed[at] ^= 1;
		const { damage, torn } = parseJournal(changed);
		assert.ok(damage !== null || torn > 0, `byte ${at}`);
	}
	bytes[bytes.length - 90] ^= 1;
	fs.writeFileSync(`${file}.store`, bytes);
	const refused = await evaluate('json', file, ids);
	assert.equal(refused.failed, 'PREBUILDD_STORE_DAMAGED');
	assert.match(refused.message, /line 3, at byte \d+: its checksum is wrong.*1 operations before it are good/);
	assert.equal((await evaluate(sqlEngine, file, ids)).failed, 'PREBUILDD_STORE_DAMAGED');
	assert.deepEqual(fs.readFileSync(`${file}.store`), bytes);
	assert.deepEqual(await evaluate('json', file, ids, '{ salvage: true }'), ['a']);
	assert.deepEqual(fs.readFileSync(`${file}.store.damaged-1`), bytes);
	assert.deepEqual(await evaluate(sqlEngine, file, ids), ['a']);
});

const { headerLine, recordLine } = require('../../../api/npm/lib/store/record');
const { line: header, sum } = headerLine('0'.repeat(32));
const hostile = {
	'not ours': 'SQLite format 3\0 and more\n',
	'a line without an end, of another file': Buffer.alloc(5000, 'x'),
	'empty lines': '\n\n\n',
	'not a list': header + recordLine(sum, { length: 1 }).line,
	'not JSON': `${header}${'0'.repeat(32)} [[\n`,
	'a collection that cannot be': header + recordLine(sum, [[1, '__proto__', 'a', 1]]).line,
	'an id that cannot be': header + recordLine(sum, [[1, 'c', '', 1]]).line,
	'a sequence that cannot be': header + recordLine(sum, [[-1, 'c', 'a', 1]]).line,
	'a sequence too great': header + recordLine(sum, [[1e300, 'c', 'a', 1]]).line,
	'nothing in an operation': header + recordLine(sum, [[]]).line,
	'a document too large': header + recordLine(sum, [[1, 'c', 'a', 'x'.repeat(2 << 20)]]).line,
	'a line twice': header + recordLine(sum, [[1, 'c', 'a', 1]]).line.repeat(2),
};

for (const [name, bytes] of Object.entries(hostile)) {
	test(`a store's file that is ${name}`, async (t) => {
		const file = path.join(temporary(t), 'a.db');

		fs.writeFileSync(`${file}.store`, bytes);
		const result = await evaluate('json', file, ids);
		if (typeof bytes !== 'string') {
			/* It could be the first write of all; what it was is kept. */
			assert.deepEqual(result, []);
			assert.deepEqual(fs.readFileSync(`${file}.store.torn-1`), bytes);
			return;
		}
		assert.equal(result.failed, 'PREBUILDD_STORE_DAMAGED');
		assert.equal(fs.readFileSync(`${file}.store`, 'utf8'), bytes);
	});
}

test('a full disk', async (t) => {
	const folder = temporary(t);
	const mounted = process.getuid() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder]).status === 0;

	if (!mounted) {
		t.skip('no disk can be mounted here');
		return;
	}
	try {
		await fill(path.join(folder, 'a.db'));
	} finally {
		spawnSync('umount', [folder]);
	}
});

async function fill(file) {
	const [full, after] = await evaluate('json', file, `
		const c = store.collection('c');
		let n = 0, code;
		for (; code === undefined && n < 100; n++)
			await c.put('k' + n, 'x'.repeat(3000)).catch((e) => { code = e.code; });
		const wrote = (await c.find()).length;
		await c.put('small', 1).catch(() => {});
		return [[code, wrote === n - 1, wrote > 5], (await c.find()).length];`);

	assert.deepEqual(full, ['ENOSPC', true, true]);
	assert.equal((await evaluate('json', file, ids)).length, after);
}
