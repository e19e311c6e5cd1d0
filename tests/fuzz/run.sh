#!/bin/bash
# run.sh SECONDS HARNESS…: each for that long, as many at a time as there are cores. What is new goes
# into build/corpus, where the next run begins. Anything found is a failure, and its input is kept.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
seconds=$1
shift
programs=build/fuzz/fuzz seeds=build/fuzz/seeds corpus=build/corpus found=build/fuzz/found
mkdir -p "$corpus" "$found"
tests/fuzz/seeds.sh build/fuzz/tests/unit "$seeds" || exit 1

fuzz() { # HARNESS
	local name=$1 log=$corpus/$1.log rc executions edges total input
	# A harness without seeds of its own starts from nothing.
	mkdir -p "$corpus/$name" "$seeds/$name"
	# Leaks, and inputs that take longer than 30 s or more than 1 GiB, are found like crashes.
	"$programs/$name" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$found/$name-" "$corpus/$name" "$seeds/$name" >"$log" 2>&1
	rc=$?
	executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	total=$(sed -n 's/^INFO: Loaded .* modules *(\([0-9]*\) inline.*/\1/p' "$log")
	printf '%-8s %10s executions, %5s of %5s edges covered\n' "$name" "${executions:-no}" \
		"${edges:-no}" "${total:-?}"
	[[ $rc -ne 0 || ${executions:-0} -eq 0 ]] || return 0
	input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
	grep -m 1 -E 'ERROR: |runtime error: ' "$log" || tail -n 3 "$log"
	echo "  input: ${input:-none was written}; see $log; to run it again:"
	echo "  $programs/$name ${input:-$corpus/$name}"
	return 1
}

running=0 passed=0 failed=0
collect() {
	if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	running=$((running - 1))
}
for name in "$@"; do
	[[ $running -lt $(nproc) ]] || collect
	fuzz "$name" &
	running=$((running + 1))
done
while [[ $running -gt 0 ]]; do
	collect
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
