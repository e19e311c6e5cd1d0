'use strict';

/*
 * The journal's format. The first line says what the file is; then each line is one write, as
 *
 *   CHECKSUM [[SEQUENCE, COLLECTION, ID, DOCUMENT], [SEQUENCE, COLLECTION, ID], …]
 *
 * where an operation without a document is a deletion. The checksum is over that of the line before and
 * this line, so that none can be taken out or changed unseen. It protects from accidents, not from
 * somebody who wants to deceive.
 */

const crypto = require('node:crypto');

const { checkCollection, checkId, encode } = require('./document');

const MAGIC = 'prebuildd-store 1';
const SUM_CHARS = 32;
const NEWLINE = 10;

function checksum(previous, text) {
	const hash = crypto.createHash('sha256').update(previous).update('\n').update(text);

	return hash.digest('hex').slice(0, SUM_CHARS);
}

/** The first line of a journal, whose id is its own for ever. Returns { line, sum }. */
function headerLine(id) {
	const text = `${MAGIC} ${id}`;
	const sum = checksum('', text);

	return { line: `${text} ${sum}\n`, sum };
}

/** Operations as a line. Returns { line, sum }. */
function recordLine(previous, operations) {
	const text = JSON.stringify(operations);
	const sum = checksum(previous, text);

	return { line: `${sum} ${text}\n`, sum };
}

function parseHeader(text) {
	const found = /^prebuildd-store 1 ([0-9a-f]{32}) ([0-9a-f]{32})$/.exec(text);

	if (found === null || checksum('', `${MAGIC} ${found[1]}`) !== found[2])
		return null;
	return { id: found[1], sum: found[2] };
}

/** [sequence, collection, id, document?] with a document that a store would have taken. */
function checkOperation(operation, least) {
	if (!Array.isArray(operation) || operation.length < 3 || operation.length > 4)
		throw new Error('an operation has three or four members');
	const [sequence, collection, id, value] = operation;
	if (!Number.isSafeInteger(sequence) || sequence < least)
		throw new Error(`the sequence ${sequence} does not follow`);
	checkCollection(collection);
	checkId(id);
	return { sequence, collection, id, text: operation.length === 4 ? encode(value) : null };
}

/** Returns { sum, operations }; throws what is wrong with a line. */
function parseRecord(previous, text) {
	const sum = text.slice(0, SUM_CHARS);
	const body = text.slice(SUM_CHARS + 1);

	if (text[SUM_CHARS] !== ' ' || checksum(previous, body) !== sum)
		throw new Error('its checksum is wrong');
	const operations = JSON.parse(body);
	if (!Array.isArray(operations))
		throw new Error('it is not a list');
	return { sum, operations: operations.map((operation) => checkOperation(operation, 1)) };
}

/**
 * Reads a whole journal. Returns { id, sum, operations, good, torn, damage }: how many bytes from the
 * start are good, and what follows them: a line that has no end, which is a write that never was
 * confirmed (`torn`), or anything else (`damage`, an error's text).
 */
function parseJournal(bytes) {
	const state = { id: null, sum: '', operations: [], good: 0, torn: 0, damage: null };
	let line = 0;

	while (state.good < bytes.length && state.damage === null) {
		const end = bytes.indexOf(NEWLINE, state.good);
		line++;
		if (end < 0) {
			state.torn = bytes.length - state.good;
			break;
		}
		const failure = takeLine(state, bytes.toString('utf8', state.good, end));
		if (failure)
			state.damage = `line ${line}, at byte ${state.good}: ${failure}`;
		else
			state.good = end + 1;
	}
	return state;
}

/** Adds what a line has to the state; returns what is wrong with it. */
function takeLine(state, text) {
	if (state.id === null) {
		const header = parseHeader(text);
		if (header === null)
			return 'this is no store of prebuildd';
		Object.assign(state, header);
		return null;
	}
	try {
		const { sum, operations } = parseRecord(state.sum, text);
		state.sum = sum;
		for (const operation of operations)
			state.operations.push(operation);
		return null;
	} catch (e) {
		return e.message;
	}
}

module.exports = { headerLine, recordLine, parseJournal };
