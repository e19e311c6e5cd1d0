#!/usr/bin/env node
// What applications do with SQLite, in memory, in rounds; prints the rounds a CPU second and a digest
// of all answers.
//
//   node queries.js FOLDER-OF-SQLITE3
//
// A round inserts rows through a prepared statement, makes an index, scans with LIKE, groups and
// sorts, walks a recursive query, fills and asks a full-text table, and selects single rows by key
// from JavaScript. CPU time is that of all of the process's threads.
'use strict';
const crypto = require('crypto');
const sqlite3 = require(process.argv[2]);

const ROUNDS = 4;
const ROWS = 100000;
const INSERTS = 20000;
const POINTS = 20000;

const promised = (object, method, ...args) => new Promise((resolve, reject) => {
  object[method](...args, (e, rows) => (e ? reject(e) : resolve(rows)));
});

async function round(digest) {
  const db = new sqlite3.Database(':memory:');
  const all = async (sql, ...values) => {
    const rows = await promised(db, 'all', sql, ...values);
    digest.update(JSON.stringify(rows));
  };
  await promised(db, 'exec', `
    create table item (id integer primary key, name text, price real);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
      insert into item select i, 'item ' || (i * 7919 % 100003), i * 0.5 from n;
    create table event (id integer primary key, item integer, what text);
    begin`);
  const insert = await new Promise((resolve, reject) => {
    const s = db.prepare('insert into event (item, what) values (?, ?)', (e) => (e ? reject(e) : resolve(s)));
  });
  for (let i = 0; i < INSERTS; i++) insert.run(i * 31 % ROWS, `event ${i}`);
  await promised(insert, 'finalize');
  await promised(db, 'exec', 'commit; create index item_name on item (name)');
  await all("select count(*) n, sum(price) sum, max(name) max from item where name like '%99%'");
  await all('select name, count(*) n from item group by name order by n desc, name limit 5');
  await all(`select substr(what, 7, 1) first, count(*) n, sum(price) sum from event
    join item on item.id = event.item group by first order by first`);
  await all(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 700000)
    select sum(i * i % 7) sum from n`);
  await promised(db, 'exec', 'create virtual table text using fts5(name); insert into text select name from item');
  await all("select count(*) n from text where text match '99*'");
  await all("select rowid, name from text where text match 'item' order by rank, rowid limit 5");
  const point = db.prepare('select id, price from item where name = ?');
  const found = [];
  for (let i = 0; i < POINTS; i++)
    found.push(promised(point, 'get', `item ${i * 17 % 100003}`));
  digest.update(JSON.stringify(await Promise.all(found)));
  await promised(point, 'finalize');
  await promised(db, 'close');
}

async function main() {
  const digest = crypto.createHash('sha256');
  await round(digest);
  const before = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i++) await round(digest);
  const used = process.cpuUsage(before);
  console.log((ROUNDS * 1e6 / (used.user + used.system)).toFixed(4), digest.digest('hex').slice(0, 16));
}

main().catch((e) => {
  console.error(e.message);
  process.exit(1);
});
