#!/bin/bash
# Objects of earlier jobs: the next version of a package compiles only what is new, and its bytes are those
# of a build that had nothing to start from.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

# What does not change between versions, and what does.
addon good
cp -R "$packages/good/1.0.0" "$packages/good/2.0.0"
sed -i 's/"1.0.0"/"2.0.0"/' "$packages/good/2.0.0/package.json"
for version in 1.0.0 2.0.0; do
	sed -i 's/"sources":\["addon.c"\]/"sources":["addon.c","same.c","data.c"]/' "$packages/good/$version/binding.gyp"
	echo 'int same(void); int same(void) { return 1; }' >"$packages/good/$version/same.c"
	# The same text, which stands for other bytes.
	echo '__asm__(".pushsection .rodata; .globl data; data: .incbin \"data\"; .popsection"); extern const char data[];
		int get(void); __attribute__((constructor)) int get(void) { return *(volatile const char *)data; }' \
		>"$packages/good/$version/data.c"
	echo "$version" >"$packages/good/$version/data"
done
sed -i 's/, 42,/, 43,/' "$packages/good/2.0.0/addon.c"
# Another package with the very same source.
cp -R "$packages/good" "$packages/twin"
sed -i 's/"good"/"twin"/' "$packages"/twin/*/package.json
start_registry

build() { # PACKAGE VERSION [ABI]: its log into body
	post_build "$1" "$2" "$target" "${3:-napi-v6}"
	await_build "$(value v.id)"
	is "$1@$2 ${3:-}: succeeds" "$(value v.state)" succeeded
	sha=$(value 'v.jobs[0].artifact.sha256')
	http GET "$(value 'v.jobs[0].log')"
}

again() { # the sources that were compiled already
	sed -n 's/^==> compile \(.*\): compiled already.*/\1/p' <<<"$body" | sort | xargs
}

serve var --workers 1 --registry "$registry"
build good 1.0.0
is "the first version compiles everything" "$(again)" ""
build good 2.0.0
is "the next one only what is new" "$(again)" same.c
next=$sha
build good 2.0.0 napi-v5
is "for another Node-API version what does not see it" "$(again)" same.c
build twin 1.0.0
is "another package has nothing of this one's" "$(again)" ""
kill "$pid"
wait "$pid"

serve fresh --workers 1 --registry "$registry"
build good 2.0.0
is "from nothing" "$(again)" ""
is "… the same bytes" "$sha" "$next"
kill "$pid"
wait "$pid"

serve small --workers 1 --registry "$registry" --max-compile-cache 1
build good 1.0.0
build good 2.0.0
is "--max-compile-cache: what is too much is not kept" "$(again)" ""
