#!/bin/bash
# Installs without scripts: real clients take sqlite3 from the service's own registry, as an alias of its
# package, with no compiler and no install script, and run a query. What was installed never changes, and
# what is built later is there for who asks again.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

need_clients
component=$(component_of node)
app=

# A project of its own, with an alias and the scope's registry.
project() { # NAME DEPENDENCIES [NPMRC]
	app=$scratch/$1
	mkdir -p "$app"
	printf '{"name":"app","version":"1.0.0","private":true,"dependencies":%s}\n' "$2" >"$app/package.json"
	printf '@prebuildd:registry=%s/npm/\nallow-remote=all\ncache=%s\n%s\n' "$url" "$scratch/cache-$1" "${3:-}" \
		>"$app/.npmrc"
}

# Runs a client in the project; only Node is on its PATH, and no compiler.
tools=$scratch/tools
mkdir "$tools"
for program in sh env node sed uname dirname basename cat ls mkdir rm cp ldd getconf; do
	ln -s "$(command -v "$program")" "$tools/"
done
client() { # COMMAND…
	(cd "$app" && env -u npm_config_nodedir PATH="$tools" HOME="$scratch" "$@") >"$scratch/client.log" 2>&1
}
installs() { # TEXT COMMAND…
	client "${@:2}"
	ended $? "$1" "$(tail -n 15 "$scratch/client.log")"
}
in_app() { # JAVASCRIPT
	(cd "$app" && "${runtime[@]}" -e "$1") 2>&1
}
version_of() { # PACKAGE
	node -p 'require(process.argv[1] + "/package.json").version' "$app/node_modules/$1"
}
runtime=(node)
npm=("$component/bin/node" "$component/lib/node_modules/npm/bin/npm-cli.js")
npm12=("$component/abi/137/bin/node" "$TEST_CLIENTS/npm12/bin/npm-cli.js")
query='const s = require("sqlite3"); const db = new s.Database(":memory:"); db.serialize(() => {
	db.run("CREATE TABLE t (a)"); db.run("INSERT INTO t VALUES (42)", function () { if (this.lastID !== 1) throw this; });
	db.get("SELECT a FROM t", (e, row) => console.log(e || row.a)); });'

# ---- what is served ----

addon good
printf 'module.exports = require("./build/Release/addon.node");\n' >"$packages/good/1.0.0/index.js"
printf 'the licence\n' >"$packages/good/1.0.0/LICENSE"
node -e 'const fs = require("fs"), p = process.argv[1], m = JSON.parse(fs.readFileSync(p));
	m.scripts = {install: "exit 1", test: "true"}; m.license = "MIT";
	m.optionalDependencies = {"node-gyp": "12.x"};
	fs.writeFileSync(p, JSON.stringify(m))' "$packages/good/1.0.0/package.json"
start_registry
serve main --registry "$registry"
http GET /npm/@prebuildd/good
is "nothing is built: 404" "$status" 404
like "… and how to build it" "$(value v.error)" "prebuildctl build good@VERSION"
http GET /npm/good
is "another scope: 404" "$status" 404
post_build good 1.0.0
await_build "$(value v.id)"
sha=$(value v.jobs[0].artifact.sha256)
http GET /npm/@prebuildd%2fgood
is "the package as npm asks for it" "$status $(value 'v["dist-tags"].latest')" "200 1.0.0"
is "no install script, and npm need not guess one" \
	"$(value 'JSON.stringify(v.versions["1.0.0"].scripts) + v.versions["1.0.0"].gypfile')" '{"test":"true"}false'
is "an optional dependency for each target" "$(value 'Object.keys(v.versions["1.0.0"].optionalDependencies).length')" \
	"$("$ctl" targets --server "$url" --json | node -p 'JSON.parse(require("fs").readFileSync(0)).length')"
tarball=$(value 'v.versions["1.0.0"].dist.tarball')
integrity=$(value 'v.versions["1.0.0"].dist.integrity')
curl -sf "$tarball" -o "$scratch/good.tgz"
is "its integrity" "sha512-$(openssl dgst -sha512 -binary "$scratch/good.tgz" | base64 -w 0)" "$integrity"
is "its files" "$(tar tzf "$scratch/good.tgz" | sort | tr '\n' ' ')" \
	"package/LICENSE package/build/Release/addon.node/index.js package/index.js package/package.json "
