'use strict';

/*
 * What was written to the JSON store goes into the database as soon as there is one: in one transaction,
 * with the journal's id and how far it was taken over. The journal is put aside only after that has
 * been committed; if the process ends in between, the next one sees by the id that there is nothing left
 * to do, and also takes over what may have been written to the journal since.
 */

const fs = require('node:fs');

const { asideName, readJournal, syncFolder } = require('./journal');
const { acquire } = require('./lock');
const { say } = require('../engines/report');
const { journalOf } = require('./json_store');
const { PUT, DELETE } = require('./sql_store');

const WAIT_MS = 10000;
const PAUSE_MS = 100;
const NOTE = 'INSERT INTO prebuildd_journals VALUES (?, ?) ' +
	'ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence';

/** Another process that is migrating is soon done; one that still writes has to be stopped. */
async function patientLock(file) {
	const end = Date.now() + WAIT_MS;

	for (;;) {
		try {
			return await acquire(file);
		} catch (e) {
			if (e.code !== 'PREBUILDD_STORE_LOCKED' || Date.now() > end)
				throw e;
			await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
		}
	}
}

async function apply(db, { collection, id, text }) {
	if (text === null)
		await db.run(DELETE, [collection, id]);
	else
		await db.run(PUT, [collection, id, text]);
}

/** Of several operations on a document only the last counts. */
function lastOfEach(operations) {
	const last = new Map();

	for (const operation of operations)
		last.set(JSON.stringify([operation.collection, operation.id]), operation);
	return [...last.values()];
}

/** Takes over what the database does not have yet; returns how many documents that were. */
async function takeOver(db, state) {
	await db.exec('BEGIN IMMEDIATE');
	try {
		const row = await db.get('SELECT sequence FROM prebuildd_journals WHERE id = ?', [state.id]);
		const done = row ? row.sequence : 0;
		const fresh = lastOfEach(state.operations.filter(({ sequence }) => sequence > done));
		for (const operation of fresh)
			await apply(db, operation);
		const last = state.operations.reduce((most, { sequence }) => Math.max(most, sequence), done);
		await db.run(NOTE, [state.id, last]);
		await db.exec('COMMIT');
		return fresh.length;
	} catch (e) {
		await db.exec('ROLLBACK').catch(() => {});
		throw e;
	}
}

/** Migrates FILE's journal into its database, if there is one. */
async function migrate(db, file, options) {
	const journal = journalOf(file);

	if (!fs.existsSync(journal))
		return;
	const lock = await patientLock(journal);
	try {
		const state = readJournal(journal, options);
		if (state === null)
			return;
		const count = state.id === null ? 0 : await takeOver(db, state);
		const aside = asideName(journal, 'migrated');
		fs.renameSync(journal, aside);
		syncFolder(journal);
		say(`${file}: ${count} documents and deletions of the JSON store are in the database now; ` +
			`its journal is ${aside}`);
	} finally {
		lock.release();
	}
}

module.exports = { migrate };
