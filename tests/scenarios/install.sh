#!/bin/bash
# An unmodified npm installs sqlite3 from the service, which builds it on the way; the second time
# it comes from the store.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

package=sqlite3
version=6.0.1

install() { # FOLDER
	mkdir "$scratch/$1"
	echo '{"name":"app","version":"1.0.0","private":true,"allowScripts":{"sqlite3":true}}' \
		>"$scratch/$1/package.json"
	(cd "$scratch/$1" && npm_config_sqlite3_binary_host=$url/prebuilds/$package \
		npm_config_cache=$scratch/npm-cache npm_config_build_from_source=false \
		timeout 300 npm install --no-audit --no-fund --loglevel=error "$package@$version") \
		>"$scratch/$1.log" 2>&1
}

query() { # FOLDER
	(cd "$scratch/$1" && node -e 'const s = require("sqlite3"); new s.Database(":memory:").get(
		"select sqrt(1764) n", (e, row) => console.log(e || row.n))') 2>&1
}

jobs() {
	http GET /v1/builds
	value 'v.builds.flatMap((b) => b.jobs.map((j) => j.id)).sort().join()'
}

serve var
post_build "$package" "$version"
is "POST: 202" "$status" 202
build=$(value v.id)
await_build "$build" 400
is "the build succeeds" "$(value v.state)" succeeded
sha=$(value 'v.jobs[0].artifact.sha256')
before=$(jobs)
for app in first second; do
	install "$app"
	ended $? "$app: npm install" "$(tail -n 3 "$scratch/$app.log")"
	is "$app: a query" "$(query "$app")" 42
	is "$app: the installed addon is the artifact" "$(sha256sum \
		"$scratch/$app/node_modules/sqlite3/build/Release/node_sqlite3.node" | cut -d ' ' -f 1)" "$sha"
done
is "no new job" "$(jobs)" "$before"
post_build "$package" "$version"
is "POST again: 200, succeeded" "$status $(value v.state)" "200 succeeded"

# SLOW=1: what upstream's own build on this machine has been compiled with, ours has too.
if [[ ${SLOW:-0} == 1 ]]; then
	http GET "/v1/artifacts/$sha/report"
	ours=$(value 'v.load.compile_options.filter((o) => !o.startsWith("COMPILER=")).sort().join(" ")')
	(cd "$scratch/first" && npm_config_build_from_source=true timeout 600 npm rebuild "$package") \
		>"$scratch/native.log" 2>&1
	ended $? "npm rebuild from source" "$(tail -n 3 "$scratch/native.log")"
	theirs=$(cd "$scratch/first" && node -e 'const s = require("sqlite3"); new s.Database(":memory:").all(
		"pragma compile_options", (e, rows) => console.log(e || rows.map((r) => r.compile_options)
		.filter((o) => !o.startsWith("COMPILER=")).sort().join(" ")))')
	like "upstream's build says what it has" "$theirs" ENABLE_FTS5
	is "ours has the same compile options" "$ours" "$theirs"
fi
