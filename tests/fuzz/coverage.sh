#!/bin/bash
# coverage.sh HARNESS…: for each, how many lines of the sources that it is for are reached by its first inputs
# and what `make fuzz` has added to them in build/corpus (CORPUS: another folder). Details: llvm-cov-14 show, as its last line says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
programs=build/fuzzcov/fuzz seeds=build/fuzzcov/seeds corpus=${CORPUS:-build/corpus} profiles=build/fuzzcov/profiles
mkdir -p "$profiles"
export LLVM_PROFILE_FILE=$profiles/seeds.raw # of the tests that write the seeds
tests/fuzz/seeds.sh build/fuzzcov/tests/unit "$seeds"

sources_of() { # HARNESS
	case $1 in
	elf) echo builder/audit/{elf_*,x86_*,arm_code,glibc,musl,napi,node_abi}.c ;;
	macho | pe) echo builder/audit/"$1"_*.c ;;
	tar) echo builder/pack/{tar_reader,inflate,find_addon,entry_name}.c ;;
	unpack) echo builder/source/unpack.c builder/pack/entry_name.c ;;
	entry) echo builder/pack/entry_name.c ;;
	http) echo api/http/{head,parser,range,router,scan,target}.c ;;
	request) echo api/routes/build_request.c builder/base/json.c ;;
	lockfile) echo builder/lockfile/*.c ;;
	name) echo builder/model/{name,package,abi}.c ;;
	origin) echo builder/model/{origin,git_hosts}.c builder/source/gitmodules.c ;;
	plan) echo builder/plan/*.c ;;
	signature) echo builder/signature/*.c ;;
	*)
		echo "coverage.sh: add the sources of harness $1" >&2
		return 1
		;;
	esac
}

for name in "$@"; do
	read -ra sources <<<"$(sources_of "$name")"
	mkdir -p "$corpus/$name" "$seeds/$name"
	LLVM_PROFILE_FILE=$profiles/$name.raw "$programs/$name" -runs=0 "$corpus/$name" "$seeds/$name" \
		>"$profiles/$name.log" 2>&1 || { tail "$profiles/$name.log" && exit 1; }
	llvm-profdata-14 merge -o "$profiles/$name" "$profiles/$name.raw"
	llvm-cov-14 export --summary-only "$programs/$name" -instr-profile="$profiles/$name" "${sources[@]}" |
		python3 -c 'import json, sys
lines = json.load(sys.stdin)["data"][0]["totals"]["lines"]
print("%-10s %5.1f %% of %5d lines" % (sys.argv[1], lines["percent"], lines["count"]))' "$name"
done
echo "llvm-cov-14 show $programs/$name -instr-profile=$profiles/$name ${sources[0]}"
