'use strict';

/* verbose(): errors say where the call was made that they belong to (lib/trace.js of sqlite3). */

const util = require('node:util');

const methods = {
	Database: ['prepare', 'get', 'run', 'all', 'each', 'map', 'close', 'exec'],
	Statement: ['bind', 'get', 'run', 'all', 'each', 'map', 'reset', 'finalize'],
};

function linesOf(error) {
	return error.stack.split('\n').filter((line) => !line.includes(__filename));
}

function extend(prototype, className, method) {
	const inner = prototype[method];

	prototype[method] = function (...args) {
		const origin = new Error();
		const shown = args.map((arg) => util.inspect(arg, false, 0)).join(', ');
		const callback = args[args.length - 1];
		if (typeof callback === 'function') {
			args[args.length - 1] = function (...told) {
				augment(told[0], `${className}#${method}(${shown})`, origin);
				return callback.apply(this, told);
			};
		}
		return inner.apply(this, args);
	};
}

function augment(e, name, origin) {
	if (!e || !e.stack || e.__augmented)
		return;
	e.stack = [...linesOf(e), `--> in ${name}`, ...linesOf(origin).slice(1)].join('\n');
	e.__augmented = true;
}

/** Extends the classes of an engine. */
function makeVerbose(engine) {
	for (const [className, names] of Object.entries(methods))
		for (const name of names)
			extend(engine[className].prototype, className, name);
}

module.exports = { makeVerbose };
