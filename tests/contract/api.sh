#!/bin/bash
# The HTTP contract and the exit codes of prebuildctl, against the real programs: every route with
# good and bad input. Its small package comes from tests/lib/registry.js.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

addon good
addon broken
echo 'this is no C' >>"$packages/broken/1.0.0/addon.c"
addon escapes 'printf "error: \\033[31mred\\007 \\302\\233m\\377\\n" >&2; exit 1'
start_registry
need_modules
record=$scratch/answers
serve var --workers 2 --registry "$registry" --hold 25 --max-body 4K
server=$pid
export PREBUILDD_URL=$url

problem() { # TEXT STATUS CODE, of the last answer
	is "$1" "$status $(value v.code) $(value v.status) $(header content-type)" \
		"$2 $3 $2 application/problem+json"
}

refused() { # TEXT STATUS CODE JSON
	http POST /v1/builds -H 'Content-Type: application/json' -d "$4"
	problem "POST /v1/builds: $1" "$2" "$3"
}

# ---- requests ----

list="\"targets\":[\"$target\"]"
refused "no JSON" 400 invalid '{"package":'
refused "no object" 400 invalid '[1]'
refused "nothing" 400 invalid '{}'
refused "unknown field" 400 invalid "{\"package\":\"good\",\"version\":\"1.0.0\",$list,\"pakage\":1}"
refused "bad package" 400 invalid "{\"package\":\"../good\",\"version\":\"1.0.0\",$list}"
refused "bad package, not in UTF-8" 400 invalid $'{"package":"go\xffod","version":"1.0.0",'"$list}"
refused "bad version" 400 invalid "{\"package\":\"good\",\"version\":\"^1.0.0\",$list}"
refused "no targets" 400 invalid '{"package":"good","version":"1.0.0","targets":[]}'
refused "bad target" 422 unsupported '{"package":"good","version":"1.0.0","targets":["pdp11-unix"]}'
refused "bad ABI" 400 invalid "{\"package\":\"good\",\"version\":\"1.0.0\",$list,\"abis\":[\"napi\"]}"
refused "other ABI" 422 unsupported "{\"package\":\"good\",\"version\":\"1.0.0\",$list,\"abis\":[\"electron-v133\"]}"
head -c 5000 /dev/zero | tr '\0' ' ' >"$scratch/large"
http POST /v1/builds -H 'Content-Type: application/json' --data-binary "@$scratch/large"
problem "POST /v1/builds: too large" 413 too-large
like "POST /v1/builds: too large names the limit" "$body" "4096"
for path in /v1/builds/b99 /v1/builds/99 /v1/builds/b0 /v1/builds/bx /v1/jobs/j99 /v1/jobs/j-1 \
	/v1/jobs/j99/log /v1/artifacts/abc "/v1/artifacts/$(printf '%064d' 0)" /nothing /prebuilds/x; do
	http GET "$path"
	problem "GET $path" 404 not-found
done
http DELETE /v1/builds/b99
problem "DELETE of an unknown build" 404 not-found
http PUT /v1/builds
is "PUT /v1/builds: 405" "$status" 405
like "PUT /v1/builds: Allow" "$(header allow)" "POST"
http GET /healthz
is "/healthz" "$status $(value v.status)" "200 ok"
http GET /readyz
is "/readyz" "$status $(value v.status)" "200 ready"
http GET /v1/targets
is "/v1/targets" "$(value "v.targets.some((t) => t.target === '$target')")" true

# ---- a build ----

post_build good 1.0.0
is "POST /v1/builds: 202" "$status" 202
build=$(value v.id)
await_build "$build"
is "the build succeeds" "$(value v.state)" succeeded
job=$(value 'v.jobs[0].id')
sha=$(value 'v.jobs[0].artifact.sha256')
post_build good 1.0.0
is "POST again: 200, the same job" "$status $(value v.state) $(value 'v.jobs[0].id')" \
	"200 succeeded $job"
