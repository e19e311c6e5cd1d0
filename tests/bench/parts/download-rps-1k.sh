#!/bin/bash
# download-rps-1k, -p99: requests a second and the 99th percentile of latency for a small file.
#
# ours:   GET of the prebuild of an addon that does nothing (about 1.5 KB: there is no smaller one)
#         from one serving process, `wrk -t2 -c64`, keep-alive.
# theirs: the same file at the same path from nginx with one worker and sendfile.
#
# wrk runs on the same cores, for both alike.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"
# shellcheck source=tests/bench/lib/download.sh
. "$bench/lib/download.sh"

compare_downloads requests/s 0 1
