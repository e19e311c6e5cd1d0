'use strict';
// Stands where the addon would be, and loads it from the package for this platform. Upstream's JavaScript
// asks for build/Release/NAME.node, and does not notice that it is a folder.

const base = '__BASE__';

/** musl has no version of glibc to report. */
function isMusl() {
	const report = process.report && process.report.getReport();
	return process.platform === 'linux' && report && !report.header.glibcVersionRuntime;
}

const platform = `${process.platform}${isMusl() ? 'musl' : ''}-${process.arch}`;
const name = `${base}-${platform}`;

/** `bindings` goes on to its next guess after errors that look like a missing file; this one is the end. */
function missing(cause) {
	const error = new Error(
		`${name} is missing, which has the binary of ${base} for this platform. Was this node_modules ` +
			`installed on another one, or without optional dependencies? Run: npm install ${name}`,
	);
	error.code = 'ERR_PREBUILDD_MISSING';
	error.cause = cause;
	return error;
}

try {
	module.exports = require(name);
} catch (error) {
	throw error.code === 'MODULE_NOT_FOUND' && error.message.includes(name) ? missing(error) : error;
}
