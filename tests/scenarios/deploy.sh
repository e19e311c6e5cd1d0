#!/bin/bash
# A deploy that goes wrong, and goes on: the application of docs/examples/app has an addon of another machine
# in its node_modules, the service is down and there is no compiler. It starts on the next engine, keeps
# serving and writing, and after the repair with one command it runs on the addon and has every record.
# Also: what the example's files for Render, GitHub, compose and Docker say is run, as far as it can be here.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"
# shellcheck source=tests/lib/native.sh
. "$(dirname "$0")/../lib/native.sh"

component=$(component_of node)
example=$here/docs/examples/app
foreign=$(npm_package better-sqlite3@13.2.0)/package/prebuilds
export npm_config_cache=$scratch/npm-cache
# Nothing listens there.
export PREBUILDD_URL=http://127.0.0.1:9
unset CI

# What a production image has: no compiler, no make, no python.
tools=$scratch/tools
mkdir "$tools"
for program in sh env sed grep uname cat ls mkdir rm seq sleep kill curl; do
	ln -s "$(command -v "$program")" "$tools/"
done

# The Node of an ABI, with npm and npx, and nothing else of the machine.
path_of() { # ABI
	local folder=$scratch/node-$1 node=$component/abi/$1/bin/node
	if [[ ! -d $folder ]]; then
		mkdir "$folder"
		[[ -x $node ]] || node=$component/bin/node
		ln -s "$node" "$folder/node"
		for program in npm npx; do
			printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$node" "$component/lib/node_modules/npm/bin/$program-cli.js" >"$folder/$program"
			chmod +x "$folder/$program"
		done
	fi
	echo "$folder:$tools"
}

# ---- the application, as it is deployed ----

app=$scratch/app
package=$(cd "$scratch" && npm pack --silent "$here/api/npm")
cp -r "$example" "$app"
# The package as it would be published, since it is not.
(cd "$app" && PATH=$(path_of 137) npm install --ignore-scripts --no-audit --no-fund --loglevel=error "$scratch/$package") >"$scratch/npm.log" 2>&1
ended $? "npm install, without scripts" "$(tail -n 12 "$scratch/npm.log")"
release=$app/node_modules/sqlite3/build/Release
mkdir -p "$release"

start() { # ABI: sets pid and url, of the application
	HOST=127.0.0.1 PORT=0 PATH=$(path_of "$1") serve_app
}
serve_app() {
	: >"$scratch/app.out"
	(cd "$app" && exec node server.js) >"$scratch/app.out" 2>"$scratch/app.err" &
	pid=$!
	started+=("$pid")
	until_ok 15 grep -q '^listening' "$scratch/app.out" || cat "$scratch/app.err"
	url=http://127.0.0.1:$(sed -n 's/^listening on port \([0-9]*\),.*/\1/p' "$scratch/app.out")
}
written=()
write() { # TEXT: a note, kept in `written` once it was answered
	http POST /notes -H 'Content-Type: application/json' -d "{\"text\":\"$1\"}"
	[[ $status == 201 ]] && written+=("$(value v.id)=$1")
	is "a note is taken: $1" "$status" 201
}
has_all() { # TEXT [FROM]: every note that was answered, from that one on, is there
	local note missing=0
	for note in "${written[@]:${2:-0}}"; do
		http GET "/notes/${note%%=*}"
		[[ $(value v.text) == "${note#*=}" ]] || missing=$((missing + 1))
	done
	is "$1 ($((${#written[@]} - ${2:-0})))" "$missing" 0
}
engine_is() { # NAME STATUS [REGEX]
	http GET /health
	is "/health: engine" "$(value v.engine)" "$1"
	is "/health: status" "$(value v.status)" "$2"
	like "/health: reason" "$(value v.reason)" "${3:-.}"
}
crash() { # the application, without a warning
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
}

# ---- the error ----

for file in darwin-arm64 linux-arm64; do
	cp "$foreign/$file.node" "$release/node_sqlite3.node"
	said=$(cd "$app" && PATH=$(path_of 137) node -e 'require("sqlite3")' 2>&1)
	is "$file: sqlite3 does not load: exit status" "$?" 1
	case $file in
	darwin*) like "$file: the error" "$said" 'Error: .*node_sqlite3.node: invalid ELF header' ;;
	*) like "$file: the error" "$said" 'node_sqlite3.node: cannot open shared object file' ;;
	esac
	sed -n 's/^Error: /# Error: /p' <<<"$said"
done
cp "$foreign/darwin-arm64.node" "$release/node_sqlite3.node"

# ---- the service is down, there is no compiler: the next engine ----

(cd "$app" && PATH=$(path_of 137) npx prebuildd doctor --fix) >"$scratch/doctor.out" 2>&1
is "doctor --fix without a service: exit status" "$?" 3
start 137
like "it says what is wrong" "$(<"$scratch/app.err")" \
	"node:sqlite runs instead of sqlite3's native addon; .*Mach-O arm64.*; this machine loads ELF 64-bit x86-64 .*invalid ELF header.*npx prebuildd doctor --fix"
