#!/bin/bash
# build-vs-node-gyp: the service against what an install without prebuild does, for this machine.
#
# ours:   as in build-cold: wall seconds from the request to the published prebuild.
# theirs: wall seconds of `npm rebuild PACKAGE --build-from-source` with gcc, in an application that
#         has the package's files already, with Node's headers there. Its make runs one command at a
#         time, as it does everywhere; JOBS=max in the environment changes that.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

ours() {
	serve_source versus
	request_build "$scratch/build.json" "$native"
	end_process "$pid"
	sample build-vs-node-gyp ours "$seconds"
}

theirs() {
	rebuild "$scratch/app"
	sample build-vs-node-gyp theirs "$seconds"
}

figure build-vs-node-gyp seconds "<= 0.9"
[[ -z ${JOBS:-} ]] || note build-vs-node-gyp "node-gyp with JOBS=$JOBS"
with_gyp
with_source
cp -a "$gyp_app" "$scratch/app"
alternate build-vs-node-gyp 3 ours theirs
