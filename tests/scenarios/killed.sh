#!/bin/bash
# The server is killed while clients wait for a build: the real install hooks fall through to their own build
# from source, and nothing of a file is left behind, neither in the package nor in a cache that the next
# install would use. make is a stub here, which notes that node-gyp has started it, and what was there then.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

# node-gyp runs this in the package's folder.
cat >"$scratch/make" <<'END'
#!/usr/bin/env node
const fs = require('fs');
const { name, version } = JSON.parse(fs.readFileSync('package.json'));
const addons = fs.readdirSync('.', { recursive: true }).filter((f) => /^(build|lib)\/.*\.node$/.test(f));
fs.appendFileSync(process.env.STUB_NOTES, `${name}@${version}: compiling, ${addons.length} addons\n`);
END
chmod +x "$scratch/make"
# Node's own headers if they are installed; else node-gyp downloads them.
prefix=$(node -p 'require("path").resolve(process.execPath, "../..")')
[[ ! -e $prefix/include/node/node_api.h ]] || export npm_config_nodedir=$prefix

install() { # FOLDER PACKAGE@VERSION: npm and the package's hook, unmodified
	local package=${2%@*}
	mkdir "$scratch/$1"
	echo "{\"name\":\"app\",\"version\":\"1.0.0\",\"private\":true,\"allowScripts\":{\"$package\":true}}" >"$scratch/$1/package.json"
	(cd "$scratch/$1" && env STUB_NOTES="$scratch/$1.notes" MAKE="$scratch/make" npm_config_cache="$scratch/$1-cache" \
		"npm_config_${package//-/_}_binary_host=$url/prebuilds/$package" \
		"npm_config_node_${package//-/_}_binary_host_mirror=$url/prebuilds/$package" \
		timeout 300 npm install --no-audit --no-fund --loglevel=error --engine-strict=false "$2") >"$scratch/$1.log" 2>&1
}

files_of() { # FOLDER: what of a prebuild is in the application or in its client's cache
	find "$scratch/$1/node_modules" "$scratch/$1-cache/_prebuilds" \( -name '*sqlite3*.node' -o -path '*/_prebuilds/*' -type f \) 2>/dev/null
}

waiting() { # N: that many clients wait for their builds
	http GET /v1/builds
	[[ $(value 'v.builds.filter((b) => b.state === "queued").length') == "$1" ]]
}

# prebuild-install 7 for Node-API and for V8, node-pre-gyp 2 (as @mapbox's 1.x) and 0.11.
specs=(sqlite3@6.0.1 better-sqlite3@12.11.1 sqlite3@5.1.6 sqlite3@5.0.2)

for mode in silent processing; do
	flags=()
	[[ $mode == silent ]] || flags=(--processing)
	# No worker: nothing is ever built, and every client waits.
	serve "$mode" --workers 0 --hold 600 "${flags[@]}"
	clients=()
	for spec in "${specs[@]}"; do
		install "$mode-$spec" "$spec" &
		clients+=($!)
	done
	until_ok 200 waiting "${#specs[@]}"
	ended $? "$mode: ${#specs[@]} clients wait" "$(tail -n 3 "$scratch/$mode"-*.log)"
	# So that they have heard of it: an interim answer every 10 s.
	[[ $mode == silent ]] || sleep 11
	kill -9 "$pid"
	wait "${clients[@]}"
	for spec in "${specs[@]}"; do
		is "$mode: $spec: its own build was started, with no addon there" "$(sort -u "$scratch/$mode-$spec.notes" 2>&1)" \
			"$spec: compiling, 0 addons"
		is "$mode: $spec: nothing of a file is left" "$(files_of "$mode-$spec")" ""
	done
done
