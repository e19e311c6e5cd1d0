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
