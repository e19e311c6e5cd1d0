'use strict';

/* Values on their way in and out, converted as sqlite3's addon does. */

/** What leaves a parameter as it is: undefined, a BigInt, a symbol. */
const SKIP = Symbol('skip');

/** Without memory behind it, node:sqlite would bind NULL. */
const EMPTY = new Uint8Array(new ArrayBuffer(8), 0, 0);

/** A JavaScript value for node:sqlite, that stores what sqlite3 would have stored. */
function toSqlite(value) {
	switch (typeof value) {
	case 'string':
		return value;
	case 'number':
		/* node:sqlite binds every number as REAL; sqlite3 those of 32 bits as INTEGER. */
		return (value | 0) === value ? BigInt(value) : value;
	case 'boolean':
		return value ? 1n : 0n;
	case 'function':
		return '[object Object]';
	case 'object':
		return value === null ? null : objectToSqlite(value);
	default:
		return SKIP;
	}
}

function objectToSqlite(value) {
	if (value instanceof RegExp)
		return String(value);
	if (value instanceof Date)
		return value.getTime();
	if (value instanceof DataView)
		throw new Error('Invalid argument');
	if (ArrayBuffer.isView(value))
		return value.byteLength === 0 ? EMPTY : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
	/* So it is in sqlite3, whatever the object's toString() says. */
	return '[object Object]';
}

function fromSqlite(value) {
	if (typeof value === 'bigint')
		return Number(value);
	if (value instanceof Uint8Array)
		return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
	return value;
}

/** A row of node:sqlite, which has no prototype, as sqlite3 hands it out. */
function rowFromSqlite(raw) {
	const row = {};

	for (const name of Object.keys(raw))
		row[name] = fromSqlite(raw[name]);
	return row;
}

module.exports = { SKIP, toSqlite, rowFromSqlite };
