// Prints builder/audit/napi_table.c from the npm package node-api-headers, whose symbols.js lists
// what each released Node-API version has. To renew the table for a new version:
//
//	npm pack node-api-headers && tar xzf node-api-headers-*.tgz
//	node builder/audit/napi_table.js ./package > builder/audit/napi_table.c
'use strict';

const path = require('path');

const dir = path.resolve(process.argv[2]);
const lists = require(path.join(dir, 'symbols.js'));
const { version } = require(path.join(dir, 'package.json'));
const since = new Map();

for (const name of Object.keys(lists).sort((a, b) => a.slice(1) - b.slice(1))) {
	if (!/^v[0-9]+$/.test(name))
		continue;
	for (const symbol of [...lists[name].js_native_api_symbols, ...lists[name].node_api_symbols])
		if (!since.has(symbol))
			since.set(symbol, Number(name.slice(1)));
}

console.log('/* Made by napi_table.js from node-api-headers %s; sorted by name. */', version);
console.log('#include "builder/audit/napi.h"\n');
console.log('const struct napi_symbol napi_table[] = {');
for (const symbol of [...since.keys()].sort())
	console.log('\t{"%s", %d},', symbol, since.get(symbol));
console.log('};\n');
console.log('const size_t napi_table_count = sizeof napi_table / sizeof napi_table[0];');
