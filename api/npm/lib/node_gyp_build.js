'use strict';

/*
 * Which file of prebuilds/ node-gyp-build loads. Source: node-gyp-build 4.8.4, whose resolve() this is
 * compared with in tests/npm/loader.test.js; here the machine is an argument and not the process.
 */

const path = require('node:path');

/** "linux-x64", "darwin-x64+arm64". */
function parseTuple(folder) {
	const parts = folder.split('-');

	return parts.length === 2 ? { platform: parts[0], archs: parts[1].split('+') } : null;
}

/** The tags of a file's name: addon.napi.armv8.glibc.node. */
function parseTags(file) {
	const tags = { file, specificity: 0 };

	for (const tag of path.posix.basename(file).split('.').slice(0, -1)) {
		if (tag === 'node' || tag === 'electron' || tag === 'node-webkit')
			tags.runtime = tag;
		else if (tag === 'napi')
			tags.napi = true;
		else if (tag.startsWith('abi'))
			tags.abi = tag.slice(3);
		else if (tag.startsWith('uv'))
			tags.uv = tag.slice(2);
		else if (tag.startsWith('armv'))
			tags.armv = tag.slice(4);
		else if (tag === 'glibc' || tag === 'musl')
			tags.libc = tag;
		else
			continue;
		tags.specificity++;
	}
	return tags;
}

function fits(tags, machine) {
	const libc = machine.libc && machine.libc.family === 'musl' ? 'musl' : 'glibc';
	const anyRuntime = tags.runtime === 'node' && tags.napi;

	return (!tags.runtime || tags.runtime === machine.runtime || anyRuntime) &&
		(!tags.abi || tags.abi === String(machine.abi) || tags.napi) &&
		(!tags.uv || tags.uv === machine.uv) &&
		(!tags.armv || tags.armv === machine.armVersion) &&
		(!tags.libc || tags.libc === libc);
}

/** The runtime itself first, an ABI before Node-API, more tags before fewer. */
function compare(machine) {
	return (a, b) => {
		if (a.runtime !== b.runtime)
			return a.runtime === machine.runtime ? -1 : 1;
		if (a.abi !== b.abi)
			return a.abi ? -1 : 1;
		return b.specificity - a.specificity;
	};
}

/** Of several folders for this machine, the one for the fewest architectures. */
function pickFolder(files, machine) {
	const folders = [...new Set(files.map((f) => f.split('/')[1]))].sort();
	const fitting = folders.filter((name) => {
		const tuple = parseTuple(name);

		return tuple !== null && tuple.platform === machine.platform && tuple.archs.includes(machine.arch);
	});

	return fitting.sort((a, b) => parseTuple(a).archs.length - parseTuple(b).archs.length)[0];
}

/**
 * @param {string[]} files of the form prebuilds/FOLDER/FILE.node
 * @returns {string[]} the one that is loaded, or none.
 */
function pickPrebuild(files, machine) {
	const folder = pickFolder(files, machine);
	const tagged = files.filter((f) => f.split('/')[1] === folder).sort().map(parseTags)
		.filter((tags) => fits(tags, machine));

	return tagged.sort(compare(machine)).slice(0, 1).map((tags) => tags.file);
}

module.exports = { pickPrebuild };
