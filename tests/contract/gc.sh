#!/bin/bash
# Retention: what is old, too much or of no use goes, by the real program; what is asked for again is built
# again with the same bytes.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

addon good
addon other
start_registry
serve var --workers 1 --registry "$registry" --hold 25
server=$pid
export PREBUILDD_URL=$url

gc() { # FLAG…, the result into $body
	"$ctl" gc --json "$@" >"$scratch/body" 2>"$scratch/gc.err" || echo "# gc: $(<"$scratch/gc.err")"
	body=$(<"$scratch/body")
}

# Everything is as if it had been put, published and asked for so many days ago.
age() { # DAYS
	find "$scratch/var/store/sha256" -type f -exec touch -d "-$1 days" {} +
	python3 - "$scratch/var/catalog.db" "$1" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
for table, column in ("artifact", "created"), ("source", "created"), ("upload", "created"), ("job", "created"), ("job", "finished"), ("asked", "at"):
    db.execute(f"UPDATE {table} SET {column} = {column} - ?", (int(sys.argv[2]) * 86400000,))
db.commit()
PYTHON
}

digest() { # PATH
	http GET "$1"
	echo "$status $(header x-prebuild-digest)"
}

http GET /v1/gc
is "before the first run" "$status $(value v.state)" "200 none"
post_build good 1.0.0
await_build "$(value v.id)"
good=$(value v.id)
log=$(value 'v.jobs[0].id')
path=$(prebuild_path good 1.0.0)
before=$(digest "$path")
like "something is published" "$before" '^200 sha256:'
http GET /npm/@prebuildd/good-linux-x64
npm=$(value 'Object.values(v.versions).pop().dist.tarball')
like "… also for npm" "$npm" 'good-linux-x64-1\.0\.0-1\.tgz$'
tar -C "$packages/good" -czf "$scratch/good.tgz" 1.0.0
http PUT /v1/sources --data-binary "@$scratch/good.tgz"
upload=$scratch/var/store/sha256/$(value v.source | sed 's/^sha256:\(..\)\(.*\)/\1\/\1\2/')
check "an upload is there" test -s "$upload"
post_build other 1.0.0
await_build "$(value v.id)"

# ---- what nothing refers to ----

lost=$scratch/var/store/sha256/00/$(printf '%064d' 0)
mkdir -p "${lost%/*}"
echo lost >"$lost"
touch -d '-2 hours' "$lost"
gc --dry-run
is "a dry run: what would be removed" "$(value 'v.removed.versions + " " + v.removed.contents + " " + v.removed.bytes + " " + v.dry_run')" "0 1 5 true"
check "… is there" test -e "$lost"
gc
is "what nothing refers to" "$(value 'v.state + " " + v.removed.contents + " " + v.removed.bytes')" "succeeded 1 5"
check "… is gone" test ! -e "$lost"
is "what is published stays" "$(digest "$path")" "$before"
check "… and the upload" test -e "$upload"
gc --max-age 30 --max-size 1
is "what is new stays, however much it is" "$(value v.removed.versions)" 0

# ---- what is old ----

age 100
gc --max-age 101
is "younger than that: all stays" "$(value v.removed.versions)" 0
gc --max-age 30 --dry-run
is "a dry run: versions" "$(value 'v.versions.map((x) => x.package + "@" + x.version + " " + x.artifacts).join()')" "good@1.0.0 1"
out=$("$ctl" gc --max-age 30 --dry-run)
like "… for people" "$out" '^good@1\.0\.0 +20[0-9TZ:-]+ +[0-9.]+ KB'
like "… the sum" "$out" 'would be removed: 1 versions, 0 files, 0 logs'
is "… it is still there" "$(digest "$path")" "$before"
check "… and its log" test -e "$scratch/var/logs/$log.log"
gc --max-age 30
is "the real run" "$(value 'v.versions.length + " " + v.removed.artifacts + " " + (v.removed.contents > 3) + " " + v.removed.logs')" "1 1 true 2"
check "the log is gone" test ! -e "$scratch/var/logs/$log.log"
check "the upload is gone" test ! -e "$upload"
http GET "/v1/builds/$good"
is "the build is gone" "$status" 404
http GET "${npm#"$url"}"
is "the npm tarball is gone" "$status" 404
http GET "$(prebuild_path other 1.0.0)"
is "what was asked for last stays" "$status" 200
http GET /v1/artifacts?package=good
is "nothing is published of it" "$(value v.artifacts.length)" 0

# ---- asked for again ----

is "it is built again, with the same bytes" "$(digest "$path")" "$before"
http GET /npm/@prebuildd/good-linux-x64
like "npm gets a number of its own" "$(value 'Object.keys(v.versions).join()')" '^1\.0\.0-[2-9]'
http GET /npm/@prebuildd/good
is "… the package itself its old one" "$status $(value 'Object.keys(v.versions).join()')" "200 1.0.0"

# ---- what is asked wrongly ----

for bad in '{"max_age":0}' '{"max_age":"1"}' '{"max_size":-1}' '{"dry_run":1}' '{"max_ages":1}' '[]'; do
	http POST /v1/gc -d "$bad"
	is "400 for $bad" "$status" 400
done
exits "no number of days" 2 gc --max-age 1d
exits "no size" 2 gc --max-size much
exits "an argument" 2 gc all
exits "no server" 3 gc --server http://127.0.0.1:9

# ---- beside builds ----

# Whoever publishes what is being removed gets it published. (What is asked for last stays: so that is another.)
removed=0
for i in 1 2 3; do
	post_build other "9.0.$i"
	await_build "$(value v.id)"
	age 100
	"$ctl" gc --max-age 30 --json >"$scratch/gc.json" &
	gc=$!
	is "asked for while it is removed" "$(digest "$path")" "$before"
	wait "$gc"
	is "… and after it" "$(digest "$path")" "$before"
	grep -q '"package":.*"good"' "$scratch/gc.json" && removed=$((removed + 1))
done
is "… which it was each time" "$removed" 3

# ---- asked for again, with nothing to do ----

post_build other 9.1.0
await_build "$(value v.id)"
age 100
post_build good 1.0.0
is "it is there already" "$status" 200
gc --max-age 30
is "… and stays, as it was asked for" "$(value 'v.versions.some((x) => x.package === "good")') $(digest "$path")" "false $before"

kill "$server"
wait "$server"
is "SIGTERM: exit status 0" "$?" 0
