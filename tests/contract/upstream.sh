#!/bin/bash
# serve --upstream: what nothing here builds is fetched once from where its author keeps it, judged, stored
# and served; what fails is refused with its reason, and never served. The addons are those that
# better-sqlite3's authors have in npm, packed as a release page has them.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

files=$scratch/files
mkdir "$files"
node "$here/tests/lib/upstream.js" "$files" >"$scratch/upstream.out" 2>"$scratch/upstream.log" &
upstream_pid=$!
started+=("$upstream_pid")
until_ok 10 address_in "$scratch/upstream.out"
upstream=$(address_in "$scratch/upstream.out")

official=$(npm_package better-sqlite3@13.2.0)/package/prebuilds
name() { # VERSION NODE [ABI]: as prebuild-install asks
	echo "better-sqlite3-v$1-${3:-napi-v10}-$2.tar.gz"
}
pack() { # VERSION NODE ADDON: a prebuild-install tarball of it
	rm -rf "$scratch/pack"
	mkdir -p "$scratch/pack/build/Release" "$files/v$1"
	cp "$3" "$scratch/pack/build/Release/better_sqlite3.node"
	tar -czf "$files/v$1/$(name "$1" "$2")" -C "$scratch/pack" build
}
ask() { # VERSION NODE [ABI]
	http GET "/prebuilds/better-sqlite3/v$1/$(name "$@")"
}
asked() { # VERSION: how often the upstream was asked for it
	grep -c "/v$1/" "$scratch/upstream.log"
}
answer() { # TEXT STATUS CODE
	is "$1" "$status $(value v.code) $(header x-prebuild-reason)" "$2 $3 $3"
}
nothing_of() { # VERSION
	http GET "/v1/artifacts?package=better-sqlite3&version=$1"
	is "$1: nothing is published" "$(value v.artifacts.length)" 0
}
start() { # NAME FLAG…: a service with a worker that builds for this machine only
	serve "$1" --workers 0 --mirror-packages good --hold 50 "${@:2}"
	service=$pid
	"$prebuildd" worker --server "$url" --cache "$scratch/$1-cache" --toolchains "$toolchains" \
		--targets "$target" --slots 1 --registry "$registry" --max-mirror 8M --max-mirror-seconds 1 \
		2>>"$scratch/worker.log" &
	worker=$!
	started+=("$worker")
	until_ok 20 can_build
}
can_build() {
	http GET /v1/targets
	[[ $(value 'v.targets.filter((t) => t.buildable).map((t) => t.target).join()') == "$target" ]]
}
stop() {
	end_process "$worker"
	end_process "$service"
}

# ---- what the flag takes ----

for wrong in sqlite3 'sqlite3=/srv/{version}/{file}' 'sqlite3=https://me:secret@host/{version}/{file}' \
	'sqlite3=https://host/{version}/{platform}.tar.gz' 'sqlite3=https://host/{versoin}/{file}'; do
	out=$("$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/wrong" --upstream "$wrong" 2>&1)
	is "--upstream $wrong: exit status" "$?" 2
	like "… says what is wrong with it" "$out" '^prebuildd serve: --upstream: '
done

# ---- fetched once, judged, served to every client ----

addon good
start_registry
pack 13.2.0 darwin-arm64 "$official/darwin-arm64.node"
start var --upstream "better-sqlite3=$upstream/moved/v{version}/{file}" --upstream "good=$upstream/v{version}/{file}"
tarball=$files/v13.2.0/$(name 13.2.0 darwin-arm64)
sha=$(sha256sum <"$official/darwin-arm64.node" | cut -d ' ' -f 1)
clients=()
for i in $(seq 20); do
	curl -s -m 60 -o "$scratch/client.$i" -w '%{http_code}\n' \
		"$url/prebuilds/better-sqlite3/v13.2.0/$(name 13.2.0 darwin-arm64)" >"$scratch/client.$i.status" &
	clients+=($!)
