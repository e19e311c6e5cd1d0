'use strict';

/*
 * Writes documents 1, 2, 3, … from START until it is killed; prints each number once it is confirmed. Every
 * seventh is deleted again; that is printed as -7 once it is confirmed.
 *
 *   node writer.js FILE START [ATONCE]
 */

const fs = require('node:fs');

const { openStore } = require('../../../api/npm/store');

const [file, start, atOnce = '1'] = process.argv.slice(2);

/** What document N is: long enough that a write of it can be cut. */
const documentOf = (n) => ({ n, text: `document ${n} `.repeat(n % 50) });

async function writeOne(numbers, n) {
	await numbers.put(String(n), documentOf(n));
	fs.writeSync(1, `${n}\n`);
	if (n % 7 !== 0)
		return;
	await numbers.delete(String(n));
	fs.writeSync(1, `-${n}\n`);
}

async function main() {
	const store = await openStore(file);
	const numbers = store.collection('numbers');

	for (let n = Number(start); ; n += Number(atOnce))
		await Promise.all(Array.from({ length: Number(atOnce) }, (_, i) => writeOne(numbers, n + i)));
}

if (require.main === module)
	main();
module.exports = { documentOf };