http GET /npm/@prebuildd/good-linux-x64
is "a target's package" "$(value 'JSON.stringify([v["dist-tags"].latest, v.versions["1.0.0-1"].os, v.versions["1.0.0-1"].cpu, v.versions["1.0.0-1"].libc])')" \
	'["1.0.0-1",["linux"],["x64"],["glibc"]]'
curl -sf "$(value 'v.versions["1.0.0-1"].dist.tarball')" | tar xz -C "$scratch"
is "the binary in it" "$(sha256sum <"$scratch/package/napi-v6.node" | cut -d ' ' -f 1)" "$sha"
check "its licence" cmp "$scratch/package/LICENSE" "$packages/good/1.0.0/LICENSE"
curl -sf "$url/v1/artifacts/$sha/provenance" -o "$scratch/provenance.json"
check "its provenance" cmp "$scratch/package/napi-v6.provenance.json" "$scratch/provenance.json"
http GET /npm/@prebuildd/good-linuxmusl-arm64
is "what is not built has a version without binaries" "$(value 'JSON.stringify(Object.entries(v.versions).map(([k, m]) => [k, m.abis, m.libc]))')" \
	'[["1.0.0-0",[],["musl"]]]'
http GET /npm/@prebuildd/good/1.0.0
is "one version" "$(value v.version)" 1.0.0
http GET /npm/@prebuildd/good/9.9.9
is "no such version: 404" "$status" 404
http GET /npm/@prebuildd/good/-/good-9.9.9.tgz
is "no such tarball: 404" "$status" 404
http GET /npm/@prebuildd/good -H 'X-Forwarded-Proto: https' -H 'Host: prebuilds.example'
is "behind a proxy" "$(value 'v.versions["1.0.0"].dist.tarball')" \
	"https://prebuilds.example/npm/@prebuildd/good/-/good-1.0.0.tgz"

# ---- built later: what was installed stays, who asks again gets it ----

project later '{"good":"npm:@prebuildd/good@1.0.0"}'
elsewhere=(--os=linux --cpu=arm64 --libc=glibc)
installs "npm, for a machine for which nothing is built" "${npm[@]}" install "${elsewhere[@]}" --no-audit --no-fund
is "… gets the version without binaries" "$(version_of @prebuildd/good-linux-arm64)" 1.0.0-0
like "… which says so" "$(in_app 'Object.defineProperty(process, "arch", {value: "arm64"}); require("good")')" \
	"@prebuildd/good-linux-arm64 was not built yet when this was installed"
like "another machine is told to install again" "$(in_app 'require("good")')" \
	"@prebuildd/good-linux-x64 is missing.*Run: npm install"
cp "$app/package-lock.json" "$scratch/lock.json"
target=aarch64-linux-gnu post_build good 1.0.0
await_build "$(value v.id)"
rm -rf "$app/node_modules"
installs "npm ci" "${npm[@]}" ci "${elsewhere[@]}" --no-audit --no-fund
is "… installs what the lock says" "$(version_of @prebuildd/good-linux-arm64)" 1.0.0-0
installs "npm update" "${npm[@]}" update "${elsewhere[@]}" --no-audit --no-fund
is "… brings what was built since" "$(version_of @prebuildd/good-linux-arm64)" 1.0.0-1
is "the main package is the same" "$(http GET /npm/@prebuildd/good; value 'v.versions["1.0.0"].dist.integrity')" "$integrity"
end_process "$pid"
serve main --registry "$registry"
is "… after a restart, too" "$(http GET /npm/@prebuildd/good; value 'v.versions["1.0.0"].dist.integrity')" "$integrity"

# ---- sqlite3, with every client ----

end_process "$pid"
serve real
post_build sqlite3 6.0.1
await_build "$(value v.id)" 600
is "sqlite3 6.0.1 is built" "$(value v.state)" succeeded
alias='{"sqlite3":"npm:@prebuildd/sqlite3@6.0.1"}'

