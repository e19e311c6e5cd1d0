#!/bin/bash
# queue-scale, -postgres, -behind, -behind-postgres: does a job cost the more the more others there are?
#
# ours:   microseconds of leasing a job and publishing its addon, two transactions, in a catalog with 1,000,000
#         queued jobs and 1,000,000 artifacts (JOBS chooses another number); median of 50. For -behind, all but
#         1,000 of those jobs come first and are for a target that this worker has no toolchain for.
# theirs: the same in a catalog with 1,000 of each.
#
# The catalog's functions are called as the service calls them, without HTTP before and a store behind them.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"
# shellcheck source=tests/lib/postgres.sh
. "$here/tests/lib/postgres.sh"

jobs=${JOBS:-1000000}
[[ $jobs =~ ^[1-9][0-9]{3,7}$ ]] || die "JOBS=$jobs is not 1000 to 99999999"
[[ ${PAIRS:-1} -le 18 ]] || die "a catalog of 1,000 jobs is enough for 18 pairs"
queue=$here/build/release/tests/bench/queue

take() { # FIGURE SIDE DATABASE
	local us
	us=$("$queue" time "$3" 50 2>"$scratch/err") || die "$1: $(tail -n 1 "$scratch/err")"
	sample "$1" "$2" "$us"
}
ours() { take "$figure" ours "$many"; }
theirs() { take "$figure" theirs "$few"; }

fill() { # DATABASE QUEUED ARTIFACTS OTHERS
	timed "$queue" fill "$@" || die "a catalog cannot be filled: $(tail -n 1 "$scratch/out")"
	# What autovacuum would do in the next minutes, beside what is measured.
	[[ $1 != postgres:* ]] || psql -qc 'VACUUM ANALYZE' -c CHECKPOINT "$1" || die "a catalog cannot be vacuumed"
}

compare() { # FIGURE MANY FEW BEHIND
	figure=$1 many=$2 few=$3
	figure "$1" us "<= 1.2"
	[[ $jobs -eq 1000000 ]] || note "$1" "shortened: $jobs of 1,000,000 jobs and artifacts"
	say "$1: a catalog with $jobs queued jobs and artifacts"
	fill "$few" 1000 1000 0
	if [[ $4 == behind ]]; then
		fill "$many" 1000 "$jobs" $((jobs - 1000))
	else
		fill "$many" "$jobs" "$jobs" 0
	fi
	# The first time reads what is on the disk.
	"$queue" time "$few" 5 >/dev/null && "$queue" time "$many" 5 >/dev/null
	alternate "$figure" 5 ours theirs
}

make_pg >"$scratch/initdb.log" 2>&1 && start_pg || die "no PostgreSQL: $(tail -n 1 "$scratch/initdb.log")"
for order in '' -behind; do
	for name in many few; do
		query "CREATE DATABASE ${name}_${order#-}" || die "no database"
	done
	compare "queue-scale$order" "sqlite:$scratch/many$order.db" "sqlite:$scratch/few$order.db" "${order#-}"
	rm -f "$scratch"/*.db*
	compare "queue-scale$order-postgres" "postgres://owner@127.0.0.1:$port/many_${order#-}" \
		"postgres://owner@127.0.0.1:$port/few_${order#-}" "${order#-}"
done
