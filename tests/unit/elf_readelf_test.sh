#!/bin/sh
# Compares elf_read with an independent reader: for every shared object of the C library's folder
# (and those that the machine's compilers can make for other processors), the facts that
# tests/lib/elf_facts prints must be those that readelf prints.
#
# Usage: elf_readelf_test.sh PATH-OF-elf_facts [FOLDER…]
set -eu

facts=$1
compare=$(dirname "$0")/../lib/elf_compare.sh
shift
[ $# -gt 0 ] || set -- /usr/lib /lib
files_max=${ELF_READELF_FILES:-400}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/elf-readelf-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C

# One small library for each processor that clang and lld are there for: the other class and byte
# order, both hash styles, versions and thread-local storage.
cross() {
	clang=$(command -v clang || command -v clang-19 || command -v clang-14) || return 0
	command -v ld.lld >/dev/null || return 0
	printf '{ LIB_1 { global: f; }; LIB_2 { global: g; v; } LIB_1; };' | sed 's/^{ //; s/ };$//' \
		>"$scratch/versions"
	printf 'extern int h(int); __attribute__((weak)) extern int w(void); __thread int t = 3;
		int v = 7; int *p = &v; int f(int x) { return h(x) + t; }
		int g(void) { return w ? w() : *p; }' >"$scratch/lib.c"
	for target in i686 x86_64 aarch64 aarch64_be armv7a powerpc64 powerpc64le riscv64 mips64 mips; do
		for style in sysv gnu both; do
			"$clang" --target=$target-linux-gnu -O1 -fPIC -c "$scratch/lib.c" \
				-o "$scratch/lib.o" 2>/dev/null || continue
			ld.lld -shared --hash-style=$style --build-id -soname lib-$target.so.1 -rpath /a \
				--version-script="$scratch/versions" "$scratch/lib.o" \
				-o "$scratch/$target-$style.so" 2>/dev/null || continue
		done
	done
}

cross
for folder; do
	find "$folder" -xdev -type f -name '*.so*' ! -path '*/debug/*' -size -40000k
done | sort -u >"$scratch/all"
find "$scratch" -name '*.so' | sort >"$scratch/cross"
count=$(wc -l <"$scratch/all")
step=$((count / files_max + 1))
awk -v step=$step 'NR % step == 0' "$scratch/all" | cat "$scratch/cross" - >"$scratch/chosen"

# The files that are ELF by their first bytes; a linker's script may be named like a library.
xargs -d '\n' grep -laP '^\x7fELF' <"$scratch/chosen" |
	xargs -d '\n' -n 40 -P "$(nproc)" "$compare" "$facts" readelf >>"$scratch/results"
grep -v '^ok' "$scratch/results" || true
passed=$(grep -c '^ok' "$scratch/results" || true)
failed=$(grep -c '^not ok' "$scratch/results" || true)
echo "# $(wc -l <"$scratch/cross") of the files were made for other processors"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
