#!/bin/bash
# tarball-size: what an install downloads, for this machine's target.
#
# ours:   bytes of the published prebuild.
# theirs: bytes of node-gyp's addon after `strip`, `tar` and `gzip -9`, under the same name inside.
#
# Both sizes are the same every time: one pair.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

ours() {
	sample tarball-size ours "$(stat -c %s "$built/prebuild.tar.gz")"
}

theirs() {
	local inside
	inside=$(tar -tzf "$built/prebuild.tar.gz")
	mkdir -p "$scratch/theirs/${inside%/*}"
	strip -o "$scratch/theirs/$inside" "$(addon_of "$gyp_app")" || die "strip failed"
	tar -C "$scratch/theirs" --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 \
		-cf - "$inside" | gzip -9n >"$scratch/theirs.tar.gz"
	sample tarball-size theirs "$(stat -c %s "$scratch/theirs.tar.gz")"
}

figure tarball-size bytes "<= 1.0"
with_built
with_gyp
PAIRS=1 alternate tarball-size 1 ours theirs
