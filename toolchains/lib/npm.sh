# shellcheck shell=bash
# Packages from the npm registry, with npm's own configuration of the machine and the user.

# npm_integrity FILE: npm's form of a SHA-512
npm_integrity() {
	printf 'sha512-%s\n' "$(sha512sum "$1" | cut -c 1-128 | tr a-f A-F | basenc --base16 -d | base64 -w 0)"
}

# npm_fetch FOLDER NAME@VERSION: downloads one tarball into FOLDER, runs nothing from it.
npm_fetch() {
	need npm npm
	run env -C "$1" npm pack --silent --ignore-scripts --update-notifier=false "$2"
}