done
wait "${clients[@]}"
is "20 clients of a target that is not built here get it" "$(sort "$scratch"/client.*.status | uniq -c | xargs)" "20 200"
is "… what its author built" "$(tar -xzOf "$scratch/client.1" build/Release/better_sqlite3.node | sha256sum | cut -d ' ' -f 1)" "$sha"
is "… in tarballs of ours, all the same" "$(sha256sum "$scratch"/client.*[0-9] | cut -d ' ' -f 1 | sort -u | wc -l)" 1
is "… fetched once, behind one redirect" "$(asked 13.2.0)" 2
for file in napi-v10-darwin-unknown-arm64.tar.gz napi-v10-darwin-arm64.tar.gz \
	better-sqlite3-v13.2.0-napi-v10-darwin-arm64.in-package.tar.gz; do
	http GET "/prebuilds/better-sqlite3/v13.2.0/$file"
	is "$file: for the others, too" "$status" 200
done
http GET "/prebuilds/better-sqlite3/v13.2.0/better-sqlite3-v13.2.0-napi-v10-darwin-arm64.node"
is "the addon itself" "$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)" "$sha"
http GET "/prebuilds/better-sqlite3/v13.2.0/$(name 13.2.0 darwin-arm64).report.json"
is "the report" "$(value '[v.verdict, v.target, v.load.ran].join()')" "pass,aarch64-apple-darwin,false"
like "… says why it was not loaded" "$(value v.load.reason)" '^not load-tested: .* fetched from its upstream'
is "… where it comes from" "$(value v.upstream.url)" "$upstream/moved/v13.2.0/$(name 13.2.0 darwin-arm64)"
is "… and as what" "$(value v.upstream.sha256)" "$(sha256sum <"$tarball" | cut -d ' ' -f 1)"
http GET "/v1/artifacts/$sha"
like "the artifact's origin" "$(value v.origin)" "^$upstream/moved/v13.2.0/.* sha256:[0-9a-f]{64}$"
is "… no source of ours, not loaded" "$(value '[v.source, v.load_tested].join()')" ",false"
http GET /v1/builds
is "one build, with one job" "$(value 'v.builds.map((b) => b.state + " " + b.jobs.map((j) => j.kind))[0]')" "succeeded mirror"
http GET "$(value 'v.builds[0].jobs[0].log')"
like "its log" "$body" "fetching $upstream/.*sha256:[0-9a-f]{64}.*it was not loaded"
http GET "/v1/matrix?package=better-sqlite3"
is "in the matrix" "$(value 'v.versions[0].cells.map((c) => [c.target, c.abi, c.state]).join()')" \
	"aarch64-apple-darwin,napi-v10,succeeded"
cp "$official/darwin-x64.node" "$scratch/other.node"
pack 13.2.0 darwin-arm64 "$scratch/other.node"
ask 13.2.0 darwin-arm64
is "other bytes upstream: the name keeps its own" "$(tar -xzOf "$scratch/body" | sha256sum | cut -d ' ' -f 1) $(asked 13.2.0)" "$sha 2"

# A real client, told that it is on a Mac.
npm install --prefix "$scratch/client" --prefer-offline --no-audit --no-fund --loglevel=error prebuild-install@7.1.3 >"$scratch/npm.log" 2>&1
mkdir "$scratch/app"
cp "$(npm_package better-sqlite3@13.2.0)/package/package.json" "$scratch/app/"
out=$(cd "$scratch/app" && npm_config_better_sqlite3_binary_host=$url/prebuilds/better-sqlite3 \
	npm_config_cache=$scratch/npm-cache npm_config_platform=darwin npm_config_arch=arm64 \
	node "$scratch/client/node_modules/prebuild-install/bin.js" -r napi -t 10 --verbose 2>&1)
report "prebuild-install for darwin-arm64" "$out"
is "… has installed it" "$(sha256sum <"$scratch/app/build/Release/better_sqlite3.node" | cut -d ' ' -f 1)" "$sha"

