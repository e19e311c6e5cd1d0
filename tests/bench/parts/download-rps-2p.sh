#!/bin/bash
# download-rps-2p, -p99: download-rps-1k with two serving processes against two workers of nginx.
#
# wrk runs on the same cores, for both alike.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"
# shellcheck source=tests/bench/lib/download.sh
. "$bench/lib/download.sh"

compare_downloads requests/s 0 2 --processes 2
