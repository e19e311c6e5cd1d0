#!/bin/bash
# prebuildctl export and import: from a service into one that reaches no registry, and what is wrong with a
# bundle that was changed on the way.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

addon good
addon @scope/good
sed -i 's/42/43/' "$packages/@scope/good/1.0.0/addon.c"
addon other
start_registry
serve from --workers 2 --registry "$registry"
from=$url
export PREBUILDD_URL=$from
for package in good @scope/good other; do
	post_build "$package" 1.0.0
	await_build "$(value v.id)"
done
mkdir "$scratch/source"
cp -r "$packages/good/1.0.0/." "$scratch/source"
exits "build of a folder" 0 build --source "$scratch/source" --target "$target"
curl -s "$from/v1/key" >"$scratch/from.pub"
bundle=$scratch/bundle.tar.gz

# ---- export ----

exits "export" 0 export good @scope/good -o "$bundle"
is "… says what is in it" "$(sort "$scratch/ctl.out" | tr '\n' ';')" \
	"@scope/good@1.0.0 napi-v6 $target;good@1.0.0 napi-v6 $target;"
like "… and what is not" "$(<"$scratch/ctl.err")" 'left out, since only a build can publish it: good@1\.0\.0\+src'
is "the files of a bundle" "$(tar tzf "$bundle" | sed 's/.*linux-x64//' | tr '\n' ' ')" \
	"bundle.json .node .node.minisig .node.provenance.json .node .node.minisig .node.provenance.json "
exits "export again" 0 export @scope/good good good@1.0.0 -o "$scratch/again.tar.gz" --key "$scratch/from.pub"
tar xzOf "$scratch/again.tar.gz" bundle.json >"$scratch/again.json"
is "… the same, once" "$(grep -c '"package"' "$scratch/again.json")" 2
cmp "$bundle" "$scratch/again.tar.gz"
report "… in whatever order, the same bytes"
exits "export one target" 0 export good --target linux-x64 --abi napi-v6 --json -o "$scratch/one.tar.gz"
is "… as JSON" "$(node -p 'const v = JSON.parse(require("fs").readFileSync(process.argv[1])); v.artifacts.length + " " + v.left_out.length' "$scratch/ctl.out")" "1 1"
exits "another target" 4 export good --target linux-arm64 -o "$scratch/none.tar.gz"
exits "a package that is not there" 4 export absent -o "$scratch/none.tar.gz"
exits "another key" 1 export good --key RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3 -o "$scratch/none.tar.gz"
exits "no bundle" 2 export good
exits "no package" 2 export -o "$scratch/none.tar.gz"
exits "no package's name" 2 export ../good -o "$scratch/none.tar.gz"
exits "no target" 2 export good --target pdp11 -o "$scratch/none.tar.gz"
exits "no ABI" 2 export good --abi 6 -o "$scratch/none.tar.gz"
is "what has failed leaves nothing" "$(cd "$scratch" && ls -d none* bundle.tar.gz.* 2>/dev/null)" ""

# ---- import ----

serve to --workers 0 --auth tokens --on-miss 404
to=$url
export PREBUILDD_URL=$to
token=$scratch/to.token
"$ctl" token create --scope publish --token-file "$scratch/to/keys/admin.token" -o "$token" 2>/dev/null
exits "import without a token" 5 import "$bundle"
exits "import" 0 import "$bundle" --key "$scratch/from.pub" --token-file "$token"
is "… says what it was" "$(sort "$scratch/ctl.out" | tr '\n' ';')" \
	"@scope/good@1.0.0 napi-v6 $target;good@1.0.0 napi-v6 $target;"
http GET '/v1/artifacts?package=@scope/good'
for file in "$(prebuild_path good 1.0.0)" "$(value 'v.artifacts[0].prebuild')"; do
	url=$from http GET "$file"
	have=$(header x-prebuild-digest)
	http GET "$file"
	is "the same bytes: $file" "$status $(header x-prebuild-digest)" "200 $have"
