#!/bin/bash
# run.sh SECONDS FUZZER… : each fuzzer for that long, with the corpus that it keeps in build/corpus.
set -euo pipefail
seconds=$1
shift
[[ $# -gt 0 ]] || { echo "no fuzzers" >&2; exit 1; }
for fuzzer in "$@"; do
	corpus=build/corpus/${fuzzer##*/}
	mkdir -p "$corpus"
	echo "== ${fuzzer##*/}"
	log=build/corpus/${fuzzer##*/}.log
	"$fuzzer" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
		"$corpus" >"$log" 2>&1 || { tail -n 40 "$log"; exit 1; }
	grep stat::number_of_executed_units "$log"
done
