'use strict';

/* What is said loudly: on standard error, where --no-warnings and handlers of warnings do not silence it. */

function say(text) {
	process.stderr.write(`prebuildd: ${text}\n`);
}

module.exports = { say };
