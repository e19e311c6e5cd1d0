#!/bin/bash
# The tables of what musl exports, and of what glibc does and musl does not, must be what the toolchains
# export: made again, from all those that are assembled, they come out the same.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

if [[ ! -e $toolchains/x86_64-linux-musl ]]; then
	check "a toolchain for musl is assembled" "$ctl" toolchain assemble x86_64-linux-musl \
		--toolchains "$toolchains"
fi

for what in table missing; do
	"$here/builder/audit/musl_table.sh" $what >"$scratch/$what" 2>"$scratch/$what.said"
	ended $? "the C libraries can be read: $what" "$(cat "$scratch/$what.said")"
	check "musl_$what.c is what they export" diff "$here/builder/audit/musl_$what.c" "$scratch/$what"
done
sed 's/^musl_table.sh:/#/' "$scratch/table.said"
like "at least x86_64 was looked at" "$(cat "$scratch/table.said")" 'x86_64: from its toolchain'
