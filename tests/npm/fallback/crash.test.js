'use strict';

/* kill -9 at random moments: what was confirmed is there, whatever was going on. */

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { evaluate, program, rounds, sqlEngine, temporary, within } = require('./lib');
const { documentOf } = require('./writer');

/** Resolves to the documents of a collection, by id. */
async function documents(engine, file, collection) {
	const rows = await within(engine, file, (store) => store.rows(collection));

	return rows.map(([id, text]) => [id, JSON.parse(text)]).sort(([a], [b]) => (a < b ? -1 : 1));
}

const numbersOf = async (engine, file) => (await documents(engine, file, 'numbers')).map(([id, value]) => [Number(id), value]);

/** Lets the writer confirm some documents and kills it in the middle of others. Resolves to what it confirmed. */
async function killed(engine, file, start, atOnce) {
	const enough = start + Math.floor(Math.random() * 40);
	const { out, err, signal } = await program(engine, ['writer.js', file, String(start), String(atOnce)], (child) => {
		child.on('told', ({ out: told }) => {
			if (Number(told.trim().split('\n').pop()) >= enough)
				setTimeout(() => child.kill('SIGKILL'), Math.random() * 3);
		});
	});

	assert.equal(signal, 'SIGKILL', err);
	return out.split('\n').slice(0, -1).map(Number);
}

/** Every confirmed write and deletion is there; of what was not confirmed, all that is there is whole. */
function check(rows, confirmed) {
	const found = new Map(rows);

	for (const [n, value] of found)
		assert.deepEqual(value, documentOf(n));
	for (const n of confirmed) {
		if (n < 0)
			assert.equal(found.has(-n), false, `${-n} was deleted`);
		else if (n % 7 !== 0)
			assert.ok(found.has(n), `${n} is lost`);
	}
	assert.equal(rows.length, found.size);
}

for (const [engine, atOnce] of [['json', 1], ['json', 10], [sqlEngine, 10]]) {
	test(`${engine}, ${atOnce} at once: killed ${rounds} times`, async (t) => {
		const file = path.join(temporary(t), 'a.db');
		const confirmed = [];
		let next = 1;

		for (let round = 0; round < rounds; round++) {
			const told = await killed(engine, file, next, atOnce);
			assert.ok(told.length > 0);
			confirmed.push(...told);
			const rows = await numbersOf(engine, file);
			check(rows, confirmed);
			next = Math.max(...confirmed, ...rows.map(([n]) => n)) + 1;
		}
		t.diagnostic(`${confirmed.length} writes`);
	});
}

/** Runs a program again and again, killed one call later each time, until it comes to its end. */
async function killedAtEach(engine, script, file, afterEach) {
	for (let at = 1; at < 200; at++) {
		const { out, err, signal, code } = await program(engine, ['-r', path.join(__dirname, 'kill_at.js'), '-e', script, file], undefined,
			{ KILL_AT: String(at) });
		if (signal === null) {
			assert.equal(code, 0, err);
			return at - 1;
		}
		assert.equal(signal, 'SIGKILL');
		await afterEach(out.split('\n').slice(0, -1), at);
	}
	throw new Error('it never came to its end');
}

const storeJs = JSON.stringify(path.join(__dirname, '../../../api/npm/store.js'));

test('json: killed at every call that writes', async (t) => {
	const folder = temporary(t);
	/* Large enough that the journal is rewritten on the way. */
	const script = `const fs = require('node:fs'); const { openStore } = require(${storeJs});
		openStore(process.argv[1]).then(async (store) => {
			const c = store.collection('c');
			for (let n = 0; n < 5; n++) {
				await c.put('large', { n, text: 'x'.repeat(300000) });
				fs.writeSync(1, 'large ' + n + '\\n');
				await c.put('small' + n, n);
				fs.writeSync(1, 'small' + n + ' ' + n + '\\n');
			}
			await c.delete('small0');
			fs.writeSync(1, 'small0 gone\\n');
			await store.close();
		});`;
	const file = path.join(folder, 'a.db');
	const kills = await killedAtEach('json', script, file, async (confirmed, at) => {
		const found = new Map((await documents('json', file, 'c')).map(([id, value]) => [id, id === 'large' ? value.n : value]));
		const expected = new Map(confirmed.map((line) => line.split(' ')));
		for (const [id, n] of expected) {
			if (n === 'gone')
				assert.equal(found.has(id), false);
			else if (id === 'large') /* or the next, which was not confirmed yet */
				assert.ok([Number(n), Number(n) + 1].includes(found.get(id)), `killed at ${at}: ${found.get(id)}, confirmed ${n}`);
			else if (id !== 'small0')
				assert.equal(found.get(id), Number(n), `killed at ${at}: ${id}`);
		}
		for (const name of fs.readdirSync(folder))
			fs.rmSync(path.join(folder, name));
	});

	t.diagnostic(`${kills} times`);
	assert.ok(kills > 20);
});

