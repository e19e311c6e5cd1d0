'use strict';

/*
 * Notes over HTTP, nothing but Node and SQLite.
 *
 *   POST /notes   {"text": "…"}   201 and the note
 *   GET /notes                    all notes
 *   GET /notes/ID                 one
 *   GET /health                   200, and which engine stores them
 *
 * PORT (3000; 0 is any), DATABASE (data/notes.db).
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const { openStore } = require('prebuildd/store');

const file = path.resolve(process.env.DATABASE || 'data/notes.db');
const BODY_MAX = 64 << 10;

async function bodyOf(request) {
	const parts = [];
	let size = 0;

	for await (const part of request) {
		size += part.length;
		if (size > BODY_MAX)
			return null;
		parts.push(part);
	}
	return Buffer.concat(parts).toString('utf8');
}

function textOf(body) {
	try {
		const { text } = JSON.parse(body);
		return typeof text === 'string' ? text : null;
	} catch {
		return null;
	}
}

async function create(notes, request) {
	const text = textOf(await bodyOf(request));

	if (text === null)
		return [400, { error: 'a note is {"text": "…"}' }];
	const note = { text, at: new Date().toISOString() };
	const id = crypto.randomUUID();
	/* Answered when it is on the disk, so that what was answered is never lost. */
	await notes.put(id, note);
	return [201, { id, ...note }];
}

/** Degraded is not down: the load balancer should keep sending requests, and somebody should look. */
function healthOf({ name, degraded, reason }) {
	return { status: degraded ? 'degraded' : 'ok', engine: name, reason };
}

async function answer(store, request) {
	const notes = store.collection('notes');
	const [, first, id] = request.url.split('/');
	const call = `${request.method} /${first}`;

	if (call === 'POST /notes' && id === undefined)
		return create(notes, request);
	if (call === 'GET /notes' && id === undefined)
		return [200, (await notes.find()).map(({ id: key, value }) => ({ id: key, ...value }))];
	if (call === 'GET /notes' && id) {
		const note = await notes.get(id);
		return note === undefined ? [404, { error: 'no such note' }] : [200, { id, ...note }];
	}
	if (call === 'GET /health')
		return [200, healthOf(store.engine)];
	return [404, { error: 'not found' }];
}

async function handle(store, request, response) {
	let status = 500;
	let value = { error: 'internal error' };

	try {
		[status, value] = await answer(store, request);
	} catch (e) {
		console.error(e);
	}
	response.writeHead(status, { 'Content-Type': 'application/json' });
	response.end(`${JSON.stringify(value)}\n`);
}

async function main() {
	fs.mkdirSync(path.dirname(file), { recursive: true });
	const store = await openStore(file);
	const server = http.createServer((request, response) => handle(store, request, response));

	server.listen(Number(process.env.PORT || 3000), process.env.HOST, () => {
		console.log(`listening on port ${server.address().port}, notes in ${file}, engine ${store.engine.name}`);
	});
	for (const signal of ['SIGINT', 'SIGTERM'])
		process.on(signal, () => server.close(() => store.close()));
}

main().catch((e) => {
	console.error(e.message);
	process.exitCode = 1;
});
