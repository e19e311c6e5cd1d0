#!/bin/bash
# Targets that are not built here, or only with what the operator brings: they are listed with that,
# nothing is queued for them that nobody could build, and what others built is judged and served.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

# ---- what is said of them ----

serve store --workers 0
export PREBUILDD_URL=$url
while read -r node triple recipe; do
	http GET /v1/targets
	is "/v1/targets: $node" "$(value "v.targets.filter((t) => t.node === '$node').map((t) =>
		[t.target, t.recipe, t.load_tested, t.buildable]).join()")" "$triple,$recipe,false,false"
	like "targets: $node" "$("$ctl" targets | grep "^$triple ")" " $node .*not load-tested$"
	is "targets --json: $node" "$("$ctl" targets --json | node -p \
		"JSON.parse(require('fs').readFileSync(0)).filter((t) => t.node === '$node')[0].recipe")" "$recipe"
	"$ctl" toolchain assemble "$node" --toolchains "$scratch/t" --downloads "$scratch/d" >"$scratch/out" 2>&1
	is "toolchain assemble $node: exit status" "$?" 1
	like "… says why not" "$(cat "$scratch/out")" "toolchain .*$triple.*(macOS SDK|publish)"
	check "… and touches nothing" test ! -e "$scratch/t" -a ! -e "$scratch/d"
	# Without any worker a target that everybody can build would be queued for the first.
	http GET "/prebuilds/sqlite3/v6.0.1/sqlite3-v6.0.1-napi-v6-$node.tar.gz"
	is "the mirror: $node" "$status $(value v.code) $(header x-prebuild-reason)" \
		"404 unsupported-target unsupported-target"
	is "… says why, and queues nothing" "$(value 'v.detail.includes("'"$triple"'") && v.job')" null
done <<-'LIST'
	darwin-arm64 aarch64-apple-darwin macos-sdk
	darwin-x64 x86_64-apple-darwin macos-sdk
	win32-ia32 i686-w64-mingw32 none
	win32-arm64 aarch64-w64-mingw32 none
LIST
http GET /v1/builds
is "no build was requested" "$(value v.builds.length)" 0
like "assemble all names what it leaves out, in one line" \
	"$("$here/toolchains/assemble.sh" --dir "$scratch/out/x" all 2>&1 | head -n 1)" \
	"leaves out aarch64-apple-darwin .*macOS SDK.*, i686-w64-mingw32 .not built here."

post_build good 1.0.0 win32-ia32
is "a build for one that has no toolchain at all" "$status $(value v.code)" "422 unsupported"
like "… says what to do instead" "$(value v.detail)" "prebuildctl publish"
post_build good 1.0.0 darwin-arm64
is "a build for one that some worker may get one for waits" "$status $(value v.state)" "202 queued"
like "… and says for what" "$(value 'v.jobs.map((j) => j.hint).join()')" \
	"toolchain assemble aarch64-apple-darwin --macos-sdk FOLDER"

# ---- what upstream built is published: audited, then immutable, and nowhere taken for loaded ----

folder=$(npm_package better-sqlite3@13.2.0)/package/prebuilds
file=$scratch/better_sqlite3.node
while read -r node triple; do
	cp "$folder/$node.node" "$file"
	sha=$(sha256sum <"$file" | cut -d ' ' -f 1)
	# The file itself says for what it is.
	out=$("$ctl" publish "$file" --package better-sqlite3@13.2.0 2>&1)
	is "publish: $node" "$out" "$(printf '%s\nsha256:%s\naudited, not load-tested' \
		"/prebuilds/better-sqlite3/v13.2.0/better-sqlite3-v13.2.0-napi-v10-$node.tar.gz" "$sha")"
	http GET "/prebuilds/better-sqlite3/v13.2.0/better-sqlite3-v13.2.0-napi-v10-$node.tar.gz"
	is "$node: an install client gets it" \
		"$status $(tar -xzOf "$scratch/body" build/Release/better_sqlite3.node | sha256sum | cut -d ' ' -f 1)" "200 $sha"
	http GET "/v1/artifacts/$sha/report"
	is "$node: its report" "$(value '[v.verdict, v.target, v.abi.declared, v.load.ran].join()')" "pass,$triple,10,false"
	like "… says why it was not loaded" "$(value v.load.reason)" "not load-tested: it was built elsewhere"
	http GET "/v1/artifacts?package=better-sqlite3&target=$node"
	is "$node: in the list" "$(value 'v.artifacts.map((a) => [a.sha256, a.load_tested]).join()')" "$sha,false"
	out=$("$ctl" fetch better-sqlite3@13.2.0 --target "$node" --layout raw -o "$scratch/fetched.node" 2>&1)
	is "fetch: $node" "$(sha256sum <"$scratch/fetched.node" | cut -d ' ' -f 1)" "$sha"
	like "… says that it was not loaded" "$out" "fetched.node is not load-tested"
	printf x >>"$file"
	out=$("$ctl" publish "$file" --package better-sqlite3@13.2.0 2>&1)
	is "publish other bytes: $node: exit status" "$?" 1
	like "… names stay what they are" "$out" "other bytes"
done <<-'LIST'
	darwin-arm64 aarch64-apple-darwin
	darwin-x64 x86_64-apple-darwin
	win32-arm64 aarch64-w64-mingw32
LIST

put() { # NODE-NAME FILE
	http PUT "/v1/publish/better-sqlite3/v1.0.0/better-sqlite3-v1.0.0-napi-v10-$1.node?addon=better_sqlite3.node" \
		--data-binary "@$2"
}
put darwin-arm64 "$folder/darwin-x64.node"
is "for the other Mac: 422" "$status $(value 'v.findings.map((f) => f.rule).join()')" "422 machine"
put win32-ia32 "$folder/win32-arm64.node"
is "for another Windows: 422" "$status $(value 'v.findings[0].rule')" "422 machine"
cp "$folder/darwin-arm64.node" "$file"
printf x | dd of="$file" bs=1 seek=1000000 conv=notrunc status=none
put darwin-arm64 "$file"
is "changed after it was signed: 422" "$status $(value 'v.findings[0].rule')" "422 signature"
http GET "/v1/artifacts?package=better-sqlite3&version=1.0.0"
is "nothing of these is there" "$(value v.artifacts.length)" 0
file=$(find "$(npm_package bufferutil@4.1.0)" -path '*win32-ia32*' -name '*.node')
check "publish: win32-ia32" "$ctl" publish "$file" --package bufferutil@4.1.0
http GET "/v1/artifacts?package=bufferutil&version=4.1.0"
is "… is there" "$(value 'v.artifacts.map((a) => [a.target, a.load_tested]).join()')" i686-w64-mingw32,false
