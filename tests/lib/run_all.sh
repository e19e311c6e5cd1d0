#!/bin/bash
# Runs every test and adds up what they count; the last line is "N passed, N failed".
#
# Unit and contract tests run three times: built with the release flags' twin of
# AddressSanitizer + UBSan, and, because those do not see into the distribution's libuv, once more
# under valgrind. Scenarios run against the release programs. Logs are kept in build/test-logs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

logs=build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
only=${ONLY:-}

# Runs a command, shows its result in a line, and on failure the end of its output. A program that
# does not close with a count, or counted nothing, has failed.
run() {
	local name=$1 start=$SECONDS log rc line p f
	shift
	[[ -z $only || $name == *$only* ]] || return 0
	log=$logs/${name//\//-}.log
	"$@" >"$log" 2>&1 </dev/null
	rc=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	read -r p f < <(sed -E 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/' <<<"${line:-0 passed, 1 failed}")
	[[ $rc -eq 0 || $f -gt 0 ]] || f=1
	[[ $((p + f)) -gt 0 ]] || f=1
	passed=$((passed + p))
	failed=$((failed + f))
	printf '%-44s %4d passed %3d failed %4d s\n' "$name" "$p" "$f" $((SECONDS - start))
	if [[ $f -gt 0 ]]; then
		grep -nE '^not ok|^# |ERROR: |runtime error|definitely lost|Invalid (read|write)' "$log" |
			head -n 20
		tail -n 15 "$log" | sed 's/^/    | /'
	fi
}

# A gate is one test.
gate() {
	if "${@:2}"; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; fi
}

build() {
	make --no-print-directory -j"$(nproc)" MODE="$1" WERROR=1 tests >"$logs/build-$1.log" 2>&1 || {
		tail -n 20 "$logs/build-$1.log"
		failed=$((failed + 1))
	}
}

run gates/layers gate layers make --no-print-directory check-layers
run gates/format gate format make --no-print-directory check-format

build asan
for t in build/asan/tests/*/*_test; do
	[[ -x $t ]] && run "asan/${t##*/}" "$t"
done
run asan/elf_readelf tests/unit/elf_readelf_test.sh build/asan/tests/elf_facts
run asan/pe_readobj tests/unit/pe_readobj_test.sh build/asan/tests/pe_facts

build debug
for t in build/debug/tests/*/*_test; do
	[[ -x $t ]] && run "valgrind/${t##*/}" env VALGRIND=1 valgrind -q --error-exitcode=99 \
		--leak-check=full --show-leak-kinds=definite,indirect --trace-children=no \
		--child-silent-after-fork=yes "$t"
done

for t in tests/contract/*.sh tests/sandbox/*.sh tests/scenarios/*.sh; do
	[[ $t == tests/scenarios/demo.sh ]] && continue
	run "${t#tests/}" "$t"
done

echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
