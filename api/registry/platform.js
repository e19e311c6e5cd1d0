'use strict';
// Loads the addon that was built for the ABI of this process: one for Node-API, which every later version has,
// or one for exactly this version of V8.

const { abis, name, version } = require('./prebuildd.json');

function choose() {
	const own = `${process.versions.electron ? 'electron' : 'node'}-v${process.versions.modules}`;
	const napi = abis
		.map((abi) => /^napi-v(\d+)$/.exec(abi))
		.filter((match) => match && Number(match[1]) <= Number(process.versions.napi))
		.sort((a, b) => b[1] - a[1]);
	return abis.includes(own) ? own : napi.length > 0 ? napi[0][0] : null;
}

const abi = choose();
if (abi === null) {
	const error = new Error(
		abis.length === 0
			? `${name} was not built yet when this was installed. Have it built, then run: npm update ${name}`
			: `${name}@${version} has the ABIs ${abis.join(', ')}, none of which this runtime loads ` +
				`(node-v${process.versions.modules}). Have it built for that, then run: npm update ${name}`,
	);
	error.code = 'ERR_PREBUILDD_ABI';
	throw error;
}
module.exports = require(`./${abi}.node`);
