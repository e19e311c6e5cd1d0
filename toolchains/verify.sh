#!/bin/bash
# Checks that assembled toolchains are what their manifests say.
set -euo pipefail

if [[ $# == 0 || $1 == --help ]]; then
	cat <<'END'
usage: toolchains/verify.sh DIR [TARGET...]

Recomputes the manifest of each TARGET's toolchain below DIR (default: all that are there) and of
the components that it needs, and compares them, and the folders' names. Exit status 1 and the
differing path when something is not as it was made.
END
	exit $(($# == 0))
fi

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in report manifest; do
	# shellcheck source=/dev/null
	. "$HERE/lib/$part.sh"
done
export LC_ALL=C
DIR=$1
shift
checked=' '

# check FOLDER DIGEST: FOLDER's manifest has the digest (its beginning is enough), and is true.
check() {
	local folder=$1 digest=$2 found line
	local components
	[[ -e $folder/manifest.txt ]] || die "$folder/manifest.txt is missing; delete $folder and assemble again"
	found=$(digest_of "$folder/manifest.txt")
	[[ $found == "$digest"* ]] || die "$folder/manifest.txt differs: its digest is $found; delete the folder and assemble again"
	mapfile -t components < <(grep '^component ' "$folder/manifest.txt" || true)
	line=$(diff --text <(manifest "$folder" "${components[@]}") "$folder/manifest.txt" | sed -n 's/^[<>] //p' | head -n 1) || true
	if [[ -n $line ]]; then
		die "$folder/${line##* } differs from the manifest; delete $folder and assemble again"
	fi
	printf '%s %s\n' "${folder##*/}" good
	for line in "${components[@]}"; do
		read -r _ name found <<<"$line"
		[[ $checked == *" $name "* ]] && continue
		checked+="$name "
		check "$DIR/components/$name" "${found#sha256:}"
	done
}

[[ -d $DIR ]] || die "there is no folder $DIR"
if [[ $# == 0 ]]; then
	for link in "$DIR"/*; do
		[[ ! -L $link ]] || set -- "$@" "${link##*/}"
	done
	[[ $# -gt 0 ]] || die "no toolchain in $DIR; make one with toolchains/assemble.sh"
fi
for target in "$@"; do
	[[ -L $DIR/$target ]] || die "no toolchain for $target in $DIR; make it with toolchains/assemble.sh $target"
	folder=$(readlink "$DIR/$target")
	check "$DIR/$folder" "${folder##*-}"
done
