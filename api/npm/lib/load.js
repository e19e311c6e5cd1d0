'use strict';

/*
 * Loads an addon in a process of its own: one that crashes, hangs or ends its process does not take the
 * caller with it, and a library that was loaded once could not be loaded again from the same process.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const TIMEOUT_MS = 60000;
const TEXT_MAX = 300;

const LOAD_FILE = `
const m = { exports: {} };
process.dlopen(m, process.argv[1]);
process.exit(0);
`;
/* A package that is an ES module is imported; one that has nothing to load says nothing about its addon. */
const LOAD_PACKAGE = `
let file = null;
try {
	file = require.resolve(process.argv[1]);
} catch {
	process.exit(0);
}
try {
	require(file);
	process.exit(0);
} catch (e) {
	if (e.code !== 'ERR_REQUIRE_ESM' && e.code !== 'ERR_REQUIRE_ASYNC_MODULE')
		throw e;
	import(require('url').pathToFileURL(file)).then(() => process.exit(0));
}
`;

/** The program of the project's own Electron; null if there is none. */
function electronProgram(root) {
	const folder = path.join(root, 'node_modules', 'electron');

	try {
		return path.join(folder, 'dist', fs.readFileSync(path.join(folder, 'path.txt'), 'utf8').trim());
	} catch {
		return null;
	}
}

/** Yarn's Plug'n'Play resolves what a package requires; without it nothing is found. */
function hooksOf(root) {
	for (let at = path.resolve(root); ; at = path.dirname(at)) {
		const pnp = path.join(at, '.pnp.cjs');

		if (fs.existsSync(pnp))
			return ['-r', pnp];
		if (at === path.dirname(at))
			return [];
	}
}

/** The one line of an error's output that says what it is. */
function errorLine(text) {
	const lines = text.split('\n').map((l) => l.trim());
	const line = lines.find((l) => /^(\w*Error|Error)\b.*:/.test(l)) || lines.find((l) => l !== '') || '';

	return line.slice(0, TEXT_MAX);
}

function outcome(run) {
	if (run.error && run.error.code === 'ETIMEDOUT')
		return { ok: false, error: `did not end within ${TIMEOUT_MS / 1000} s` };
	if (run.error)
		return { ok: false, error: run.error.message };
	if (run.signal)
		return { ok: false, error: `the process was ended by ${run.signal}` };
	return { ok: run.status === 0, error: run.status === 0 ? null : errorLine(run.stderr) || `exit ${run.status}` };
}

function run(code, argument, machine, root) {
	const electron = machine.runtime === 'electron' ? electronProgram(root) : null;
	const env = { ...process.env, NODE_OPTIONS: '' };

	if (machine.runtime === 'electron' && electron === null)
		return { ok: true, ran: false, error: null };
	if (electron !== null)
		env.ELECTRON_RUN_AS_NODE = '1';
	const child = spawnSync(electron || process.execPath, [...hooksOf(root), '-e', code, argument], {
		cwd: root, env, encoding: 'utf8', timeout: TIMEOUT_MS, killSignal: 'SIGKILL',
		stdio: ['ignore', 'ignore', 'pipe'], maxBuffer: 1 << 20,
	});

	return { ran: true, ...outcome(child) };
}

/**
 * Loads one file, whatever its name ends with.
 * @param {string} file
 * @param {object} machine with an Electron, that of the project is used; if it has none, nothing is run.
 * @param {string} root of the project.
 * @returns {{ran: boolean, ok: boolean, error: ?string}}
 */
function loadFile(file, machine, root) {
	return run(LOAD_FILE, path.resolve(file), machine, root);
}

/** Requires a package as an application does: that proves that its own loader finds the addon. */
function loadPackage(folder, machine, root) {
	return run(LOAD_PACKAGE, folder, machine, root);
}

module.exports = { loadFile, loadPackage };
