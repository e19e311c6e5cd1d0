#!/bin/bash
# Addons for an ABI of Electron, once a worker has its headers: better-sqlite3 12, asked for by the real
# prebuild-install as an Electron application does. No headers of Electron are in reach of the tests: these
# are Node's, with the number of Electron 33 written over Node's, which is what Electron's own build does to
# them (its V8 differs, too). No Electron runs here; that Node refuses the file for its ABI is looked at.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

package=better-sqlite3
version=12.11.1
component=$(component_of node)
headers=$scratch/electron/33.0.0/include

# ---- without ----

serve var
name=/prebuilds/$package/v$version/$package-v$version-electron-v130-linux-x64.tar.gz
http GET "$name"
is "without headers: not here, and why" "$status $(value v.code) $(value 'v.detail.includes("--electron-headers")')" \
	"404 unsupported-abi true"
post_build "$package" "$version" "$target" electron-v130
is "… nor in a build" "$status $(value v.code)" "422 unsupported"
end_process "$pid"
mkdir -p "$scratch/empty"
"$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/var" --electron-headers "$scratch/empty" >"$scratch/bad" 2>&1
ended $(($? == 0)) "a folder without a release is refused at once" "$(cat "$scratch/bad")"
like "… with what it should hold" "$(cat "$scratch/bad")" "VERSION/include/node"

# ---- with ----

mkdir -p "$headers"
cp -R "$component/abi/127/include/node" "$headers/"
chmod -R u+w "$headers"
sed -i 's/^#define NODE_MODULE_VERSION 127$/#define NODE_MODULE_VERSION 130/' "$headers/node/node_version.h"
serve var --electron-headers "$scratch/electron"
until_ok 20 grep -q 'electron=33.0.0 abi=130' "$scratch/var.log"
ended $? "the worker says which it has" "$(tail -n 3 "$scratch/var.log")"
post_build "$package" "$version" "$target" electron-v130
is "a build: 202" "$status" 202
await_build "$(value v.id)" 400
is "… succeeds" "$(value 'v.jobs.map((j) => j.state + " " + (j.error || {}).message).join()')" "succeeded undefined"
sha=$(value 'v.jobs[0].artifact.sha256')
http GET "/v1/artifacts/$sha/report"
is "its ABI, as the audit found it" "$(value '[v.abi.kind, v.abi.version].join()')" "electron,130"
is "it was not loaded, and says why" "$(value '[v.load.ran, v.load.reason].join()')" \
	"false,not load-tested: Electron does not run here"
http GET "/v1/artifacts/$sha/provenance"
is "the headers are in its provenance" "$(value 'JSON.parse(Buffer.from(v.payload, "base64")).predicate.buildDefinition
	.resolvedDependencies.filter((d) => d.name === "Electron'"'"'s headers" && /^[0-9a-f]{64}$/.test(d.digest.sha256)).length')" 1

# ---- an application's install ----

mkdir "$scratch/app"
echo '{"name":"app","version":"1.0.0","private":true,"allowScripts":{"better-sqlite3":true}}' >"$scratch/app/package.json"
(cd "$scratch/app" && env npm_config_runtime=electron npm_config_target=33.0.0 npm_config_cache="$scratch/npm-cache" \
	npm_config_better_sqlite3_binary_host="$url/prebuilds/$package" npm_config_build_from_source=false CC=false CXX=false \
	timeout 200 "$component/bin/node" "$component/lib/node_modules/npm/bin/npm-cli.js" \
	install --no-audit --no-fund --loglevel=error "$package@$version") >"$scratch/install.log" 2>&1
ended $? "npm install for Electron 33" "$(tail -n 5 "$scratch/install.log")"
addon=$scratch/app/node_modules/$package/build/Release/better_sqlite3.node
is "the file is the artifact" "$(sha256sum <"$addon" | cut -d ' ' -f 1)" "$sha"
like "Node refuses it for its ABI" "$("$component/abi/127/bin/node" -e 'require(process.argv[1])' "$addon" 2>&1)" \
	"NODE_MODULE_VERSION 130"
