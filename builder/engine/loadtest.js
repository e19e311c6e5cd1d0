// Loads an addon in the target's own Node (or Bun) and uses it. Arguments: package, path of the package's
// folder, path of the addon. The last line printed is the report as JSON; exit status 0 only if
// every check passed.
'use strict';
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');

const [name, folder, addon] = process.argv.slice(2);
const report = { ran: true, runtime: `node ${process.versions.node}`, arch: process.arch, ok: false, checks: [] };

function check(what, value) {
  report.checks.push(what);
  return value;
}

function finish(error) {
  report.ok = !error;
  if (error)
    report.error = String(error && error.message ? error.message : error);
  console.log(JSON.stringify(report));
  process.exit(error ? 1 : 0);
}

process.on('uncaughtException', finish);
process.on('unhandledRejection', finish);

// The package's own lib/ finds its addon through `bindings`; the same copy is what is tested.
function load() {
  const m = { exports: {} };
  process.dlopen(m, addon);
  check('dlopen');
  return m.exports;
}

const queries = [
  ['fts3', "create virtual table f3 using fts3(x)"],
  ['fts4', "create virtual table f4 using fts4(x)"],
  ['fts5', "create virtual table f5 using fts5(x)"],
  ['fts5 insert', "insert into f5 values ('hello quick brown fox'), ('lazy dog')"],
  ['rtree', "create virtual table rt using rtree(id, x0, x1)"],
  ['rtree insert', "insert into rt values (1, 1.5, 2.5), (2, 10, 11)"],
];

function rows(all) {
  assert.deepStrictEqual(all.fts, [{ x: 'hello quick brown fox' }]);
  assert.deepStrictEqual(all.rtree, [{ id: 2 }]);
  assert.strictEqual(all.math.p, 1024);
  assert.strictEqual(all.math.q, Math.SQRT2);
  assert(Math.abs(all.math.e - Math.E) < 1e-15 && Math.abs(all.math.l - Math.LN10) < 1e-15);
  assert.strictEqual(all.math.big, 9007199254740991);
  assert.deepStrictEqual([...all.blob.d], [76, 1, 2]);
  assert.strictEqual(all.blob.c, 76 / 3);
  assert.strictEqual(all.json.j, 7);
}

const selects = {
  fts: "select x from f5 where f5 match 'quick'",
  rtree: "select id from rt where x0 > 5",
  math: "select pow(2, 10) p, sqrt(2) q, exp(1) e, ln(10) l, 9007199254740991 big",
  blob: "select d, c, b from t where a = 77",
  json: "select json_extract('{\"a\":[1,2,{\"b\":7}]}', '$.a[2].b') j",
};

async function sqlite3() {
  load();
  const lib = require(folder);
  const file = path.join(os.tmpdir(), `load-${process.pid}.db`);
  const db = await new Promise((ok, no) => {
    const d = new lib.Database(file, (e) => e ? no(e) : ok(d));
  });
  const run = (sql, ...args) => new Promise((ok, no) => db.run(sql, ...args, (e) => e ? no(e) : ok()));
  const all = (sql) => new Promise((ok, no) => db.all(sql, (e, r) => e ? no(e) : ok(r)));
  check('open');
  await run('pragma journal_mode = wal');
  await run('create table t (a integer primary key, b text, c real, d blob)');
  const st = db.prepare('insert into t (b, c, d) values (?, ?, ?)');
  for (let i = 0; i < 100; i++)
    st.run('row' + i, i / 3, Buffer.from([i & 255, 1, 2]));
  await new Promise((ok, no) => st.finalize((e) => e ? no(e) : ok()));
  check('insert');
  for (const [what, sql] of queries) {
    await run(sql);
    check(what);
  }
  const got = {};
  for (const [what, sql] of Object.entries(selects)) {
    const r = await all(sql);
    got[what] = what === 'fts' || what === 'rtree' ? r : r[0];
  }
  rows(got);
  check('select');
  check('math');
  await assert.rejects(run('selec bad'), /syntax error/);
  await assert.rejects(run('select load_extension("nothing")'), /not authorized|no such function/);
  // SQL cannot load extensions unless the application has asked for it; its own call reaches the
  // loader of the C library.
  await assert.rejects(new Promise((ok, no) => db.loadExtension('/nothing', (e) => e ? no(e) : ok())),
    process.platform === 'win32' ? /not (be )?found/ : /nothing/); // Windows does not say what
  check('error path');
  await Promise.all([...Array(16).keys()].map(async (i) =>
    assert.strictEqual((await all(`select a + ${i} as s from t where a = 50`))[0].s, 50 + i)));
  check('threads');
  report.sqlite = lib.VERSION;
  report.compile_options = (await all('pragma compile_options')).map((r) => r.compile_options);
  await new Promise((ok, no) => db.close((e) => e ? no(e) : ok()));
  for (const suffix of ['', '-wal', '-shm'])
    fs.rmSync(file + suffix, { force: true });
}

async function betterSqlite3() {
  const Database = require(folder);
  const db = new Database(':memory:', { nativeBinding: addon });
  check('open');
  db.exec('create table t (a integer primary key, b text, c real, d blob)');
  const st = db.prepare('insert into t (b, c, d) values (?, ?, ?)');
  for (let i = 0; i < 100; i++)
    st.run('row' + i, i / 3, Buffer.from([i & 255, 1, 2]));
  check('insert');
  for (const [what, sql] of queries) {
    db.exec(sql);
    check(what);
  }
  const got = {};
  for (const [what, sql] of Object.entries(selects)) {
    const r = db.prepare(sql).all();
    got[what] = what === 'fts' || what === 'rtree' ? r : r[0];
  }
  rows(got);
  check('select');
  assert.throws(() => db.exec('selec bad'), /syntax error/);
  check('error path');
  report.compile_options = db.pragma('compile_options').map((r) => r.compile_options);
  db.close();
}

async function main() {
  if (name === 'sqlite3')
    return sqlite3();
  if (name === 'better-sqlite3')
    return betterSqlite3();
  return load();
}

main().then(() => finish(), finish);
