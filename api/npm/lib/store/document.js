'use strict';

/* What a store takes, the same on every engine, and how documents are found. */

const { isDeepStrictEqual } = require('node:util');

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const ID_MAX = 512;
/** Small documents: all of them are in memory on the JSON store. */
const DOCUMENT_MAX = 1 << 20;
/** Half of a surrogate pair has no UTF-8: SQLite would give back another id. */
const ILL_FORMED = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\0/;

function refuse(code, message) {
	return Object.assign(new Error(message), { code });
}

function checkCollection(name) {
	if (typeof name !== 'string' || !NAME.test(name))
		throw refuse('PREBUILDD_STORE_NAME', 'a collection\'s name has letters, digits, "_", ".", "-", begins ' +
			`with a letter and has at most 64 characters: ${JSON.stringify(name)}`);
}

function checkId(id) {
	if (typeof id !== 'string' || id === '' || id.length > ID_MAX || ILL_FORMED.test(id))
		throw refuse('PREBUILDD_STORE_ID', `an id is a string of 1 to ${ID_MAX} characters without NUL and ` +
			'half surrogate pairs');
}

/** Returns a document as JSON. */
function encode(value) {
	const text = JSON.stringify(value);

	if (text === undefined)
		throw refuse('PREBUILDD_STORE_VALUE', 'a document is what JSON can hold, not undefined or a function');
	if (Buffer.byteLength(text) > DOCUMENT_MAX)
		throw refuse('PREBUILDD_STORE_SIZE', `a document has at most ${DOCUMENT_MAX} bytes as JSON`);
	return text;
}

/** A function of the document; or an object, all of whose members the document has, equal. */
function matcher(query) {
	if (query === undefined)
		return () => true;
	if (typeof query === 'function')
		return query;
	if (query === null || typeof query !== 'object')
		throw refuse('PREBUILDD_STORE_QUERY', 'find() takes a function or an object');
	// As they would be when read back: a Date is a string, undefined is not there.
	const wanted = Object.entries(JSON.parse(JSON.stringify(query)));
	return (value) => value !== null && typeof value === 'object' &&
		wanted.every(([name, want]) => Object.hasOwn(value, name) && isDeepStrictEqual(value[name], want));
}

/** ROWS of [id, JSON] as find() returns them, in one order on every engine. */
function select(rows, query) {
	const matches = matcher(query);

	return rows.map(([id, text]) => ({ id, value: JSON.parse(text) }))
		.filter(({ id, value }) => matches(value, id))
		.sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
}

module.exports = { checkCollection, checkId, encode, select, refuse };
