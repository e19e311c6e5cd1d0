'use strict';

/*
 * The API of the sqlite3 package, a case a row: each returns what the application would see. What the
 * native engine gives is right by definition; the others are compared with it.
 */

const fs = require('node:fs');
const path = require('node:path');

/* What a callback was given, and where it was called. */
const told = ({ results, self }) => ({ results, self: self && self.constructor.name });
const rowOf = ({ results }) => results;

/** Whether fn throws, and what. */
function thrownBy(fn) {
	try {
		fn();
		return 'nothing';
	} catch (e) {
		return { name: e.constructor.name, message: e.message };
	}
}

/** The first event of that name. */
function event(emitter, name) {
	return new Promise((resolve) => emitter.once(name, (...args) => resolve(args)));
}

async function table(t, sql = 'CREATE TABLE t (a INTEGER PRIMARY KEY, b)') {
	await t.call(t.db, 'exec', sql);
}

/** What VALUE is stored as. */
function stored(value) {
	return async ({ db, call }) => rowOf(await call(db, 'get', 'SELECT typeof(?1) AS type, ?1 AS value', [value]));
}

/** What an expression comes back as. */
function read(expression) {
	return async ({ db, call }) => rowOf(await call(db, 'get', `SELECT ${expression} AS value`));
}

function bound(sql, ...args) {
	return async ({ db, call }) => rowOf(await call(db, 'get', sql, ...args));
}

const values = {
	'integer': stored(1),
	'integer, negative': stored(-2147483648),
	'integer of 33 bits': stored(2147483648),
	'integer of 53 bits': stored(Number.MAX_SAFE_INTEGER),
	'real': stored(1.5),
	'-0': stored(-0),
	'NaN': stored(NaN),
	'Infinity': stored(Infinity),
	'true': stored(true),
	'false': stored(false),
	'null': stored(null),
	'undefined': stored(undefined),
	'bigint': stored(5n),
	'string': stored('grüße 🎉'),
	'string with NUL': stored('a\0b'),
	'string, empty': stored(''),
	'string, half a character': stored('a\ud800b'),
	'Date': stored(new Date(1700000000123)),
	'RegExp': stored(/^a+$/g),
	'Buffer': stored(Buffer.from([0, 1, 255])),
	'Buffer, empty': stored(Buffer.alloc(0)),
	'Uint8Array': stored(new Uint8Array([1, 2])),
	'Float64Array': stored(new Float64Array([1])),
	'DataView': stored(new DataView(new ArrayBuffer(3))),
	'ArrayBuffer': stored(new ArrayBuffer(2)),
	'object': stored({ a: 1 }),
	'object with toString': stored({ toString: () => 'x' }),
	'array in array': stored([1, 2]),
	'function': stored(() => 1),
	'symbol': stored(Symbol('s')),
	'reads 2^53+1': read('9007199254740993'),
	'reads the greatest integer': read('9223372036854775807'),
	'reads the least integer': read('-9223372036854775807 - 1'),
	'reads 1.0': read('1.0'),
	'reads 1e999': read('1e999'),
	'reads text': read("'x'"),
	'reads text with NUL': read("'a' || char(0) || 'b'"),
	'reads text that is not UTF-8': read("CAST(x'61ff62' AS TEXT)"),
	'reads a blob': read("x'00ff'"),
	'reads an empty blob': read("x''"),
	'reads zeroblob': read('zeroblob(3)'),
	'reads null': read('NULL'),
	'double-quoted string': read('"no such column"'),
};