http GET "/v1/jobs/$job"
is "GET the job" "$status $(value v.state) $(value v.attempt)" "200 succeeded 1"
http GET "/v1/jobs/$job/log"
like "GET its log" "$status $(header content-type) $body" "^200 text/plain.*compile addon.c"
http GET "/v1/jobs/$job/log?follow=1"
like "follow its log: it ends" "$status $body" "^200 .*compile addon.c"
# More than the kernel takes for a client that is slow.
cp "$scratch/var/logs/$job.log" "$scratch/short.log"
head -c 6000000 /dev/zero | tr '\0' 'x' >>"$scratch/var/logs/$job.log"
is "follow a long log, slowly: all of it comes" \
	"$(python3 "$here/tests/lib/slow_reader.py" 127.0.0.1 "${url##*:}" "/v1/jobs/$job/log?follow=1" | sha256sum)" \
	"$(sha256sum <"$scratch/var/logs/$job.log")"
cp "$scratch/short.log" "$scratch/var/logs/$job.log"
http GET /v1/builds
is "GET the builds" "$(value "v.builds.some((b) => b.id === '$build')")" true
http GET "/v1/artifacts?package=good&version=1.0.0&target=$target&abi=napi-v6"
is "GET the artifacts" "$(value 'v.artifacts.map((a) => a.sha256).join()')" "$sha"
http GET "/v1/artifacts?package=good&version=2.0.0"
is "GET the artifacts: none" "$(value v.artifacts.length)" 0
http GET "/v1/artifacts?limit=1"
http GET "/v1/artifacts?limit=1&cursor=$(value v.cursor)"
is "GET the artifacts: the page after the last" "$status $(value v.artifacts.length)" "200 0"
http GET "/v1/artifacts/$sha"
is "GET the artifact" "$status $(value v.package) $(value v.sha256)" "200 good $sha"
http GET "/v1/artifacts/$sha/file"
is "GET its file: the digest" "$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)" "$sha"
http GET "/v1/artifacts/$sha/report"
is "GET its report" "$status $(value v.verdict)" "200 pass"

# ---- the mirror ----

path=$(prebuild_path good 1.0.0)
http GET "$path"
cp "$scratch/body" "$scratch/${path##*/}"
digest=$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)
size=$(stat -c %s "$scratch/body")
is "GET the prebuild" "$status" 200
is "its headers" "$(header content-length) $(header etag) $(header x-prebuild-digest) $(header cache-control)$(header content-encoding)" \
	"$size \"$digest\" sha256:$digest public, max-age=31536000, immutable"
http HEAD "$path"
is "HEAD" "$status $(header content-length) $(header etag)" "200 $size \"$digest\""
http GET "$path" -H 'Accept-Encoding: gzip'
is "Accept-Encoding changes nothing" "$(header content-length)$(header content-encoding)" "$size"
http GET "$path" -r 10-19
is "Range: 206" "$status $(header content-range) $(stat -c %s "$scratch/body")" \
	"206 bytes 10-19/$size 10"
cmp -s "$scratch/body" <(tail -c +11 "$scratch/${path##*/}" | head -c 10)
report "Range: the right bytes"
http GET "$path" -r "$size-"
is "Range past the end: 416" "$status" 416
http GET "$path" -H "If-None-Match: \"$digest\""
is "If-None-Match: 304" "$status" 304
http GET "/${path//\//\/\/}"
is "double slashes" "$status $(header x-prebuild-digest)" "200 sha256:$digest"
http GET "$path.sha256"
cp "$scratch/body" "$scratch/sum"
(cd "$scratch" && sha256sum --status -c sum)
report ".sha256 is what sha256sum checks" "$body"
http GET "$path.report.json"
is ".report.json" "$status $(value v.verdict)" "200 pass"
http GET "${path/linux-x64/sunos-x64}"
problem "a target that is none here" 404 unsupported-target
http GET "${path/napi-v6/electron-v133}"
problem "an ABI that is not built" 404 unsupported-abi
http GET "${path%/*}/other.tar.gz"
problem "a name that no client asks for" 404 unknown-name
http GET "$(prebuild_path broken 1.0.0)"
problem "a package that does not compile" 404 build-failed
like "… and the job" "$(value v.job)" "^/v1/jobs/j[0-9]+$"
http GET "$(prebuild_path absent 1.0.0)"
problem "a package that does not exist" 404 unknown-package

# ---- prebuildctl ----

prints_json() { # TEXT ARGUMENT…
	exits "$1" 0 "${@:2}"
	body=$(cat "$scratch/ctl.out")
	[[ $(value 'typeof v') == object ]]
	report "prebuildctl $1: prints JSON" "$body"
}

