#!/bin/bash
# The unit tests of the npm package, with node:test, in the oldest Node that it supports and in the newest;
# with SLOW=1 in each that the toolchain has. Real addons of npm's packages are the input.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

component=$(component_of node)
addons=$scratch/addons
mkdir "$addons"
for pair in bufferutil@4.1.0:bufferutil @serialport/bindings-cpp@13.0.1:serialport better-sqlite3@13.2.0:better-sqlite3 \
	node-gyp-build@4.8.4:node-gyp-build; do
	folder=$(npm_package "${pair%:*}")
	[[ -f $folder/package/package.json ]]
	report "npm has ${pair%:*}"
	ln -s "$folder/package" "$addons/${pair##*:}"
done

# What a run of node --test counts is added to our own.
count() { # NAME NODE
	local log=$scratch/$1.log p f
	TEST_ADDONS=$addons timeout 600 "$2" --test --test-reporter=tap "$here"/tests/npm/*.test.js >"$log" 2>&1
	p=$(sed -n 's/^# pass //p' "$log")
	f=$(sed -n 's/^# fail //p' "$log")
	printf '# %s: %s passed, %s failed\n' "$1" "${p:-0}" "${f:-0}"
	[[ ${p:-0} -gt 0 && ${f:-1} -eq 0 ]] || grep -A 12 -E '^ *not ok' "$log" | head -n 80 | sed 's/^/# /'
	passed=$((passed + ${p:-0}))
	failed=$((failed + ${f:-1}))
	[[ ${p:-0} -gt 0 ]] || failed=$((failed + 1))
}

for abi in 108 147 $([[ ${SLOW:-0} != 1 ]] || echo 115 127 131 137 141); do
	node=$component/abi/$abi/bin/node
	count "$("$node" --version)" "$node"
done

# musl: npm has no Node that runs with it, but Bun, which runs the program too.
musl=$toolchains/x86_64-linux-musl
mkdir -p "$scratch/app/node_modules"
ln -s "$addons/better-sqlite3" "$scratch/app/node_modules/"
out=$("$musl/runtime/root/lib/ld-musl-x86_64.so.1" --library-path "$musl/runtime/root/lib:$musl/libstdcxx/lib" "$musl/runtime/bun" \
	"$here/api/npm/bin/prebuildd.js" doctor "$scratch/app" 2>&1)
like "musl is found out, with its version" "$out" 'x86_64-linux-musl, musl [0-9.]+,'
like "and the file for it is picked" "$out" 'ok +better-sqlite3@13.2.0 .*prebuilds/linuxmusl-x64.node'
