#!/bin/bash
# What is published is signed, and says how it came about: minisign itself verifies the files, prebuildctl
# and minisign refuse what was changed, and the provenance names what was built of what.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

fails() { # TEXT REGEX COMMAND…: exit status 1, and says so
	local text=$1 want=$2 out
	shift 2
	out=$("$@" 2>&1)
	like "$text" "exit $?: $out" "^exit 1: .*$want"
}

start_registry
addon good
serve main --registry "$registry"
export PREBUILDD_URL=$url
post_build good 1.0.0
await_build "$(value v.id)"
is "an addon is built" "$(value v.state)" succeeded
sha=$(value v.jobs[0].artifact.sha256)
path=/prebuilds/good/v1.0.0/good-v1.0.0-napi-v6-linux-x64.tar.gz
file=$scratch/${path##*/}

# ---- minisign verifies what is served ----

curl -sf "$url/v1/key" -o "$scratch/key.pub"
is "the key is that of the data folder" "$(cat "$scratch/key.pub")" \
	"$(cat "$scratch/main/keys/minisign.pub")"
is "nobody else reads the secret" "$(stat -c %a "$scratch/main/keys/minisign.key")" 600
curl -sf "$url$path" -o "$file"
curl -sf "$url$path.minisig" -o "$file.minisig"
check "minisign: good" minisign -Vm "$file" -p "$scratch/key.pub"
like "the trusted comment says which file" "$(sed -n 3p "$file.minisig")" \
	"^trusted comment: file:${path##*/} package:good@1.0.0 sha256:$(sha256sum <"$file" | cut -d ' ' -f 1)\$"
http GET "$path.minisig"
is "served as text, for ever" "$(header content-type) $(header cache-control)" \
	"text/plain; charset=utf-8 public, max-age=31536000, immutable"
for name in napi-v6-linux-x64.tar.gz napi-v6-linux-glibc-x64.tar.gz \
	good-v1.0.0-napi-v6-linux-x64.node good-v1.0.0-napi-v6-linux-x64.prebuildify.tar.gz; do
	curl -sf "$url/prebuilds/good/v1.0.0/$name" -o "$scratch/$name"
	curl -sf "$url/prebuilds/good/v1.0.0/$name.minisig" -o "$scratch/$name.minisig"
	check "minisign: $name" minisign -Vm "$scratch/$name" -p "$scratch/key.pub"
done
printf 'x' | cat "$file" - >"$scratch/longer.tar.gz"
cp "$file.minisig" "$scratch/longer.tar.gz.minisig"
fails "minisign: other bytes" "" minisign -Vm "$scratch/longer.tar.gz" -p "$scratch/key.pub"
printf 'by hand\n' >"$scratch/note"
check "minisign signs with the service's key" minisign -W -S -s "$scratch/main/keys/minisign.key" \
	-m "$scratch/note"
check "… and that verifies" minisign -Vm "$scratch/note" -p "$scratch/key.pub"

# ---- provenance ----

http GET "$path.provenance.json"
is "an envelope" "$(value v.payloadType)" application/vnd.in-toto+json
cp "$scratch/body" "$file.provenance.json"
http GET "/v1/artifacts/$sha/provenance"
check "the artifact's is the same" cmp "$scratch/body" "$file.provenance.json"
value v.payload | base64 -d >"$scratch/statement.json"
statement() {
	node -p "const v = JSON.parse(require('fs').readFileSync(process.argv[1])); $1" \
		"$scratch/statement.json"
}
is "a statement about provenance" "$(statement 'v._type + " " + v.predicateType')" \
	"https://in-toto.io/Statement/v1 https://slsa.dev/provenance/v1"
like "its subjects: the addon" "$(statement 'JSON.stringify(v.subject)')" "addon.node.*$sha"
like "… and the file" "$(statement 'JSON.stringify(v.subject)')" \
	"${path##*/}.*$(sha256sum <"$file" | cut -d ' ' -f 1)"
is "what was asked for" "$(statement 'JSON.stringify(v.predicate.buildDefinition.externalParameters)')" \
	'{"package":"good","version":"1.0.0","target":"x86_64-linux-gnu","abi":"napi-v6"}'
like "what ran" \
	"$(statement 'v.predicate.buildDefinition.internalParameters.commands.map((c) => c.argv[0]).join(" ")')" \
	"clang"
like "the compiler's package, by digest" "$(statement \
	'JSON.stringify(v.predicate.buildDefinition.resolvedDependencies.find((d) => d.name === "clang-19"))')" \
	'"sha256":"[0-9a-f]{64}"'
origin=$(statement \
	'JSON.stringify(v.predicate.buildDefinition.resolvedDependencies.find((d) => d.name === "origin of the source"))')
is "where the source came from, and its digest" "$origin" "$(printf \
	'{"name":"origin of the source","digest":{"sha512":"%s"},"uri":"pkg:npm/good@1.0.0"}' \
	"$(curl -sf "$registry/good/-/good-1.0.0.tgz" | sha512sum | cut -d ' ' -f 1)")"
like "when" "$(statement 'v.predicate.runDetails.metadata.finishedOn')" "^20[0-9-]+T[0-9:.]+Z\$"

# ---- prebuildctl verify ----

check "verify: good" "$ctl" verify "$file" --key "$scratch/key.pub"
is "verify --json, the key as text" \
	"$("$ctl" verify "$file" --key "$(tail -n 1 "$scratch/key.pub")" --json |
		node -p 'const v = JSON.parse(require("fs").readFileSync(0)); v.verified + " " + v.provenance.subject.length')" \
	"true $(statement v.subject.length)"