# ---- what can be built here is ----

mkdir -p "$files/v1.0.0"
cp "$tarball" "$files/v1.0.0/good-v1.0.0-napi-v6-linux-x64.tar.gz"
http GET "$(prebuild_path good 1.0.0)"
is "a target that is built here: 200" "$status" 200
like "… and its origin" "$(http GET '/v1/artifacts?package=good'; value 'v.artifacts[0].origin')" '^npm:good@1.0.0 '
is "… the upstream was not asked" "$(asked 1.0.0)" 0

http GET "/prebuilds/good/v1.0.0/good-v1.0.0-node-v999-linux-x64.tar.gz"
answer "an ABI that a build had no headers for" 404 upstream-missing
like "… the upstream was asked" "$(grep -c 'good-v1.0.0-node-v999-linux-x64' "$scratch/upstream.log")" '^1$'

# ---- what upstream does not have ----

ask 2.0.0 darwin-x64
answer "not upstream" 404 upstream-missing
like "… says where it was looked for" "$(value v.detail)" "3 names tried, the last: 127.0.0.1.*answered 404"
job=$(value v.job)
n=$(asked 2.0.0)
pack 2.0.0 darwin-x64 "$official/darwin-x64.node"
ask 2.0.0 darwin-x64
is "… is remembered" "$status $(value v.job) $(asked 2.0.0)" "404 $job $n"
ask 2.0.0 linux-x64 electron-v133
answer "Electron: asked for upstream, too" 404 upstream-missing
http GET "/prebuilds/better-sqlite3/v2.0.0/electron-v33.0-linux-x64.tar.gz"
answer "… but not by a name without an ABI" 404 unsupported-abi
http GET "/prebuilds/other/v1.0.0/other-v1.0.0-napi-v6-darwin-x64.tar.gz"
is "a package without an upstream" "$status $(value 'v.job')" "404 null"

# ---- what is not what it should be ----

refused() { # TEXT VERSION NODE CODE DETAIL
	ask "$2" "$3"
	answer "$1" 404 "$4"
	like "… says why" "$(value v.detail)" "$5"
	local n
	n=$(asked "$2")
	ask "$2" "$3"
	is "… and is not fetched again" "$status $(value v.code) $(asked "$2")" "404 $4 $n"
	http GET "/prebuilds/better-sqlite3/v$2/better-sqlite3-v$2-napi-v10-$3.node"
	is "… nor served under another name" "$status" 404
	nothing_of "$2"
}
pack 3.0.0 win32-arm64 "$official/darwin-arm64.node"
refused "a Mac's addon under a name for Windows" 3.0.0 win32-arm64 audit-failed "Mach-O"
pack 3.0.1 darwin-arm64 "$official/darwin-x64.node"
refused "the other Mac's" 3.0.1 darwin-arm64 audit-failed "machine"
cp "$official/darwin-arm64.node" "$scratch/changed.node"
printf x | dd of="$scratch/changed.node" bs=1 seek=1000000 conv=notrunc status=none
pack 3.0.2 darwin-arm64 "$scratch/changed.node"
refused "changed after it was signed" 3.0.2 darwin-arm64 audit-failed signature
pack 3.0.3 win32-arm64 "$official/win32-arm64.node"
truncate -s -1000 "$files/v3.0.3/$(name 3.0.3 win32-arm64)"
refused "a tarball that is cut" 3.0.3 win32-arm64 upstream-failed "."
mkdir -p "$files/v3.0.4" "$scratch/pack/sub"
tar -czPf "$files/v3.0.4/$(name 3.0.4 win32-arm64)" -C "$scratch/pack/sub" ../build/Release/better_sqlite3.node
refused "a path that leads out" 3.0.4 win32-arm64 upstream-failed '\.\.'
pack 3.0.5 win32-arm64 "$official/win32-arm64.node"
ln -s better_sqlite3.node "$scratch/pack/build/Release/link"
tar -czf "$files/v3.0.5/$(name 3.0.5 win32-arm64)" -C "$scratch/pack" build
refused "a link" 3.0.5 win32-arm64 upstream-failed "symbolic link"
pack 3.0.6 win32-arm64 "$official/win32-arm64.node"
cp "$official/win32-x64.node" "$scratch/pack/build/Release/second.node"
tar -czf "$files/v3.0.6/$(name 3.0.6 win32-arm64)" -C "$scratch/pack" build
refused "two addons" 3.0.6 win32-arm64 upstream-failed "more than one"
head -c 9000000 /dev/urandom >"$scratch/big"
pack 3.0.7 win32-arm64 "$scratch/big"
refused "more than --max-mirror" 3.0.7 win32-arm64 upstream-failed "larger than 8388608 bytes"
rm "$scratch/big"
truncate -s 1G "$scratch/big"
pack 3.0.8 win32-arm64 "$scratch/big"
refused "a bomb" 3.0.8 win32-arm64 upstream-failed "more than 335544320 bytes"
rm "$scratch/big"
stop
start var --keep-failures 0 --upstream "better-sqlite3=$upstream/moved/v{version}/{file}"
ask 2.0.0 darwin-x64
is "what upstream did not have is asked for again after a while" "$status" 200
stop

