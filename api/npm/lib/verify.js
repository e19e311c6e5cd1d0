'use strict';

/*
 * prebuildd verify: is this file what the service has signed? Needs no service.
 */

const fs = require('node:fs');
const path = require('node:path');

const { readKey } = require('./config');
const { EXIT, Failure } = require('./failure');
const minisign = require('./minisign');
const options = require('./options');
const { sha256 } = require('./service');

const FILE_MAX = 1 << 30;

const USAGE = `usage: prebuildd verify FILE --key FILE|KEY [--signature FILE] [--package NAME@VERSION] [--json]

Verifies a tarball of the service with minisign's signature of it, FILE.minisig, and that its trusted
comment is about this file. Exit: 0 it is, 1 it is not, 2 usage.`;

const OWN = { signature: { type: 'string' }, package: { type: 'string' } };

function read(file, what) {
	try {
		if (fs.statSync(file).size > FILE_MAX)
			throw new Failure(EXIT.FAILED, `${file} has more than ${FILE_MAX} bytes`);
		return fs.readFileSync(file);
	} catch (e) {
		if (e instanceof Failure)
			throw e;
		throw new Failure(EXIT.USAGE, `${what}: ${e.message}`);
	}
}

/** @returns {Promise<number>} the exit code. */
async function verify(args) {
	const { flags, words } = options.parse(args, OWN, 1);
	const key = flags.key || process.env.PREBUILDD_KEY;

	if (flags.help) {
		console.log(USAGE);
		return EXIT.DONE;
	}
	if (words.length === 0 || !key)
		throw new Failure(EXIT.USAGE, words.length === 0 ? USAGE : '--key FILE|KEY says whose signature counts');
	const [file] = words;
	const bytes = read(file, 'the file');
	const signature = read(flags.signature || `${file}.minisig`, 'the signature').toString();
	const want = { file: path.basename(file), package: flags.package || null, sha256: sha256(bytes) };
	let result = { file, ok: true, sha256: want.sha256 };

	try {
		const comment = minisign.verify(bytes, signature, readKey(key, process.cwd()));

		minisign.checkComment(comment, want);
		result.comment = comment;
	} catch (e) {
		if (!(e instanceof minisign.Refused))
			throw e;
		result = { ...result, ok: false, error: e.message };
	}
	if (flags.json)
		console.log(JSON.stringify(result, null, '\t'));
	else
		console.log(result.ok ? `${file}: verified; ${result.comment}` : `${file}: NOT verified: ${result.error}`);
	return result.ok ? EXIT.DONE : EXIT.FAILED;
}

module.exports = { verify };
