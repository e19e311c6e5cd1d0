'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');

const { LIB, scratch, tarball, tarEntry } = require('./support');
const { readTarball, addonIn, BadTarball } = require(path.join(LIB, 'tarball'));

const DATA = Buffer.from('addon');

test('tarballs of tar itself are read', (t) => {
	const folder = scratch(t);
	const large = Buffer.alloc(100001, 9);

	fs.mkdirSync(path.join(folder, 'build/Release'), { recursive: true });
	fs.writeFileSync(path.join(folder, 'build/Release/a.node'), large);
	fs.writeFileSync(path.join(folder, 'build/empty'), '');
	const bytes = execFileSync('tar', ['-C', folder, '--format=ustar', '-czf', '-', 'build'], { maxBuffer: 1 << 20 });
	const files = readTarball(bytes);

	assert.deepStrictEqual(files.map((f) => [f.name, f.data.length]).sort(), [['build/Release/a.node', 100001], ['build/empty', 0]]);
	assert.ok(addonIn(bytes).data.equals(large));
});

test('what must not be used is refused', () => {
	const good = tarball(tarEntry('build/Release/a.node', DATA));
	const type = (letter) => (header) => header.write(letter, 156);
	const table = {
		'no gzip': Buffer.from('hello'),
		'a cut stream': good.subarray(0, good.length - 10),
		'no end': zlib.gzipSync(tarEntry('a.node', DATA)),
		'cut data': zlib.gzipSync(tarEntry('a.node', DATA).subarray(0, 514)),
		'a size beyond the end': tarball(tarEntry('a.node', DATA, (h) => h.write('77777777777', 124))),
		'a size that is none': tarball(tarEntry('a.node', DATA, (h) => h.write('-1 x', 124))),
		'a path up': tarball(tarEntry('../a.node', DATA)),
		'a path up inside': tarball(tarEntry('build/../../a.node', DATA)),
		'an absolute path': tarball(tarEntry('/a.node', DATA)),
		"Windows' separator": tarball(tarEntry('build\\a.node', DATA)),
		'a symbolic link': tarball(tarEntry('a.node', Buffer.alloc(0), type('2'))),
		'a hard link': tarball(tarEntry('a.node', Buffer.alloc(0), type('1'))),
		'a device': tarball(tarEntry('a.node', Buffer.alloc(0), type('3'))),
		'a pax header': tarball(tarEntry('a', DATA, type('x')), tarEntry('a.node', DATA)),
		'a wrong checksum': tarball(Buffer.concat([Buffer.from('B'), tarEntry('a.node', DATA).subarray(1)])),
		'no addon': tarball(tarEntry('a.txt', DATA)),
		'two addons': tarball(tarEntry('a.node', DATA), tarEntry('b.node', DATA)),
		'nothing': tarball(),
		'many files': tarball(...Array.from({ length: 1001 }, (_, i) => tarEntry(`f${i}`, DATA))),
	};

	assert.strictEqual(addonIn(good).name, 'build/Release/a.node');
	for (const [what, bytes] of Object.entries(table))
		assert.throws(() => addonIn(bytes), BadTarball, what);
	assert.throws(() => addonIn(zlib.gzipSync(Buffer.alloc(1 << 20)), 1 << 19), /no whole gzip stream/, 'a bomb');
});