fails "verify: other bytes" "not one of these bytes" "$ctl" verify "$scratch/longer.tar.gz" \
	--key "$scratch/key.pub"
minisign -G -W -p "$scratch/other.pub" -s "$scratch/other.key" >/dev/null
fails "verify: another key" "was signed with the key" "$ctl" verify "$file" --key "$scratch/other.pub"
sed 's/good@1.0.0/good@1.0.1/' "$file.minisig" >"$scratch/changed.minisig"
cp "$file" "$scratch/changed"
fails "verify: a changed comment" "trusted comment was changed" "$ctl" verify "$scratch/changed" \
	--key "$scratch/key.pub"
cp "$scratch/napi-v6-linux-x64.tar.gz.minisig" "$scratch/swapped.minisig"
cp "$scratch/napi-v6-linux-x64.tar.gz" "$scratch/swapped"
printf '{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[]}' \
	>"$scratch/swapped.provenance.json"
fails "verify: a provenance that nobody signed" "not signed with that key" "$ctl" verify \
	"$scratch/swapped" --key "$scratch/key.pub"
cp "$file.provenance.json" "$scratch/note.provenance.json"
fails "verify: another file's provenance" "about other files" "$ctl" verify "$scratch/note" \
	--key "$scratch/key.pub"
out=$("$ctl" verify "$scratch/other.key" --key "$scratch/key.pub" 2>&1)
is "verify: no signature there is exit 4" $? 4
like "… and says where one comes from" "$out" "fetch --documents"
"$ctl" verify "$file" --key nonsense >/dev/null 2>&1
is "verify: a key that is none is exit 1" $? 1
"$ctl" verify "$file" >/dev/null 2>&1
is "verify: no key is exit 2" $? 2

# ---- prebuildctl fetch ----

mkdir "$scratch/fetched"
cd "$scratch/fetched" || exit 1
check "fetch with the key" "$ctl" fetch good@1.0.0 --key "$scratch/key.pub" --documents
check "… and verify what it saved" env PREBUILDD_KEY="$scratch/key.pub" "$ctl" verify "${path##*/}"
fails "fetch with another key" "was signed with the key" "$ctl" fetch good@1.0.0 \
	--key "$scratch/other.pub" -o "$scratch/refused.tar.gz"
check "… leaves nothing" test ! -e "$scratch/refused.tar.gz"
echo 'what was there' >kept.tar.gz
fails "the same over a file" "was signed with the key" "$ctl" fetch good@1.0.0 --key "$scratch/other.pub" -o kept.tar.gz
is "… which stays what it was" "$(cat kept.tar.gz)" 'what was there'
is "… and nothing is beside it" "$(find . -name '*unverified*' -o -name '*.part*')" ''
# A service that would like to write elsewhere.
node -e 'const s = require("http").createServer((q, r) => r.end(JSON.stringify({artifacts:
	[{abi: "napi-v6", file: "../escaped.node"}], cursor: null})));
	s.listen(0, "127.0.0.1", () => console.log("listening on http://127.0.0.1:" + s.address().port))' >"$scratch/liar.out" &
started+=($!)
until_ok 10 address_in "$scratch/liar.out"
fails "fetch from who names a file elsewhere" 'calls the addon "../escaped.node", which is no file' "$ctl" fetch \
	good@1.0.0 --layout raw --key "$scratch/key.pub" --server "$(address_in "$scratch/liar.out")"
check "… writes nothing there" test ! -e ../escaped.node

# ---- the key is kept, and a bad one is refused ----

end_process "$pid"
serve main --registry "$registry"
is "the same key after a restart" "$(curl -sf "$url/v1/key")" "$(cat "$scratch/key.pub")"
is "the same signature" "$(curl -sf "$url$path.minisig")" "$(cat "$file.minisig")"

# Another key, and the same bytes handed in again: what is published keeps its signature.
end_process "$pid"
cp "$scratch/other.key" "$scratch/main/keys/minisign.key"
serve main --registry "$registry"
is "an operator's key" "$(curl -sf "$url/v1/key" | tail -n 1)" "$(tail -n 1 "$scratch/other.pub")"
http PUT "/v1/publish${path#/prebuilds}" --data-binary "@$file"
is "the same bytes again are published" "$status" 201
is "… with the signature that they had" "$(curl -sf "$url$path.minisig")" "$(cat "$file.minisig")"

end_process "$pid"
printf 'untrusted comment: x\nAAAA\n' >"$scratch/main/keys/minisign.key"
out=$("$prebuildd" serve --data "$scratch/main" --listen 127.0.0.1:0 --workers 0 2>&1)
is "a key that is none: no start" $? 1
like "… and why" "$out" "keys/minisign.key: this is no secret key of minisign"

finish
