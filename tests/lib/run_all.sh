#!/bin/bash
# Runs every test and adds up what they count; the last line is "N passed, N failed".
#
# Unit tests run twice: built with AddressSanitizer + UBSan, and, because those do not see into the
# distribution's libuv, as they are released under valgrind. Contract tests and scenarios run against
# the release programs. Logs are kept in build/test-logs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

logs=build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
only=${ONLY:-}

# Runs a command, shows its result in a line, and on failure the end of its output. A program that
# does not close with a count, or counted nothing, has failed.
run() {
	local name=$1 start=$SECONDS log rc line p f cpu TIMEFORMAT='%U %S'
	shift
	[[ -z $only || $name == *$only* ]] || return 0
	log=$logs/${name//\//-}.log
	{ time "$@" >"$log" 2>&1 </dev/null; } 2>"$log.time"
	rc=$?
	# Of all that was waited for: beside others, only this says what a test costs.
	cpu=$(tail -n 1 "$log.time" | awk '{ printf "%.0f", $1 + $2 }')
	# Before it stands what bash says of a test that a signal has ended.
	sed '$d' "$log.time" >>"$log"
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	read -r p f < <(sed -E 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/' <<<"${line:-0 passed, 1 failed}")
	[[ $rc -eq 0 || $f -gt 0 ]] || f=1
	[[ $((p + f)) -gt 0 ]] || f=1
	echo "$p $f" >"$log.count"
	{
		printf '%-44s %4d passed %3d failed %4d s %4d CPU s\n' "$name" "$p" "$f" $((SECONDS - start)) "$cpu"
		if [[ $f -gt 0 ]]; then
			grep -nE '^not ok|^# |ERROR: |runtime error|definitely lost|Invalid (read|write)' "$log" |
				head -n 20
			tail -n 15 "$log" | sed 's/^/    | /'
		fi
	} >"$log.shown"
	# In one write: tests run side by side.
	cat "$log.shown"
}

# The same beside others, as many as there are cores, or one more where tests wait for clients and emulators for
# much of their time; finish_all waits for them.
running=0
most=$(nproc)
beside() {
	if [[ $running -ge $most ]]; then
		wait -n
		running=$((running - 1))
	fi
	run "$@" &
	running=$((running + 1))
}
finish_all() {
	wait
	running=0
}

# A gate is one test.
gate() {
	if "${@:2}"; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; fi
}

build() {
	make --no-print-directory -j"$(nproc)" MODE="$1" WERROR=1 tests >"$logs/build-$1.log" 2>&1 || {
		tail -n 20 "$logs/build-$1.log"
		echo "0 1" >"$logs/build-$1.log.count"
	}
}

run gates/layers gate layers make --no-print-directory check-layers
run gates/format gate format make --no-print-directory check-format

# The fuzzers' objects: `make fuzz` afterwards has only to link.
build fuzz
for t in build/fuzz/tests/*/*_test; do
	[[ -x $t ]] && beside "asan/${t##*/}" "$t"
done
beside asan/elf_readelf tests/unit/elf_readelf_test.sh build/fuzz/tests/elf_facts
beside asan/pe_readobj tests/unit/pe_readobj_test.sh build/fuzz/tests/pe_facts

for t in build/release/tests/*/*_test; do
	[[ -x $t ]] && beside "valgrind/${t##*/}" env VALGRIND=1 valgrind -q --error-exitcode=99 \
		--leak-check=full --show-leak-kinds=definite,indirect --trace-children=no \
		--child-silent-after-fork=yes "$t"
done

# The longest first: nothing is left to run beside the last one.
longest=(scenarios/npm contract/wrong_binaries npm/unit scenarios/clients npm/fallback sandbox/hostile_builds
	contract/official_prebuilds)
most=$(($(nproc) + 1))
for t in $({ printf '%s.sh\n' "${longest[@]}"; cd tests && ls {contract,npm,sandbox,scenarios}/*.sh; } |
	grep -v scenarios/demo.sh | awk '!seen[$0]++'); do
	beside "$t" "tests/$t"
done
finish_all

# Once more at the end, where a machine's record of the output is still whole.
for count in "$logs"/*.count; do
	log=${count%.count}
	grep -q ' 0$' "$count" || {
		echo "failed: $log"
		grep -E -A 4 '^not ok' "$log" | grep -E '^(not ok|#)' | cut -c 1-300 | head -n 20
	}
done

read -r passed failed < <(cat "$logs"/*.count | awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }')
echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