const parameters = {
	'positions': bound('SELECT ? AS a, ? AS b', 1, 'x'),
	'positions in an array': bound('SELECT ? AS a, ? AS b', [1, 'x']),
	'fewer than there are': bound('SELECT ? AS a, ? AS b', 1),
	'fewer in an array': bound('SELECT ? AS a, ? AS b', [1]),
	'empty array': bound('SELECT ? AS a', []),
	'more than there are': bound('SELECT ? AS a', 1, 2),
	'more in an array': bound('SELECT ? AS a', [1, 2]),
	'for a statement without any': bound('SELECT 1 AS a', 1),
	'$name': bound('SELECT $a AS a, $b AS b', { $a: 1, $b: 'x' }),
	':name': bound('SELECT :a AS a, :b AS b', { ':a': 1, ':b': 'x' }),
	'@name': bound('SELECT @a AS a, @b AS b', { '@a': 1, '@b': 'x' }),
	'name without its prefix': bound('SELECT $a AS a', { a: 1 }),
	'name that is not there': bound('SELECT $a AS a', { $a: 1, $c: 2 }),
	'names, some left out': bound('SELECT $a AS a, $b AS b', { $b: 2 }),
	'names, twice in the text': bound('SELECT $a AS a, $a + 1 AS b', { $a: 1 }),
	'names by position': bound('SELECT $a AS a, $b AS b', 1, 2),
	'names by array': bound('SELECT $a AS a, @b AS b, :c AS c', [1, 2, 3]),
	'?NNN by position': bound('SELECT ?2 AS a, ?1 AS b', 1, 2),
	'?NNN by number': bound('SELECT ?2 AS a, ?1 AS b', { 1: 'one', 2: 'two' }),
	'?NNN by name': bound('SELECT ?2 AS a, ?1 AS b', { '?1': 'one', '?2': 'two' }),
	'?NNN with a gap': bound('SELECT ?3 AS a', 1, 2, 3),
	'? after ?NNN': bound('SELECT ?2 AS a, ? AS b', 1, 2, 3),
	'mixed': bound('SELECT ? AS a, $b AS b, ? AS c', [1, 2, 3]),
	'mixed, by name and number': bound('SELECT ? AS a, $b AS b, ? AS c', { 1: 'x', $b: 'y', 3: 'z' }),
	'empty name': bound('SELECT ? AS a', { '': 1 }),
	'position 0': bound('SELECT ? AS a', { 0: 1 }),
	'inherited names': bound('SELECT $a AS a', Object.create({ $a: 'inherited' })),
	'Date first': bound('SELECT ? AS a', new Date(5)),
	'Buffer first': bound('SELECT ? AS a', Buffer.from('x')),
	'RegExp first': bound('SELECT ? AS a', /x/),
	'null first': bound('SELECT ? AS a, ? AS b', null, 2),
	'undefined first': bound('SELECT ? AS a, ? AS b', undefined, 2),
	'function first is an object of names': bound('SELECT ? AS a', Object.assign(() => 1, { 1: 'x' }), undefined),
	'TCL name': bound('SELECT $a::b(c) AS a', { '$a::b(c)': 1 }),
	'not in strings and comments': bound("SELECT '?' AS a, \"$b\" AS b, /* ? :x */ ? AS c -- ?", ['z']),
	'not in identifiers': bound('SELECT [?] AS a, `$b` AS b, a$c AS c FROM (SELECT 1 AS "?", 2 AS "$b", 3 AS a$c) WHERE ? = 4', 4),
	'number too great': bound('SELECT ?32767 AS a', 1),
	'number zero': bound('SELECT ?0 AS a', 1),
	'many': async ({ db, call }) => {
		const many = Array.from({ length: 2000 }, (_, i) => i);
		return rowOf(await call(db, 'get', `SELECT ${many.map(() => '?').join('+')} AS sum`, many));
	},
};

