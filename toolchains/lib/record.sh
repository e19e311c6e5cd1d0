# shellcheck shell=bash
# What has been made from which inputs, so that a warm run finds it without looking at a package.
#
# DIR/.made/NAME.KEY holds two words: the folder's name below DIR, and `locked` or `drifted` (some
# locked package was no longer offered, and another version was used).

# key [WORD...] <files' names, one a line: a digest over the words and the files' contents
key() {
	{
		printf '%s\n' "$@"
		xargs -r -d '\n' sha256sum | cut -c 1-64
	} | sha256sum | cut -c 1-32
}

# made NAME KEY: prints the folder's name when it is there. With --locked a drifted one does not count.
made() {
	local folder state
	[[ -e $DIR/.made/$1.$2 ]] || return 1
	read -r folder state <"$DIR/.made/$1.$2"
	[[ -e $DIR/$folder/manifest.txt ]] || return 1
	[[ $state == locked || $LOCKED == no ]] || return 1
	printf '%s\n' "$folder"
}

# make_record NAME KEY FOLDER STATE
make_record() {
	mkdir -p "$DIR/.made"
	rm -f "$DIR/.made/$1".*
	printf '%s %s\n' "$3" "$4" >"$TMP/record"
	mv "$TMP/record" "$DIR/.made/$1.$2"
}
