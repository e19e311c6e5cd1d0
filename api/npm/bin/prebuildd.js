#!/usr/bin/env node
'use strict';

/*
 * The program: finds the command, prints what a Failure says, and ends with its exit code.
 */

const { EXIT, Failure } = require('../lib/failure');

const USAGE = `usage: prebuildd doctor [DIR]   which addons of a project load on this machine; --fix repairs them
       prebuildd install [DIR]  brings the addons that the project needs, and locks their digests
       prebuildd verify FILE    verifies the signature of a tarball
       prebuildd COMMAND --help`;

const COMMANDS = {
	doctor: (args) => require('../lib/doctor').doctor(args),
	install: (args) => require('../lib/install').install(args),
	verify: (args) => require('../lib/verify').verify(args),
};

async function main([name, ...args]) {
	if (name === '--version') {
		console.log(require('../package.json').version);
		return EXIT.DONE;
	}
	if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
		(name === undefined ? console.error : console.log)(USAGE);
		return name === undefined ? EXIT.USAGE : EXIT.DONE;
	}
	if (!Object.hasOwn(COMMANDS, name))
		throw new Failure(EXIT.USAGE, `there is no command ${name}\n${USAGE}`);
	return COMMANDS[name](args);
}

main(process.argv.slice(2)).then(
	(exit) => {
		process.exitCode = exit;
	},
	(e) => {
		/* Anything but a Failure is a mistake here, and its stack says where. */
		console.error(e instanceof Failure ? `prebuildd: ${e.message}` : e);
		process.exitCode = e instanceof Failure ? e.exit : EXIT.FAILED;
	});
