#!/bin/bash
# Where the dependencies of a source may come from: the registry, or the package's own tarball.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

depends() { # NAME DEPENDENCIES BUNDLED: an addon with these, as JSON
	addon "$1"
	printf '{"name":"%s","version":"1.0.0","binary":{"napi_versions":[6]},"dependencies":%s,"bundledDependencies":%s}\n' \
		"$1" "$2" "$3" >"$packages/$1/1.0.0/package.json"
}

# The build needs the dependency: its header has the answer.
uses_header() { # NAME
	sed -i 's|"sources"|"include_dirs":["<!(node -p \\"require(\x27path\x27).dirname(require.resolve(\x27answer/package.json\x27))\\")"],"sources"|' \
		"$packages/$1/1.0.0/binding.gyp"
	sed -i '1i #include <answer.h>' "$packages/$1/1.0.0/addon.c"
	sed -i 's|env, 42,|env, ANSWER,|' "$packages/$1/1.0.0/addon.c"
}

built() { # NAME
	post_build "$1" 1.0.0
	await_build "$(value v.id)"
	value 'v.jobs.map((j) => j.state + ((e) => e ? " " + e.code + " " + e.message : "")(j.error)).join()'
}

mkdir -p "$packages/answer/1.0.0"
echo '{"name":"answer","version":"1.0.0"}' >"$packages/answer/1.0.0/package.json"
echo '#define ANSWER 42' >"$packages/answer/1.0.0/answer.h"
depends plain '{"answer":"1.0.0"}' '[]'
uses_header plain
# As old releases of sqlite3 bring their node-pre-gyp.
depends bundling '{"answer":"1.0.0"}' '["answer"]'
uses_header bundling
mkdir "$packages/bundling/1.0.0/node_modules"
cp -R "$packages/answer/1.0.0" "$packages/bundling/1.0.0/node_modules/answer"
start_registry
depends elsewhere "{\"answer\":\"$registry/answer/-/answer-1.0.0.tgz?elsewhere\"}" '[]'
depends folder '{"answer":"file:./answer"}' '[]'
cp -R "$packages/answer/1.0.0" "$packages/folder/1.0.0/answer"
# Not the package itself but what it depends on leads elsewhere; and a text in it makes JSON that is refused.
carries() { # NAME LICENSE [REGISTRY]
	mkdir -p "$packages/$1/1.0.0"
	printf '{"name":"%s","version":"1.0.0","license":"%s","dependencies":{"answer":"%s"}}\n' "$1" "$2" \
		"${3:-$registry}/answer/-/answer-1.0.0.tgz?elsewhere" >"$packages/$1/1.0.0/package.json"
}
carries carrier MIT
depends through '{"carrier":"1.0.0"}' '[]'
carries liar '\u0000'
depends hidden '{"liar":"1.0.0"}' '[]'
# Another host than the registry's, by its name at least.
carries reaching MIT "http://localhost:${registry##*:}"
depends reaches '{"reaching":"1.0.0"}' '[]'

# npm reads its settings and a lock where it runs; what a package brings of that is not for its build.
mkdir -p "$packages/picky/1.0.0"
echo '{"name":"picky","version":"1.0.0","engines":{"node":"1"}}' >"$packages/picky/1.0.0/package.json"
depends configures '{"picky":"1.0.0"}' '[]'
echo 'engine-strict=true' >"$packages/configures/1.0.0/.npmrc"
depends locks '{"answer":"1.0.0"}' '[]'
uses_header locks
printf '{"name":"locks","version":"1.0.0","lockfileVersion":3,"packages":{"":{"dependencies":{"answer":"1.0.0"}},
"node_modules/answer":{"version":"1.0.0","resolved":"http://127.0.0.1:1/answer.tgz"}}}\n' \
	>"$packages/locks/1.0.0/npm-shrinkwrap.json"

serve var --registry "$registry"
is "a dependency of the registry" "$(built plain)" succeeded
is "one that the package bundles" "$(built bundling)" succeeded
like "one of another address" "$(built elsewhere)" \
	"^failed unsupported dependency answer@http.* does not come from the registry$"
like "one in a folder" "$(built folder)" "^failed unsupported dependency .* does not come from the registry$"
like "one of another address, below one of the registry" "$(built through)" \
	"^failed unsupported dependency node_modules/answer does not come from the registry$"
like "… in a lock that cannot be read" "$(built hidden)" "^failed malformed package-lock.json: not JSON: NUL"
is "one that npm would refuse by the package's settings" "$(built configures)" succeeded
is "one that the package has locked to another address" "$(built locks)" succeeded
like "one on another host" "$(built reaches)" \
	"^failed unsupported a dependency comes from http://localhost:[0-9]+/answer.*elsewhere, which is not the registry$"
is "… which was not asked" "$(grep -c 'localhost' "$scratch/registry.log")" 0