const running = {
	'run: INSERT': async (t) => {
		await table(t);
		const { results, self } = await t.call(t.db, 'run', "INSERT INTO t(b) VALUES ('x'), ('y')");
		return { results, self: self.constructor.name, lastID: self.lastID, changes: self.changes, sql: self.sql };
	},
	'run: UPDATE, DELETE, other': async (t) => {
		await table(t);
		await t.call(t.db, 'run', 'INSERT INTO t(b) VALUES (1), (2), (3)');
		const effects = [];
		for (const sql of ['UPDATE t SET b = 5 WHERE a > 1', 'DELETE FROM t WHERE a = 1', 'CREATE TABLE u(a)', 'SELECT 1', 'UPDATE t SET b = 1 WHERE a = 77']) {
			const { self } = await t.call(t.db, 'run', sql);
			effects.push([self.lastID, self.changes]);
		}
		return effects;
	},
	'run: lastID above 2^53': async (t) => {
		await table(t);
		const { self } = await t.call(t.db, 'run', 'INSERT INTO t VALUES (9007199254740993, 1)');
		return self.lastID;
	},
	'run: INSERT … RETURNING': async (t) => {
		await table(t);
		const { self, results } = await t.call(t.db, 'run', 'INSERT INTO t(b) VALUES (1), (2) RETURNING a');
		return [results, self.lastID, self.changes, rowOf(await t.call(t.db, 'all', 'SELECT * FROM t'))];
	},
	'get: INSERT … RETURNING': async (t) => {
		await table(t);
		return rowOf(await t.call(t.db, 'get', 'INSERT INTO t(b) VALUES (1) RETURNING a, b'));
	},
	'run: rows are not given': async ({ db, call }) => told(await call(db, 'run', 'SELECT 1')),
	'run: only the first statement': async (t) => {
		await table(t);
		const first = told(await t.call(t.db, 'run', 'INSERT INTO t(b) VALUES (1); INSERT INTO t(b) VALUES (2)'));
		return [first, rowOf(await t.call(t.db, 'all', 'SELECT b FROM t'))];
	},
	'run: empty text': async ({ db, call }) => told(await call(db, 'run', '')),
	'run: only a comment': async ({ db, call }) => told(await call(db, 'run', '-- nothing')),
	'get: after semicolons': async ({ db, call }) => told(await call(db, 'get', ';; SELECT 1 AS a')),
	'run: returns': ({ db }) => db.run('SELECT 1') === db,
	'get': async ({ db, call }) => told(await call(db, 'get', 'SELECT 1 AS a, 2 AS b')),
	'get: no row': async ({ db, call }) => told(await call(db, 'get', 'SELECT 1 WHERE 0')),
	'get: names twice': async ({ db, call }) => told(await call(db, 'get', 'SELECT 1 AS a, 2 AS a')),
	'get: names like numbers': async ({ db, call }) => {
		const { results } = await call(db, 'get', 'SELECT 1 AS b, 2 AS "1", 3 AS "0"');
		return [results, Object.keys(results[1])];
	},
	'get: a column __proto__': async ({ db, call }) => {
		const { results } = await call(db, 'get', 'SELECT 1 AS "__proto__", 2 AS a');
		return Object.keys(results[1]);
	},
	'all': async ({ db, call }) => told(await call(db, 'all', 'SELECT 1 AS a UNION SELECT 2')),
	'all: no rows': async ({ db, call }) => told(await call(db, 'all', 'SELECT 1 WHERE 0')),
	'map: two columns': async ({ db, call }) => rowOf(await call(db, 'map', "SELECT 1 AS k, 'x' AS v UNION SELECT 2, 'y'")),
	'map: three columns': async ({ db, call }) => rowOf(await call(db, 'map', "SELECT 1 AS k, 'x' AS v, 3 AS w")),
	'map: one column': async ({ db, call }) => rowOf(await call(db, 'map', 'SELECT 1 AS k')),
	'map: no rows': async ({ db, call }) => rowOf(await call(db, 'map', 'SELECT 1 AS k WHERE 0')),
	'map: error': async ({ db, call }) => rowOf(await call(db, 'map', 'SELECT * FROM nowhere')),
	'each': ({ db }) => new Promise((resolve) => {
		const rows = [];
		db.each('SELECT 1 AS a UNION SELECT 2', function (e, row) {
			rows.push([e, row, this.constructor.name]);
		}, function (e, n) {
			resolve([rows, e, n, this.constructor.name]);
		});
	}),
	'each: many rows, with values': ({ db }) => new Promise((resolve) => {
		let sum = 0;
		db.each('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n', [5000],
			(e, row) => { sum += row.i; }, (e, n) => resolve([e, n, sum]));
	}),
	'each: no rows': ({ db }) => new Promise((resolve) => {
		db.each('SELECT 1 WHERE 0', () => resolve('a row'), (e, n) => resolve([e, n]));
	}),
	'each: error': ({ db, call }) => call(db, 'each', 'SELECT * FROM nowhere').then(told),
	/* The addon may tell the error before the rows that came before it. */
	'each: error at a row': ({ db }) => new Promise((resolve) => {
		const rows = [];
		const failed = [];
		let ends = 0;
		const end = () => ++ends === 2 && resolve([rows, failed]);
		db.each("SELECT json(a) AS j FROM (SELECT '1' AS a UNION ALL SELECT '{')", (e, row) => {
			(e ? failed : rows).push(e || row);
			if (e)
				end();
		}, end);
	}),
	'exec': async ({ db, call }) => [told(await call(db, 'exec', 'CREATE TABLE t(a); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)')),
		rowOf(await call(db, 'all', 'SELECT * FROM t'))],
	'exec: empty': async ({ db, call }) => told(await call(db, 'exec', '')),
	'exec: the second statement fails': async ({ db, call }) => [told(await call(db, 'exec', 'CREATE TABLE t(a); INSERT INTO u VALUES (1); CREATE TABLE v(a)')),
		rowOf(await call(db, 'all', 'SELECT name FROM sqlite_master'))],
	'exec: returns': ({ db }) => db.exec('SELECT 1') === db,
	'exec: trigger': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE t(a); CREATE TABLE log(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); INSERT INTO log VALUES (new.a * 2); END;');
		await call(db, 'run', 'INSERT INTO t VALUES (4)');
		return rowOf(await call(db, 'all', 'SELECT * FROM log'));
	},
	'run: a trigger as one statement': async (t) => {
		await table(t);
		return told(await t.call(t.db, 'run', 'CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END'));
	},
	'EXPLAIN QUERY PLAN': async ({ db, call }) => rowOf(await call(db, 'all', 'EXPLAIN QUERY PLAN SELECT 1')),
	'PRAGMA': async ({ db, call }) => [rowOf(await call(db, 'get', 'PRAGMA foreign_keys')), rowOf(await call(db, 'get', 'PRAGMA journal_mode')),
		rowOf(await call(db, 'get', 'PRAGMA synchronous')), rowOf(await call(db, 'get', 'PRAGMA busy_timeout')), rowOf(await call(db, 'get', 'PRAGMA trusted_schema')),
		rowOf(await call(db, 'get', 'PRAGMA recursive_triggers'))],
	'foreign keys are off': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p)');
		return told(await call(db, 'run', 'INSERT INTO c VALUES (7)'));
	},
	'transaction, rolled back': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)');
		await call(db, 'run', 'ROLLBACK');
		return rowOf(await call(db, 'all', 'SELECT * FROM t'));
	},
	'json, FTS5, R*Tree, math': async ({ db, call }) => {
		await call(db, 'exec', "CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES ('one two'); CREATE VIRTUAL TABLE r USING rtree(id, a, b); INSERT INTO r VALUES (1, 2, 3)");
		return [rowOf(await call(db, 'get', "SELECT * FROM f WHERE f MATCH 'two'")), rowOf(await call(db, 'get', 'SELECT * FROM r')),
			rowOf(await call(db, 'get', `SELECT json_extract('{"a":[1,2]}', '$.a[1]') AS a, round(sqrt(2), 3) AS s`))];
	},
	'FTS3 and FTS4': async ({ db, call }) => told(await call(db, 'exec', 'CREATE VIRTUAL TABLE a USING fts3(x); CREATE VIRTUAL TABLE b USING fts4(x)')),
	'dbstat': async ({ db, call }) => rowOf(await call(db, 'get', 'SELECT count(*) AS n FROM dbstat')),
};

