#!/bin/bash
# The team that gets "invalid ELF header" on its deploy host: a project whose node_modules came from another
# machine is diagnosed and repaired with one command each, from a service that signs what it has. As npm,
# pnpm and yarn lay it out; with a broken cache, a folder that cannot be written, a changed file, no service.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

package=sqlite3
version=6.0.1
program=$here/api/npm/bin/prebuildd.js
foreign=$(npm_package better-sqlite3@13.2.0)/package/prebuilds
inside=build/Release/node_sqlite3.node
query='const s = require("sqlite3"); new s.Database(":memory:").get("select sqrt(1764) n", (e, row) => console.log(e || row.n))'
# Nothing of the machine's own: neither its npm cache nor that this may run in CI.
export npm_config_cache=$scratch/npm-cache
unset CI

# Sets out and rc.
run_in() { # FOLDER COMMAND…
	out=$(cd "$1" && "${@:2}" 2>&1)
	rc=$?
}

doctor() { # FOLDER FLAG…
	run_in "$1" node "$program" doctor "${@:2}"
}

ask() { # FOLDER [NODE-FLAG…]
	run_in "$1" node "${@:2}" -e "$query"
}

project() { # FOLDER
	mkdir "$1"
	echo '{"name":"app","version":"1.0.0","private":true,"dependencies":{"sqlite3":"'$version'"},"allowScripts":{"sqlite3":true}}' \
		>"$1/package.json"
}

# ---- the service, with sqlite3 built once ----

serve var
post_build "$package" "$version"
build=$(value v.id)
await_build "$build" 400
is "sqlite3 is built" "$(value v.state)" succeeded
sha=$(value 'v.jobs[0].artifact.sha256')
key=$scratch/var/keys/minisign.pub
export PREBUILDD_URL=$url

# ---- npm: an unmodified install, by a line in .prebuild-installrc ----

app=$scratch/app
project "$app"
echo "download=$url/prebuilds/{name}/v{version}/{name}-v{version}-{runtime}-v{abi}-{platform}{libc}-{arch}.tar.gz" >"$app/.prebuild-installrc"
run_in "$app" timeout 300 npm install --no-audit --no-fund --loglevel=error
is "npm install" "$rc" 0
is "it took the service's addon" "$(sha256sum <"$app/node_modules/$package/$inside" | cut -d ' ' -f 1)" "$sha"
doctor "$app"
is "nothing is wrong: exit 0" "$rc" 0
like "it says what the addon is" "$out" "ok      sqlite3@$version  node_modules/sqlite3/$inside"

# ---- the story ----

for file in darwin-arm64 linux-arm64; do
	cp "$foreign/$file.node" "$app/node_modules/$package/$inside"
	ask "$app"
	like "$file: the application fails" "$out" 'invalid ELF header|cannot open shared object file'
	doctor "$app"
	is "$file: doctor: exit 1" "$rc" 1
	case $file in
	darwin*) like "it says what it is" "$out" 'format: Mach-O arm64 bundle; expected: ELF 64-bit x86-64' ;;
	*) like "it says what it is" "$out" 'machine: ELF 64-bit AArch64; expected: ELF 64-bit x86-64' ;;
	esac
	doctor "$app" --fix --key "$key"
	is "$file: doctor --fix: exit 0" "$rc" 0
	like "the signature was verified" "$out" 'signature verified'
	ask "$app"
	is "$file: the application answers" "$out" 42
	is "$file: the addon is the artifact" "$(sha256sum <"$app/node_modules/$package/$inside" | cut -d ' ' -f 1)" "$sha"
done
before=$(find "$app" -printf '%p %T@ %i %m\n' | sort | sha256sum)
doctor "$app" --fix
is "again: exit 0" "$rc" 0
is "nothing was changed" "$(find "$app" -printf '%p %T@ %i %m\n' | sort | sha256sum)" "$before"

# ---- the lock file ----

