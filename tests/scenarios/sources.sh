#!/bin/bash
# Sources that are on no registry: a git repository over HTTP (git's own server), a folder, a tarball.
# Built, audited, loaded, and served under versions that nothing else can have.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

addon thing
addon other
start_registry
mkdir "$scratch/repos"
node "$here/tests/lib/git_server.js" "$scratch/repos" >"$scratch/git.out" 2>"$scratch/git.log" &
started+=($!)
until_ok 10 address_in "$scratch/git.out"
git_url=$(address_in "$scratch/git.out")
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1
git config --global user.name n
git config --global user.email e@example.org
git config --global init.defaultBranch main
git config --global protocol.file.allow always

repository() { # NAME FOLDER: a work tree in $scratch/NAME, published as NAME.git
	cp -R "$2" "$scratch/$1"
	git -C "$scratch/$1" init -q
	git init -q --bare "$scratch/repos/$1.git"
	git -C "$scratch/$1" remote add origin "$scratch/repos/$1.git"
	push "$1"
}
push() { # NAME: commits what is there
	git -C "$scratch/$1" add -A
	git -C "$scratch/$1" commit -q -m change
	git -C "$scratch/$1" push -q origin HEAD:main
}
head_of() { # NAME
	git -C "$scratch/$1" rev-parse HEAD
}
# An addon whose C file is in a submodule.
mkdir "$scratch/part"
mv "$packages/other/1.0.0/addon.c" "$scratch/part/"
sed -i 's,addon\.c,part/addon.c,' "$packages/other/1.0.0/binding.gyp"
mv "$scratch/part" "$scratch/part-files"
repository part "$scratch/part-files"
repository whole "$packages/other/1.0.0"
git -C "$scratch/whole" submodule --quiet add ../part.git part
push whole
repository thing "$packages/thing/1.0.0"

serve var --workers 2 --registry "$registry" --git-hosts "${git_url#http://}"
export PREBUILDD_URL=$url

build() { # ARGUMENT…: `prebuildctl build`; sets rc and body
	"$ctl" build "$@" --target "$target" --json >"$scratch/ctl.out" 2>"$scratch/ctl.err"
	rc=$?
	body=$(cat "$scratch/ctl.out")
	said=$(cat "$scratch/ctl.err")
}
is_built() { # TEXT PACKAGE@VERSION
	is "$1: exit status" "$rc" 0
	is "$1: its version" "$(value 'v.package + "@" + v.version')" "$2"
	http GET "/v1/artifacts/$(value 'v.jobs[0].artifact.sha256')/report"
	is "$1: loaded" "$(value 'v.load.ran && v.load.ok')" true
}

# ---- git ----

build thing@1.0.0 --git "$git_url/thing.git#main"
first=$(head_of thing)
key=$(value 'v.jobs[0].key')
is "the commit is recorded" "$(value v.source.origin)" "git+$git_url/thing.git#$first"
is_built "a branch" "thing@1.0.0+git.${first:0:12}"
like "prebuildctl says the version" "$said" "thing@1\.0\.0\+git\.${first:0:12}"
"$ctl" fetch "thing@1.0.0+git.${first:0:12}" --target "$target" --layout raw -o "$scratch/thing.node" >/dev/null
is "fetch by that version: it works" "$(node -p 'require(process.argv[1]).answer()' "$scratch/thing.node")" 42
http GET "/prebuilds/thing/v1.0.0+git.${first:0:12}/thing-v1.0.0+git.${first:0:12}-napi-v6-linux-x64.tar.gz"
is "the mirror has it under its own name" "$status" 200
http GET "/v1/artifacts?package=thing&version=1.0.0"
is "nothing has the registry's name" "$(value v.artifacts.length)" 0
build thing@1.0.0 --git "$git_url/thing.git#$first"
is "the commit itself: the same" "$rc $(value 'v.jobs[0].key')" "0 $key"
echo '/* moved */' >>"$scratch/thing/addon.c"
push thing
second=$(head_of thing)
build --git "git+$git_url/thing.git"
[[ $second != "$first" && $(value 'v.jobs[0].key') != "$key" && $(value 'v.jobs[0].key') == ????????* ]]
report "the branch has moved: another key" "$key" "$body"
is_built "… without a name and a ref" "thing@1.0.0+git.${second:0:12}"
build other@1.0.0 --git "$git_url/whole.git#main"
is_built "a submodule" "other@1.0.0+git.$(head_of whole | cut -c 1-12)"
build thing@2.0.0 --git "$git_url/thing.git#main"
is "another version than the source's: exit status" "$rc" 1
like "… it says so" "$said" "thing@1\.0\.0 by its package\.json"
build --git "$git_url/thing.git#absent"
like "no such branch" "$rc $said" "^1 .*no branch or tag absent"
build --git "https://localhost/thing.git"
like "a host that is not listed" "$rc $said" "^1 .*--git-hosts does not list"
build --git "ssh://git@example.org/thing.git"
like "ssh" "$rc $said" "^1 .*only https"
build --git "https://me:hunter2@example.org/thing.git"
like "a password" "$rc $said" "^1 .*would end up in logs"
unlike "… which is in no log" "$said $(cat "$scratch/var.log")$(strings "$scratch/var/catalog.db"*)" hunter2

