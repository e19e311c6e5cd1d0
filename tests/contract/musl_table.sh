#!/bin/bash
# The tables of what musl and glibc export must be what the toolchains export: made again, from all
# those that are assembled, they come out the same.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

if [[ ! -e $toolchains/x86_64-linux-musl ]]; then
	check "a toolchain for musl is assembled" "$ctl" toolchain assemble x86_64-linux-musl \
		--toolchains "$toolchains"
fi

for libc in musl glibc; do
	"$here/builder/audit/musl_table.sh" $libc >"$scratch/$libc" 2>"$scratch/$libc.said"
	report "what $libc exports can be read" "$(cat "$scratch/$libc.said")"
	check "it is what the table says" diff "$here/builder/audit/${libc}_table.c" "$scratch/$libc"
done
sed 's/^musl_table.sh:/#/' "$scratch/musl.said"
like "at least x86_64 was looked at" "$(cat "$scratch/musl.said")" 'x86_64: from its toolchain'
