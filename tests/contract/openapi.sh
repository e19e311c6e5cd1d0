#!/bin/bash
# The description of the API: valid, served as it is in the tree, and what the service really answers, for
# every operation. The routes are compared with it in tests/unit/openapi_test.c.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

need_modules
out=$(node "$here/tests/lib/openapi.mjs" "$here/api/openapi.json" 2>&1)
ended $? "api/openapi.json is valid OpenAPI 3.1 ($(head -n 1 <<<"$out"))" "$out"

addon good
addon @scope/good
addon broken
echo 'this is no C' >>"$packages/broken/1.0.0/addon.c"
start_registry
serve var --workers 2 --registry "$registry" --hold 1
record=$scratch/answers

gc_is_over() {
	curl -s "$url/v1/gc" | grep -v '"running"'
}

# ---- everybody ----

for path in / /page.css /page.js /healthz /readyz /v1/targets /v1/webhooks/deliveries '/v1/webhooks/deliveries?state=failed' /openapi.json; do
	http GET "$path"
	is "GET $path" "$status" 200
done
cmp -s "$scratch/body" "$here/api/openapi.json"
report "/openapi.json is the file of the tree"
http HEAD /openapi.json
http POST /v1/tokens -d '{"scopes":["read","build"],"name":"somebody'"'"'s","expires_in":60}'
is "POST /v1/tokens" "$status" 201
http POST /v1/gc -d '{"dry_run":true,"max_age":60,"max_size":1000000}'
is "POST /v1/gc" "$status" 202
until_ok 20 gc_is_over
http GET /v1/gc
is "GET /v1/gc" "$status $(value v.state)" "200 succeeded"
http POST /v1/gc -d '{"max_age":"long"}'
is "POST /v1/gc: 400" "$status" 400
http GET '/v1/tokens?limit=1'
is "GET /v1/tokens" "$status" 200
http DELETE "/v1/tokens/$(value 'v.tokens[0].id')"
is "DELETE a token" "$status" 200
post_build broken 1.0.0
broken=$(value v.id)
post_build good 1.0.0
is "POST /v1/builds" "$status" 202
build=$(value v.id)
await_build "$build"
job=$(value 'v.jobs[0].id')
sha=$(value 'v.jobs[0].artifact.sha256')
post_build good 1.0.0
is "POST again" "$status" 200
http GET "/v1/builds/$build/events"
is "GET the events" "$status" 200
last=$(sed -n 's/^id: //p' "$scratch/body" | tail -n 1)
http GET "/v1/builds/$build/events" -H "Last-Event-ID: $last"
is "GET the events after the last one" "$status" 204
http GET "/v1/builds/$build/events" -H "Last-Event-ID: nothing"
is "GET the events after none" "$status" 400
for path in '/v1/builds?limit=1' "/v1/jobs/$job" "/v1/jobs/$job/log" "/v1/jobs/$job/log?follow=1" \
	"/v1/artifacts?package=good&limit=1" "/v1/artifacts/$sha" "/v1/artifacts/$sha/file" \
	"/v1/artifacts/$sha/report" "/v1/artifacts/$sha/provenance" /v1/key '/v1/matrix?package=good' '/v1/matrix?package=good&version=1.0.0&limit=1'; do
	http GET "$path"
	is "GET $path" "$status" 200
