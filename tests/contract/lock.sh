#!/bin/bash
# prebuildctl build --lock: from a lock file of the real npm to prebuilds that are there.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

package() { # NAME MANIFEST-MEMBERS: a package of a package.json alone
	mkdir -p "$packages/$1/1.0.0"
	printf '{"name":"%s","version":"1.0.0"%s}\n' "$1" "$2" >"$packages/$1/1.0.0/package.json"
}
lock() { # FOLDER DEPENDENCIES, as members of an object: a project that npm has locked
	mkdir -p "$scratch/$1"
	printf '{"name":"%s","version":"1.0.0","dependencies":{%s}}\n' "$1" "$2" >"$scratch/$1/package.json"
	(cd "$scratch/$1" && npm install --package-lock-only --ignore-scripts --no-audit --no-fund \
		--cache "$scratch/npm" --registry "$registry" >npm.log 2>&1) || cat "$scratch/$1/npm.log"
}
build() { # FOLDER FLAG…: sets status, body (what is JSON), and said
	body=$("$ctl" build --lock "$scratch/$1/package-lock.json" --registry "$registry" --json "${@:2}" \
		2>"$scratch/said")
	status=$?
	said=$(<"$scratch/said")
}
states() { # of the rows, "good: build; …"
	value 'v.plan.map((r) => r.package + ": " + r.state).join("; ")'
}

start_registry
addon good
addon later
addon bad 'echo this is what is wrong >&2; exit 1'
package plain ''
package tool ',"scripts":{"postinstall":"node tool.js"}'
package whole ',"optionalDependencies":{"whole-x64":"1.0.0","whole-mips":"1.0.0"}'
package whole-x64 ',"os":["linux"],"cpu":["x64"]'
package whole-mips ',"os":["linux"],"cpu":["mips"]'
package brings ',"scripts":{"install":"node-gyp-build"}'
mkdir -p "$packages/brings/1.0.0/prebuilds/linux-x64"
: >"$packages/brings/1.0.0/prebuilds/linux-x64/node.napi.node"
package downloads ',"scripts":{"install":"node-pre-gyp install"}'
package nothing ',"scripts":{"install":"cmake-js compile"}'

serve service --registry "$registry"
export PREBUILDD_URL=$url
everything='"good":"1.0.0","alias":"npm:good@1.0.0","plain":"1.0.0","tool":"1.0.0","whole":"1.0.0","brings":"1.0.0"'
lock app "$everything"
like "npm has locked the project" "$(<"$scratch/app/package-lock.json")" '"lockfileVersion": 3'

# ---- plan ----

build app --plan --target "$target"
is "plan: exit status" "$status" 0
is "plan: what has native code, and who has it" "$(states)" "brings: upstream; good: build; whole: upstream"
is "plan: the file" "$(value '[v.format, v.packages, v.natives].join()')" "npm 3,7,3"
is "plan: the ABI" "$(value 'v.plan[1].abi')" napi-v6
like "plan: what a package brings" "$(value 'v.plan[0].why')" prebuilds/linux-x64/node.napi.node
like "plan: what is installed with it" "$(value 'v.plan[2].why')" whole-x64@1.0.0
is "plan: all was looked at" "$(value 'v.not_looked_at.length')" 0
http GET /v1/builds
is "plan: nothing was requested" "$(value 'v.builds.length')" 0
"$ctl" build --lock "$scratch/app/package-lock.json" --registry "$registry" --plan --target "$target" \
	>"$scratch/out" 2>&1
like "plan: a table for people" "$(<"$scratch/out")" "good@1.0.0 +napi-v6 +$target +build"
PREBUILDD_URL='' npm_config_registry=$registry "$ctl" build --lock "$scratch/app/package-lock.json" --plan \
	--server "$url" --target "$target" >"$scratch/out" 2>&1
like "plan: npm's configured registry" "$(<"$scratch/out")" "good@1.0.0 +napi-v6 +$target +build"

# ---- build ----

