'use strict';

/*
 * Gets the addon that a package needs on a machine: asks by the names of the package's client, verifies,
 * takes the one addon out of the tarball and judges it. Writes nothing.
 */

const { EXIT, Failure } = require('./failure');
const { judgeBytes } = require('./diagnose');
const { namesFor } = require('./names');
const { fetchPrebuild, sha256 } = require('./service');
const { addonIn, BadTarball } = require('./tarball');

/** Answers that mean: not under this name. Any other 404 is about the package or its build. */
const OTHER_NAME = [null, 'unknown-name', 'not-found'];

function nothingFits(pkg, machine) {
	return new Failure(EXIT.NOT_FOUND, `${pkg.name}@${pkg.version} has no Node-API version that ` +
		`${machine.runtime} ${machine.runtimeVersion} has (${machine.napi}): another Node, or another version of it`);
}

async function fetchByName(pkg, names, config, wait) {
	let failure = null;

	for (const file of names.files) {
		try {
			const want = { package: pkg.name, version: pkg.version, file };

			return { file, ...await fetchPrebuild(config, want, wait) };
		} catch (e) {
			if (e.exit !== EXIT.NOT_FOUND || !OTHER_NAME.includes(e.code))
				throw e;
			failure = failure || e;
		}
	}
	throw failure;
}

function unpack(fetched) {
	try {
		return addonIn(fetched.bytes);
	} catch (e) {
		if (!(e instanceof BadTarball))
			throw e;
		throw new Failure(EXIT.FAILED, `${fetched.file}: ${e.message}`);
	}
}

/**
 * @param {object} pkg from findPackages
 * @param {object} machine that the addon is for; judged as far as a file can be from outside.
 * @param {{server: string, key: ?object}} config
 * @param {{waitMs: number, onBuilding: function}} wait
 * @returns {Promise<{abi: string, file: string, tarball: string, addon: string, name: string, data: Buffer,
 *   signed: boolean}>} tarball and addon are SHA-256 in hex; name is the addon's own path in the tarball.
 * @throws {Failure}
 */
async function obtain(pkg, machine, config, wait) {
	const names = namesFor(pkg, machine);

	if (names === null)
		throw nothingFits(pkg, machine);
	const fetched = await fetchByName(pkg, names, config, wait);
	const { name, data } = unpack(fetched);
	const judged = judgeBytes(data, name, machine);

	if (!judged.ok)
		throw new Failure(EXIT.FAILED, `${fetched.file}: what the service has does not fit either: ${judged.summary}`);
	return {
		abi: names.abi, file: fetched.file, tarball: fetched.sha256, addon: sha256(data), name, data,
		signed: fetched.signed,
	};
}

module.exports = { obtain };