run_in "$app" node "$program" install --key "$key"
is "prebuildd install: exit 0" "$rc" 0
http GET "$(prebuild_path "$package" "$version").sha256"
is "the lock has the tarball's digest" "$(grep -o '"tarball": "sha256:[0-9a-f]*"' "$app/prebuildd.lock.json" | cut -d : -f 3 | tr -d '"')" "${body%% *}"
is "and the addon's" "$(grep -c "\"sha256:$sha\"" "$app/prebuildd.lock.json")" 1
rm "$app/node_modules/$package/$inside"
run_in "$app" env CI=true node "$program" install --key "$key"
is "CI: what is missing is brought" "$rc" 0
sed "s/sha256:$sha/sha256:${sha//[0-9]/0}/" "$app/prebuildd.lock.json" >"$scratch/lock"
cp "$scratch/lock" "$app/prebuildd.lock.json"
run_in "$app" env CI=true node "$program" install --key "$key"
is "CI: other bytes than the lock's: exit 1" "$rc" 1
like "it says so" "$out" 'has other bytes than prebuildd.lock.json says'
rm "$app/prebuildd.lock.json"

# ---- what must not be taken ----

wrong() {
	cp "$foreign/darwin-x64.node" "$app/node_modules/$package/$inside"
}
is_still_wrong() {
	cmp -s "$foreign/darwin-x64.node" "$app/node_modules/$package/$inside" &&
		[[ $(find "$app/node_modules/$package/build/Release" -type f | wc -l) -eq 1 ]]
}
wrong
minisign -G -W -p "$scratch/other.pub" -s "$scratch/other.sec" >/dev/null
doctor "$app" --fix --key "$scratch/other.pub"
is "a signature of another key: exit 1" "$rc" 1
like "it says which" "$out" 'signed with key [0-9A-F]{16}, not with [0-9A-F]{16}'
check "the old file is still there" is_still_wrong
http GET "$(prebuild_path "$package" "$version")"
tarball=$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)
stored=$(find "$scratch/var/store" -type f -size +100k -exec sha256sum {} + | awk -v d="$tarball" '$1 == d { print $2 }' | head -n 1)
check "the tarball is in the store" test -f "$stored"
cp -p "$stored" "$scratch/kept"
chmod u+w "$stored"
printf 'x' | dd of="$stored" bs=1 seek=5000 conv=notrunc status=none
doctor "$app" --fix
is "changed bytes: exit 1" "$rc" 1
like "it says so" "$out" 'the bytes are not those of the digest'
check "the old file is still there" is_still_wrong
cat "$scratch/kept" >"$stored"

# ---- a folder that cannot be written, beside one that can ----

mkdir -p "$app/packages/part/node_modules"
cp -r "$app/node_modules/$package" "$app/packages/part/node_modules/"
chmod 0555 "$app/node_modules/$package/build/Release"
drop=()
# Root writes everywhere, unless that is taken from it.
[[ $EUID -ne 0 ]] || drop=(setpriv "--bounding-set=-dac_override,-dac_read_search")
run_in "$app" "${drop[@]}" node "$program" doctor --fix
is "a read-only folder: exit 1" "$rc" 1
like "it says which, and why" "$out" "$app/node_modules/$package/build/Release cannot be written \\(EACCES\\)"
like "the other one is repaired" "$out" '1 repaired, 1 not right'
check "the file there is what it was" is_still_wrong
chmod 0755 "$app/node_modules/$package/build/Release"
rm -r "$app/packages"

# ---- npm's cache, with a broken file of full length ----

cached=$(find "$scratch/npm-cache/_prebuilds" -name "*-$package-v$version-*.tar.gz")
check "the client has cached the tarball" test -f "$cached"
head -c "$(stat -c %s "$cached")" /dev/urandom >"$scratch/garbage"
cp "$scratch/garbage" "$cached"
rm -r "$app/node_modules/$package/build"
client() {
	run_in "$app/node_modules/$package" node ../prebuild-install/bin.js -r napi
}
client
is "the client fails with what is in its cache" "$rc" 1
doctor "$app"
like "doctor sees the broken entry" "$out" "cache   $cached"
like "and that the addon is missing" "$out" "missing sqlite3@$version"
doctor "$app" --fix
is "both are repaired: exit 0" "$rc" 0
ask "$app"
is "the application answers" "$out" 42
rm -r "$app/node_modules/$package/build"
client
is "the client works again" "$rc" 0

