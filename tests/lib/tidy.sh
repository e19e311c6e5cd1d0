#!/bin/bash
# tidy.sh CACHE FILE… -- COMPILER-FLAG…: clang-tidy, but for files that it found nothing in before. A file of CACHE
# stands for the text of a source and of our headers that it includes, the checks, and the installed libraries.
set -euo pipefail
cache=$1
shift
files=()
while [[ $1 != -- ]]; do
	files+=("$1")
	shift
done
shift

checked_by=$(cat .clang-tidy "${BASH_SOURCE[0]}" && clang-tidy-14 --version && echo "$@" && dpkg-query -W '*-dev')
key() { # FILE
	{
		echo "$checked_by"
		gcc "$@" -MM -MT '' "$1" | tr -d '\\:' | xargs sha256sum
	} | sha256sum | cut -d ' ' -f 1
}

mkdir -p "$cache"
todo=() keys=()
for file in "${files[@]}"; do
	k=$(key "$file" "$@")
	[[ -e $cache/$k ]] || {
		todo+=("$file")
		keys+=("$cache/$k")
	}
done
[[ ${#todo[@]} -gt 0 ]] || exit 0
clang-tidy-14 --quiet "${todo[@]}" -- "$@" 2>/dev/null
touch "${keys[@]}"
