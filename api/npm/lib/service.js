'use strict';

/*
 * The service over HTTP: a prebuild by its name, with its digest and its signature.
 */

const crypto = require('node:crypto');
const http = require('node:http');
const https = require('node:https');

const { EXIT, Failure } = require('./failure');
const minisign = require('./minisign');

const BODY_MAX = 256 << 20;
const TEXT_MAX = 64 << 10;
const REDIRECTS_MAX = 5;
/** Longer than the service holds a client that waits for a build (serve --hold, 25 s). */
const SILENCE_MAX_MS = 60000;
/** How long to wait before asking again for what is being built, beside the time that we are held. */
const RETRY_MS = 1000;

function unreachable(url, why) {
	return new Failure(EXIT.UNREACHABLE, `${url.origin} cannot be reached: ${why}; is the service running there? ` +
		'(--server URL or PREBUILDD_URL)');
}

function collect(response, max, url, done, fail) {
	const pieces = [];
	const promised = response.headers['content-length'];
	let size = 0;

	response.on('data', (piece) => {
		size += piece.length;
		pieces.push(piece);
		if (size > max)
			response.destroy(new Failure(EXIT.FAILED, `${url.pathname} has more than ${max} bytes`));
	});
	response.on('error', (e) => fail(e instanceof Failure ? e : unreachable(url, e.message)));
	response.on('end', () => {
		if (promised !== undefined && Number(promised) !== size)
			fail(unreachable(url, `the answer ended after ${size} of ${promised} bytes`));
		else
			done({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) });
	});
}

/**
 * One request, on a connection of its own: one that is kept may be closed by the other side just when it is
 * used again. Credentials in the URL become an Authorization header, which stays on its host.
 */
function requestOnce(url, max) {
	return new Promise((done, fail) => {
		const client = url.protocol === 'https:' ? https : http;
		const request = client.get(url, { agent: false, headers: { 'User-Agent': 'prebuildd-npm' } },
			(response) => collect(response, max, url, done, fail));

		request.setTimeout(SILENCE_MAX_MS, () =>
			request.destroy(new Error(`no answer for ${SILENCE_MAX_MS / 1000} s`)));
		request.on('error', (e) => fail(e instanceof Failure ? e : unreachable(url, e.message || e.code)));
	});
}

/** @returns {Promise<{status: number, headers: object, body: Buffer}>} */
async function request(url, max) {
	for (let i = 0; i <= REDIRECTS_MAX; i++) {
		const answer = await requestOnce(url, max);

		if (![301, 302, 303, 307, 308].includes(answer.status) || !answer.headers.location)
			return answer;
		const next = new URL(answer.headers.location, url);

		if (next.protocol !== url.protocol && next.protocol !== 'https:')
			throw new Failure(EXIT.FAILED, `${url.pathname} redirects to ${next.protocol}`);
		if (next.host === url.host) {
			next.username = url.username;
			next.password = url.password;
		}
		url = next;
	}
	throw new Failure(EXIT.FAILED, `${url.pathname}: more than ${REDIRECTS_MAX} redirects`);
}

function problemOf(answer) {
	try {
		const problem = JSON.parse(answer.body.toString('utf8', 0, TEXT_MAX));

		return { code: problem.code || null, detail: problem.detail || problem.title || '' };
	} catch {
		return { code: answer.headers['x-prebuild-reason'] || null, detail: '' };
	}
}

/** What an answer other than 200 means. */
function refusal(answer, url) {
	const { code, detail } = problemOf(answer);
	const said = [answer.status, code].filter((v) => v).join(' ') + (detail ? `, ${detail}` : '');
	const shown = `${url.origin}${url.pathname}: ${said}`;

	if (answer.status === 404)
		return new Failure(EXIT.NOT_FOUND, shown, code);
	if (answer.status === 401 || answer.status === 403)
		return new Failure(EXIT.NOT_ALLOWED, `${shown} (a token goes into the URL: http://ci:TOKEN@HOST)`, code);
	return new Failure(EXIT.FAILED, shown, code);
}

function sha256(bytes) {
	return crypto.createHash('sha256').update(bytes).digest('hex');
}

/** "sha256:HEX" of the header, or the checksum line beside the file where a plain mirror sends no header. */
async function promisedDigest(answer, url) {
	const found = /^sha256:([0-9a-f]{64})$/.exec(answer.headers['x-prebuild-digest'] || '');

	if (found)
		return found[1];
	const line = await request(new URL(`${url}.sha256`), TEXT_MAX);
	const hex = /^([0-9a-f]{64})\b/.exec(line.status === 200 ? line.body.toString() : '');

	if (!hex)
		throw new Failure(EXIT.FAILED, `${url.pathname}: neither X-Prebuild-Digest nor a .sha256 beside it`);
	return hex[1];
}

/** The signature beside a file, verified with the key and compared with what was asked for. */
async function checkSignature(url, bytes, want, key) {
	const answer = await request(new URL(`${url}.minisig`), TEXT_MAX);

	if (answer.status !== 200)
		throw new Failure(EXIT.FAILED, `${want.file}: there is no signature (${answer.status}), and a key was given`);
	try {
		minisign.checkComment(minisign.verify(bytes, answer.body.toString(), key), want);
	} catch (e) {
		if (!(e instanceof minisign.Refused))
			throw e;
		throw new Failure(EXIT.FAILED, `${want.file}: ${e.message}`);
	}
}

/** Asks until what is being built is there. */
async function getBuilt(url, { waitMs, onBuilding }) {
	const end = Date.now() + waitMs;

	for (;;) {
		const answer = await request(url, BODY_MAX);

		if (answer.status === 200)
			return answer;
		const failure = refusal(answer, url);

		if (failure.code !== 'building' || Date.now() >= end)
			throw failure;
		onBuilding();
		await new Promise((done) => setTimeout(done, RETRY_MS));
	}
}

/**
 * A prebuild's tarball, verified.
 * @param {{server: string, key: ?object}} config
 * @param {{package: string, version: string, file: string}} want
 * @param {{waitMs: number, onBuilding: function}} wait for what is not built yet.
 * @returns {Promise<{bytes: Buffer, sha256: string, signed: boolean, url: string}>}
 * @throws {Failure}
 */
async function fetchPrebuild(config, want, wait) {
	const base = config.server.replace(/\/+$/, '');
	const name = `v${encodeURIComponent(want.version)}/${encodeURIComponent(want.file)}`;
	const url = new URL(`${base}/prebuilds/${want.package}/${name}`);
	const answer = await getBuilt(url, wait);
	const digest = await promisedDigest(answer, url);
	const found = sha256(answer.body);

	if (found !== digest)
		throw new Failure(EXIT.FAILED, `${want.file}: the bytes are not those of the digest (sha256 ${found}, ` +
			`not ${digest}); something between here and the service changes them`);
	if (config.key)
		await checkSignature(url, answer.body,
			{ file: want.file, package: `${want.package}@${want.version}`, sha256: digest }, config.key);
	return { bytes: answer.body, sha256: digest, signed: Boolean(config.key), url: String(url) };
}

module.exports = { fetchPrebuild, sha256 };
