#!/bin/bash
# The catalog in a real PostgreSQL: the unit tests of the catalog run on it, and the service lives through its
# absence, its restart in the middle of a build, and a second service that wants the same database.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"
# shellcheck source=tests/lib/postgres.sh
. "$here/tests/lib/postgres.sh"

addon good
addon slow "sleep 4"
addon other
addon bytes 'printf "\377\376 broken\n" >&2; exit 1'
start_registry

# ---- the database server ----

make_pg >"$scratch/initdb.log" 2>&1
ended $? "initdb" "$(cat "$scratch/initdb.log")"
sed -i '1i host all secret 127.0.0.1/32 scram-sha-256' "$scratch/pg/data/pg_hba.conf"
start_pg
ended $? "the server starts" "$(tail -n 5 "$scratch/pg/log" 2>/dev/null)"
query "CREATE ROLE secret LOGIN PASSWORD 'hunter2'" >/dev/null
query "CREATE DATABASE catalog OWNER secret" >/dev/null
query "CREATE DATABASE units" >/dev/null
database=catalog

# ---- the catalog's own tests ----

export PREBUILDD_TEST_DATABASE=postgresql://owner@127.0.0.1:$port/units
for unit in catalog_artifacts catalog_jobs catalog_sources catalog_tokens catalog_turns events npm retention; do
	check "unit tests: $unit" "$here/build/release/tests/unit/${unit}_test"
done
unset PREBUILDD_TEST_DATABASE

# ---- what cannot work is said at the start ----

url_of_database=postgres://secret@127.0.0.1:$port/catalog
refuses() { # TEXT URL REGEX
	"$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/none" --workers 0 --database "$2" >"$scratch/out" 2>&1
	like "$1: refused" "$? $(<"$scratch/out")" "$3"
}
refuses "no password" "$url_of_database" '^[1-9].*no password supplied'
refuses "a wrong password" "postgres://secret:wr0ng@127.0.0.1:$port/catalog" '^[1-9].*password authentication failed'
unlike "… which is not shown" "$(<"$scratch/out")" wr0ng
refuses "no such database" "postgres://owner@127.0.0.1:$port/nothing" '^[1-9].*"nothing" does not exist'
for secret in 'pa/ss@' 'p%x@' 'a@b@'; do
	refuses "a password that is not escaped: $secret" "postgres://secret:hunter-$secret@127.0.0.1:$port/catalog" '^[1-9]'
	unlike "… of which nothing is shown" "$(<"$scratch/out")" hunter
done
refuses "nobody answers" "postgres://owner@127.0.0.1:9/nothing" '^[1-9].*refused'
refuses "another scheme" "mysql://127.0.0.1/x" '^2 .*postgres://'
refuses "libpq's other form" "postgres:host=127.0.0.1 password=hunter2" '^2 .*postgres://'
unlike "… of which nothing is shown" "$(<"$scratch/out")" hunter

# ---- published ----

serve_pg() {
	PGPASSWORD=hunter2 serve var --workers 1 --registry "$registry" --hold 60 --database "$url_of_database"
	export PREBUILDD_URL=$url
}
serve_pg
post_build good 1.0.0
await_build "$(value v.id)"
is "a build succeeds" "$(value v.state)" succeeded
path=$(prebuild_path good 1.0.0)
digest() {
	http GET "$path"
	echo "$status $(header x-prebuild-digest)"
}
published=$(digest)
like "its prebuild" "$published" '^200 sha256:'
is "the database has it" "$(query 'SELECT package, loaded FROM (SELECT package, report::json #>> $${load,ok}$$ AS loaded FROM artifact) a')" "good|true"
check "no other catalog" test ! -e "$scratch/var/catalog.db"
http GET "/v1/artifacts?package=good"
is "/v1/artifacts" "$(value 'v.artifacts[0].load_tested')" true
http GET "/v1/matrix?package=good"
is "/v1/matrix" "$(value 'v.versions.map((x) => x.version + " " + x.cells.map((c) => c.target + " " + c.state)).join()')" "1.0.0 $target succeeded"
http GET /readyz
is "/readyz" "$status" 200
tr '\0' '\n' <"/proc/$(worker_of "$pid")/environ" >"$scratch/environ"
grep -q '^PATH=' "$scratch/environ" && ! grep -q hunter2 "$scratch/environ"
report "the worker does not get the password"

PGPASSWORD=hunter2 "$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/second" --workers 0 --database "$url_of_database" >"$scratch/out" 2>&1
like "a second service on the same database: refused" "$? $(<"$scratch/out")" '^1 .*another prebuildd serves from this database'

post_build bytes 1.0.0
await_build "$(value v.id)"
is "a build that fails and prints what is no UTF-8" "$(value v.state)" failed
http GET "/v1/jobs/$(value 'v.jobs[0].id')"
is "… is told as JSON" "$status $(value v.state)" "200 failed"

# ---- the database goes ----

post_build slow 1.0.0
slow=$(value v.id)
until_ok 60 job_reaches "$slow" build
report "a build runs"
stop_pg immediate
is "what is published is served without it" "$(digest)" "$published"
http GET "/v1/builds/$slow"
is "what asks the catalog: 503" "$status $(value v.code)" "503 busy"
http GET /readyz
is "/readyz: 503" "$status" 503
start_pg
await_build "$slow" 120
is "the build succeeds when it is back" "$(value v.state)" succeeded
grep -q 'catalog connected again' "$scratch/var.log"
ended $? "the log tells of it" "$(grep catalog "$scratch/var.log" | tail -n 5)"
is "what was answered is there" "$(query "SELECT count(*) FROM artifact WHERE package IN ('good', 'slow')")" 2

# Each query of the service is cut off once, wherever it is.
post_build other 1.0.0
other=$(value v.id)
for _ in {1..40}; do
	psql -h 127.0.0.1 -p "$port" -U owner -d postgres -Atqc \
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'secret'" >/dev/null
	sleep 0.1
done
await_build "$other" 120
is "a build while connections are cut off again and again" "$(value v.state)" succeeded
is "… once" "$(query "SELECT count(*) FROM artifact WHERE package = 'other'")" 1

# ---- the service goes ----

kill -9 "$pid"
wait "$pid" 2>/dev/null
serve_pg
is "killed and started again: the same prebuild" "$(digest)" "$published"
end_process "$pid"
rm -rf "$scratch/var/store/names"
serve_pg
is "names are made anew" "$(digest)" "$published"

# ---- removal ----

query "UPDATE artifact SET created = created - 8640000000; UPDATE source SET created = created - 8640000000;
	UPDATE job SET created = created - 8640000000, finished = finished - 8640000000; UPDATE asked SET at = at - 8640000000" >/dev/null
find "$scratch/var/store/sha256" -type f -exec touch -d '-100 days' {} +
"$ctl" gc --json --max-age 30 >"$scratch/body" 2>"$scratch/gc.err" || echo "# gc: $(<"$scratch/gc.err")"
body=$(<"$scratch/body")
is "gc" "$(value v.state)" succeeded
is "… old versions are gone" "$(query "SELECT count(*) FROM artifact WHERE package = 'good'")" 0
http GET "$path"
is "… and built again with the same bytes" "$status $(header x-prebuild-digest)" "$published"
