#!/bin/bash
# build-next-version: what the objects of an earlier version save the next one.
#
# ours:   as in build-cold: wall seconds from the request to the published prebuild of sqlite3 5.1.6, on a
#         service that has built 5.1.5. Both have the same SQLite, which is most of the work.
# theirs: the same on a service that has built nothing.
#
# Both have the source and the toolchain; the addons must have the same bytes.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

# sqlite3@6.0.1 has no next version with the same SQLite, nor one before.
name=sqlite3 version=5.1.6 previous=5.1.5

measure() { # SIDE FOLDER
	local sha
	serve_copy "$2" "$1"
	request_build "$scratch/$1.json" "$native"
	end_process "$pid"
	sha=$(field "$scratch/$1.json" 'v.jobs[0].artifact.sha256')
	[[ ${same:=$sha} == "$sha" ]] || die "objects of an earlier version made another addon"
	sample build-next-version "$1" "$seconds"
}

ours() {
	measure ours "$scratch/seen"
	[[ $(grep -l 'compiled already' "$scratch"/ours/logs/*.log | wc -l) == 1 ]] ||
		die "nothing of $previous was used for $version"
}

theirs() {
	measure theirs "$scratch/new"
	! grep -q 'compiled already' "$scratch"/theirs/logs/*.log ||
		die "a service that has built nothing had objects"
}

figure build-next-version seconds "<= 0.25"
same=
with_native
get_sources new "$previous" "$version"
say "building $name@$previous"
serve_copy "$scratch/new" seen
version=$previous request_build "$scratch/previous.json" "$native"
end_process "$pid"
alternate build-next-version 3 ours theirs
