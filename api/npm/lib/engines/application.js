'use strict';

/* The application that runs: where its dependencies are looked for, and what its package.json says. */

const fs = require('node:fs');
const path = require('node:path');

/** Folders to resolve from: the program's, the current one; last where this package itself lies. */
function applicationFolders() {
	const folders = [];

	if (process.argv[1]) {
		try {
			folders.push(path.dirname(fs.realpathSync(process.argv[1])));
		} catch {
			/* "node -", or a program that has been replaced: the current folder will do. */
		}
	}
	folders.push(process.cwd(), __dirname);
	return folders;
}

function readManifest(folder) {
	try {
		return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
	} catch {
		return null;
	}
}

/** The package.json that is nearest to the program; an empty one if there is none. */
function applicationManifest() {
	for (const start of applicationFolders().slice(0, -1)) {
		for (let folder = start; ; folder = path.dirname(folder)) {
			const manifest = readManifest(folder);
			if (manifest !== null && typeof manifest === 'object')
				return manifest;
			if (folder === path.dirname(folder))
				break;
		}
	}
	return {};
}

module.exports = { applicationFolders, applicationManifest };