const errors = {
	'syntax': async ({ db, call }) => told(await call(db, 'run', 'SELEC 1')),
	'no such table': async ({ db, call }) => told(await call(db, 'get', 'SELECT * FROM nowhere')),
	'UNIQUE': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1)');
		return told(await call(db, 'run', 'INSERT INTO t VALUES (1)'));
	},
	'NOT NULL, CHECK, FOREIGN KEY': async ({ db, call }) => {
		await call(db, 'exec', 'PRAGMA foreign_keys = on; CREATE TABLE p(a PRIMARY KEY); CREATE TABLE t(a NOT NULL CHECK (a > 0), b REFERENCES p)');
		return [told(await call(db, 'run', 'INSERT INTO t VALUES (NULL, NULL)')), told(await call(db, 'run', 'INSERT INTO t VALUES (0, NULL)')),
			told(await call(db, 'run', 'INSERT INTO t VALUES (1, 1)'))];
	},
	'datatype mismatch': async (t) => {
		await table(t);
		return told(await t.call(t.db, 'run', "INSERT INTO t VALUES ('x', 1)"));
	},
	'RAISE': async ({ db, call }) => {
		await call(db, 'exec', "CREATE TABLE t(a); CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'not this'); END");
		return told(await call(db, 'run', 'INSERT INTO t VALUES (1)'));
	},
	'enumerable properties': async ({ db, call }) => {
		const { results } = await call(db, 'run', 'SELEC 1');
		return [Object.keys(results[0]), results[0] instanceof Error, results[0].name];
	},
	'from all': async ({ db, call }) => told(await call(db, 'all', "SELECT json('{')")),
	'from exec': async ({ db, call }) => told(await call(db, 'exec', 'nonsense')),
	'without a callback: an event of the statement': ({ db }) => event(db.prepare('SELECT * FROM nowhere'), 'error'),
	'exec without a callback: an event of the database': ({ db }) => {
		const e = event(db, 'error');
		db.exec('nonsense');
		return e;
	},
	'opening without a callback: an event': ({ sqlite3 }) => event(new sqlite3.Database('/nonexistent/folder/x.db'), 'error'),
	'opening': ({ sqlite3 }) => new Promise((resolve) => {
		const db = new sqlite3.Database('/nonexistent/folder/x.db', function (e) {
			resolve([e, this === db, db.open]);
		});
	}),
	'not a database': async ({ opened, call, file }) => {
		fs.writeFileSync(file, 'x'.repeat(2000));
		return told(await call(await opened(file), 'get', 'SELECT * FROM sqlite_master'));
	},
	'read-only': async ({ sqlite3, opened, call, file }) => {
		await call(await opened(file), 'exec', 'CREATE TABLE t(a)');
		const db = await opened(file, sqlite3.OPEN_READONLY);
		return [rowOf(await call(db, 'all', 'SELECT * FROM t')), told(await call(db, 'run', 'INSERT INTO t VALUES (1)'))];
	},
	'busy': async ({ opened, call, file }) => {
		const [a, b] = [await opened(file), await opened(file)];
		b.configure('busyTimeout', 1);
		await call(a, 'exec', 'CREATE TABLE t(a); BEGIN EXCLUSIVE');
		return [told(await call(b, 'run', 'INSERT INTO t VALUES (1)')), rowOf(await call(b, 'get', 'PRAGMA busy_timeout'))];
	},
	'wrong arguments': ({ sqlite3, db }) => [
		thrownBy(() => new sqlite3.Database()),
		thrownBy(() => new sqlite3.Database(1)),
		thrownBy(() => db.exec(1)),
		thrownBy(() => db.exec('SELECT 1', 1)),
		thrownBy(() => db.configure('nothing', 1)),
		thrownBy(() => db.configure('busyTimeout', 'x')),
		thrownBy(() => db.configure('busyTimeout')),
		thrownBy(() => db.configure('limit', 1)),
		thrownBy(() => db.close(1)),
		thrownBy(() => db.serialize(1)),
		thrownBy(() => db.prepare('SELECT 1').finalize(1)),
		thrownBy(() => db.loadExtension()),
	],
};

