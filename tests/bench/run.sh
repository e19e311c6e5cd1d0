#!/bin/bash
# Runs the benchmarks, each a file in parts/, prints their ratios as a table and writes them to
# build/bench.json. docs/benchmarks.md says what each of them means. Used by `make bench`.
#
#   BENCH="name name"    only these (default: all)
#   PAIRS=n              how often each is measured (default: what the part says)
#   PACKAGE, TARGETS     another package, fewer targets for build-matrix
#
# A goal that is missed is printed and is no failure. What cannot be measured is one.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$here/build/bench.json

# A number that is no number would only be noticed at the end.
[[ ${PAIRS:-1} =~ ^[1-9][0-9]?$ ]] || {
	echo "bench: PAIRS=$PAIRS is not 1 to 99" >&2
	exit 2
}
known=()
for part in "$here"/tests/bench/parts/*.sh; do
	part=${part##*/}
	known+=("${part%.sh}")
done
read -ra chosen <<<"${BENCH:-${known[*]}}"
for name in "${chosen[@]}"; do
	[[ " ${known[*]} " == *" $name "* ]] || {
		echo "bench: there is no $name; there are: ${known[*]}" >&2
		exit 2
	}
done

# make's own variables would reach the make that node-gyp starts.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
export LC_ALL=C
BENCH_DIR=$(mktemp -d "${TMPDIR:-/tmp}/prebuildd-bench-XXXXXX")
export BENCH_DIR
trap 'chmod -R u+rwX "$BENCH_DIR"; rm -rf "$BENCH_DIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 0755 "$BENCH_DIR"
touch "$BENCH_DIR"/{figures,samples,notes}

# Hundredths of CPU seconds: of everything on the machine but idling, and of what this script started
# and has ended.
busy() {
	awk '/^cpu / { printf "%.0f", $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat
}
own() {
	awk '{ printf "%.0f", $14 + $15 + $16 + $17 }' "/proc/$$/stat"
}

missing=()
for name in "${chosen[@]}"; do
	read -r load _ </proc/loadavg
	printf '== %s (load %s on %d cores)\n' "$name" "$load" "$(nproc)"
	start=$SECONDS others=$(($(busy) - $(own)))
	bash "$here/tests/bench/parts/$name.sh" || missing+=("$name")
	others=$(($(busy) - $(own) - others))
	printf '   %d s; others had %d %% of the machine\n' $((SECONDS - start)) \
		$((others / $(nproc) / (SECONDS - start > 0 ? SECONDS - start : 1)))
done

mkdir -p "${out%/*}"
printf '\n'
node "$here/tests/bench/lib/results.js" "$BENCH_DIR" "$out" || exit 1
if [[ ${#missing[@]} -gt 0 ]]; then
	printf '\nbench: could not be measured, see above: %s\n' "${missing[*]}" >&2
	exit 1
fi