test('migration: killed at every call', async (t) => {
	const folder = temporary(t);
	const file = path.join(folder, 'a.db');
	const script = `const sqlite3 = require(${JSON.stringify(path.join(__dirname, '../../../api/npm/lib/engines/choose.js'))}).choose().api;
		require(${JSON.stringify(path.join(__dirname, 'kill_at.js'))}).killIn(sqlite3);
		require(${storeJs}).openStore(process.argv[1]).then((store) => store.close());`;
	const expected = [['changed', 'new'], ['kept', 'old'], ...[0, 1, 2, 3].map((n) => [`n${n}`, n])];
	const prepare = async () => {
		for (const name of fs.readdirSync(folder))
			fs.rmSync(path.join(folder, name));
		await within(sqlEngine, file, (store) => Promise.all(['changed', 'deleted', 'kept'].map((id) => store.put('c', id, '"old"'))));
		await within('json', file, (store) => Promise.all([store.put('c', 'changed', '"new"'), store.delete('c', 'deleted'),
			...[0, 1, 2, 3].map((n) => store.put('c', `n${n}`, String(n)))]));
	};

	await prepare();
	const kills = await killedAtEach(sqlEngine, script, file, async (_, at) => {
		assert.deepEqual(await documents(sqlEngine, file, 'c'), expected, `killed at ${at}`);
		assert.equal(fs.existsSync(`${file}.store`), false);
		await prepare();
	});
	assert.deepEqual(await documents(sqlEngine, file, 'c'), expected);
	t.diagnostic(`${kills} times`);
	assert.ok(kills > 10);
});

test(`migration: killed ${rounds} times, with writes in between`, async (t) => {
	const folder = temporary(t);
	const file = path.join(folder, 'a.db');
	const expected = new Map();
	let interrupted = 0;

	/* The database has documents of its own, some of which the JSON store changes or deletes. */
	await evaluate(sqlEngine, file, `const c = store.collection('numbers');
		for (let n = 0; n < 20; n++) await c.put(String(n), 'old');`);
	for (let n = 0; n < 20; n++)
		expected.set(n, 'old');
	for (let round = 0; round < rounds; round++) {
		const base = round * 1000;
		await evaluate('json', file, `const c = store.collection('numbers');
			await Promise.all(Array.from({ length: 1000 }, (_, i) => c.put(String(${base} + i + 10), { round: ${round}, i })));
			await c.delete(String(${round})); await c.delete(String(${base} + 11));`);
		for (let i = 0; i < 1000; i++)
			expected.set(base + i + 10, { round, i });
		expected.delete(round);
		expected.delete(base + 11);
		const { signal, err } = await program(sqlEngine, ['-e', `require(${JSON.stringify(path.join(__dirname, '../../../api/npm/store.js'))})
			.openStore(${JSON.stringify(file)}).then(() => setInterval(() => {}, 1000)); console.log('begun');`],
		(child) => child.once('told', () => setTimeout(() => child.kill('SIGKILL'), Math.random() * 300)));
		assert.equal(signal, 'SIGKILL', err);
		interrupted += Number(fs.existsSync(`${file}.store`));
	}
	t.diagnostic(`${interrupted} of ${rounds} were killed before their end`);
	const rows = await numbersOf(sqlEngine, file);
	assert.deepEqual(new Map(rows), expected);
	assert.equal(rows.length, expected.size);
	assert.equal(fs.existsSync(`${file}.store`), false);
});

test('several processes find the journal at the same time', async (t) => {
	const file = path.join(temporary(t), 'a.db');

	await evaluate('json', file, "await Promise.all(Array.from({ length: 500 }, (_, i) => store.collection('c').put(`k${i}`, i)));");
	const counts = await Promise.all(Array.from({ length: 3 }, () => evaluate(sqlEngine, file, "return (await store.collection('c').find()).length")));
	assert.deepEqual(counts, [500, 500, 500]);
	assert.deepEqual(fs.readdirSync(path.dirname(file)).filter((name) => name.startsWith('a.db.store')), ['a.db.store.migrated-1']);
});

test('a journal that was migrated, and not put aside before the end, is not migrated twice', async (t) => {
	const file = path.join(temporary(t), 'a.db');

	await evaluate('json', file, "const c = store.collection('c'); await c.put('a', 1); await c.put('b', 1);");
	const journal = fs.readFileSync(`${file}.store`);
	await evaluate(sqlEngine, file, "const c = store.collection('c'); await c.put('a', 2); await c.delete('b');");
	/* As if the process had been killed between the commit and the rename. */
	fs.writeFileSync(`${file}.store`, journal);
	assert.deepEqual(await evaluate(sqlEngine, file, "return store.collection('c').find()"), [{ id: 'a', value: 2 }]);
	/* And what the JSON store has written after that is not forgotten. */
	fs.writeFileSync(`${file}.store`, journal);
	await evaluate('json', file, "await store.collection('c').put('late', 3)");
	assert.deepEqual(await evaluate(sqlEngine, file, "return store.collection('c').find()"), [{ id: 'a', value: 2 }, { id: 'late', value: 3 }]);
});
