'use strict';

/*
 * Reads a tarball of the service: a gzip stream with ustar entries (POSIX.1-1988), plain files and folders
 * only. It is read into memory and never unpacked to where its names say: what is taken of it is one
 * addon, and where that goes is decided here.
 */

const zlib = require('node:zlib');

const BLOCK = 512;
const UNPACKED_MAX = 512 << 20;
const ENTRIES_MAX = 1000;

/** The bytes are no tarball, or one that must not be used. */
class BadTarball extends Error {}

function text(header, at, size) {
	const end = header.indexOf(0, at);

	return header.toString('utf8', at, end >= at && end < at + size ? end : at + size);
}

function octal(header, at, size, what) {
	const field = text(header, at, size).trim();

	if (!/^[0-7]{1,11}$/.test(field))
		throw new BadTarball(`an entry's ${what} is no number`);
	return Number.parseInt(field, 8);
}

function checkSum(header) {
	let sum = 0;

	for (let i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? 32 : header[i];
	if (sum !== octal(header, 148, 8, 'checksum'))
		throw new BadTarball('the checksum of an entry is wrong');
}

function nameOf(header) {
	const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
	const name = (prefix ? `${prefix}/` : '') + text(header, 0, 100);
	const parts = name.replace(/^\.\//, '').replace(/\/$/, '').split('/');

	if (name.startsWith('/') || /[\\:]/.test(name) || parts.some((p) => p === '..' || p === ''))
		throw new BadTarball(`an entry with the name ${JSON.stringify(name)}`);
	return parts.join('/');
}

function gunzip(bytes, most) {
	try {
		return zlib.gunzipSync(bytes, { maxOutputLength: most });
	} catch (e) {
		if (!e.code)
			throw e;
		throw new BadTarball(`no whole gzip stream: ${e.message}`);
	}
}

/**
 * The files in a tarball, as {name, data}.
 * @param {Buffer} bytes
 * @param {number} [most] bytes that it may have unpacked.
 * @throws {BadTarball}
 */
function readTarball(bytes, most = UNPACKED_MAX) {
	const tar = gunzip(bytes, most);
	const files = [];
	let at = 0;

	for (; at + BLOCK <= tar.length && tar[at] !== 0; ) {
		const header = tar.subarray(at, at + BLOCK);

		checkSum(header);
		const name = nameOf(header);
		const size = octal(header, 124, 12, 'size');
		const type = String.fromCharCode(header[156] || 48);

		if (type !== '0' && type !== '5')
			throw new BadTarball(`${name} is neither a file nor a folder`);
		if (at + BLOCK + size > tar.length)
			throw new BadTarball(`${name} is cut short`);
		if (files.length >= ENTRIES_MAX)
			throw new BadTarball(`more than ${ENTRIES_MAX} files`);
		if (type === '0')
			files.push({ name, data: tar.subarray(at + BLOCK, at + BLOCK + size) });
		at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
	}
	if (at + BLOCK > tar.length)
		throw new BadTarball('its end is missing');
	return files;
}

/**
 * The one addon in a tarball, as {name, data}: one with none or with several is not for an install hook.
 * @throws {BadTarball}
 */
function addonIn(bytes, most = UNPACKED_MAX) {
	const addons = readTarball(bytes, most).filter((f) => f.name.endsWith('.node'));

	if (addons.length !== 1)
		throw new BadTarball(`${addons.length === 0 ? 'no' : addons.length} .node files in it, not one`);
	return addons[0];
}

module.exports = { readTarball, addonIn, BadTarball };
