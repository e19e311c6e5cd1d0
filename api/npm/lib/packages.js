'use strict';

/*
 * The packages of a project and the .node files in each, wherever npm, pnpm, yarn or bun has put them. A
 * folder that is reached by several links is one package.
 */

const fs = require('node:fs');
const path = require('node:path');

const FOLDERS_MAX = 500000;
const MANIFEST_MAX = 4 << 20;
/** What a package's name may be: it becomes part of a URL and of file names. */
const NAME = /^(@[\w.~-]+\/)?(?!\.)[\w.~-]{1,214}$/;
const VERSION = /^[0-9A-Za-z.+-]{1,128}$/;
/** node-gyp keeps what it links there; Node never loads it from there. */
const INTERMEDIATE = new Set(['obj.target', 'node_gyp_bins']);

/** A text of that form, or null: what is in a package.json can be anything. */
function matching(value, form) {
	return typeof value === 'string' && form.test(value) ? value : null;
}

/** package.json of a folder as an object; null if there is none that can be read. */
function readManifest(folder) {
	try {
		const file = path.join(folder, 'package.json');

		if (fs.statSync(file).size > MANIFEST_MAX)
			return null;
		const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));

		return manifest !== null && typeof manifest === 'object' ? manifest : null;
	} catch {
		return null;
	}
}

function list(folder) {
	try {
		return fs.readdirSync(folder, { withFileTypes: true });
	} catch {
		return [];
	}
}

/** What a link points to, as {folder} or {file}; null if to nothing. */
function follow(file) {
	try {
		const real = fs.realpathSync(file);

		return fs.statSync(real).isDirectory() ? { folder: real } : { file: real };
	} catch {
		return null;
	}
}

class Walk {
	constructor(root) {
		this.root = fs.realpathSync(root);
		this.seen = new Set();
		this.packages = [];
		this.unreadable = [];
		/* A stack and not a recursion: how deep a tree is, the tree decides. */
		this.pending = [];
	}

	/** A folder with a package.json, or the project's root. */
	addPackage(folder, installed) {
		const manifest = readManifest(folder) || {};
		const pkg = {
			folder,
			name: matching(manifest.name, NAME),
			version: matching(manifest.version, VERSION),
			manifest,
			installed,
			files: [],
		};

		this.packages.push(pkg);
		return pkg;
	}

	push(folder, kind, pkg) {
		if (this.seen.has(folder))
			return;
		this.seen.add(folder);
		if (this.seen.size > FOLDERS_MAX)
			throw new RangeError(`${this.root} has more than ${FOLDERS_MAX} folders`);
		this.pending.push({ folder, kind, pkg });
	}

	/** node_modules itself, one of its scopes, or a hidden store in it (.pnpm, .store, .bun). */
	visitModules(folder) {
		for (const entry of list(folder)) {
			const full = path.join(folder, entry.name);
			const target = entry.isSymbolicLink() ? follow(full) : { folder: entry.isDirectory() ? full : null };

			if (!target || !target.folder)
				continue;
			if (entry.name.startsWith('@'))
				this.push(target.folder, 'modules', null);
			else if (entry.name.startsWith('.'))
				this.push(target.folder, 'store', null);
			else
				this.pushInstalled(target.folder);
		}
	}

	/** A package in node_modules; one that a link leads to has its dependencies beside it (pnpm). */
	pushInstalled(folder) {
		const parts = folder.split(path.sep);
		const at = parts.lastIndexOf('node_modules');

		if (this.seen.has(folder))
			return;
		this.push(folder, 'package', this.addPackage(folder, at >= 0));
		if (at > 0 && !folder.startsWith(this.root + path.sep))
			this.push(parts.slice(0, at + 1).join(path.sep), 'modules', null);
	}

	/** A store holds folders that hold a node_modules each, at whatever depth. */
	visitStore(folder) {
		for (const entry of list(folder))
			if (entry.isDirectory() && entry.name !== '.bin')
				this.push(path.join(folder, entry.name),
					entry.name === 'node_modules' ? 'modules' : 'store', null);
	}

	visitFile(full, entry, pkg) {
		if (!entry.name.endsWith('.node'))
			return;
		const target = entry.isSymbolicLink() ? follow(full) : { file: full };

		if (target && target.file)
			pkg.files.push(path.relative(pkg.folder, full));
	}

	/** A folder of a package, or of the project. */
	visitPackage(folder, pkg) {
		for (const entry of list(folder)) {
			const full = path.join(folder, entry.name);

			if (!entry.isDirectory()) {
				this.visitFile(full, entry, pkg);
				continue;
			}
			if (entry.name === 'node_modules')
				this.push(full, 'modules', null);
			else if (entry.name === '.yarn')
				this.push(path.join(full, 'unplugged'), 'store', null);
			else if (!entry.name.startsWith('.') && !INTERMEDIATE.has(entry.name))
				this.pushInside(full, pkg);
		}
	}

	/** A workspace is a package of its own; a package.json somewhere inside an installed one is not. */
	pushInside(folder, pkg) {
		const own = !pkg.installed && fs.existsSync(path.join(folder, 'package.json'));

		this.push(folder, 'package', own ? this.addPackage(folder, false) : pkg);
	}

	run() {
		this.push(this.root, 'package', this.addPackage(this.root, this.root.split(path.sep).includes('node_modules')));
		while (this.pending.length > 0) {
			const { folder, kind, pkg } = this.pending.pop();

			if (kind === 'modules')
				this.visitModules(folder);
			else if (kind === 'store')
				this.visitStore(folder);
			else
				this.visitPackage(folder, pkg);
		}
		return this.packages.sort((a, b) => (a.folder < b.folder ? -1 : 1));
	}
}

/**
 * Every package below a folder.
 * @param {string} root
 * @returns {{folder: string, name: ?string, version: ?string, manifest: object, installed: boolean,
 *   files: string[]}[]} folder has no links in it; files are the paths of .node files below it;
 * installed says whether it is in a node_modules folder.
 */
function findPackages(root) {
	return new Walk(root).run();
}

module.exports = { findPackages, readManifest };