# ---- an upstream that does not work ----

pack 4.0.0 darwin-x64 "$official/darwin-x64.node"
for way in silent broken half circle local; do
	start "$way" --upstream "better-sqlite3=$upstream/$way/v{version}/{file}"
	ask 4.0.0 darwin-x64
	answer "$way: 404" 404 upstream-failed
	nothing_of 4.0.0
	stop
done
start hidden --upstream "better-sqlite3=$upstream/hidden/v{version}/{file}"
ask 4.0.0 darwin-x64
answer "403 is how S3 says that it is not there" 404 upstream-missing
stop
start never --on-miss 404 --upstream "better-sqlite3=$upstream/v{version}/{file}"
n=$(asked 4.0.0)
ask 4.0.0 darwin-x64
is "--on-miss 404: nothing is fetched" "$status $(value v.code) $(asked 4.0.0)" "404 not-built $n"
stop

# ---- a worker is not trusted ----

serve manual --workers 0 --hold 1 --upstream "better-sqlite3=$upstream/v{version}/{file}"
ask 4.0.0 darwin-x64
is "without a worker it waits" "$status $(value v.code)" "404 building"
http POST /v1/worker/lease -d "{\"worker\":\"w\",\"targets\":{\"$target\":\"$(printf '%064d' 1)\"}}"
is "a worker gets the job, whatever it builds" "$(value '[v.kind, v.target, v.abi, v.urls[0]].join()')" \
	"mirror,x86_64-apple-darwin,napi-v10,$upstream/v4.0.0/$(name 4.0.0 darwin-x64)"
job=$(value v.job) fence=$(value v.fence)
result() { # FILE URL
	http PUT "/v1/worker/jobs/$job/upload?fence=$fence&sha256=$(sha256sum <"$1" | cut -d ' ' -f 1)" --data-binary "@$1"
	http POST "/v1/worker/jobs/$job/result" -d "{\"fence\":$fence,\"outcome\":\"succeeded\",\"addon\":{
		\"file\":\"better_sqlite3.node\",\"upstream\":{\"url\":\"$2\",\"sha256\":\"$(printf '%064d' 2)\"}}}"
}
result "$official/darwin-x64.node" "$upstream/v4.0.0/other.tar.gz"
is "it cannot name another place" "$status $(value v.code)" "400 invalid"
result "$official/darwin-arm64.node" "$upstream/v4.0.0/$(name 4.0.0 darwin-x64)"
is "what it hands in is judged again" "$status $(value v.code)" "422 audit-failed"
ask 4.0.0 darwin-x64
answer "… and refused" 404 audit-failed
nothing_of 4.0.0
