#!/bin/bash
# sqlite3's API on every engine, and the store, in each Node that the toolchain has from 18 on: the API is
# compared with that of the real sqlite3, whose addon the service has built. The store's tests, which wait
# for locks and kill processes, run in one of them; with SLOW=1 everything in all, and many more kills.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"
# shellcheck source=tests/lib/native.sh
. "$(dirname "$0")/../lib/native.sh"

component=$(component_of node)

# ---- an application with sqlite3, and addons of other machines ----

need_native
export FALLBACK_APPLICATION=$scratch/application FALLBACK_OTHERS=$scratch/others
mkdir -p "$FALLBACK_APPLICATION/node_modules" "$FALLBACK_OTHERS"
for package in "$sqlite3_package" bindings@1.5.0 file-uri-to-path@1.0.0; do
	cp -r "$(npm_package "$package")/package" "$FALLBACK_APPLICATION/node_modules/${package%@*}"
done
mkdir -p "$FALLBACK_APPLICATION/node_modules/sqlite3/build/Release"
cp "$native" "$FALLBACK_APPLICATION/node_modules/sqlite3/build/Release/node_sqlite3.node"
cp "$(npm_package better-sqlite3@13.2.0)"/package/prebuilds/{darwin,linux}-arm64.node "$FALLBACK_OTHERS/"

# ---- the tests, in each Node ----

count() { # NODE TEST…: what a run of node --test counts is added to our own
	local name log p f
	name=$("$1" --version)-$(basename "$2" .test.js)
	log=$scratch/$name.log
	timeout 300 "$1" --test --test-reporter=tap "${@:2}" >"$log" 2>&1
	p=$(sed -n 's/^# pass //p' "$log")
	f=$(sed -n 's/^# fail //p' "$log")
	printf '# %s: %s passed, %s failed\n' "$name" "${p:-0}" "${f:-0}"
	[[ ${p:-0} -gt 0 && ${f:-1} -eq 0 ]] || grep -A 15 -E '^ *not ok|^# .*: .* / ' "$log" | head -n 80 | sed 's/^/# /'
	passed=$((passed + ${p:-0}))
	failed=$((failed + ${f:-1}))
	[[ ${p:-0} -gt 0 ]] || failed=$((failed + 1))
}

tests=$here/tests/npm/fallback
[[ ${SLOW:-0} != 1 ]] || export ROUNDS=30
for abi in 108 115 127 137 147; do
	node=$component/abi/$abi/bin/node
	[[ -x $node ]] || node=$component/bin/node
	[[ $("$node" -p process.versions.modules) == "$abi" ]] || continue
	count "$node" "$tests/surface.test.js"
	# Of those without node:sqlite and of those with it, one each.
	[[ ${SLOW:-0} != 1 && $abi != 108 && $abi != 137 ]] || count "$node" "$tests/choose.test.js"
	[[ ${SLOW:-0} != 1 && $abi != 137 ]] || count "$node" "$tests"/{store,crash}.test.js
done
