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

// What SQLite has depends on how old it is and on what the package compiles in: a feature that
// `pragma compile_options` does not name is not looked for, and not among the report's checks.
const queries = [
  ['fts3', 'ENABLE_FTS3', "create virtual table f3 using fts3(x)"],
  ['fts4', 'ENABLE_FTS4', "create virtual table f4 using fts4(x)"],
  ['fts5', 'ENABLE_FTS5', "create virtual table f5 using fts5(x)"],
  ['fts5 insert', 'ENABLE_FTS5', "insert into f5 values ('hello quick brown fox'), ('lazy dog')"],
  ['rtree', 'ENABLE_RTREE', "create virtual table rt using rtree(id, x0, x1)"],
  ['rtree insert', 'ENABLE_RTREE', "insert into rt values (1, 1.5, 2.5), (2, 10, 11)"],
];

const selects = [
  ['fts', 'ENABLE_FTS5', "select x from f5 where f5 match 'quick'",
    (rows) => assert.deepStrictEqual(rows, [{ x: 'hello quick brown fox' }])],
  ['rtree select', 'ENABLE_RTREE', "select id from rt where x0 > 5",
    (rows) => assert.deepStrictEqual(rows, [{ id: 2 }])],
  ['math', 'ENABLE_MATH_FUNCTIONS', "select pow(2, 10) p, sqrt(2) q, exp(1) e, ln(10) l",
    ([row]) => {
      assert.strictEqual(row.p, 1024);
      assert.strictEqual(row.q, Math.SQRT2);
      assert(Math.abs(row.e - Math.E) < 1e-15 && Math.abs(row.l - Math.LN10) < 1e-15);
    }],
  ['select', null, "select d, c, b, 9007199254740991 big from t where a = 77",
    ([row]) => {
      assert.strictEqual(row.big, 9007199254740991);
      assert.deepStrictEqual([...row.d], [76, 1, 2]);
      assert.strictEqual(row.c, 76 / 3);
    }],
  // JSON is always there since 3.38.
  ['json', 'ENABLE_JSON1', "select json_extract('{\"a\":[1,2,{\"b\":7}]}', '$.a[2].b') j",
    ([row]) => assert.strictEqual(row.j, 7)],
];

function hasFeature(feature, version) {
  const [major, minor] = version.split('.').map(Number);
  if (feature === 'ENABLE_JSON1' && (major > 3 || minor >= 38))
    return true;
  return !feature || report.compile_options.includes(feature);
}

// A package that is installed by node-pre-gyp looks for its addon where that would have put it.
function placeForPreGyp() {
  const manifest = path.join(folder, 'package.json');
  if (!(JSON.parse(fs.readFileSync(manifest)).binary || {}).module_path)
    return;
  for (const tool of ['@mapbox/node-pre-gyp', 'node-pre-gyp']) {
    if (!fs.existsSync(path.join(folder, 'node_modules', tool)))
      continue;
    const place = require(path.join(folder, 'node_modules', tool)).find(manifest);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.copyFileSync(addon, place);
    check('node-pre-gyp');
    return;
  }
}

async function sqlite3() {
  load();
  placeForPreGyp();
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
  report.sqlite = lib.VERSION;
  report.compile_options = (await all('pragma compile_options')).map((r) => r.compile_options);
  for (const [what, feature, sql] of queries)
    if (hasFeature(feature, lib.VERSION)) {
      await run(sql);
      check(what);
    }
  for (const [what, feature, sql, verify] of selects)
    if (hasFeature(feature, lib.VERSION)) {
      verify(await all(sql));
      check(what);
    }
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
  await new Promise((ok, no) => db.close((e) => e ? no(e) : ok()));
  for (const suffix of ['', '-wal', '-shm'])
    if (fs.existsSync(file + suffix))
      fs.unlinkSync(file + suffix);
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
  report.sqlite = db.prepare('select sqlite_version() v').get().v;
  report.compile_options = db.pragma('compile_options').map((r) => r.compile_options);
  for (const [what, feature, sql] of queries)
    if (hasFeature(feature, report.sqlite)) {
      db.exec(sql);
      check(what);
    }
  for (const [what, feature, sql, verify] of selects)
    if (hasFeature(feature, report.sqlite)) {
      verify(db.prepare(sql).all());
      check(what);
    }
  assert.throws(() => db.exec('selec bad'), /syntax error/);
  check('error path');
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
