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

serve var --registry "$registry"
is "a dependency of the registry" "$(built plain)" succeeded
is "one that the package bundles" "$(built bundling)" succeeded
like "one of another address" "$(built elsewhere)" \
	"^failed unsupported dependency answer@http.* does not come from the registry$"
like "one in a folder" "$(built folder)" "^failed unsupported dependency .* does not come from the registry$"
