#!/bin/bash
# addon-speed: is a portable binary slower than one that is made for this machine?
#
# ours:   rounds of queries (lib/queries.js) a CPU second of one Node process, with the package's
#         published prebuild. CPU seconds of all threads, because they depend less than wall time on
#         who else uses the machine; many short rounds for the same reason.
# theirs: the same queries in the same Node with the addon that node-gyp and gcc made.
#
# Each has a process of its own, and they take turns round by round. Both must give the same answers.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

[[ $name == sqlite3 ]] || die "there are queries for sqlite3 only, not for $name"
figure addon-speed "rounds/CPU s" ">= 1.0"
with_built
with_gyp
cp -a "$gyp_app" "$scratch/theirs"
cp -a "$gyp_app" "$scratch/ours"
cp "$built/addon" "$(addon_of "$scratch/ours")"
count_pairs addon-speed 41
timed node "$bench/lib/queries.js" "$pairs" "$scratch"/{ours,theirs}/node_modules/sqlite3 ||
	die "$(tail -n 1 "$scratch/out")"
while read -r side value; do
	sample addon-speed "$side" "$value"
done <"$scratch/out"