exits "build" 0 build good@1.0.0 --target "$target"
exits "build, which fails" 1 build broken@1.0.0 --target "$target"
exits "build without a version" 2 build good
exits "build, whose error could command a terminal" 1 build escapes@1.0.0 --target "$target"
cat "$scratch/ctl.out" "$scratch/ctl.err" >"$scratch/shown"
like "… says it without control characters" "$(cat "$scratch/shown")" "error: .\[31mred"
if LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]\|\302\233')" "$scratch/shown"; then false; fi
report "… none at all"
exits "with an unknown flag" 2 status --colour
exits "with an unknown command" 2 bild
exits "without a server" 3 status --server http://127.0.0.1:1
exits "status of nothing" 4 status b99
exits "build --no-wait" 0 build good@1.0.0 --target "$target" --no-wait
exits "status of what was asked for" 0 status "$(cat "$scratch/ctl.out")" --wait
exits "build --no-wait, which will fail" 0 build broken@1.0.0 --target "$target" --no-wait
failing=$(cat "$scratch/ctl.out")
like "… prints the build and nothing else" "$failing" '^b[0-9]+$'
exits "status --wait, which fails" 1 status "$failing" --wait
like "… and says why" "$(cat "$scratch/ctl.err")" "log: prebuildctl logs j[0-9]+"
exits "status, which tells of the failure" 0 status "$failing" --json
body=$(cat "$scratch/ctl.out")
is "… as JSON" "$(value 'v.state + " " + v.jobs[0].error.code')" "failed build-failed"
exits "status --wait without a build" 2 status --wait
exits "matrix" 0 matrix good
like "… says what loaded it" "$(cat "$scratch/ctl.out")" "1.0.0 +napi-v6 +$target +succeeded +[Nn]ode [0-9]"
exits "matrix of what does not build" 0 matrix broken@1.0.0
like "… says why" "$(cat "$scratch/ctl.out")" "$target +failed +.*error"
exits "matrix of nothing" 4 matrix nothing
exits "matrix of no name" 2 matrix ../good
exits "fetch of nothing" 4 fetch good@2.0.0 --target "$target"
exits "fetch" 0 fetch good@1.0.0 --target "$target" --output fetched.tgz
is "prebuildctl fetch: the digest" "$(sha256sum <"$scratch/fetched.tgz" | cut -d ' ' -f 1)" "$digest"
exits "fetch raw" 0 fetch good@1.0.0 --target "$target" --layout raw --output fetched.node
prints_json "status --json" status --json
prints_json "build --json" build good@1.0.0 --target "$target" --json
prints_json "logs --json" logs "$job" --json
prints_json "matrix --json" matrix good --json
prints_json "targets --json" targets --json
prints_json "check --json" check fetched.node --target "$target" --json
is "prebuildctl check --json: the verdict" "$(value 'v[0].verdict')" pass

# ---- all targets: those that some worker can build ----

other=aarch64-linux-gnu
service=$url
serve all --workers 0
curl -s -m 60 -o "$scratch/early" -w '%{http_code}' "$url/v1/builds" \
	-d '{"package":"good","version":"1.0.0","targets":"all"}' >"$scratch/early.status" &
early=$!
http GET /v1/targets
is "/v1/targets without a worker" "$(value 'v.targets.filter((t) => t.buildable).length')" 0
"$prebuildd" worker --server "$url" --cache "$scratch/all-cache" --toolchains "$toolchains" \
	--registry "$registry" --slots 1 --targets "$target" 2>>"$scratch/all-worker.log" &
started+=($!)
wait "$early"
body=$(cat "$scratch/early")
is "\"all\" waits for the first worker" "$(cat "$scratch/early.status")" 202
is "… and is what it can build" "$(value 'v.jobs.map((j) => j.target).join()')" "$target"
is "… the others are named" "$(value "v.left_out.includes('$other') && !v.left_out.includes('$target')")" true
await_build "$(value v.id)"
is "… and succeeds" "$(value v.state)" succeeded
http GET /v1/targets
is "/v1/targets: what is buildable" \
	"$(value 'v.targets.filter((t) => t.buildable).map((t) => t.target).join()')" "$target"
