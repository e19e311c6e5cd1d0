'use strict';

/* What the tests of the store share: folders, child processes, and a number of rounds. */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** An application whose node_modules has sqlite3, made by fallback.sh; the store's programs run there. */
const application = process.env.FALLBACK_APPLICATION;
if (!application)
	throw new Error('FALLBACK_APPLICATION is not set: run tests/npm/fallback.sh');
const LIB = path.join(__dirname, '../../../api/npm/lib');
const rounds = Number(process.env.ROUNDS || 6);
/** An SQLite engine of this Node: its own where it has one. */
const sqlEngine = require('../../../api/npm/lib/engines/builtin/module').load().sqlite ? 'builtin' : 'native';

function temporary(t) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'prebuildd-store-'));

	t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** Runs a program of this folder, or -e, with an engine and more of an environment; resolves at its end to { out, err, code, signal }. */
function program(engine, args, onStart = () => {}, { cwd = application, ...env } = {}) {
	return new Promise((resolve) => {
		const child = spawn(process.execPath, args.map((arg, i) => (i === 0 && arg.endsWith('.js') ? path.join(__dirname, arg) : arg)),
			{ cwd, env: { ...process.env, PREBUILDD_ENGINE: engine, PREBUILDD_STORE: '', NODE_TEST_CONTEXT: '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
		const told = { out: '', err: '' };
		child.stdout.on('data', (data) => {
			told.out += data;
			child.emit('told', told);
		});
		child.stderr.on('data', (data) => {
			told.err += data;
		});
		child.on('close', (code, signal) => resolve({ ...told, code, signal }));
		onStart(child);
	});
}

/** Runs a line of JavaScript with `openStore`, `file` and `store`; resolves to what it prints, parsed. */
async function evaluate(engine, file, body, options = '{}') {
	const storeJs = path.join(__dirname, '../../../api/npm/store.js');
	const script = `const { openStore } = require(${JSON.stringify(storeJs)}); const file = ${JSON.stringify(file)};
		(async () => { const store = await openStore(file, ${options}); const value = await (async () => { ${body} })();
		await store.close(); console.log(JSON.stringify(value === undefined ? null : value)); })()
		.catch((e) => console.log(JSON.stringify({ failed: e.code, message: e.message })));`;
	const { out, err } = await program(engine, ['-e', script]);
	try {
		return JSON.parse(out);
	} catch {
		throw new Error(`no JSON: ${out} ${err}`);
	}
}

/** The API of this Node's SQLite engine, in this process. */
function sqlApi() {
	if (sqlEngine === 'native')
		return require(path.join(application, 'node_modules/sqlite3'));
	return require(path.join(LIB, 'engines/builtin/api')).createApi(require(path.join(LIB, 'engines/builtin/module')).load().sqlite);
}

/** Opens the inner store of an engine in this process, which takes and gives documents as JSON, and closes it. */
async function within(engine, file, use) {
	let store;

	if (engine === 'json') {
		store = await require(path.join(LIB, 'store/json_store')).openJsonStore(file, {});
	} else {
		const opened = await require(path.join(LIB, 'store/sql_store')).openSqlStore(sqlApi(), file);
		await require(path.join(LIB, 'store/migrate')).migrate(opened.db, file, {});
		({ store } = opened);
	}
	try {
		return await use(store);
	} finally {
		await store.close();
	}
}

module.exports = { application, within, evaluate, program, rounds, sqlEngine, temporary };
