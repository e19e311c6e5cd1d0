#!/bin/bash
# The web page in a real browser (tests/lib/page.mjs): builds as they go, logs, packages, targets, hostile text, a
# token.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

need_modules
addon good
addon broken
echo 'this is no C' >>"$packages/broken/1.0.0/addon.c"
addon hostile 'echo "<img src=x onerror=alert(2)>"; echo "error: <script>alert(1)</script>" >&2; exit 1'
addon slow "sleep $marker || true"
start_registry
serve closed --workers 0 --auth tokens --private
closed=$url
serve open --workers 2 --registry "$registry"
server=$pid
for package in good broken hostile; do
	post_build "$package" 1.0.0
	await_build "$(value v.id)"
done
post_build slow 1.0.0
check "a build is under way" until_ok 60 is_hanging

# What drives the browser wants a newer Node than Debian's.
"$(component_of node)/bin/node" "$here/tests/lib/page.mjs" "$url" "$closed" "$(<"$scratch/closed/keys/admin.token")" \
	"$marker" "$server" >"$scratch/page.out" 2>&1
is "the browser's steps came to their end" "$?" 0
while read -r line; do
	case $line in
	"ok "*) ended 0 "${line#ok }" ;;
	"not ok "*) ended 1 "${line#not ok }" ;;
	*) echo "# $line" ;;
	esac
done <"$scratch/page.out"
is "how many there were" "$(grep -c -E '^(not )?ok ' "$scratch/page.out")" 17
