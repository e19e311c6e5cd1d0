#!/bin/bash
# The events of a build: followed by a real EventSource over a restart of the service, without a gap or
# anything twice. This script is the worker.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

need_modules
serve var --workers 0
port=${url##*:}
digest=$(printf '%064d' 1)

lease() {
	http POST /v1/worker/lease -d "{\"worker\":\"w\",\"targets\":{\"$target\":\"$digest\"}}"
	job=$(value v.job)
	fence=$(value v.fence)
	beat leased 0 0
}
log() { # OFFSET, from standard input
	http POST "/v1/worker/jobs/$job/log?fence=$fence&offset=$1" -H 'Content-Type: text/plain' --data-binary @-
}
beat() { # STAGE STEP STEPS
	echo "$url/v1/worker/jobs/$job/heartbeat {\"fence\":$fence,\"stage\":\"$1\",\"step\":$2,\"steps\":$3}" >"$scratch/beat"
	curl -s -m 60 -o "$scratch/beaten" -d "$(cut -d ' ' -f 2 "$scratch/beat")" "$(cut -d ' ' -f 1 "$scratch/beat")"
}
# Says the last one again and again, which is no event, so that a slow machine does not lose the lease.
keep_beating() {
	while sleep 3; do
		curl -s -m 60 -o "$scratch/kept" -d "$(cut -d ' ' -f 2 "$scratch/beat")" "$(cut -d ' ' -f 1 "$scratch/beat")"
	done
}
ends() { # OUTCOME CODE
	http POST "/v1/worker/jobs/$job/result" -d "{\"fence\":$fence,\"outcome\":\"$1\",\"code\":\"$2\",\"error\":\"because\"}"
}
lines() { # PATTERN: how many events of the client are like that
	grep -c -- "$1" "$scratch/events" || true
}
has_lines() { # PATTERN N
	[[ $(lines "$1") -ge $2 ]]
}
seen() { # EXPRESSION over `v`, the events so far as an array
	body="[$(paste -sd , "$scratch/events")]"
	value "$1"
}

keep_beating &
started+=($!)

# A source that is known, so that a build has a job that can be leased.
post_build p 1.0.0
lease
printf x >"$scratch/bundle"
http PUT "/v1/worker/jobs/$job/upload?fence=$fence&sha256=$(sha256sum <"$scratch/bundle" | cut -d ' ' -f 1)" --data-binary "@$scratch/bundle"
http POST "/v1/worker/jobs/$job/result" -d "{\"fence\":$fence,\"outcome\":\"succeeded\",\"source\":{\"origin\":\"npm\",\"lock\":\"$digest\",\"abi\":\"napi-v6\"}}"
is "the source is known" "$status" 200
build=b1

: >"$scratch/events"
node "$here/tests/lib/follow.js" "$url/v1/builds/$build/events" >"$scratch/events" 2>"$scratch/follow.log" &
client=$!
started+=("$client")
until_ok 20 has_lines '"state":"queued"' 2
report "what has happened before is told"
lease
until_ok 20 has_lines '"state":"running"' 1
report "the job runs"
beat compile 1 3
beat compile 1 3
beat compile 2 3
log 0 < <(printf 'first line\nsecond \377 line\n')
until_ok 20 has_lines '"event":"log"' 1
report "its log is told"
is "… bytes that are no text are replaced" "$(seen 'v.find((e) => e.event === "log").data.text')" \
	$'first line\nsecond \xef\xbf\xbd line'
is "… progress only where there is some" "$(lines '"event":"progress"')" 2

# The service goes and comes back; the client finds the place.
end_process "$pid"
serve_as var "$prebuildd" serve --listen "127.0.0.1:$port" --data "$scratch/var" --workers 0
until_ok 20 grep -q error "$scratch/follow.log"
report "the client notices that the service has gone"
log 25 < <(printf 'third line\n')
is "the worker goes on" "$status" 204
until_ok 30 has_lines '"third line' 1
report "the client goes on"
# The worker says the same piece again: its answer was lost.
log 25 < <(printf 'third line\nfourth line\n')
until_ok 20 has_lines 'fourth line' 1
report "a piece that is said again is told again"
ends released ''
until_ok 20 has_lines '"state":"queued"' 3
report "a job that was handed back is queued"
lease
log 0 < <(printf 'another attempt\n')
ends failed build-failed
until_ok 30 is_gone "$client"
wait "$client"
is "the client ends by itself when it hears 204" "$?" 0
is "the last event" "$(seen 'v.at(-1).event + " " + v.at(-1).data.state')" "build failed"
is "the states of the job" "$(seen 'v.filter((e) => e.event === "job").map((e) => e.data.state).join(" ")')" \
	"queued queued running queued running failed"
is "… and why it failed" "$(seen 'v.findLast((e) => e.event === "job").data.error.code')" build-failed
is "no event comes twice, and all in order" \
	"$(seen 'v.every((e, i) => i === 0 || e.id > v[i - 1].id)')" true
http GET "/v1/builds/$build/events"
unlike "who comes later hears the last attempt only" "$body" 'first line'
like "… all of it" "$body" 'another attempt.*event: build'

# ---- a long log, and clients that do not read ----

post_build p 1.0.0
build=$(value v.id)
lease
for i in 0 1 2; do
	seq $((i * 100000 + 100000)) $((i * 100000 + 199999)) >>"$scratch/long"
done
offset=0
while [[ $offset -lt $(stat -c %s "$scratch/long") ]]; do
	log "$offset" < <(tail -c +$((offset + 1)) "$scratch/long" | head -c 1000000)
	offset=$((offset + 1000000))
done
ends failed build-failed
http GET "/v1/builds/$build/events"
sed -n 's/^data: \(.*"text":.*\)/\1/p' "$scratch/body" | node -e '
	const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
	process.stdout.write(lines.map((l) => JSON.parse(l).text).join(""));' >"$scratch/long.told"
cmp "$scratch/long" "$scratch/long.told"
ended $? "a log of $(stat -c %s "$scratch/long") bytes arrives whole"
post_build p 1.0.0
build=$(value v.id)
clients=()
for ((i = 0; i < 256; i++)); do
	clients+=(--next -s -N -m 300 -o /dev/null "$url/v1/builds/$build/events")
done
curl --parallel --parallel-immediate --parallel-max 300 "${clients[@]:1}" 2>/dev/null &
many=$!
started+=("$many")
all_follow() {
	http GET /metrics
	[[ $(sed -n 's/^prebuildd_http_connections //p' "$scratch/body") -gt 256 ]]
}
until_ok 100 all_follow
report "256 clients follow a build"
http GET "/v1/builds/$build/events"
is "one more is too many" "$status $(value v.code)" "503 busy"
service=$pid
kill "$service"
wait "$service"
is "the service stops with all of them" "$?" 0
end_process "$many"
