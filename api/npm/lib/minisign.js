'use strict';

/*
 * Signatures in minisign's format (https://jedisct1.github.io/minisign/, "Signature format"), verified with
 * Node's own crypto. Only prehashed signatures ("ED", BLAKE2b-512) are taken, which is what the service
 * makes; the older kind says nothing that this one does not.
 */

const crypto = require('node:crypto');

const TEXT_MAX = 16384;
const KEY_BYTES = 42;
const SIGNATURE_BYTES = 74;
const GLOBAL_BYTES = 64;
const TRUSTED = 'trusted comment: ';
/** What stands before the 32 bytes of a public key in SubjectPublicKeyInfo (RFC 8410, section 4). */
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** The signature, or the key, is not what it has to be; the message says why. */
class Refused extends Error {}

/** Strict: Buffer.from takes anything for base64. */
function decode(text, size, what) {
	const bytes = Buffer.from(text, 'base64');

	if (bytes.length !== size || bytes.toString('base64') !== text)
		throw new Refused(`${what} is not ${size} bytes in base64`);
	return bytes;
}

function linesOf(text, what) {
	if (text.length > TEXT_MAX)
		throw new Refused(`${what} has more than ${TEXT_MAX} characters`);
	return text.split(/\r?\n/);
}

/**
 * A public key: minisign's file of two lines, or its second line alone.
 * @returns {{id: string, key: crypto.KeyObject}}
 */
function parseKey(text) {
	const line = linesOf(text, 'the key').filter((l) => l !== '' && !l.startsWith('untrusted comment:'));

	if (line.length !== 1)
		throw new Refused('this is no public key of minisign: a comment and one line of base64');
	const bytes = decode(line[0].trim(), KEY_BYTES, 'the key');

	if (bytes.toString('latin1', 0, 2) !== 'Ed')
		throw new Refused('this is no public key of minisign: it does not begin with "Ed"');
	return {
		id: bytes.subarray(2, 10).toString('hex'),
		key: crypto.createPublicKey({
			key: Buffer.concat([SPKI_ED25519, bytes.subarray(10)]), format: 'der', type: 'spki',
		}),
	};
}

function parseSignature(text) {
	const lines = linesOf(text, 'the signature');

	if (lines.length < 4 || lines.slice(4).some((l) => l !== '') ||
	    !lines[0].startsWith('untrusted comment: ') || !lines[2].startsWith(TRUSTED))
		throw new Refused('this is no signature of minisign: four lines, the third a trusted comment');
	const bytes = decode(lines[1], SIGNATURE_BYTES, 'the signature');

	if (bytes.toString('latin1', 0, 2) !== 'ED')
		throw new Refused('the signature is not of the prehashed kind (minisign -H)');
	return {
		id: bytes.subarray(2, 10).toString('hex'),
		signature: bytes.subarray(10),
		comment: lines[2].slice(TRUSTED.length),
		global: decode(lines[3], GLOBAL_BYTES, "the comment's signature"),
	};
}

/**
 * Verifies both signatures: of the data, and of the trusted comment.
 * @param {Buffer} data
 * @param {string} signatureText what is in the .minisig file.
 * @param {{id: string, key: object}} key from parseKey.
 * @returns {string} the trusted comment.
 * @throws {Refused}
 */
function verify(data, signatureText, key) {
	const s = parseSignature(signatureText);
	const hash = crypto.createHash('blake2b512').update(data).digest();

	if (s.id !== key.id)
		throw new Refused(`signed with key ${idText(s.id)}, not with ${idText(key.id)}`);
	if (!crypto.verify(null, hash, key.key, s.signature))
		throw new Refused('the signature is not of these bytes');
	if (!crypto.verify(null, Buffer.concat([s.signature, Buffer.from(s.comment)]), key.key, s.global))
		throw new Refused("the trusted comment is not the signer's");
	return s.comment;
}

/** The number that minisign prints, always of 16 digits. */
function idText(id) {
	return Buffer.from(id, 'hex').reverse().toString('hex').toUpperCase();
}

/**
 * The trusted comment is about this file: without that, a true signature of another file, with its
 * bytes, could stand in for the one that was asked for.
 * @param {string} comment "file:NAME package:NAME@VERSION sha256:HEX"
 * @param {{file: string, package: ?string, sha256: string}} want a package of null is not compared.
 */
function checkComment(comment, want) {
	const fields = new Map();

	for (const word of comment.split(/\s+/).filter((w) => w !== '')) {
		const name = word.slice(0, word.indexOf(':') + 1);

		if (fields.has(name))
			throw new Refused(`the trusted comment says ${name} twice`);
		fields.set(name, word.slice(name.length));
	}
	for (const [name, value] of Object.entries(want))
		if (value !== null && fields.get(`${name}:`) !== value)
			throw new Refused(`the signature is for ${name} ${fields.get(`${name}:`) || '(none)'}, not for ${value}`);
}

module.exports = { parseKey, verify, checkComment, idText, Refused };
