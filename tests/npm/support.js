// What the tests of the npm package share: projects on disk, tarballs, a service on loopback whose
// signatures the real minisign makes, and the program itself.
'use strict';

const { execFile, execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');

const PROGRAM = path.join(__dirname, '../../api/npm/bin/prebuildd.js');
const LIB = path.join(__dirname, '../../api/npm/lib');

/** A real addon of an npm package, whose folder tests/npm/unit.sh has put into the environment. */
function real(file) {
	const folder = process.env.TEST_ADDONS;

	if (!folder)
		throw new Error('TEST_ADDONS is not set: run tests/npm/unit.sh');
	return path.join(folder, file);
}

const ADDON = () => real('bufferutil/prebuilds/linux-x64/bufferutil.node');
const WRONG = () => real('serialport/prebuilds/linux-arm64/@serialport+bindings-cpp.armv8.glibc.node');

/** A scratch folder that goes when the test ends. */
function scratch(t) {
	const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'prebuildd-npm-')));

	t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** Writes files: an object value is JSON, {from} a copy, {link} a symbolic link. */
function tree(folder, files) {
	for (const [name, value] of Object.entries(files)) {
		const file = path.join(folder, name);

		fs.mkdirSync(path.dirname(file), { recursive: true });
		/* A string has a method of that name. */
		if (typeof value === 'string' || Buffer.isBuffer(value))
			fs.writeFileSync(file, value);
		else if (value.from)
			fs.copyFileSync(value.from, file);
		else if (value.link)
			fs.symlinkSync(value.link, file);
		else
			fs.writeFileSync(file, JSON.stringify(value));
	}
}

/** package.json and index.js of a package that loads its addon with nothing between. */
function addonPackage(name, version, file = 'build/Release/addon.node', more = {}) {
	return {
		'package.json': {
			name, version, main: 'index.js', scripts: { install: 'prebuild-install -r napi' },
			binary: { napi_versions: [3, 6] }, ...more,
		},
		'index.js': `module.exports = require('./${file}');`,
	};
}

function under(prefix, files) {
	return Object.fromEntries(Object.entries(files).map(([name, value]) => [`${prefix}/${name}`, value]));
}

/** One entry of a tar archive; `change` may spoil its header before the checksum is made. */
function tarEntry(name, data, change = () => {}) {
	const header = Buffer.alloc(512);
	const padding = Buffer.alloc((512 - data.length % 512) % 512);

	header.write(name, 0);
	header.write('0000755\0', 100);
	header.write('0000000\0', 108);
	header.write('0000000\0', 116);
	header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
	header.write('00000000000\0', 136);
	header.write('        ', 148);
	header.write('0', 156);
	header.write('ustar\0' + '00', 257);
	change(header);
	header.write(`${header.reduce((sum, b) => sum + b, 0).toString(8).padStart(6, '0')}\0 `, 148);
	return Buffer.concat([header, data, padding]);
}

function tarball(...entries) {
	return zlib.gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]));
}

function addonTarball(data, name = 'build/Release/addon.node') {
	return tarball(tarEntry(name, data));
}

function sha256(data) {
	return crypto.createHash('sha256').update(data).digest('hex');
}

/** A key pair of minisign's in a folder: {public, secret}. */
function makeKey(folder, name = 'key') {
	const key = { public: path.join(folder, `${name}.pub`), secret: path.join(folder, `${name}.sec`) };

	execFileSync('minisign', ['-G', '-W', '-f', '-p', key.public, '-s', key.secret], { stdio: 'ignore' });
	return key;
}

/** What minisign itself writes for these bytes. */
function sign(folder, key, data, comment, flags = []) {
	const file = path.join(folder, `to-sign-${crypto.randomBytes(4).toString('hex')}`);

	fs.writeFileSync(file, data);
	execFileSync('minisign', ['-S', ...flags, '-s', key.secret, '-m', file, '-t', comment], { stdio: 'ignore' });
	return fs.readFileSync(`${file}.minisig`, 'utf8');
}

/**
 * A service: `files` by path, each {body, digest, minisig, status, headers} or a function that makes one.
 * Returns {url, asked, files}; asked are the paths in order.
 */
async function service(t, files = {}) {
	const asked = [];
	const server = http.createServer((request, response) => {
		asked.push(request.url);
		answer(files, request, response);
	});

	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return { url: `http://127.0.0.1:${server.address().port}`, asked, files };
}

function answer(files, request, response) {
	const problem = (code) => {
		response.writeHead(404, { 'content-type': 'application/problem+json', 'x-prebuild-reason': code });
		response.end(JSON.stringify({ status: 404, code, detail: `test: ${code}` }));
	};
	const signature = request.url.endsWith('.minisig');
	const name = decodeURIComponent(signature ? request.url.slice(0, -8) : request.url);
	const found = typeof files[name] === 'function' ? files[name](request) : files[name];

	if (!found || (signature && !found.minisig))
		return problem('unknown-name');
	if (found.code)
		return problem(found.code);
	const body = signature ? Buffer.from(found.minisig) : found.body;

	response.writeHead(found.status || 200, {
		'content-length': body.length, 'x-prebuild-digest': `sha256:${found.digest || sha256(body)}`, ...found.headers,
	});
	response.end(found.cut ? body.subarray(0, found.cut) : body);
	return found.cut && response.destroy();
}

/** The name that a package with these ABIs is asked for by, on the machine that the test runs on. */
function prebuildPath(name, version, abi = 'napi-v6') {
	const base = name.replace(/^@[^/]*\//, '');

	return `/prebuilds/${name}/v${version}/${base}-v${version}-${abi}-${process.platform}-${process.arch}.tar.gz`;
}

/** Runs the program; resolves to {exit, out, err, json}. Its HOME is empty. */
function run(args, { cwd, env = {} } = {}) {
	return new Promise((done) => {
		const home = path.join(cwd || os.tmpdir(), '.home');

		execFile(process.execPath, [PROGRAM, ...args], {
			cwd, env: { PATH: process.env.PATH, HOME: home, ...env }, maxBuffer: 64 << 20,
		}, (error, out, err) => {
			let json = null;

			if (args.includes('--json') && out !== '')
				json = JSON.parse(out);
			done({ exit: error ? error.code : 0, out, err, json });
		});
	});
}

/** Everything about a tree that a command could change: names, times, bytes. */
function stateOf(folder) {
	const lines = [];

	for (const name of fs.readdirSync(folder, { recursive: false }).sort()) {
		const file = path.join(folder, name);
		const stat = fs.lstatSync(file);

		lines.push(`${file} ${stat.mode} ${stat.mtimeMs} ${stat.ino} ${stat.isFile() ? sha256(fs.readFileSync(file)) : ''}`);
		if (stat.isDirectory())
			lines.push(...stateOf(file));
	}
	return lines;
}

module.exports = {
	ADDON, WRONG, LIB, PROGRAM, real, scratch, tree, addonPackage, under, tarEntry, tarball, addonTarball, sha256, makeKey,
	sign, service, prebuildPath, run, stateOf,
};
