#!/bin/bash
# Node's headers for a closed network: what nodejs.org would serve, and the real node-gyp compiling an
# addon with nothing but that.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

component=$(component_of node)
version=$("$component/bin/node" -p process.versions.node)

serve var --workers 0
http GET /dist/index.json
like "index.json has this Node" "$(value 'v.map((n) => n.version + "=" + n.modules).join(" ")')" "v$version=[0-9]+"
http GET "/dist/v$version/SHASUMS256.txt"
sums=$body
http GET "/dist/v$version/node-v$version-headers.tar.gz"
is "the headers have their checksum" "$sums" "$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)  node-v$version-headers.tar.gz"
check "they are a tarball with node.h" tar -tzf "$scratch/body" "node-v$version/include/node/node.h"
cp "$scratch/body" "$scratch/first.tar.gz"
rm -r "$scratch/var/cache/dist"
http GET "/dist/v$version/node-v$version-headers.tar.gz"
check "packed again they are the same bytes" cmp "$scratch/body" "$scratch/first.tar.gz"
for path in v1.2.3/SHASUMS256.txt v1.2.3/node-v1.2.3-headers.tar.gz "v$version/node.lib" "$version/SHASUMS256.txt" v../SHASUMS256.txt; do
	http GET "/dist/$path"
	is "not here: $path" "$status $(value v.status)" "404 404"
done

addon good
cp -R "$packages/good/1.0.0" "$scratch/good"
sed -i 's/,"defines":\[[^]]*\]//' "$scratch/good/binding.gyp"
(cd "$scratch/good" && env npm_config_devdir="$scratch/devdir" npm_config_disturl="$url/dist" \
	PATH="$component/bin:$PATH" node "$component/lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js" rebuild) \
	>"$scratch/gyp.log" 2>&1
ended $? "node-gyp builds an addon with these headers" "$(tail -n 5 "$scratch/gyp.log")"
is "… which works" "$("$component/bin/node" -p 'require(process.argv[1]).answer()' "$scratch/good/build/Release/addon.node" 2>&1)" 42
is "… and it asked for nothing else" "$(ls "$scratch/devdir")" "$version"
