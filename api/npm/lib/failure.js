'use strict';

/*
 * How a command ends when it does not succeed: the exit codes of prebuildctl. Any other exception that
 * reaches main is a mistake in this program.
 */

const EXIT = { DONE: 0, FAILED: 1, USAGE: 2, UNREACHABLE: 3, NOT_FOUND: 4, NOT_ALLOWED: 5 };

/** Says what is wrong and what to do next; `code` is the service's own word for it, if it gave one. */
class Failure extends Error {
	constructor(exit, message, code = null) {
		super(message);
		this.exit = exit;
		this.code = code;
	}
}

module.exports = { EXIT, Failure };
