#!/bin/bash
# Which releases of sqlite3 and better-sqlite3 are built, and what is said of those that cannot be: the first
# of each minor version, for the ABI that it asks for or one that it was made for. docs/releases.md has the
# same table. Without SLOW=1 only some that cannot be built: they fail soon.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

# PACKAGE@VERSION ABI RESULT; a + in front: also without SLOW=1. ABI -: what the package asks for.
rows='
+sqlite3@4.0.0 node-v72 failed
 sqlite3@4.0.9 node-v72 succeeded
 sqlite3@4.1.1 node-v72 succeeded
 sqlite3@5.0.0 - succeeded
 sqlite3@5.0.3 - succeeded
 sqlite3@5.1.0 - succeeded
 better-sqlite3@7.0.0 node-v93 succeeded
+better-sqlite3@7.0.0 node-v115 failed
 better-sqlite3@7.1.0 node-v93 succeeded
 better-sqlite3@7.4.0 node-v93 succeeded
 better-sqlite3@7.6.2 node-v108 succeeded
 better-sqlite3@8.0.0 node-v108 succeeded
 better-sqlite3@8.3.0 node-v108 succeeded
 better-sqlite3@9.0.0 node-v115 succeeded
 better-sqlite3@10.0.0 node-v115 succeeded
 better-sqlite3@11.0.0 node-v127 succeeded
 better-sqlite3@12.0.0 node-v137 succeeded
 better-sqlite3@13.0.0 - succeeded
'

serve var
builds=()
while read -r spec abi want; do
	[[ -n $spec && ($spec == +* || ${SLOW:-0} == 1) ]] || continue
	spec=${spec#+}
	[[ $abi != - ]] || abi=
	post_build "${spec%@*}" "${spec#*@}" "$target" "$abi"
	builds+=("$(value v.id) $spec ${abi:-its-own} $want")
done <<<"$rows"
for line in "${builds[@]}"; do
	read -r id spec abi want <<<"$line"
	await_build "$id" 1200
	is "$spec, $abi" "$(value 'v.jobs.map((j) => j.state).join()')" "$want"
	printf '# %s %s: %s\n' "$spec" "$abi" "$(value 'v.jobs.map((j) => (j.error || {}).message || "built").join()')"
	if [[ $want == failed ]]; then
		like "… and says the compiler's reason" "$(value 'v.jobs[0].error.code + " " + v.jobs[0].error.message')" \
			"build-failed compile .*error: "
	fi
done