const opening = {
	'properties': async ({ sqlite3, opened, file }) => {
		const db = await opened(file);
		return [path.basename(db.filename), db.mode, db.open, Object.keys(db), (await opened(':memory:', sqlite3.OPEN_READWRITE)).mode];
	},
	'not open before its turn': ({ sqlite3 }) => new sqlite3.Database(':memory:').open,
	'event open, then what was queued': ({ sqlite3 }) => new Promise((resolve) => {
		const order = [];
		const db = new sqlite3.Database(':memory:', () => order.push('callback'));
		db.on('open', () => order.push('open'));
		db.get('SELECT 1', () => resolve([...order, 'get']));
		order.push('returned');
	}),
	'without CREATE, no file': ({ sqlite3, file }) => new Promise((resolve) => {
		new sqlite3.Database(file, sqlite3.OPEN_READWRITE, (e) => resolve([e, fs.existsSync(file)]));
	}),
	'without CREATE, a file': async ({ sqlite3, opened, call, file }) => {
		await call(await opened(file), 'exec', 'CREATE TABLE t(a)');
		return told(await call(await opened(file, sqlite3.OPEN_READWRITE), 'run', 'INSERT INTO t VALUES (1)'));
	},
	'without CREATE, odd name': async ({ sqlite3, opened, call, file }) => {
		const odd = `${file} %41?#ü`;
		await call(await opened(odd), 'exec', 'CREATE TABLE t(a)');
		return [told(await call(await opened(odd, sqlite3.OPEN_READWRITE), 'run', 'INSERT INTO t VALUES (1)')), fs.existsSync(odd)];
	},
	'read-only, no file': ({ sqlite3, file }) => new Promise((resolve) => {
		new sqlite3.Database(file, sqlite3.OPEN_READONLY, (e) => resolve([e, fs.existsSync(file)]));
	}),
	'URI': async ({ sqlite3, opened, call, file }) => {
		const uri = sqlite3.OPEN_URI | sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE;
		await call(await opened(`file:${file}?mode=rwc`, uri), 'exec', 'CREATE TABLE t(a)');
		const db = await opened(`file:${file}?mode=ro`, uri);
		return [fs.existsSync(file), told(await call(db, 'run', 'INSERT INTO t VALUES (1)'))];
	},
	'URI without the flag is a name': async ({ opened, call, file }) => {
		const before = process.cwd();
		process.chdir(path.dirname(file));
		try {
			await call(await opened('file:plain.db'), 'exec', 'CREATE TABLE t(a)');
			return fs.existsSync('file:plain.db');
		} finally {
			process.chdir(before);
		}
	},
	'mode that makes no sense': ({ sqlite3, file }) => new Promise((resolve) => {
		new sqlite3.Database(file, 0, (e) => resolve([e, fs.existsSync(file)]));
	}),
	'temporary database': async ({ opened, call }) => told(await call(await opened(''), 'exec', 'CREATE TABLE t(a)')),
	'cached.Database': ({ sqlite3, file }) => new Promise((resolve) => {
		const a = new sqlite3.cached.Database(file, () => {
			const b = new sqlite3.cached.Database(file, function (e) {
				resolve([a === b, e, this === b, Object.keys(sqlite3.cached.objects).length,
					new sqlite3.cached.Database(':memory:') === new sqlite3.cached.Database(':memory:')]);
			});
		});
	}),
	'constants': ({ sqlite3 }) => Object.fromEntries(Object.entries(sqlite3).filter(([k, v]) => typeof v === 'number' && k !== 'VERSION_NUMBER').sort()),
	/* The path is the addon's own: the package that loads it leaves it there. */
	'names': ({ sqlite3 }) => Object.keys(sqlite3).filter((k) => k !== 'path').sort(),
	'methods': ({ sqlite3 }) => [sqlite3.Database, sqlite3.Statement, sqlite3.Backup].map((c) => {
		const wanted = ['close', 'exec', 'wait', 'loadExtension', 'serialize', 'parallelize', 'configure', 'interrupt', 'open', 'prepare', 'run', 'get', 'all',
			'each', 'map', 'backup', 'bind', 'reset', 'finalize', 'step', 'finish', 'idle', 'completed', 'failed', 'remaining', 'pageCount', 'on', 'off', 'emit',
			'once', 'addListener', 'removeListener', 'removeAllListeners', 'listenerCount', 'eventNames'];
		return [c.name, wanted.filter((name) => name in c.prototype)];
	}),
	'subclass': ({ sqlite3 }) => new Promise((resolve) => {
		class Mine extends sqlite3.Database {
			own() { return 'own'; }
		}
		const db = new Mine(':memory:', () => db.get('SELECT 1 AS a', (e, row) => resolve([row, db.own(), db instanceof sqlite3.Database])));
	}),
};

