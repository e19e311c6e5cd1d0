#!/bin/bash
# addon-speed: is a portable binary slower than one that is made for this machine?
#
# ours:   rounds of queries (lib/queries.js) a CPU second of one Node process, with the package's
#         published prebuild. CPU seconds of all threads, because they do not depend on who else
#         uses the machine.
# theirs: the same queries in the same Node with the addon that node-gyp and gcc made.
#
# Both must give the same answers.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

query() { # SIDE
	local answer speed
	timed node "$bench/lib/queries.js" "$scratch/$1/node_modules/sqlite3" ||
		die "$1: $(tail -n 1 "$scratch/out")"
	read -r speed answer < <(tail -n 1 "$scratch/out")
	[[ $answer == "${expected:=$answer}" ]] || die "$1: other answers: $answer, not $expected"
	sample addon-speed "$1" "$speed"
}

ours() { query ours; }
theirs() { query theirs; }

[[ $name == sqlite3 ]] || die "there are queries for sqlite3 only, not for $name"
figure addon-speed "rounds/CPU s" ">= 1.0"
with_built
with_gyp
cp -a "$gyp_app" "$scratch/theirs"
cp -a "$gyp_app" "$scratch/ours"
cp "$built/addon" "$(addon_of "$scratch/ours")"
expected=
alternate addon-speed 5 ours theirs
