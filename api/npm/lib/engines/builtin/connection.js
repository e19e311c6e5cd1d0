'use strict';

/* A DatabaseSync that is opened as sqlite3's addon opens its handle. */

const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { opening, results } = require('./codes');

const BUSY_TIMEOUT_MS = 1000;

/** What sqlite3_open_v2 would have said; the message is SQLite's own. */
function openFailure(status, message) {
	return Object.assign(new Error(message), { errcode: status });
}

/** The name for node:sqlite, which always takes URIs and always creates. */
function locationOf(filename, mode) {
	const isUri = filename.startsWith('file:');

	if (filename === '' || filename === ':memory:')
		return filename;
	if (isUri && (mode & opening.OPEN_URI))
		return withMode(filename, mode);
	if (mode & (opening.OPEN_CREATE | opening.OPEN_READONLY))
		return isUri ? `./${filename}` : filename;
	return withMode(pathToFileURL(path.resolve(filename)).href, mode);
}

function withMode(uri, mode) {
	if ((mode & (opening.OPEN_CREATE | opening.OPEN_READONLY)) || /[?&]mode=/.test(uri))
		return uri;
	return `${uri}${uri.includes('?') ? '&' : '?'}mode=rw`;
}

/** Opens, or throws an error with an `errcode`. */
function openConnection(sqlite, filename, mode) {
	const readOnly = (mode & opening.OPEN_READONLY) !== 0;

	if (!readOnly && !(mode & opening.OPEN_READWRITE))
		throw openFailure(results.MISUSE, 'bad parameter or other API misuse');
	const db = new sqlite.DatabaseSync(locationOf(filename, mode), {
		readOnly,
		/* What the addon leaves at SQLite's defaults, node:sqlite does not. */
		enableForeignKeyConstraints: false,
		enableDoubleQuotedStringLiterals: true,
		defensive: false,
		/* Under Node's permission model asking for this is refused. */
		allowExtension: !process.permission,
	});
	setBusyTimeout(db, BUSY_TIMEOUT_MS);
	return db;
}

function setBusyTimeout(db, ms) {
	db.exec(`PRAGMA busy_timeout = ${Math.max(0, ms | 0)}`);
}

/** SQLite's own words for an extension that is not there are in what it throws. */
function loadExtension(db, filename) {
	db.enableLoadExtension(true);
	try {
		db.loadExtension(filename);
	} finally {
		db.enableLoadExtension(false);
	}
}

module.exports = { openConnection, setBusyTimeout, loadExtension };