const statements = {
	'prepare: returns, callback': ({ db, sqlite3 }) => new Promise((resolve) => {
		const s = db.prepare('SELECT 1 AS a', function (...args) {
			resolve([args, this === s, s instanceof sqlite3.Statement, s.sql]);
		});
	}),
	'prepare with values': async ({ db, call }) => rowOf(await call(db.prepare('SELECT ? AS a', [5]), 'get')),
	'prepare with too many values': ({ db }) => new Promise((resolve) => db.prepare('SELECT ? AS a', [5, 6], (e) => resolve(e))),
	'run again and again': async (t) => {
		await table(t);
		const s = t.db.prepare('INSERT INTO t(b) VALUES (?)');
		const ids = [];
		for (const b of ['x', 'y', 'z'])
			ids.push((await t.call(s, 'run', b)).self.lastID);
		await t.call(s, 'run'); // what was bound stays
		return [ids, rowOf(await t.call(t.db, 'all', 'SELECT * FROM t'))];
	},
	'get again is the next row': async ({ db, call }) => {
		const s = db.prepare('SELECT 1 AS a UNION SELECT 2');
		const seen = [];
		for (let i = 0; i < 5; i++)
			seen.push(rowOf(await call(s, 'get')));
		await call(s, 'reset');
		seen.push(rowOf(await call(s, 'get')));
		return seen;
	},
	'get with values begins anew': async ({ db, call }) => {
		const s = db.prepare('SELECT ? AS a UNION SELECT 20');
		return [rowOf(await call(s, 'get', 1)), rowOf(await call(s, 'get')), rowOf(await call(s, 'get', 2)), rowOf(await call(s, 'all')), rowOf(await call(s, 'get'))];
	},
	'values replace all others': async ({ db, call }) => {
		const s = db.prepare('SELECT $a AS a, $b AS b');
		return [rowOf(await call(s, 'get', { $a: 1, $b: 2 })), rowOf(await call(s, 'get', { $b: 3 })), rowOf(await call(s, 'get', { $x: 3 })), rowOf(await call(s, 'all'))];
	},
	'bind': async ({ db, call }) => {
		const s = db.prepare('SELECT ? AS a, ? AS b');
		return [told(await call(s, 'bind', 1, 2)), rowOf(await call(s, 'get')), told(await call(s, 'bind', 1, 2, 3)), rowOf(await call(s, 'all')), s.bind(1) === s];
	},
	'all again': async ({ db, call }) => {
		const s = db.prepare('SELECT ? AS a');
		return [rowOf(await call(s, 'all', 1)), rowOf(await call(s, 'all')), rowOf(await call(s, 'all', 2))];
	},
	'run after an error': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1)');
		const s = db.prepare('INSERT INTO t VALUES (?)');
		return [told(await call(s, 'run', 1)), (await call(s, 'run', 2)).self.changes, told(await call(s, 'run')), rowOf(await call(db, 'all', 'SELECT * FROM t'))];
	},
	'run without a callback leaves lastID': async (t) => {
		await table(t);
		const s = t.db.prepare('INSERT INTO t(b) VALUES (?)');
		s.run(1);
		await t.call(s, 'reset');
		return [s.lastID, s.changes];
	},
	'each of a statement': ({ db }) => new Promise((resolve) => {
		const seen = [];
		const s = db.prepare('SELECT ? AS a UNION SELECT 2');
		s.each(1, (e, row) => seen.push(row), (e, n) => s.finalize(() => resolve([seen, e, n])));
	}),
	'map of a statement': async ({ db, call }) => rowOf(await call(db.prepare('SELECT ? AS k, 2 AS v'), 'map', 1)),
	'finalize: returns, callback': ({ db }) => new Promise((resolve) => {
		const s = db.prepare('SELECT 1');
		const returned = s.finalize(function (...args) {
			resolve([args, this === s, returned === db]);
		});
	}),
	'after finalize': async ({ db, call }) => {
		const s = db.prepare('SELECT 1 AS a');
		await call(s, 'finalize');
		return [told(await call(s, 'get')), told(await call(s, 'run')), told(await call(s, 'finalize'))];
	},
	'after finalize, without a callback': async ({ db, call }) => {
		const s = db.prepare('SELECT 1 AS a');
		await call(s, 'finalize');
		const e = event(s, 'error');
		s.run();
		return e;
	},
	'queued behind a prepare that fails': ({ db, call }) => new Promise((resolve) => {
		const seen = [];
		const s = db.prepare('SELECT * FROM nowhere', (e) => seen.push(e));
		s.get(() => seen.push('get'));
		call(db, 'get', 'SELECT 1').then(() => setTimeout(() => resolve(seen), 20));
	}),
	'schema changes underneath': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE t(a); INSERT INTO t VALUES (1)');
		const s = db.prepare('SELECT * FROM t');
		const before = rowOf(await call(s, 'all'));
		await call(db, 'exec', 'ALTER TABLE t ADD COLUMN b DEFAULT 5');
		return [before, rowOf(await call(s, 'all'))];
	},
	'a row that is not the last holds the table': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)');
		const s = db.prepare('SELECT * FROM t');
		await call(s, 'get');
		const held = told(await call(db, 'exec', 'DROP TABLE t'));
		await call(s, 'reset');
		return [held, told(await call(db, 'exec', 'DROP TABLE t'))];
	},
	'COMMIT while reading': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)');
		const s = db.prepare('SELECT a FROM t');
		const seen = [rowOf(await call(s, 'get'))];
		await call(db, 'exec', 'BEGIN; INSERT INTO t VALUES (4); COMMIT');
		seen.push(rowOf(await call(s, 'get')), rowOf(await call(s, 'get')), rowOf(await call(s, 'get')), rowOf(await call(s, 'get')));
		return seen;
	},
};

/** Calls that are noted in the order in which they come back. */
function ordered(setUp) {
	return ({ db, call }) => new Promise((resolve) => {
		const order = [];
		const note = (name) => () => order.push(name);
		setUp(db, note);
		call(db, 'wait').then(() => resolve(order));
		order.push('returned');
	});
}

