# shellcheck shell=bash
# manifest.txt says everything about a folder's contents; its SHA-256 is the folder's digest.
#
#   component NAME sha256:DIGEST    another folder that this one needs
#   dir PATH
#   file MODE SHA256 PATH           MODE in octal: 0444 or 0555
#   link TARGET PATH
#
# The lines are sorted as bytes. Owner, times and directory modes are not part of it, so every user
# on every machine gets the same digest for the same contents.

# seal FOLDER: the one form that every published folder has, whatever umask or user made it: files
# without write permission, directories writable by their owner (so that they can be deleted).
seal() {
	find "$1" -type d ! -perm 0755 -exec chmod 0755 {} +
	find "$1" -type f -perm /111 ! -perm 0555 -exec chmod 0555 {} +
	find "$1" -type f ! -perm /111 ! -perm 0444 -exec chmod 0444 {} +
	find "$1" -exec touch -h -d @0 {} +
}

# manifest FOLDER [COMPONENT-LINE...]: the manifest's text.
manifest() {
	local folder=$1 odd
	shift
	odd=$(find "$folder" ! -type d ! -type f ! -type l -print -quit)
	[[ -z $odd ]] || die "$odd is neither a file, a directory nor a link"
	odd=$(find "$folder" -mindepth 1 \( -name '*[[:space:]\\]*' -o -lname '*[[:space:]\\]*' \) -print -quit)
	[[ -z $odd ]] || die "the name '$odd' cannot stand in a manifest"
	{
		[[ $# == 0 ]] || printf '%s\n' "$@"
		find "$folder" -mindepth 1 -type d -printf 'dir %P\n'
		find "$folder" -type l -printf 'link %l %P\n'
		# The two lists are in the same order, so that paste can join them.
		paste -d ' ' \
			<(cd "$folder" && find . -type f ! -path ./manifest.txt -printf '%P\n' |
				LC_ALL=C sort | tr '\n' '\0' | xargs -0 -r stat -c 'file 0%a') \
			<(cd "$folder" && find . -type f ! -path ./manifest.txt -printf '%P\n' |
				LC_ALL=C sort | tr '\n' '\0' | xargs -0 -r sha256sum | sed 's/  / /')
	} | LC_ALL=C sort
}

digest_of() {
	local line
	line=$(sha256sum "$1")
	printf '%s\n' "${line%% *}"
}

# publish FOLDER PLACE [COMPONENT-LINE...]: seals FOLDER, writes its manifest, renames it to
# PLACE-<first 32 digits of the digest>, and prints that folder's path. A folder of that name is
# already the same, by its digest; then FOLDER is dropped.
publish() {
	local folder=$1 place=$2 digest
	shift 2
	rm -f "$folder/manifest.txt"
	seal "$folder"
	manifest "$folder" "$@" >"$TMP/manifest.txt"
	digest=$(digest_of "$TMP/manifest.txt")
	mv "$TMP/manifest.txt" "$folder/manifest.txt"
	chmod 0444 "$folder/manifest.txt"
	place=$place-${digest:0:32}
	if [[ -e $place/manifest.txt ]]; then
		rm -rf "$folder"
	else
		rm -rf "$place"
		mkdir -p "${place%/*}"
		mv -T "$folder" "$place"
	fi
	printf '%s\n' "$place"
}
