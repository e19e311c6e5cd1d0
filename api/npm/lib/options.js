'use strict';

/*
 * Command lines: flags that several commands have, and their checks.
 */

const { parseArgs } = require('node:util');

const { EXIT, Failure } = require('./failure');

const WAIT_S = 600;

const COMMON = {
	server: { type: 'string' },
	key: { type: 'string' },
	json: { type: 'boolean', default: false },
	wait: { type: 'string', default: String(WAIT_S) },
	help: { type: 'boolean', short: 'h', default: false },
};

/**
 * @param {string[]} args behind the command's name.
 * @param {object} own the command's own flags, as util.parseArgs takes them.
 * @param {number} most how many words that are no flags it takes.
 * @returns {{flags: object, words: string[]}}
 */
function parse(args, own, most) {
	let parsed;

	try {
		parsed = parseArgs({ args, options: { ...COMMON, ...own }, allowPositionals: true });
	} catch (e) {
		if (!String(e.code).startsWith('ERR_PARSE_ARGS'))
			throw e;
		throw new Failure(EXIT.USAGE, e.message);
	}
	if (parsed.positionals.length > most)
		throw new Failure(EXIT.USAGE, `unexpected: ${parsed.positionals[most]}`);
	if (!/^\d{1,6}$/.test(parsed.values.wait))
		throw new Failure(EXIT.USAGE, `--wait ${parsed.values.wait}: a number of seconds`);
	return { flags: parsed.values, words: parsed.positionals };
}

module.exports = { parse };