const order = {
	'serialize': ordered((db, note) => db.serialize(() => {
		db.run('CREATE TABLE t(a)', note('create'));
		db.run('INSERT INTO t VALUES (1)', note('insert'));
		db.get('SELECT * FROM t', note('get'));
		db.exec('DELETE FROM t', note('exec'));
		db.all('SELECT * FROM t', note('all'));
	})),
	'serialize, for good': ordered((db, note) => {
		db.serialize();
		db.run('CREATE TABLE t(a)', note('create'));
		db.run('INSERT INTO t VALUES (1)', note('insert'));
		db.all('SELECT * FROM t', note('all'));
	}),
	/* The addon's threads may finish the two in any order. */
	'exec waits for all that has begun': ordered((db, note) => {
		db.get('SELECT 1', note('get'));
		db.exec('SELECT 1', note('exec'));
		db.get('SELECT 1', note('get'));
	}),
	'a statement keeps its order': ordered((db, note) => {
		const s = db.prepare('SELECT ?', note('prepare'));
		s.bind(1, note('bind'));
		s.get(note('get'));
		s.reset(note('reset'));
		s.all(note('all'));
		s.finalize(note('finalize'));
	}),
	'calls from callbacks': ({ db }) => new Promise((resolve) => {
		const seen = [];
		db.serialize();
		db.run('CREATE TABLE t(a)', () => {
			seen.push('create');
			db.run('INSERT INTO t VALUES (1)', () => {
				seen.push('insert');
				db.all('SELECT * FROM t', (e, rows) => resolve([seen, rows]));
			});
		});
		db.all('SELECT * FROM t', () => seen.push('queued before'));
	}),
	'calls from the callback of exec': ({ db }) => new Promise((resolve) => {
		const seen = [];
		db.exec('SELECT 1', () => {
			db.get('SELECT 1', () => seen.push('from the callback'));
		});
		db.exec('SELECT 1', () => seen.push('queued exec'));
		db.wait(() => setTimeout(() => resolve(seen), 20));
	}),
	'serialize: this and what it returns': ({ db }) => {
		let self;
		const returned = db.serialize(function () {
			self = this;
		});
		return [self === db, returned === db, thrownBy(() => db.serialize(() => {
			throw new Error('from within');
		}))];
	},
	'wait': async ({ db, call }) => told(await call(db, 'wait')),
	'many at once': async ({ db, call }) => {
		await call(db, 'exec', 'CREATE TABLE t(a)');
		await Promise.all(Array.from({ length: 200 }, (_, i) => call(db, 'run', 'INSERT INTO t VALUES (?)', i)));
		return rowOf(await call(db, 'get', 'SELECT count(*) AS n, sum(a) AS s FROM t'));
	},
};

const closing = {
	'close': async ({ db, call }) => {
		const closed = event(db, 'close');
		return [told(await call(db, 'close')), await closed, db.open];
	},
	'close: returns': ({ db }) => db.close() === db,
	'waits for what was called before': ({ db }) => new Promise((resolve) => {
		const seen = [];
		db.get('SELECT 1', () => seen.push('get'));
		db.close(() => resolve([...seen, 'close']));
	}),
	'with a statement': async ({ db, call }) => {
		const s = db.prepare('SELECT 1 AS a');
		const refused = told(await call(db, 'close'));
		const still = rowOf(await call(s, 'get'));
		await call(s, 'finalize');
		return [refused, still, told(await call(db, 'close'))];
	},
	'with a statement, without a callback': ({ db }) => {
		const e = event(db, 'error');
		db.prepare('SELECT 1');
		db.close();
		return e;
	},
	'after close': async ({ db, call }) => {
		await call(db, 'close');
		return [told(await call(db, 'run', 'SELECT 1')), told(await call(db, 'exec', 'SELECT 1')), told(await call(db, 'close')), told(await call(db, 'wait'))];
	},
	'after close, without a callback': async ({ db, call }) => {
		await call(db, 'close');
		const e = event(db, 'error');
		db.run('SELECT 1');
		return e;
	},
	'called before close is over': ({ db }) => new Promise((resolve) => {
		const seen = [];
		db.close((e) => seen.push(['close', e]));
		db.get('SELECT 1', (e) => {
			seen.push(['get', e]);
			resolve(seen);
		});
	}),
	'close twice': ({ db, call }) => Promise.all([call(db, 'close'), call(db, 'close')]).then((all) => all.map(told)),
	'what was written is there': async ({ opened, call, file }) => {
		const db = await opened(file);
		await call(db, 'exec', 'CREATE TABLE t(a); INSERT INTO t VALUES (1)');
		await call(db, 'close');
		return rowOf(await call(await opened(file), 'all', 'SELECT * FROM t'));
	},
};

/** Interrupts a query without end at its first row. */
function interrupted({ db, call }) {
	const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n';

	return new Promise((resolve) => {
		let rows = 0;
		db.each(endless, (e) => {
			if (e)
				call(db, 'get', 'SELECT 1 AS a').then((after) => resolve([e, rows > 0, rowOf(after)]));
			else if (rows++ === 0)
				db.interrupt();
		});
	});
}