project npm "$alias"
installs "npm $("${npm[@]}" --version)" "${npm[@]}" install --no-audit --no-fund
is "… query" "$(in_app "$query")" 42
diff -r "$(npm_package sqlite3@6.0.1)/package/lib" "$app/node_modules/sqlite3/lib" >"$scratch/diff"
ended $? "the JavaScript is upstream's" "$(cat "$scratch/diff")"
check "its licence is upstream's" cmp "$(npm_package sqlite3@6.0.1)/package/LICENSE" "$app/node_modules/sqlite3/LICENSE"
like "only this machine's binary" "$(echo "$app"/node_modules/@prebuildd/*)" '/sqlite3-linux-x64$'
rm -rf "$app/node_modules"
installs "npm ci --ignore-scripts" "${npm[@]}" ci --ignore-scripts --no-audit --no-fund
is "… query" "$(in_app "$query")" 42
sed 's/\("integrity": "sha512-\)\(....\)/\1AAAA/' "$app/package-lock.json" >"$app/changed.json"
cp "$app/package-lock.json" "$scratch/good-lock.json"
mv "$app/changed.json" "$app/package-lock.json"
rm -rf "$app/node_modules"
client "${npm[@]}" ci --no-audit --no-fund --cache "$scratch/cache-empty"
like "npm ci with another integrity in the lock fails" "exit $? $(cat "$scratch/client.log")" "exit 1 .*EINTEGRITY"
cp "$scratch/good-lock.json" "$app/package-lock.json"
npm_project=$app

project npm10 "$alias"
installs "npm 10" node "$TEST_CLIENTS/npm10/bin/npm-cli.js" install --no-audit --no-fund
is "… query" "$(in_app "$query")" 42
project npm12 "$alias"
installs "npm 12" "${npm12[@]}" install --no-audit --no-fund
is "… query" "$(in_app "$query")" 42
project pnpm "$alias"
installs "pnpm" node "$TEST_CLIENTS/pnpm/bin/pnpm.cjs" install --store-dir "$scratch/pnpm-store"
is "… query" "$(in_app "$query")" 42
project yarn1 "$alias"
installs "yarn 1" node "$TEST_CLIENTS/yarn1/bin/yarn.js" install --cache-folder "$scratch/cache-yarn1"
is "… query" "$(in_app "$query")" 42
project yarn4 "$alias"
printf 'npmScopes:\n  prebuildd:\n    npmRegistryServer: "%s/npm"\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nnpmPreapprovedPackages: ["@prebuildd/*"]\nnpmRegistryServer: "%s"\n' \
	"$url" "$(npm config get registry)" >"$app/.yarnrc.yml"
: >"$app/yarn.lock"
installs "yarn 4, without node_modules" node "$TEST_CLIENTS/yarn4/bin/yarn.js" install --no-immutable
runtime=(node -r ./.pnp.cjs)
is "… query" "$(in_app "$query")" 42
runtime=(node)
project bun "$alias"
installs "bun" "$TEST_CLIENTS/@oven/bun-linux-x64/bin/bun" install
is "… query" "$(in_app "$query")" 42
runtime=("$TEST_CLIENTS/@oven/bun-linux-x64/bin/bun")
is "… query, in bun" "$(in_app "$query")" 42
runtime=(node)

# What somebody else's package depends on.
mkdir "$scratch/library"
printf '{"name":"library","version":"1.0.0","dependencies":{"sqlite3":"^6.0.0"}}\n' >"$scratch/library/package.json"
printf 'module.exports = require("sqlite3");\n' >"$scratch/library/index.js"
project override '{"library":"file:../library"}'
sed -i 's|"private":true|"private":true,"overrides":{"sqlite3":"npm:@prebuildd/sqlite3@6.0.1"}|' "$app/package.json"
installs "npm, an override" "${npm12[@]}" install --install-links --no-audit --no-fund
is "… query" "$(in_app "${query//require(\"sqlite3\")/require(\"library\")}")" 42

# ---- the service is gone ----

end_process "$pid"
app=$npm_project
rm -rf "$app/node_modules"
installs "npm ci --offline, from npm's cache" "${npm[@]}" ci --offline --no-audit --no-fund
is "… query" "$(in_app "$query")" 42

finish
