'use strict';

/*
 * What a path says about the machine that a file is for: prebuilds/linux-x64, lib/binding/
 * node-v115-linux-x64, index.darwin-arm64.node. A package that carries files for several machines loads
 * only those for this one; that another is of another machine is no fault.
 */

const PLATFORM = '(aix|alpine|android|darwin|freebsd|linux|linuxmusl|macos|openbsd|sunos|win32|windows)';
const ARCH = '(x64|x86_64|amd64|ia32|arm64|aarch64|armv[678]l?|arm|ppc64|s390x|riscv64|loong64|universal)';
const LIBC = '(gnu|glibc|musl|msvc|gnueabihf|musleabihf|eabihf)';
const PLACE = new RegExp(`(?:^|[^a-z0-9])${PLATFORM}-(?:(glibc|musl|unknown)-)?((?:${ARCH}\\+?)+)` +
	`(?:[-.]${LIBC})?(?![a-z0-9])`, 'i');

const ALIASES = { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64', macos: 'darwin', windows: 'win32' };

function plain(word) {
	const lower = word.toLowerCase();

	return ALIASES[lower] || (/^armv/.test(lower) ? 'arm' : lower);
}

/** {platform, archs, libc} of a path; null if it names none. */
function placeOf(file) {
	const found = PLACE.exec(file);

	if (!found)
		return null;
	const platform = plain(found[1]);
	const word = (found[2] || found[found.length - 1] || '').toLowerCase();
	const musl = platform === 'alpine' || platform === 'linuxmusl' || word.startsWith('musl');

	return {
		platform: platform === 'alpine' || platform === 'linuxmusl' ? 'linux' : platform,
		archs: found[3].split('+').map(plain),
		libc: musl ? 'musl' : /^(gnu|glibc)/.test(word) ? 'glibc' : null,
	};
}

/** Is the ABI that a path names another one? node-v115-linux-x64, x.abi115.node, electron.abi130.node */
function isForAnotherAbi(file, machine) {
	const abi = /(?:\bnode-v|\belectron-v|[.-]abi)(\d{2,3})\b/.exec(file);
	const electron = /\belectron(-v\d|\.)/.test(file);

	return (abi !== null && Number(abi[1]) !== machine.abi) || (electron && machine.runtime !== 'electron');
}

/** Is a file at that path, inside its package, for another machine or another Node by its name? */
function isForAnother(file, machine) {
	const place = placeOf(file.replace(/\\/g, '/'));

	if (place === null)
		return false;
	const libc = machine.libc ? machine.libc.family : 'unknown';

	return place.platform !== machine.platform ||
		!(place.archs.includes(machine.arch) || place.archs.includes('universal')) ||
		(place.libc !== null && libc !== 'unknown' && place.libc !== libc) ||
		isForAnotherAbi(file, machine);
}

module.exports = { placeOf, isForAnother };
