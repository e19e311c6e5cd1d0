#!/bin/bash
# Addons that use V8: better-sqlite3 12 for one ABI of Node, installed by an unmodified npm in a Node of
# that ABI and queried; and what is said of ABIs that are not there.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

package=better-sqlite3
version=12.11.1
abi=137
component=$(component_of node)
node=$component/abi/$abi/bin

serve var
http POST /v1/builds -H 'Content-Type: application/json' \
	-d "{\"package\":\"$package\",\"version\":\"$version\",\"targets\":[\"$target\"],\"abis\":[\"node-v$abi\",\"node-v999\"]}"
is "POST: 202" "$status" 202
await_build "$(value v.id)" 400
is "an ABI without headers fails, and says so" \
	"$(value 'v.jobs.filter((j) => j.abi === "node-v999").map((j) => j.state + " " + j.error.code).join()')" \
	"failed unsupported-abi"
is "the other one succeeds" "$(value 'v.jobs.filter((j) => j.abi === "node-v'$abi'").map((j) => j.state).join()')" \
	succeeded
sha=$(value 'v.jobs.filter((j) => j.artifact).map((j) => j.artifact.sha256).join()')
http GET "/v1/artifacts/$sha/report"
is "it was loaded in a Node of that ABI" "$(value 'v.load.ok && v.load.runtime.split(".")[0]')" "node 24"
is "its ABI" "$(value '[v.abi.kind, v.abi.version].join()')" "node,$abi"
is "no C++ library is needed" "$(value 'v.needs.glibcxx')" null

mkdir "$scratch/app"
echo '{"name":"app","version":"1.0.0","private":true,"allowScripts":{"better-sqlite3":true}}' >"$scratch/app/package.json"
(cd "$scratch/app" && env PATH="$node:$PATH" npm_config_better_sqlite3_binary_host="$url/prebuilds/$package" \
	npm_config_cache="$scratch/npm-cache" npm_config_build_from_source=false CC=false CXX=false \
	timeout 200 node "$component/lib/node_modules/npm/bin/npm-cli.js" \
	install --no-audit --no-fund --loglevel=error "$package@$version") >"$scratch/app.log" 2>&1
is "npm install in that Node" "$?" 0
is "the file is the artifact" \
	"$(sha256sum <"$scratch/app/node_modules/$package/build/Release/better_sqlite3.node" | cut -d ' ' -f 1)" "$sha"
is "a query" "$(cd "$scratch/app" && "$node/node" -p 'process.versions.modules + " " +
	new (require("better-sqlite3"))(":memory:").prepare("select sqrt(1764) n").get().n' 2>&1)" "$abi 42"

# ---- a newer Node-API than the Node that runs builds has ----

addon newer
sed -i 's/\[6\]/[10]/' "$packages/newer/1.0.0/package.json"
start_registry
end_process "$pid"
serve other --registry "$registry"
for t in "$target" aarch64-linux-gnu; do
	post_build newer 1.0.0 "$t"
	await_build "$(value v.id)"
	http GET "/v1/artifacts/$(value 'v.jobs[0].artifact.sha256')/report"
	[[ $t == "$target" ]] && newer=$(value '[v.load.ok, v.load.runtime.split(".")[0]].join()')
done
is "Node-API 10 is loaded in a Node that has it" "$newer" "true,node 22"
is "… and where there is none, that is said" "$(value '[v.load.ran, v.load.reason].join()')" \
	"false,not load-tested: no Node with its ABI or version of Node-API is there"