done
exits "import again" 0 import "$bundle" --token-file "$token" --json
is "… as JSON" "$(node -p 'const v = JSON.parse(require("fs").readFileSync(process.argv[1])); v.imported.length + " " + v.failed.length + " " + v.imported[0].load_tested' "$scratch/ctl.out")" "2 0 false"
like "… without a key says whose word it takes" "$(<"$scratch/ctl.err")" 'is what the bundle says'

# ---- what is wrong ----

unpacked=$scratch/unpacked
changed() { # TEXT STATUS REGEX COMMAND…: a bundle of the unpacked one after the command; the message
	rm -rf "$unpacked"
	mkdir "$unpacked"
	tar xzf "$bundle" -C "$unpacked"
	(cd "$unpacked" && "${@:4}")
	(cd "$unpacked" && tar czf "$scratch/changed.tar.gz" -- *)
	exits "$1" "$2" import "$scratch/changed.tar.gz" --key "$scratch/from.pub" --token-file "$token"
	like "… says so" "$(<"$scratch/ctl.err")" "$3"
}
node=prebuilds/good/v1.0.0/good-v1.0.0-napi-v6-linux-x64.node
other_node=$(tar tzf "$bundle" | grep '@scope.*node$')
append() { echo x >>"$node"; }
changed "an addon that was changed" 1 'other bytes than the list says' append
append_all() {
	local sum
	append
	sum=$(sha256sum <"$node" | cut -d' ' -f1)
	sed -i "s/\(\"sha256\":[^\"]*\"\)[0-9a-f]*/\1$sum/" bundle.json
}
changed "… and the list, too" 1 'signature' append_all
changed "an addon that is missing" 1 'is not in the bundle' rm "$node"
changed "a signature that is missing" 1 'minisig is not there' rm "$node.minisig"
changed "a provenance that is missing" 1 'provenance\.json is not there' rm "$node.provenance.json"
changed "another file's signature" 1 'signature' cp "$other_node.minisig" "$node.minisig"
changed "another file's provenance" 1 'about other files' cp "$other_node.provenance.json" "$node.provenance.json"
changed "no list" 1 'no bundle' rm bundle.json
changed "a list that is none" 1 'JSON|json' cp "$node.minisig" bundle.json
changed "another format" 1 'format 2' sed -i 's/"format":[^,]*/"format": 2/' bundle.json
changed "a package's name that is none" 1 'no package' sed -i 's,"@scope/good","../good",' bundle.json
changed "an addon's name that is none" 1 "no file's name|no addon's name" sed -i 's,"file":[^,]*,"file": "../x.node",' bundle.json
is "nothing of it was published" "$(curl -s "$to/v1/artifacts" | grep -o '"sha256"' | wc -l)" 2
printf '%s' x >"$scratch/outside"
(cd "$unpacked" && tar czPf "$scratch/changed.tar.gz" bundle.json ../outside)
exits "a name that leads outside" 1 import "$scratch/changed.tar.gz" --token-file "$token"
echo text >"$scratch/changed.tar.gz"
exits "no archive" 1 import "$scratch/changed.tar.gz" --token-file "$token"
exits "no file" 4 import "$scratch/none" --token-file "$token"
exits "no server" 3 import "$bundle" --server http://127.0.0.1:9

# Other bytes under a name that is taken: told, and the others are imported.
PREBUILDD_URL=$from exits "export all of another" 0 export other -o "$scratch/other.tar.gz"
serve third --workers 0
export PREBUILDD_URL=$url
tar xzOf "$scratch/other.tar.gz" "$(tar tzf "$scratch/other.tar.gz" | grep 'node$')" >"$scratch/addon.node"
echo x >>"$scratch/addon.node"
exits "something else is published" 0 publish "$scratch/addon.node" --package good@1.0.0
exits "import over it" 1 import "$bundle"
like "… says of which" "$(<"$scratch/ctl.err")" 'good@1\.0\.0.*has other bytes already'
is "… the other is there" "$(cat "$scratch/ctl.out")" "@scope/good@1.0.0 napi-v6 $target"
is "no folder of theirs is left" "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'prebuildctl-*' -newer "$bundle" | wc -l)" 0
