#!/usr/bin/env node
// What applications do with SQLite, in memory: two installed sqlite3 take turns, a round each.
//
//   node queries.js PAIRS OURS THEIRS     two folders of sqlite3; prints lines "ours N", "theirs N"
//
// A round inserts rows through a prepared statement, makes an index, scans with LIKE, groups, sorts
// and joins, walks a recursive query, fills and asks a full-text table, and selects single rows by
// key, in SQL and from JavaScript. N is rounds a CPU second, of all of the process's threads.
'use strict';
const crypto = require('crypto');
const { fork } = require('child_process');

const ROWS = 60000;
const STEPS = 400000;
// Each of these goes through JavaScript and a thread of libuv's pool, which costs more than SQLite does.
const INSERTS = 2000;
const POINTS = 2000;

// ---- the process of one sqlite3 ----

const promised = (object, method, ...args) => new Promise((resolve, reject) => {
  object[method](...args, (e, rows) => (e ? reject(e) : resolve(rows)));
});

const prepare = (db, sql) => new Promise((resolve, reject) => {
  const statement = db.prepare(sql, (e) => (e ? reject(e) : resolve(statement)));
});

async function queries(sqlite3) {
  const db = new sqlite3.Database(':memory:');
  const digest = crypto.createHash('sha256');
  const ask = async (sql) => digest.update(JSON.stringify(await promised(db, 'all', sql)));
  await promised(db, 'exec', `
    create table item (id integer primary key, name text, price real);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
      insert into item select i, 'item ' || (i * 7919 % 100003), i * 0.5 from n;
    create table event (id integer primary key, item integer, what text);
    begin`);
  const insert = await prepare(db, 'insert into event (item, what) values (?, ?)');
  for (let i = 0; i < INSERTS; i++) insert.run(i * 31 % ROWS, `event ${i}`);
  await promised(insert, 'finalize');
  await promised(db, 'exec', 'commit; create index item_name on item (name)');
  await ask("select count(*) n, sum(price) sum, max(name) max from item where name like '%99%'");
  await ask('select name, count(*) n from item group by name order by n desc, name limit 5');
  await ask(`select substr(what, 7, 1) first, count(*) n, sum(price) sum from event
    join item on item.id = event.item group by first order by first`);
  await ask(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${STEPS})
    select sum(i * i % 7) sum from n`);
  await ask(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    select sum((select price from item where name = 'item ' || (i * 17 % 100003))) sum from n`);
  await promised(db, 'exec', `create virtual table text using fts5(name);
    insert into text select name from item`);
  await ask("select count(*) n from text where text match '99*'");
  await ask("select rowid, name from text where text match 'item' order by rank, rowid limit 5");
  const point = await prepare(db, 'select id, price from item where name = ?');
  const found = [];
  for (let i = 0; i < POINTS; i++) found.push(promised(point, 'get', `item ${i * 17 % 100003}`));
  digest.update(JSON.stringify(await Promise.all(found)));
  await promised(point, 'finalize');
  await promised(db, 'close');
  return digest.digest('hex');
}

function serve(folder) {
  const sqlite3 = require(folder);
  process.on('message', async () => {
    const before = process.cpuUsage();
    const answers = await queries(sqlite3);
    const used = process.cpuUsage(before);
    process.send({ answers, speed: 1e6 / (used.user + used.system) });
  });
}

// ---- the one that gives them turns ----

const round = (child) => new Promise((resolve, reject) => {
  child.once('exit', () => reject(new Error(`${child.spawnargs.at(-1)}: ended`)));
  child.once('message', (result) => { child.removeAllListeners('exit'); resolve(result); });
  child.send('go');
});

async function compare(pairs, ours, theirs) {
  const sides = { ours: fork(__filename, [ours]), theirs: fork(__filename, [theirs]) };
  const expected = (await round(sides.ours)).answers;
  // The first round of each only warms up; then they take turns.
  for (let i = 0; i <= pairs; i++) {
    for (const side of Object.keys(sides)) {
      const { answers, speed } = await round(sides[side]);
      if (answers !== expected) throw new Error(`${side}: other answers`);
      if (i > 0) console.log(side, speed.toFixed(4));
    }
  }
  for (const side of Object.values(sides)) side.disconnect();
}

if (process.send) {
  serve(process.argv[2]);
} else {
  compare(Number(process.argv[2]), ...process.argv.slice(3)).catch((e) => {
    console.error(e.message);
    process.exit(1);
  });
}
