#!/bin/bash
# download-mbps-1m, -p99: bytes a second and the 99th percentile of latency for a file of 1 MB.
#
# ours:   GET of the prebuild of an addon with 1 MB that does not compress from one serving process,
#         `wrk -t2 -c64`, keep-alive; requests a second times the file's size.
# theirs: the same file at the same path from nginx with one worker and sendfile.
#
# wrk runs on the same cores, for both alike.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"
# shellcheck source=tests/bench/lib/download.sh
. "$bench/lib/download.sh"

compare_downloads MB/s 1044480 1
