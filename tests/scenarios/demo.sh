#!/bin/bash
# The main job, end to end, on real input: assembles the toolchains that are missing, starts the
# service on a scratch folder and a free port, builds PACKAGE for TARGETS, installs it with an
# unmodified `npm install` for each architecture, runs a query in that architecture's Node or Bun
# (where there is none, loads the addon in the toolchain's Node-API host), and prints a table. With
# TARGETS=all or REBUILD=1 everything is built a second time, by a service in another folder with
# another number of slots, and the digests are compared. Leaves nothing running. Used by `make demo`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
package=${PACKAGE:-sqlite3@6.0.1}
read -ra targets <<<"${TARGETS:-x86_64-linux-gnu aarch64-linux-gnu}"
toolchains=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd/toolchains
ctl=$here/build/prebuildctl
name=${package%@*}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/prebuildd-demo-XXXXXX")
server=

say() { printf '== %s\n' "$*"; }

cleanup() {
	local rc=$?
	trap - EXIT INT TERM
	[[ -z $server ]] || stop
	if [[ $rc -ne 0 && -s $scratch/serve.log ]]; then
		echo "== the service's log:" >&2
		tail -n 20 "$scratch/serve.log" >&2
	fi
	rm -rf "$scratch"
	exit "$rc"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

rebuild=${REBUILD:-}
if [[ ${targets[*]} == all ]]; then
	rebuild=${REBUILD:-1}
	# What needs an SDK, or is only served, is no target of "all" (toolchain assemble all).
	mapfile -t targets < <("$ctl" targets --json | node -p 'JSON.parse(require("fs").readFileSync(0))
		.filter((t) => t.recipe === "packages").map((t) => t.target).join("\n")')
fi

say "toolchains for ${targets[*]}"
"$ctl" toolchain assemble "${targets[@]}" --toolchains "$toolchains"

flags=()
for t in "${targets[@]}"; do
	flags+=(--target "$t")
done
failed=0

stop() {
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=
}

# build_with DATA-FOLDER [FLAG...]: starts a service and builds; the build is then DATA-FOLDER.json.
build_with() {
	local data=$1 build
	shift
	mkdir -p "${data%/*}"
	"$here/build/prebuildd" serve --data "$data" --listen 127.0.0.1:0 --toolchains "$toolchains" "$@" \
		>"$scratch/serve.out" 2>"$scratch/serve.log" &
	server=$!
	for _ in $(seq 100); do
		grep -q '^listening on ' "$scratch/serve.out" && break
		kill -0 "$server" 2>/dev/null || exit 1
		sleep 0.1
	done
	url=$(sed -n 's/^listening on //p' "$scratch/serve.out")
	export PREBUILDD_URL=$url
	say "building $package at $url"
	"$ctl" build "$package" "${flags[@]}" || failed=1
	build=$("$ctl" status --json | node -p 'JSON.parse(require("fs").readFileSync(0)).builds[0].id')
	"$ctl" status "$build" --json >"$data.json"
}

if [[ -n $rebuild ]]; then
	build_with "$scratch/elsewhere/second" --workers $(($(nproc) + 1))
	stop
fi
build_with "$scratch/var"

cat >"$scratch/query.js" <<'END'
const lib = require(process.argv[2]);
if (!lib.Database || !lib.VERSION) {
  console.log('required');
} else {
  const db = new lib.Database(':memory:');
  db.get("select sqlite_version() v, sqrt(1764) answer", (e, row) => {
    if (e || row.v !== lib.VERSION || row.answer !== 42) { console.error(e || row); process.exit(1); }
    console.log('SQLite ' + row.v);
  });
}
END

# What loads an addon of a target, as the toolchain describes it, with the sandbox's paths made ours:
# its kind, then the command's words.
runtime_of() {
	node -e '
		const fs = require("fs"), [dir, target] = process.argv.slice(1);
		const here = fs.realpathSync(dir + "/" + target);
		const t = JSON.parse(fs.readFileSync(here + "/toolchain.json"));
		console.log(t.loadtest.kind);
		for (const a of t.loadtest.argv)
			console.log(a.replace(/\/toolchain\//g, here + "/")
				.replace(/^\/node\//, dir + "/components/" + t.components.node + "/"));
	' "$toolchains" "$1"
}

# An unmodified npm install for that architecture, then a query in its Node. Prints why not.
try_install() {
	local target=$1 app=$scratch/app-$1 arch platform libc="" runtime addon
	read -r platform arch < <(awk -F ' *= *' '
		$1 == "node_platform" { p = $2 } $1 == "node_arch" { a = $2 } END { print p, a }
	' "$here/toolchains/targets/$target.conf")
	[[ $platform == linuxmusl ]] && libc=musl
	mkdir -p "$app"
	printf '{"name":"app","version":"1.0.0","private":true,"allowScripts":{"%s":true}}\n' \
		"$name" >"$app/package.json"
	local host_var
	host_var=npm_config_$(tr -c 'A-Za-z0-9\n' _ <<<"$name")_binary_host
	(cd "$app" && env "$host_var=$url/prebuilds/$name" npm_config_arch="$arch" \
		npm_config_platform="${platform/linuxmusl/linux}" npm_config_libc="$libc" npm_config_cache="$scratch/npm-cache" \
		npm_config_build_from_source=false \
		npm install --no-audit --no-fund --loglevel=error "$package") >"$app.log" 2>&1 ||
		{ echo "npm install failed: $(tail -n 1 "$app.log")"; return 1; }
	mapfile -t runtime < <(runtime_of "$target")
	if [[ ${runtime[0]} == host ]]; then
		addon=$(find "$app/node_modules/$name" -name '*.node' -print -quit)
		"${runtime[@]:1}" "$addon" >"$app.log" 2>&1 ||
			{ echo "load failed: $(tail -n 1 "$app.log")"; return 1; }
	else
		"${runtime[@]:1}" "$scratch/query.js" "$app/node_modules/$name" >"$app.log" 2>&1 ||
			{ echo "query failed: $(tail -n 1 "$app.log")"; return 1; }
	fi
	echo "loaded"
}

say "npm install $package and a query, for each architecture"
rows=
for t in "${targets[@]}"; do
	result=$(try_install "$t") || failed=1
	rows+="$t	$result"$'\n'
done

# The report that is stored with an artifact, for what it needs and what loaded it.
node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).jobs.map((j) => (j.artifact || {}).sha256 || "").join("\n")' \
	"$scratch/var.json" | grep . | sort -u | while read -r sha; do
	curl -sf "$url/v1/artifacts/$sha/report" -o "$scratch/report-$sha.json" || true
done

printf '\n'
node -e '
	const fs = require("fs"), [scratch, dir, rows, rebuilt] = process.argv.slice(1);
	const read = (file) => { try { return JSON.parse(fs.readFileSync(file)); } catch { return {}; } };
	const build = read(`${scratch}/var.json`), second = read(`${scratch}/elsewhere/second.json`);
	const out = [["TARGET", "COMPILER", "SECONDS", "BYTES", "NEEDS", "RUNTIME", "SHA-256"]];
	if (rebuilt)
		out[0].push("REBUILT");
	out[0].push("RESULT");
	let differs = false;
	for (const row of rows.trim().split("\n")) {
		const [target, result] = row.split("\t");
		const job = build.jobs.find((j) => j.target === target) || {};
		const t = read(`${dir}/${target}/toolchain.json`), a = job.artifact || {};
		const report = read(`${scratch}/report-${a.sha256}.json`);
		const needs = report.needs && report.needs.glibc ? `glibc ${report.needs.glibc}` : t.libc.name;
		const seconds = (Date.parse(job.finished) - Date.parse(job.started)) / 1000;
		const line = [target, `${t.compiler.name} ${t.compiler.version}`, seconds || "-", a.size || "-",
			a.sha256 ? needs : "-", (report.load || {}).runtime || "-", (a.sha256 || "-").slice(0, 12)];
		if (rebuilt) {
			const again = (second.jobs.find((j) => j.target === target) || {}).artifact || {};
			const same = a.sha256 && a.sha256 === again.sha256;
			differs = differs || !same;
			line.push(same ? "same" : (again.sha256 || "-").slice(0, 12));
		}
		line.push(job.state === "succeeded" ? result : `${job.state}: ${(job.error || {}).message || ""}`);
		out.push(line);
	}
	const width = out[0].map((_, i) => Math.max(...out.map((r) => String(r[i]).length)));
	for (const r of out)
		console.log(r.map((c, i) => String(c).padEnd(i < r.length - 1 ? width[i] : 0)).join("  "));
	process.exitCode = differs ? 1 : 0;
' "$scratch" "$toolchains" "$rows" "$rebuild" || failed=1
exit "$failed"
