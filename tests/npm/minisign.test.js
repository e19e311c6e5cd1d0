'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { LIB, makeKey, run, scratch, sha256, sign } = require('./support');
const minisign = require(path.join(LIB, 'minisign'));

const DATA = Buffer.from('what is signed');
const WANT = { file: 'x.tar.gz', package: 'addon@1.0.0', sha256: sha256(DATA) };
const COMMENT = `file:x.tar.gz package:addon@1.0.0 sha256:${WANT.sha256}`;

function verifyAll(text, key, data = DATA, want = WANT) {
	minisign.checkComment(minisign.verify(data, text, key), want);
}

/** Changes one character of a line of base64 so that it stays base64. */
function spoil(text, line, at) {
	const lines = text.split('\n');
	const chars = [...lines[line]];

	chars[at] = chars[at] === 'A' ? 'B' : 'A';
	lines[line] = chars.join('');
	return lines.join('\n');
}

test('what minisign signs is verified', (t) => {
	const folder = scratch(t);
	const key = makeKey(folder);

	for (const size of [0, 1, 64, 1 << 20]) {
		const data = Buffer.alloc(size, 7);
		const text = sign(folder, key, data, `file:a package:b@1 sha256:${sha256(data)}`);

		verifyAll(text, minisign.parseKey(fs.readFileSync(key.public, 'utf8')), data,
			{ file: 'a', package: 'b@1', sha256: sha256(data) });
	}
});

test('a key is a file or its second line', (t) => {
	const key = fs.readFileSync(makeKey(scratch(t)).public, 'utf8');

	assert.strictEqual(minisign.parseKey(key).id, minisign.parseKey(key.split('\n')[1]).id);
	/* minisign prints a number, without the zeros in front of it. */
	assert.strictEqual(BigInt(`0x${minisign.idText(minisign.parseKey(key).id)}`),
		BigInt(`0x${/public key ([0-9A-F]+)/.exec(key)[1]}`));
	for (const bad of ['', 'RWabc', key.split('\n')[0], `${key}${key}`, spoil(key, 1, 0), 'x'.repeat(20000)])
		assert.throws(() => minisign.parseKey(bad), minisign.Refused, JSON.stringify(bad.slice(0, 20)));
});

test('what was tampered with is refused', (t) => {
	const folder = scratch(t);
	const [mine, other] = [makeKey(folder, 'mine'), makeKey(folder, 'other')];
	const key = minisign.parseKey(fs.readFileSync(mine.public, 'utf8'));
	const good = sign(folder, mine, DATA, COMMENT);
	const lines = good.split('\n');
	const foreign = sign(folder, other, DATA, COMMENT).split('\n');
	const table = {
		'another key': [foreign.join('\n')],
		"another key's signature under our key's number": [[lines[0], Buffer.concat([
			Buffer.from(lines[1], 'base64').subarray(0, 10), Buffer.from(foreign[1], 'base64').subarray(10)]).toString('base64'),
		...lines.slice(2)].join('\n')],
		'another byte in the data': [good, Buffer.from('what is signeD')],
		'less data': [good, DATA.subarray(1)],
		'a changed comment': [good.replace('file:x', 'file:y'), DATA, { ...WANT, file: 'y.tar.gz' }],
		'the comment of another signature': [[...lines.slice(0, 2), ...sign(folder, mine, DATA, 'file:z').split('\n').slice(2)].join('\n')],
		'a spoilt signature': [spoil(good, 1, 30)],
		'a spoilt key number': [spoil(good, 1, 5)],
		"a spoilt comment's signature": [spoil(good, 3, 30)],
		'the older kind': [sign(folder, mine, DATA, COMMENT, ['-l'])],
		'signed for another file': [sign(folder, mine, DATA, COMMENT.replace('x.tar', 'other.tar'))],
		'signed for another package': [sign(folder, mine, DATA, COMMENT.replace('addon@1.0.0', 'addon@1.0.1'))],
		'signed for another digest': [sign(folder, mine, DATA, COMMENT.replace(/[0-9a-f]{64}/, 'a'.repeat(64)))],
		'a comment that says two files': [sign(folder, mine, DATA, `file:other.tar.gz ${COMMENT}`)],
		'no comment of ours': [sign(folder, mine, DATA, 'timestamp:1')],
		'three lines': [lines.slice(0, 3).join('\n')],
		'more lines': [`${good}\nmore`],
		'nothing': [''],
		'a page': ['<html>\n<body>\n</body>\n</html>'],
		'spaces in the base64': [good.replace(lines[1], `${lines[1].slice(0, 20)} ${lines[1].slice(20)}`)],
		'a long text': [good + 'x'.repeat(20000)],
	};

	verifyAll(good, key);
	for (const [what, [text, data, want]] of Object.entries(table))
		assert.throws(() => verifyAll(text, key, data, want), minisign.Refused, what);
});

test('prebuildd verify', async (t) => {
	const folder = scratch(t);
	const key = makeKey(folder);
	const file = path.join(folder, 'x.tar.gz');
	const verify = (...args) => run(['verify', file, '--key', key.public, ...args], { cwd: folder });

	fs.writeFileSync(file, DATA);
	assert.strictEqual((await verify()).exit, 2, 'no signature');
	fs.writeFileSync(`${file}.minisig`, sign(folder, key, DATA, COMMENT));
	const good = await verify('--json', '--package', 'addon@1.0.0');

	assert.deepStrictEqual([good.exit, good.json.ok, good.json.comment], [0, true, COMMENT]);
	assert.strictEqual((await verify('--package', 'addon@2.0.0')).exit, 1, 'another package');
	fs.appendFileSync(file, 'x');
	const bad = await verify();

	assert.strictEqual(bad.exit, 1);
	assert.match(bad.out, /NOT verified: the signature is not of these bytes/);
	assert.strictEqual((await run(['verify', file], { cwd: folder })).exit, 2, 'no key');
});
