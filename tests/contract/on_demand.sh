#!/bin/bash
# Prebuilds that are built because a client asks for them: who may start a build, how many clients make
# one build, how long they are held, what is remembered of failures, and what is left of a client
# when the server dies under it.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

addon good
addon other
addon slow 'sleep 14'
addon broken
echo 'this is no C' >>"$packages/broken/1.0.0/addon.c"
addon hangs "sleep $marker"
start_registry
serve var --workers 1 --registry "$registry" --mirror-packages good,slow,broken,absent,hangs \
	--hold 60 --max-builds-per-minute 5

jobs() { # PACKAGE: how many builds there have been
	http GET /v1/builds
	value 'v.builds.filter((b) => b.package === "'"$1"'").length'
}

answer() { # TEXT STATUS CODE
	is "$1" "$status $(value v.code) $(header x-prebuild-reason)" "$2 $3 $3"
}

# ---- a hundred clients, one build ----

path=$(prebuild_path good 1.0.0)
mkdir "$scratch/clients"
clients=()
for i in $(seq 100); do
	curl -s -m 100 -o "$scratch/clients/$i" -w '%{http_code}\n' "$url$path" >"$scratch/clients/$i.status" &
	clients+=($!)
done
wait "${clients[@]}"
is "100 clients at once: all of them get it" "$(cat "$scratch"/clients/*.status | sort | uniq -c | xargs)" "100 200"
is "… the same bytes" "$(sha256sum "$scratch"/clients/[0-9]* 2>/dev/null | grep -v status | cut -d ' ' -f 1 | sort -u | wc -l)" 1
is "… from one build" "$(jobs good)" 1

# ---- who may ----

http GET "$(prebuild_path other 1.0.0)"
answer "a package that is not on the list" 404 package-not-allowed
like "… it says how to get it" "$(value v.detail)" "prebuildctl build other@1.0.0"
is "… and nothing was queued" "$(jobs other)" 0
post_build other 1.0.0
await_build "$(value v.id)"
http GET "$(prebuild_path other 1.0.0)"
is "built by request, it is there for everybody" "$status" 200
http GET "$(prebuild_path good 9.9.9)"
answer "a version that the registry does not have" 404 unknown-version
http GET "$(prebuild_path absent 1.0.0)"
answer "a package that the registry does not have" 404 unknown-package

# ---- failures are remembered ----

http GET "$(prebuild_path broken 1.0.0)"
answer "what does not build" 404 build-failed
job=$(value v.job)
http GET "$(prebuild_path broken 1.0.0)"
is "… is not tried again for the next client" "$status $(value v.job)" "404 $job"
post_build broken 1.0.0
is "… but when asked for by name" "$status" 202
await_build "$(value v.id)"
http GET "$(prebuild_path broken 1.0.0)"
is "… whose end is then the answer" "$status $(value "v.job !== '$job'")" "404 true"

# ---- not too many ----

for version in 7.0.1 7.0.2 7.0.3 7.0.4 7.0.5 7.0.6; do
	http GET "$(prebuild_path good $version)"
done
answer "more builds within a minute than one address may start" 429 rate-limited
like "… names the limit" "$(value v.detail)" "max-builds-per-minute"
http GET "$path"
is "… what is there is served all the same" "$status" 200
kill "$pid"
wait "$pid"

# ---- failures are forgotten ----

serve var --workers 1 --registry "$registry" --keep-failures 0 --hold 60
http GET "$(prebuild_path broken 1.0.0)"
is "--keep-failures 0: it is tried again" "$status $(value "v.job !== '$job'")" "404 true"
kill "$pid"
wait "$pid"

# ---- 102 Processing ----

serve var --workers 1 --registry "$registry" --processing --hold 11
curl -sv -m 100 -o "$scratch/slow.tar.gz" "$url$(prebuild_path slow 1.0.0)" 2>"$scratch/slow.log"
like "--processing: interim answers, then the file, after longer than --hold" \
	"$(grep -E '^< HTTP' "$scratch/slow.log" | tr -d '\r' | uniq | xargs)" \
	'^< HTTP/1.1 102 Processing < HTTP/1.1 200 OK$'
check "… which is whole" tar -tzf "$scratch/slow.tar.gz"
curl -s --http1.0 -m 100 -o "$scratch/body" -w '%{http_code}' "$url$(prebuild_path hangs 1.0.0)" >"$scratch/old"
is "a client of HTTP/1.0 is held for --hold only" "$(cat "$scratch/old")" 404

# ---- the server dies under a client ----

curl -s -m 60 -o "$scratch/part" "$url$(prebuild_path hangs 1.0.0)" &
client=$!
sleep 1
kill -9 "$pid"
wait "$client"
is "the server is killed: the client hears of an empty reply (curl's 52), no part of a file" \
	"$? $(cat "$scratch/part" 2>/dev/null)" "52 "
until_ok 20 is_not_hanging
