#!/bin/bash
# Handing in and asking back: PUT /v1/publish, POST /v1/check, and one addon under the names of every
# client.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

put() { # PATH FILE
	http PUT "/v1/publish/$1" --data-binary "@$2"
}
post_check() { # QUERY FILE
	http POST "/v1/check$1" --data-binary "@$2"
}
entries() { # of the tarball in the last answer
	tar tzf "$scratch/body" 2>&1
}

# ---- a real addon, built by one service and handed in at another ----

start_registry
addon good
serve builder --registry "$registry"
post_build good 1.0.0
await_build "$(value v.id)"
is "an addon is built" "$(value v.state)" succeeded
export PREBUILDD_URL=$url
check "fetch --layout raw" "$ctl" fetch good@1.0.0 --layout raw -o "$scratch/addon.node"
check "fetch the tarball" "$ctl" fetch good@1.0.0 -o "$scratch/good.tar.gz"
end_process "$pid"
sha=$(sha256sum <"$scratch/addon.node" | cut -d ' ' -f 1)

serve store --workers 0
export PREBUILDD_URL=$url

# ---- publish ----

name=good/v1.0.0/good-v1.0.0-napi-v6-linux-x64
put "$name.node?addon=addon.node" "$scratch/addon.node"
is "publish: 201" "$status" 201
is "publish: the digest of the addon" "$(value v.sha256)" "$sha"
put "$name.tar.gz" "$scratch/good.tar.gz"
is "publish: its tarball again: the same" "$status $(value v.sha256)" "201 $sha"
for other in good/v1.0.0/good-v1.0.0-napi-v8-linux-x64 twin/v1.0.0/twin-v1.0.0-napi-v6-linux-x64; do
	put "$other.node?addon=addon.node" "$scratch/addon.node"
	is "publish: the same bytes as $other: 201" "$status $(value v.sha256)" "201 $sha"
	is "… and that is what is answered" "$(value '"/prebuilds/" + v.package + "/v" + v.version + "/" +
		[v.package, "v" + v.version, v.abi].join("-") + "-linux-x64"')" "/prebuilds/$other"
	http GET "/prebuilds/$other.tar.gz.report.json"
	is "… with its report" "$status $(value v.verdict)" "200 pass"
done
while read -r file entry; do
	http GET "/prebuilds/good/v1.0.0/$file"
	is "$file: 200" "$status" 200
	is "$file: the entry that its client unpacks" "$(entries)" "$entry"
	is "$file: immutable" "$(header cache-control)" "public, max-age=31536000, immutable"
done <<-'LIST'
	good-v1.0.0-napi-v6-linux-x64.tar.gz build/Release/addon.node
	napi-v6-linux-x64.tar.gz napi-v6-linux-x64/addon.node
	napi-v6-linux-glibc-x64.tar.gz napi-v6-linux-glibc-x64/addon.node
	good-v1.0.0-napi-v6-linux-x64.prebuildify.tar.gz prebuilds/linux-x64/good.napi.glibc.node
LIST
http GET "/prebuilds/good/good/v1.0.0/napi-v6-linux-x64.tar.gz"
is "node-pre-gyp 0.11 says the name twice" "$status" 200
http GET "/prebuilds/$name.node"
is "raw: the addon itself" "$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)" "$sha"

cp "$scratch/addon.node" "$scratch/other.node"
printf x >>"$scratch/other.node"
put "$name.node?addon=addon.node" "$scratch/other.node"
is "other bytes under a name: 409" "$status $(value v.code)" "409 conflict"
http GET "/prebuilds/$name.node"
is "… and the name keeps its bytes" "$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)" "$sha"
put good/v1.0.0/good-v1.0.0-napi-v6-linux-arm64.node "$scratch/addon.node"
is "for another machine: 422" "$status $(value v.code)" "422 audit-failed"
is "… with the finding" "$(value 'v.findings[0].rule')" machine
http GET /prebuilds/good/v1.0.0/good-v1.0.0-napi-v6-linux-arm64.node
is "… and nothing is there" "$status" 404
for bad in good/v1.0.0/x.tgz good/v1.0.0/other-v1.0.0-napi-v6-linux-x64.tar.gz good x/y/z; do
	put "$bad" "$scratch/addon.node"
	is "no client's name: $bad" "$status $(value v.code)" "400 unknown-name"
