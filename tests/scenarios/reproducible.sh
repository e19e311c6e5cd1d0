#!/bin/bash
# One package, two services that differ in data folder, slots and, when started by root, user: the
# addon and the tarball must be the same bytes. SLOW=1 does the same with sqlite3.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

build_with() { # NAME PACKAGE VERSION: sets sums
	post_build "$2" "$3"
	await_build "$(value v.id)" 900
	is "$1: $2 is built" "$(value v.state)" succeeded
	sums=$(value 'v.jobs[0].artifact.sha256')
	http GET "$(value 'v.jobs[0].artifact.prebuild')"
	sums+=" $(sha256sum <"$scratch/body")"
}

compare() { # PACKAGE VERSION FLAG…
	local package=$1 version=$2 first
	shift 2
	serve "a-$package" --workers 1 "$@"
	build_with "one slot" "$package" "$version"
	first=$sums
	end_process "$pid"
	# Another user reaches the toolchains through a mount of its own.
	if [[ $(id -u) -eq 0 ]]; then
		mkdir -p "$scratch/else/where" "$scratch/toolchains"
		chown 12345:12345 "$scratch/else/where"
		# shellcheck disable=SC2016 # expanded by the inner shell
		serve_as "b-$package" unshare -m sh -c 'mount --bind "$1" "$2" && shift 2 &&
			HOME=/tmp exec setpriv --reuid=12345 --regid=12345 --clear-groups "$@"' sh \
			"$toolchains" "$scratch/toolchains" \
			"$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/else/where/$package" \
			--toolchains "$scratch/toolchains" --workers 3 "$@"
		is "the second service has another user" "$(ps -o uid= -p "$pid" | tr -d ' ')" 12345
	else
		serve "b-$package" --workers 3 "$@"
	fi
	build_with "three slots" "$package" "$version"
	is "$package: the same addon and tarball" "$sums" "$first"
	end_process "$pid"
}

start_registry
addon good
compare good 1.0.0 --registry "$registry"
if [[ ${SLOW:-0} == 1 ]]; then
	compare sqlite3 6.0.1 --registry "$(npm config get registry --loglevel=silent)"
fi