post_build good 1.0.0 "$other"
is "a target that nobody can build: accepted" "$status" 202
build=$(value v.id)
is "… it waits" "$(value 'v.jobs[0].state + ", " + v.jobs[0].stage')" "queued, waiting for a toolchain"
like "… and says what to do" "$(value 'v.jobs[0].hint')" "toolchain assemble $other"
PREBUILDD_URL=$url exits "status of it" 0 status "$build"
like "… shows that" "$(cat "$scratch/ctl.out")" "queued: .*toolchain assemble $other"
http DELETE "/v1/builds/$build"
is "… it can be cancelled" "$(value v.state)" cancelled
path=$(prebuild_path good 1.0.0)
http GET "${path/linux-x64/linuxmusl-x64}"
problem "the mirror does not queue what nobody can build" 404 unsupported-target
url=$service
path=$(prebuild_path good 1.0.0)

# ---- one data folder, one service ----

timeout 20 "$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/var" --workers 0 \
	>"$scratch/second.out" 2>&1
[[ $? -ne 0 && $? -ne 124 ]]
report "a second service on the same data is refused"
like "… and says why" "$(cat "$scratch/second.out")" "another prebuildd serves from .*var"
mapfile -t below < <(descendants "$server")
kill "$server"
wait "$server"
is "SIGTERM: exit status 0" "$?" 0
left=0
for p in "${below[@]}"; do
	is_gone "$p" || left=$((left + 1))
done
is "SIGTERM: of ${#below[@]} processes below it none is left" "$left" 0

# ---- pages of other sites, in a browser ----

request="{\"package\":\"good\",\"version\":\"1.0.0\",$list}"
serve sites --workers 0
for header in 'Sec-Fetch-Site: cross-site' 'Sec-Fetch-Site: same-site' 'Origin: https://example.org' 'Origin: null'; do
	http POST /v1/builds -H "$header" -d "$request"
	problem "POST /v1/builds, $header" 403 forbidden
	http GET /v1/builds -H "$header"
	is "GET /v1/builds, $header" "$status" 200
done
for header in 'Sec-Fetch-Site: same-origin' 'Sec-Fetch-Site: none' "Origin: $url"; do
	http POST /v1/builds -H "$header" -d "$request"
	is "POST /v1/builds, $header" "$status" 202
done

# ---- tokens ----

serve tokens --workers 0 --auth tokens --registry "$registry" --on-miss 404
export PREBUILDD_URL=$url
admin=$scratch/tokens/keys/admin.token
curl -s -m 60 -o "$scratch/nobody" -H "Authorization: Bearer $(cat "$admin")" "$url/v1/builds" \
	-d '{"package":"good","version":"1.0.0","targets":"all"}' &
nobody=$!
post_build good 1.0.0
problem "without a token" 401 unauthorized
request="{\"package\":\"good\",\"version\":\"1.0.0\",$list}"
http POST /v1/builds -H 'Authorization: Bearer wrong' -d "$request"
problem "with a wrong token" 401 unauthorized
http POST /v1/builds -H "Authorization: Bearer $(cat "$scratch/tokens/keys/worker.token")" -d "$request"
problem "with a worker's token" 403 forbidden
http POST /v1/builds -H "Authorization: Bearer $(cat "$admin")" -d "$request"
is "with the token" "$status" 202
build=$(value v.id)
http POST /v1/builds -u "any:$(cat "$admin")" -d "$request"
is "with the token as a password" "$status" 202
http DELETE "/v1/builds/$build"
problem "DELETE without a token" 401 unauthorized
http POST /v1/worker/lease -d '{}'
problem "a worker without a token" 401 unauthorized
http GET /v1/builds
is "reading needs none" "$status" 200
http GET "$(prebuild_path good 2.0.0)"
problem "--on-miss 404" 404 not-built
exits "without a token" 5 build good@1.0.0 --target "$target" --no-wait
exits "with a token" 0 build good@1.0.0 --target "$target" --no-wait --token-file "$admin"
exits "cancel" 0 cancel "$build" --token-file "$admin"
like "the tokens are readable by their owner only" "$(stat -c %a "$admin")" "600"
wait "$nobody"
body=$(cat "$scratch/nobody")
is "\"all\", and no worker comes" "$(value 'v.status + " " + v.code')" "503 busy"
like "… says what to do" "$(value v.detail)" "toolchain assemble"

answers_match
