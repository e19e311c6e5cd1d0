'use strict';

/*
 * Loaded before a program (node -r): kills it, as kill -9 does, at the KILL_AT-th of the calls by which a
 * store reaches the disk or the database. A write is cut in the middle.
 */

const fs = require('node:fs');

const at = Number(process.env.KILL_AT);
const die = () => process.kill(process.pid, 'SIGKILL');
let calls = 0;

for (const name of ['fdatasyncSync', 'fsyncSync', 'renameSync', 'ftruncateSync', 'openSync', 'rmSync']) {
	const inner = fs[name];
	fs[name] = (...args) => {
		if (++calls === at)
			die();
		return inner(...args);
	};
}

const write = fs.writeSync;
fs.writeSync = (fd, bytes, offset, length, position) => {
	/* Standard output is where the test hears of what was confirmed. */
	if (typeof bytes !== 'string' && ++calls === at) {
		write(fd, bytes, offset, length >> 1, position);
		die();
	}
	return write(fd, bytes, offset, length, position);
};

/** The calls of a database, once its class is known. */
function killIn(sqlite3) {
	for (const name of ['run', 'exec', 'close']) {
		const inner = sqlite3.Database.prototype[name];
		sqlite3.Database.prototype[name] = function (...args) {
			if (++calls === at)
				die();
			return inner.apply(this, args);
		};
	}
}

module.exports = { killIn };