# ---- pnpm and yarn, which run no install scripts ----

need_clients
registry_url=$(npm config get registry)

project "$scratch/pnpm-app"
run_in "$scratch/pnpm-app" timeout 300 env npm_config_registry="$registry_url" node "$TEST_CLIENTS/pnpm/bin/pnpm.cjs" install \
	--ignore-scripts --store-dir "$scratch/pnpm-store"
[[ $rc -eq 0 ]]
report "pnpm install" "$out"
doctor "$scratch/pnpm-app"
is "pnpm: doctor: exit 1" "$rc" 1
like "the package in its store of links has none" "$out" "missing sqlite3@$version  node_modules/.pnpm/sqlite3@$version/node_modules/sqlite3/build"
doctor "$scratch/pnpm-app" --fix --key "$key"
is "pnpm: doctor --fix: exit 0" "$rc" 0
ask "$scratch/pnpm-app"
is "pnpm: the application answers" "$out" 42

project "$scratch/yarn-app"
cat >"$scratch/yarn-app/.yarnrc.yml" <<END
enableGlobalCache: false
enableTelemetry: false
npmRegistryServer: "$registry_url"
unsafeHttpWhitelist: ["*"]
END
touch "$scratch/yarn-app/yarn.lock"
run_in "$scratch/yarn-app" timeout 300 node "$TEST_CLIENTS/yarn4/bin/yarn.js" install --mode=skip-build
[[ $rc -eq 0 ]]
report "yarn install" "$out"
check "yarn has laid it out for Plug'n'Play" test -f "$scratch/yarn-app/.pnp.cjs"
doctor "$scratch/yarn-app"
like "yarn: the unplugged package has none" "$out" "missing sqlite3@$version  .yarn/unplugged/"
doctor "$scratch/yarn-app" --fix --key "$key"
is "yarn: doctor --fix: exit 0" "$rc" 0
ask "$scratch/yarn-app" -r ./.pnp.cjs
is "yarn: the application answers" "$out" 42

# ---- the service's own registry, whose packages have a file for each ABI ----

project "$scratch/registry-app"
sed -i "s|\"sqlite3\":\"$version\"|\"sqlite3\":\"npm:@prebuildd/sqlite3@$version\"|" "$scratch/registry-app/package.json"
printf '@prebuildd:registry=%s/npm/\nallow-remote=root\n' "$url" >"$scratch/registry-app/.npmrc"
run_in "$scratch/registry-app" timeout 300 npm install --no-audit --no-fund --loglevel=error
[[ $rc -eq 0 ]]
report "npm install from the service's registry" "$out"
doctor "$scratch/registry-app"
is "registry: doctor: exit 0" "$rc" 0
like "it says which file is loaded" "$out" "ok +@prebuildd/sqlite3-linux-x64@$version-1  node_modules/@prebuildd/sqlite3-linux-x64/napi-v6.node"
ask "$scratch/registry-app"
is "registry: the application answers" "$out" 42

# ---- node-pre-gyp's layout, SLOW=1: sqlite3 5.1.6 is built for it ----

if [[ ${SLOW:-0} == 1 ]]; then
	project "$scratch/old-app"
	sed -i 's/"sqlite3":"6.0.1"/"sqlite3":"5.1.6"/' "$scratch/old-app/package.json"
	run_in "$scratch/old-app" timeout 300 npm install --ignore-scripts --no-audit --no-fund --loglevel=error
	doctor "$scratch/old-app" --fix --key "$key"
	is "node-pre-gyp: doctor --fix: exit 0" "$rc" 0
	check "it is where node-pre-gyp looks" test -f "$scratch/old-app/node_modules/sqlite3/lib/binding/napi-v6-linux-glibc-x64/node_sqlite3.node"
	ask "$scratch/old-app"
	is "the application answers" "$out" 42
fi

# ---- no service ----

wrong
end_process "$pid"
doctor "$app" --fix
is "no service: exit 3" "$rc" 3
check "the old file is still there" is_still_wrong
doctor "$app"
is "without --fix none is needed: exit 1" "$rc" 1