const events = {
	'trace': async ({ db, call }) => {
		const seen = [];
		db.on('trace', (sql) => seen.push(sql));
		await call(db, 'get', "SELECT ? AS a, $b AS b", [5, 'x']);
		await new Promise((resolve) => setTimeout(resolve, 20));
		return seen;
	},
	'trace of exec': async ({ db, call }) => {
		const seen = [];
		db.on('trace', (sql) => seen.push(sql));
		await call(db, 'exec', 'SELECT 1; SELECT 2');
		await new Promise((resolve) => setTimeout(resolve, 20));
		return seen;
	},
	'profile': async ({ db, call }) => {
		const seen = [];
		db.on('profile', (sql, ms) => seen.push([sql, typeof ms]));
		await call(db, 'get', 'SELECT ? AS a', [5]);
		await new Promise((resolve) => setTimeout(resolve, 20));
		return seen;
	},
	'no more trace after removeListener': async ({ db, call }) => {
		const seen = [];
		const note = (sql) => seen.push(sql);
		db.on('trace', note);
		await call(db, 'get', 'SELECT 1');
		await new Promise((resolve) => setTimeout(resolve, 20));
		db.removeListener('trace', note);
		await call(db, 'get', 'SELECT 2');
		await new Promise((resolve) => setTimeout(resolve, 20));
		return [seen, db.listenerCount('trace')];
	},
	'change': async (t) => {
		await table(t);
		const seen = [];
		t.db.on('change', (...args) => seen.push(args));
		await t.call(t.db, 'run', 'INSERT INTO t VALUES (7, 1)');
		await t.call(t.db, 'run', 'DELETE FROM t');
		await new Promise((resolve) => setTimeout(resolve, 20));
		return seen;
	},
	'configure limit': async ({ sqlite3, db, call }) => {
		db.configure('limit', sqlite3.LIMIT_COLUMN, 100);
		return told(await call(db, 'get', `SELECT 1${', 2'.repeat(100)}`)).results[0];
	},
	'configure busyTimeout': async ({ db, call }) => {
		const same = db.configure('busyTimeout', 1234) === db;
		return [same, rowOf(await call(db, 'get', 'PRAGMA busy_timeout'))];
	},
	'interrupt': interrupted,
	'interrupt with nothing to do': async ({ db, call }) => [db.interrupt() === db, rowOf(await call(db, 'get', 'SELECT 1 AS a'))],
	'interrupt when closed': async ({ db, call }) => {
		await call(db, 'close');
		return thrownBy(() => db.interrupt());
	},
	'loadExtension that is not there': async ({ db, call }) => {
		const { results } = await call(db, 'loadExtension', '/nonexistent/extension');
		return [results[0].code, results[0].message.slice(0, 60)];
	},
	'load_extension() in SQL is not allowed': async ({ db, call }) => told(await call(db, 'get', "SELECT load_extension('/nonexistent')")),
	'backup': async ({ opened, call, file }) => {
		const db = await opened(file);
		await call(db, 'exec', 'CREATE TABLE t(a); INSERT INTO t VALUES (1)');
		const backup = db.backup(`${file}.copy`);
		const step = told(await call(backup, 'step', -1));
		const state = [backup.completed, backup.failed, backup.remaining, backup.pageCount];
		const finish = told(await call(backup, 'finish'));
		return [step, state, finish, rowOf(await call(await opened(`${file}.copy`), 'all', 'SELECT * FROM t'))];
	},
	'backup in steps': async ({ opened, call, file }) => {
		const db = await opened(file);
		await call(db, 'exec', 'CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(20000))');
		const backup = db.backup(`${file}.copy`);
		const seen = [told(await call(backup, 'step', 1)), backup.remaining, backup.completed];
		await call(backup, 'step', -1);
		return [...seen, backup.completed];
	},
	'backup from a file': async ({ opened, call, file, db }) => {
		const source = await opened(file);
		await call(source, 'exec', 'CREATE TABLE t(a); INSERT INTO t VALUES (1)');
		await call(source, 'close');
		let backup;
		const begun = await new Promise((resolve) => {
			backup = db.backup(file, 'main', 'main', false, resolve);
		});
		if (begun)
			return begun;
		const { results } = await call(backup, 'step', -1);
		await call(backup, 'finish');
		return [results, rowOf(await call(db, 'all', 'SELECT * FROM t'))];
	},
};

/* The last, because it changes all that come after it. */
const verbose = {
	'verbose': async ({ sqlite3, call, opened }) => {
		const same = sqlite3.verbose() === sqlite3;
		const { results } = await call(await opened(':memory:'), 'run', 'SELECT * FROM nowhere', [1]);
		return [same, results[0].message, results[0].stack.split('\n').filter((l) => l.startsWith('-->'))];
	},
};

function named(group, rows) {
	return Object.fromEntries(Object.entries(rows).map(([name, run]) => [`${group}: ${name}`, run]));
}

const cases = {
	...named('value', values), ...named('parameters', parameters), ...named('running', running), ...named('error', errors),
	...named('opening', opening), ...named('statement', statements), ...named('order', order), ...named('closing', closing),
	...named('events', events), ...named('last', verbose),
};

module.exports = { cases };