# ---- uploads ----

folder=$scratch/folder
cp -R "$packages/thing/1.0.0" "$folder"
mkdir "$folder/node_modules" "$folder/build"
echo '//registry/:_authToken=hunter2' >"$folder/.npmrc"
echo x >"$folder/build/left"
build thing@1.0.0 --source "$folder"
sha=$(value v.source.origin)
is_built "a folder" "thing@1.0.0+src.$(cut -c 8-19 <<<"$sha")"
rm -r "$folder/.npmrc" "$folder/build"
touch -d 2001-01-01 "$folder/addon.c"
build --source "$folder"
is "the same files later: the same source" "$(value v.source.origin)" "$sha"
rm "$folder/package.json"
build --source "$folder"
like "a folder without a package.json" "$rc $said" "^1 .*give PACKAGE@VERSION"
build bare@3.1.4 --source "$folder"
like "… with a name and a version" "$(value 'v.package + "@" + v.version')" '^bare@3\.1\.4\+src\.'
is "… exit status" "$rc" 0
ln -s ../../outside "$folder/link"
build bare@3.1.4 --source "$folder"
like "a link that leads out" "$rc $said" "^[12] .*link"
tar -C "$packages/thing" --transform 's,^1.0.0,any-folder,' -czf "$scratch/thing.tgz" 1.0.0
build --source "$scratch/thing.tgz"
is_built "a tarball" "thing@1.0.0+src.$(sha256sum <"$scratch/thing.tgz" | cut -c 1-12)"
tar -C "$scratch" -czf "$scratch/evil.tgz" --transform 's,^thing.node,package/../../evil,' -P thing.node
build evil@1.0.0 --source "$scratch/evil.tgz"
like "a hostile tarball" "$rc $said" "^1 .*\.\."
echo 'no tarball' >"$scratch/text"
build evil@1.0.0 --source "$scratch/text"
is "no tarball: exit status" "$rc" 1

# ---- HTTP ----

problem() { # TEXT STATUS CODE, of the last answer
	is "$1" "$status $(value v.code)" "$2 $3"
}
post() { # JSON without the target
	http POST /v1/builds -H 'Content-Type: application/json' -d "{\"targets\":[\"$target\"],$1}"
}
http PUT /v1/sources --data-binary "@$scratch/thing.tgz"
sum=sha256:$(sha256sum <"$scratch/thing.tgz" | cut -d ' ' -f 1)
is "PUT /v1/sources" "$status $(value v.source)" "201 $sum"
post "\"source\":\"$sum\""
is "a known source: 200, by its version" "$status $(value v.version)" "200 1.0.0+src.${sum:7:12}"
post "\"package\":\"thing\",\"version\":\"1.0.0\",\"git\":{\"url\":\"$git_url/thing.git\",\"ref\":\"$first\"}"
is "a known commit: 200" "$status $(value v.version)" "200 1.0.0+git.${first:0:12}"
http PUT /v1/sources
problem "PUT of nothing" 400 invalid
post "\"source\":\"sha256:$(printf '%064d' 0)\""
problem "an upload that is not there" 404 not-found
post "\"source\":\"$sum\",\"git\":{\"url\":\"https://e.org/a\"}"
problem "both" 400 invalid
post '"source":"latest"'
problem "no digest" 400 invalid
post '"git":{"url":"https://e.org/a","ref":"a..b"}'
problem "no ref" 400 invalid
post '"git":{"url":"https://e.org/a","depth":1}'
problem "an unknown field" 400 invalid
post '"package":"thing","version":"1.0.0+git.000000000000"'
problem "a version that no source has" 404 not-found
post "\"package\":\"thing\",\"version\":\"1.0.0+git.${first:0:12}\""
is "one that a source has" "$status $(value v.state)" "200 succeeded"
http GET "/prebuilds/thing/v1.0.0+git.000000000000/thing-v1.0.0+git.000000000000-napi-v6-linux-x64.tar.gz"
like "the mirror does not ask the registry for it" "$status $(value v.code)" "404 (unknown-version|package-not-allowed)"
http PUT "/v1/publish/thing/v1.0.0+git.000000000000/thing-v1.0.0+git.000000000000-napi-v6-linux-x64.tar.gz" \
	--data-binary "@$scratch/thing.node"
problem "nothing can be published under such a version" 400 invalid

# ---- time ----

end_process "$pid"
serve slow --workers 1 --registry "$registry" --git-hosts "${git_url#http://}" --max-git-seconds 2 --max-source 100
PREBUILDD_URL=$url build --git "$git_url/silent/thing.git#main"
like "a server that never answers" "$rc $said" "^1 .*git: time limit \(2 s\)"
http PUT /v1/sources --data-binary "@$scratch/thing.tgz"
problem "more than max-source" 413 too-large