done
put good/v1.0.0/good-v1.0.0-napi-v6-sunos-x64.node "$scratch/addon.node"
is "no target here" "$status $(value v.code)" "400 unsupported-target"
put "$name.tar.gz" "$scratch/addon.node"
like "a tarball's name with something else" "$status" "^4"
put "$name.node?addon=../../x.node" "$scratch/addon.node"
is "an addon's name with a path" "$status" 400
: >"$scratch/empty"
put "$name.node" "$scratch/empty"
is "nothing" "$status $(value v.code)" "422 audit-failed"

check "prebuildctl publish" "$ctl" publish "$scratch/addon.node" --package good@2.0.0
http GET /prebuilds/good/v2.0.0/good-v2.0.0-napi-v6-linux-x64.tar.gz
is "… is served" "$status" 200
cp "$scratch/addon.node" "$scratch/c++.node"
"$ctl" publish "$scratch/c++.node" --package good@2.1.0+build.7 --json >"$scratch/out" 2>&1
is "… a name with signs that mean something in a URL" "$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).file' "$scratch/out")" c++.node
check "… and it is found by such a version" "$ctl" fetch good@2.1.0+build.7 --abi napi-v6 -o "$scratch/c++.tar.gz"
"$ctl" publish "$scratch/other.node" --package good@2.0.0 >"$scratch/out" 2>&1
is "prebuildctl publish: other bytes: exit status 1" "$?" 1
"$ctl" publish "$scratch/addon.node" >"$scratch/out" 2>&1
is "prebuildctl publish: no package: exit status 2" "$?" 2
"$ctl" fetch good@2.0.0 --layout node-pre-gyp -o "$scratch/p.tar.gz" >/dev/null
is "fetch --layout node-pre-gyp" "$(tar tzf "$scratch/p.tar.gz")" napi-v6-linux-glibc-x64/addon.node

# ---- check ----

post_check "" "$scratch/addon.node"
is "check: 200" "$status" 200
is "check: what it is" "$(value '[v.format, v.target, v.verdict, v.abi.kind, v.abi.version].join()')" \
	elf,x86_64-linux-gnu,pass,napi,6
is "check: as the program says it" "$(value 'JSON.stringify({...v, file: ""})')" \
	"$("$ctl" check --target own --json "$scratch/addon.node" |
		node -p 'JSON.stringify({...JSON.parse(require("fs").readFileSync(0))[0], file: ""})')"
post_check "?target=linux-arm64" "$scratch/addon.node"
is "check against a target" "$(value '[v.verdict, v.findings[0].rule].join()')" fail,machine
post_check "" "$scratch/good.tar.gz"
is "check a tarball" "$(value '[v.file, v.verdict].join()')" upload:build/Release/addon.node,pass
post_check "?target=pdp11" "$scratch/addon.node"
is "an unknown target: 400" "$status" 400
echo "hello world" >"$scratch/text"
post_check "" "$scratch/text"
is "text: a report that says so" "$status $(value '[v.format, v.verdict].join()')" "200 unknown,fail"
head -c 100000 /dev/zero | gzip >"$scratch/zero.gz"
post_check "" "$scratch/zero.gz"
like "a gzip that is no tarball: 422" "$status $(value v.code)" "^422 "
head -c $(($(stat -c %s "$scratch/good.tar.gz") / 2)) "$scratch/good.tar.gz" >"$scratch/cut.tar.gz"
post_check "" "$scratch/cut.tar.gz"
like "a tarball that was cut: 422" "$status $(value v.code)" "^422 "
# 1 GiB of zeroes as an addon: refused by a limit, in a process of its own.
truncate -s 1G "$scratch/big.node"
tar -czf "$scratch/bomb.tar.gz" -C "$scratch" big.node
post_check "" "$scratch/bomb.tar.gz"
like "a bomb: 422" "$status" "^422"
http GET /healthz
is "the service lives" "$status" 200
is "nothing was stored by checks" "$(http GET "/v1/artifacts?package=upload"; value 'v.artifacts.length')" 0