unlike "nothing of Node's own" "$(<"$scratch/app.err")" ExperimentalWarning
engine_is builtin degraded 'Mach-O arm64'
for n in 1 2 3 4 5; do
	write "on node:sqlite, $n"
done
crash
start 137
has_all "every note is there after kill -9"
end_process "$pid"

# A Node without node:sqlite: the store that the example has asked for in its package.json.
start 115
engine_is json degraded 'has no node:sqlite'
for n in 1 2 3 4 5; do
	write "on the JSON store, $n"
done
crash
start 115
has_all "every note of the JSON store is there after kill -9" 5
write "on the JSON store, after kill -9"
end_process "$pid"

# ---- the service is there again: one command ----

need_native
serve service --workers 0
key=$scratch/service/keys/minisign.pub
check "the service has sqlite3" "$ctl" publish "$native" --package "$sqlite3_package" --server "$url"
export PREBUILDD_URL=$url PREBUILDD_KEY=$key
before=$EPOCHREALTIME
(cd "$app" && PATH=$(path_of 137) npx prebuildd doctor --fix) >"$scratch/doctor.out" 2>&1
ended $? "npx prebuildd doctor --fix" "$(tail -n 12 "$scratch/doctor.out")"
awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { printf "# in %.1f s\n", b - a }'
cmp -s "$native" "$release/node_sqlite3.node"
report "the addon is the service's"

start 115
engine_is native ok
has_all "every note is there, of both engines"
write "on the addon"
crash
start 137
engine_is native ok
has_all "every note is there"
http GET /notes
is "and none twice" "$(value v.length)" "${#written[@]}"
is "nothing is said" "$(<"$scratch/app.err")" ""
end_process "$pid"
is "the journal was put aside" "$(cd "$app/data" && echo notes.db.store*)" "notes.db.store.migrated-1"

# ---- the example's files ----

yaml() { # FILE EXPRESSION over d
	python3 -c 'import sys, yaml; d = yaml.safe_load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$example/$1" "$2"
}
is "render.yaml: what it starts" "$(yaml render.yaml 'd["services"][0]["startCommand"]')" \
	"$(node -p 'require(process.argv[1]).scripts.start' "$example/package.json")"
is "render.yaml: the database is on the disk" "$(yaml render.yaml '[e["value"] for e in d["services"][0]["envVars"] if e["key"] == "DATABASE"][0].startswith(d["services"][0]["disk"]["mountPath"] + "/")')" True
is "compose.yaml: its Dockerfile" "$(cd "$example" && ls "$(yaml compose.yaml 'd["services"]["notes"]["build"]["dockerfile"]')")" Dockerfile.debian
is "compose.yaml: the volume of the database" "$(yaml compose.yaml 'd["services"]["notes"]["volumes"][0].split(":")[1] == d["services"]["notes"]["environment"]["DATABASE"].rpartition("/")[0] and list(d["volumes"]) == [d["services"]["notes"]["volumes"][0].split(":")[0]]')" True

build=$(yaml render.yaml 'd["services"][0]["buildCommand"]')
(cd "$app" && PATH=$(path_of 137) sh -c "$build") >"$scratch/render.log" 2>&1
ended $? "render.yaml: the build command" "$(tail -n 12 "$scratch/render.log")"
cmp -s "$native" "$release/node_sqlite3.node"
report "… brings the addon"
(cd "$app" && PREBUILDD_URL=http://127.0.0.1:9 PATH=$(path_of 137) sh -c "$build") >"$scratch/render.log" 2>&1
ended $? "… and without a service the deploy goes on" "$(tail -n 12 "$scratch/render.log")"

python3 "$here/tests/lib/ci_steps.py" "$example/github-actions.yml" test >"$scratch/job.sh"
report "github-actions.yml: its commands"
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
# The runner's port is its own; here it is one that is free.
sed -i "s/3000/$port/g" "$scratch/job.sh"
(cd "$app" && HOST=127.0.0.1 timeout 120 env PATH="$(path_of 137)" sh -e "$scratch/job.sh") >"$scratch/job.log" 2>&1
ended $? "… run well" "$(tail -n 12 "$scratch/job.log")"
like "… on the addon" "$(<"$scratch/job.log")" '"engine":"native"'

for kind in debian alpine; do
	file=$example/Dockerfile.$kind
	start=$(sed -n 's/^CMD //p' "$file")
	is "Dockerfile.$kind: what it starts" "$(node -p 'JSON.parse(process.argv[1]).join(" ")' "$start")" "node server.js"
	if docker info >/dev/null 2>&1; then
		check "Dockerfile.$kind builds" docker build -q -f "$file" "$example"
	else
		echo "# Dockerfile.$kind was not built: there is no Docker here"
	fi
done
