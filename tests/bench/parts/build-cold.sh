#!/bin/bash
# build-cold: what the service adds to the compiler, for this machine's target.
#
# ours:   wall seconds from POST /v1/builds until the prebuild answers HEAD with 200, on a running,
#         idle service that has the source bundle and the toolchain and nothing of the result: job,
#         lease, unpack, configure, plan, generated sources, compile, link, strip, audit, load test,
#         upload, second audit, rendering, publication.
# theirs: wall seconds of the same job's compile, archive, link and strip commands, as many at a time
#         as the machine has cores, in one sandbox, on sources that are unpacked and generated
#         already (lib/bare.sh).
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"
# shellcheck source=tests/bench/lib/bare.sh
. "$bench/lib/bare.sh"

ours() {
	serve_source cold
	request_build "$scratch/build.json" "$native"
	end_process "$pid"
	[[ $(field "$scratch/build.json" 'v.jobs[0].artifact.sha256') == "$sha" ]] ||
		die "two builds made different addons"
	sample build-cold ours "$seconds"
}

theirs() {
	bare_run "$native" "$scratch/bare" "$sha"
	sample build-cold theirs "$bare_wall"
}

figure build-cold seconds "<= 1.10"
with_built
sha=$(field "$built/build.json" 'v.jobs[0].artifact.sha256')
cp "$built/build.json" "$scratch/"
bare_prepare "$native" "$built/var" "$built/job.log" "$scratch/bare"
alternate build-cold 3 ours theirs
