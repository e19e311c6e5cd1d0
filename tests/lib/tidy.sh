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
# A line for each file: itself and our headers that it includes.
mapfile -t texts < <(gcc "$@" -MM "${files[@]}" | sed -e ':a;/\\$/{N;s/\\\n//;ba}' -e 's/^[^:]*: *//')
[[ ${#texts[@]} -eq ${#files[@]} ]]
declare -A digests
while read -r digest file; do
	digests[$file]=$digest
done < <(tr -s ' ' '\n' <<<"${texts[*]}" | sort -u | xargs sha256sum)

mkdir -p "$cache"
todo=() keys=()
for i in "${!files[@]}"; do
	key=$checked_by
	for file in ${texts[i]}; do
		key+=" $file ${digests[$file]}"
	done
	key=$cache/$(sha256sum <<<"$key" | cut -d ' ' -f 1)
	[[ -e $key ]] || {
		todo+=("${files[i]}")
		keys+=("$key")
	}
done
[[ ${#todo[@]} -gt 0 ]] || exit 0
clang-tidy-14 --quiet "${todo[@]}" -- "$@" 2>/dev/null
touch "${keys[@]}"
