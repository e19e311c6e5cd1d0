'use strict';

/* A file that is there whole or not at all, once it has been renamed to where it belongs. */

const fs = require('node:fs');

/** Writes a new file and its bytes to the disk; what is there already is an error. */
function writeWhole(file, data, mode = 0o666) {
	const fd = fs.openSync(file, 'wx', mode);

	try {
		fs.writeFileSync(fd, data);
		fs.fsyncSync(fd);
	} finally {
		fs.closeSync(fd);
	}
}

module.exports = { writeWhole };