build app --target "$target"
is "build: exit status" "$status" 0
is "build: what was missing is built" "$(states)" "brings: upstream; good: built; whole: upstream"
http GET "$(prebuild_path good 1.0.0)"
is "… and served" "$status" 200
build app --plan --target "$target"
is "plan again: published" "$status $(states)" "0 brings: upstream; good: published; whole: upstream"
build app --target "$target"
http GET /v1/builds
is "build again: nothing to request" "$(value 'v.builds.length')" 1
build app --plan --target "$target" --abi napi-v7 --abi node-v137
is "--abi is for the packages of its kind" "$(value 'v.plan.map((r) => r.abi + " " + r.state).join()')" \
	"node-v137 upstream,napi-v7 build,null upstream"

# ---- what cannot be ----

lock broken '"bad":"1.0.0","good":"1.0.0","downloads":"1.0.0","nothing":"1.0.0"'
build broken --target "$target"
is "a build that fails: exit status" "$status" 1
is "… the others are not kept from it" "$(states)" \
	"bad: failed; downloads: claimed; good: published; nothing: neither"
like "… with the log" "$(value 'v.plan[0].why')" "prebuildctl logs j"
like "… why nobody has it" "$(value 'v.plan[3].why')" "no binding.gyp.*cmake-js compile"
like "… what was not verified is told" "$said" "1 of 4 depend on what upstream's hosts have"
like "… and the first that is missing" "$said" "2 of 4 are not there; the first is bad@1.0.0"
build broken --target "$target" --skip bad --skip nothing
is "--skip" "$status $(states)" "0 downloads: claimed; good: published"

sed -i 's/"integrity": "sha512-[^"]*"/"integrity": "sha512-AAAA"/' "$scratch/broken/package-lock.json"
build broken --plan --target "$target"
is "other bytes than the file pins are not looked at" \
	"$status $(value 'v.plan.length') $(value 'v.not_looked_at.length')" "1 0 4"
like "… and it is told why" "$(value 'v.not_looked_at[0].reason')" "other bytes"
lock gone '"good":"1.0.0","later":"1.0.0"'
sed -i 's/later/missing/; s/node_modules\/later/node_modules\/missing/' "$scratch/gone/package-lock.json"
build gone --plan --target "$target"
like "a package that the registry does not have" "$status $(value 'JSON.stringify(v.not_looked_at)')" \
	'^1 .*"missing".*no package'
build gone --plan --target "$target" --skip missing
is "… does not matter" "$status $(value 'v.not_looked_at.length')" "0 0"
mkdir "$scratch/folders"
printf "lockfileVersion: '9.0'\npackages:\n  own@file:own:\n    resolution: {directory: own, type: directory}\n" \
	>"$scratch/folders/package-lock.json"
build folders --plan --target "$target"
is "what is not of a registry is told" "$status $(value 'v.format + v.not_looked_at[0].reason')" \
	"0 pnpm 9not of a registry: own@file:own"

# ---- without waiting ----

lock soon '"later":"1.0.0"'
build soon --no-wait --target "$target"
is "--no-wait: requested" "$status $(states)" "0 later: requested"
id=$(value 'v.plan[0].build')
until_ok 120 build_is_over "$id"
body=$("$ctl" status "$id" --json)
is "status --json says how it went" "$(value v.state)" succeeded

# ---- usage ----

usage() { # TEXT STATUS MESSAGE ARGUMENT…
	"$ctl" build "${@:4}" >"$scratch/out" 2>&1
	is "$1: exit status" "$?" "$2"
	like "$1: said" "$(<"$scratch/out")" "$3"
}
usage "no lock file" 1 "lockfileVersion" --lock "$scratch/app/package.json" --plan
usage "a file that is not there" 1 "nowhere.json" --lock "$scratch/nowhere.json"
usage "an unknown target" 2 "pdp11" --lock "$scratch/app/package-lock.json" --target pdp11
usage "an ABI that is none" 2 "like napi-v9" --lock "$scratch/app/package-lock.json" --abi 22
usage "--plan alone" 2 "--lock FILE" good@1.0.0 --plan
usage "both" 2 "not both" good@1.0.0 --lock "$scratch/app/package-lock.json"
usage "no service" 3 "" --lock "$scratch/app/package-lock.json" --server http://127.0.0.1:1
usage "no registry's URL" 2 "http" --lock "$scratch/app/package-lock.json" --registry ftp://h --target "$target"
usage "no registry" 3 "" --lock "$scratch/app/package-lock.json" --registry http://127.0.0.1:1 --target "$target"