done
http GET "/v1/artifacts/$sha"
source=$(value v.source)
http GET "/v1/artifacts/$sha/file" -r 0-9
curl -s -o "$scratch/addon.node" "$url/v1/artifacts/$sha/file"
http POST "/v1/check?target=$target" --data-binary "@$scratch/addon.node"
is "POST /v1/check" "$status" 200
http POST /v1/check --data-binary 'no addon'
http PUT "/v1/publish/good/v1.0.0/good-v1.0.0-napi-v6-linux-x64.node?addon=addon.node" --data-binary "@$scratch/addon.node"
is "PUT /v1/publish" "$status" 201
http PUT "/v1/publish/@scope/good/v1.0.0/@scope/good-v1.0.0-napi-v6-linux-x64.node?addon=addon.node" --data-binary "@$scratch/addon.node"
http PUT "/v1/publish/good/v2.0.0/good-v2.0.0-napi-v6-linux-x64.node" --data-binary 'no addon'
is "PUT /v1/publish of no addon" "$status" 422
tar -C "$packages/good" --transform 's,^1.0.0,package,' -czf "$scratch/good.tgz" 1.0.0
http PUT /v1/sources --data-binary "@$scratch/good.tgz"
is "PUT /v1/sources" "$status" 201
uploaded=$(value v.source)
http POST /v1/builds -H 'Content-Type: application/json' -d "{\"source\":\"$uploaded\",\"targets\":[\"$target\"]}"
is "POST /v1/builds of an upload" "$status $(value v.package)" "202 null"
await_build "$(value v.id)"
like "… its version" "$(value v.version)" '^1\.0\.0\+src\.'
http GET "/v1/artifacts?package=good&version=1.0.0%2Bsrc.${uploaded:7:12}"
is "… its origin" "$(value 'v.artifacts[0].origin')" "$uploaded"
http PUT /v1/sources
http POST /v1/builds -H 'Content-Type: application/json' -d "{\"source\":\"sha256:$(printf '%064d' 0)\",\"targets\":[\"$target\"]}"
is "POST /v1/builds of what was not uploaded" "$status" 404
http GET /npm/@prebuildd/good
is "GET an npm package" "$status" 200
tarball=$(value 'v.versions["1.0.0"].dist.tarball')
http GET "${tarball#"$url"}"
is "GET its tarball" "$status" 200
path=$(prebuild_path good 1.0.0)
http GET "$path"
http GET "$path" -r 0-9
http GET "$path" -H "If-None-Match: $(header etag)"
http GET "$path.sha256"
http GET "$path.report.json"
http GET "$path.minisig"
http GET "$path.provenance.json"
http GET "${path/linux-x64/sunos-x64}"
http GET "$(prebuild_path absent 1.0.0)"
await_build "$broken"
http GET "$(prebuild_path broken 1.0.0)"
is "GET a prebuild that does not compile" "$status" 404
http GET '/v1/matrix?package=broken'
is "the matrix says why" "$(value 'v.versions[0].cells[0].state + " " + v.versions[0].cells[0].reason.code')" \
	"failed build-failed"
http DELETE "/v1/builds/$build"
is "DELETE a build" "$status" 200

tar -C "$packages/good" -czf "$scratch/good.tgz" 1.0.0
http PUT /v1/sources --data-binary "@$scratch/good.tgz"
is "PUT a source" "$status" 201
http POST /v1/builds -d "{\"source\":\"$(value v.source)\",\"targets\":[\"$target\"]}"
is "POST a build of it" "$status" 202
uploaded=$(value v.id)
http POST /v1/builds -d "{\"git\":{\"url\":\"file:///etc\"},\"targets\":[\"$target\"]}"
http PUT /v1/sources
is "PUT no source" "$status" 400
await_build "$uploaded"
is "what was uploaded is built" "$(value 'v.state + " " + v.package')" "succeeded good"
http GET /dist/index.json
node_version=$(value 'v[0].version')
http GET "/dist/$node_version/SHASUMS256.txt"
is "GET Node's headers' digest" "$status" 200
http GET "/dist/$node_version/node-$node_version-headers.tar.gz"
http GET /dist/v1.2.3/SHASUMS256.txt

# What is wrong.
for path in '/v1/builds?limit=0' '/v1/builds?limit=201' '/v1/builds?limit=1x' '/v1/builds?cursor=x' \
	'/v1/artifacts?cursor=-1' /v1/matrix '/v1/matrix?package=..' '/v1/matrix?package=good&cursor=x' \
	'/v1/webhooks/deliveries?state=lost' '/v1/tokens?limit=x'; do
	http GET "$path"
	is "GET $path: 400" "$status" 400
