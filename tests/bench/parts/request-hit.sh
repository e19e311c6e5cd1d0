#!/bin/bash
# request-hit, -p99, request-hit-get, -get-p99: what it takes to hear that something is there already.
#
# ours:   milliseconds of POST /v1/builds for a published addon (200 with the build and its artifact; the
#         request is recorded, so each is a transaction), and of GET of its prebuild; median and 99th
#         percentile, `wrk -t2 -c64`, keep-alive, one serving process.
# theirs: GET of a static file of the same size as ours' answer, from nginx with one worker.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"
# shellcheck source=tests/bench/lib/download.sh
. "$bench/lib/download.sh"

measure() { # FIGURE SIDE URL [WRK-FLAG…]
	load "$3" "$wrk_seconds" "${@:4}"
	sample "$1" "$2" "$p50"
	sample "$1-p99" "$2" "$p99"
}
post_ours() { measure request-hit ours "$url/v1/builds" -s "$scratch/post.lua"; }
post_theirs() { measure request-hit theirs "$nginx/answer.json"; }
get_ours() { measure request-hit-get ours "$url$path"; }
get_theirs() { measure request-hit-get theirs "$nginx$path"; }

with_native
publish 0
request="{\"package\":\"bench\",\"version\":\"1.0.0\",\"targets\":[\"$native\"]}"
printf 'wrk.method = "POST"\nwrk.body = [[%s]]\nwrk.headers["Content-Type"] = "application/json"\n' \
	"$request" >"$scratch/post.lua"
mkdir -p "$scratch/www${path%/*}"
[[ $(curl -s -o "$scratch/www/answer.json" -w '%{http_code}' -H 'Content-Type: application/json' -d "$request" "$url/v1/builds") == 200 ]] ||
	die "what was published is not there"
curl -sf -o "$scratch/www$path" "$url$path" || die "what was published cannot be fetched"
start_nginx 1
say "an answer of $(stat -c %s "$scratch/www/answer.json") bytes, a file of $(stat -c %s "$scratch/www$path")"
figure request-hit ms "<= 2.0"
figure request-hit-p99 ms "<= 2.0"
figure request-hit-get ms "<= 2.0"
figure request-hit-get-p99 ms "<= 2.0"
load "$url$path" 1
load "$nginx$path" 1
alternate request-hit 5 post_ours post_theirs
alternate request-hit-get 5 get_ours get_theirs
