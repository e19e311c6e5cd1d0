# shellcheck shell=bash
# The component `node`: Node for the build machine with its headers, and npm with node-gyp.

# npm_unpack LINE FOLDER [tar option...]: unpacks an npm tarball; its top folder's name is free.
npm_unpack() {
	local file
	file=$(package_file "$1")
	mkdir -p "$2"
	tar --extract --gzip --file "$file" --directory "$2" --strip-components 1 \
		--no-same-owner --no-same-permissions "${@:3}"
}

node_make() {
	local lines line folder node=$TMP/node
	DRIFT=locked
	mapfile -t lines < <(lock_lines "$(lock_file node)")
	step node "downloading and unpacking (50 MB)"
	lock_fetch "$TMP/node.used" "${lines[@]}"
	while read -r line; do
		case $line in
		'npm npm '*)
			npm_unpack "$line" "$node/lib/node_modules/npm" \
				--exclude '*/npm/docs' --exclude 'package/docs' --exclude 'package/man'
			;;
		*)
			npm_unpack "$line" "$node" --exclude 'package/share' --exclude '*.md'
			rm -f "$node/package.json"
			;;
		esac
	done <"$TMP/node.used"
	LC_ALL=C sort "$TMP/node.used" >"$node/packages.txt"
	folder=$(publish "$node" "$DIR/components/node")
	make_record "$1" "$2" "${folder#"$DIR/"}" "$DRIFT"
}