done
for path in /v1/builds/b99 /v1/builds/b99/events '/v1/matrix?package=none' /v1/nothing; do
	http GET "$path"
	is "GET $path: 404" "$status" 404
done
http POST /v1/builds -d '{"package":"good"}'
http POST /v1/builds -d "{\"package\":\"good\",\"version\":\"1.0.0\",\"targets\":[\"pdp11\"]}"
http PATCH /v1/builds

# ---- metrics ----

http GET /metrics
is "GET /metrics" "$status" 200
awk '
	/^# (HELP|TYPE) prebuildd_[a-z_]+ ./ { if ($2 == "TYPE") type[$3] = $4; next }
	/^prebuildd_[a-z_]+({[a-z]+="[^"]*"(,[a-z]+="[^"]*")*})? [0-9]+$/ {
		name = $1; sub(/{.*/, "", name)
		if (!(name in type) || seen[$1]++) { print "again, or without a type: " $0; bad++ }
		n++; next
	}
	{ print "no metric: " $0; bad++ }
	END { print n " metrics"; exit bad > 0 || n == 0 }' "$scratch/body" >"$scratch/metrics"
ended $? "metrics are in Prometheus's format ($(tail -n 1 "$scratch/metrics"))" "$(cat "$scratch/metrics")"
metric() { # LINE of the last answer: its number
	awk -v name="$1" '$1 == name { print $2 }' "$scratch/body"
}
is "jobs that failed: broken, and absent" "$(metric "prebuildd_jobs_total{outcome=\"failed\",target=\"$target\"}")" 2
is "nothing is queued" "$(metric 'prebuildd_queue_jobs{state="queued"}')" 0
like "requests" "$(metric 'prebuildd_http_requests_total{route="/v1/builds/{id}/events",status="204"}')" '^1$'

# ---- workers ----

http GET "/v1/worker/sources/$source"
is "GET a source" "$status" 200
serve manual --workers 0
digest=$(printf '%064d' 1)
lease() {
	http POST /v1/worker/lease -d "{\"worker\":\"w\",\"targets\":{\"$target\":\"$digest\"}}"
	job=$(value v.job)
	fence=$(value v.fence)
}
post_build good 1.0.0
lease
is "POST /v1/worker/lease" "$status $(value v.kind)" "200 resolve"
http POST "/v1/worker/jobs/$job/heartbeat" -d "{\"fence\":$fence,\"stage\":\"fetch\",\"step\":1,\"steps\":2}"
is "a heartbeat" "$status" 204
http POST "/v1/worker/jobs/$job/heartbeat" -d '{"fence":99}'
is "a late heartbeat" "$status $(value v.code)" "409 stale-lease"
http POST "/v1/worker/jobs/$job/log?fence=$fence&offset=0" -H 'Content-Type: text/plain' --data-binary 'hello'
is "a log" "$status" 204
sum=$(printf x | sha256sum | cut -d ' ' -f 1)
http PUT "/v1/worker/jobs/$job/upload?fence=$fence&sha256=$sum" --data-binary x
is "an upload" "$status" 204
http PUT "/v1/worker/jobs/$job/upload?fence=$fence&sha256=$digest" --data-binary x
is "an upload with another digest" "$status" 422
http POST "/v1/worker/jobs/$job/result" -d "{\"fence\":$fence,\"outcome\":\"succeeded\",\"source\":{\"origin\":\"npm\",\"lock\":\"$digest\",\"abi\":\"napi-v6\"}}"
is "a result" "$status" 200
lease
is "a job to build" "$(value v.kind)" build
http POST "/v1/worker/jobs/$job/result" -d "{\"fence\":$fence,\"outcome\":\"succeeded\",\"addon\":{\"file\":\"a.node\"}}"
is "a result without an upload" "$status" 409
http POST "/v1/worker/jobs/$job/result" -d '{"fence":1,"outcome":"fine"}'
is "a result that is none" "$status" 400
http POST /v1/worker/lease -d '{"worker":""}'
is "a lease for nobody" "$status" 400

answers_match all
