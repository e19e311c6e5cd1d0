#!/bin/sh
# Compares elf_read with an independent reader: for every shared object of the C library's folder
# (and those that the machine's compilers can make for other processors), the facts that
# tests/lib/elf_facts prints must be those that readelf prints.
#
# Usage: elf_readelf_test.sh PATH-OF-elf_facts [FOLDER…]
set -eu

facts=$1
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

# readelf's report in the words of elf_facts.
theirs() {
	readelf -W -h -l -d -V --dyn-syms -S -n -r "$1" 2>/dev/null | awk '
	function bare(hex) { sub(/^0x/, "", hex); sub(/^0+/, "", hex); return hex == "" ? "0" : hex }
	function inside(s) { sub(/^[^[]*\[/, "[", s); return s }
	/^  Class:/ { print "class " $2 }
	/^  Data:/ { print "data " $(NF - 1) }
	/^  Flags:/ { sub(/,$/, "", $2); print "flags " $2 }
	/^  Entry point address:/ { print "entry " $4 }
	/^  (LOAD|DYNAMIC|INTERP|NOTE|TLS|GNU_EH_FRAME|GNU_STACK|GNU_RELRO) / {
		flags = ""
		for (i = 7; i < NF; i++)
			flags = flags $i
		print "segment " $1 " offset " bare($2) " vaddr " bare($3) " filesz " bare($5) \
			" memsz " bare($6) " align " bare($NF) " flags " flags
	}
	/Requesting program interpreter:/ { sub(/\]$/, "", $NF); print "interp " $NF }
	/^ 0x[0-9a-f]+ \(/ {
		tag = $2
		if (tag == "(NEEDED)") print "needed " ++needed " " inside($0)
		if (tag == "(SONAME)") print "soname " inside($0)
		if (tag == "(RPATH)") print "rpath " inside($0)
		if (tag == "(RUNPATH)") print "runpath " inside($0)
		if (tag == "(TEXTREL)" || tag == "(FLAGS)" && / TEXTREL/) textrel = 1
		if (tag == "(BIND_NOW)" || tag == "(FLAGS)" && / BIND_NOW/) now = 1
		if (tag == "(FLAGS_1)" && / NOW/) now = 1
		if (tag == "(FLAGS)" && / STATIC_TLS/) print "is static-tls"
		if (tag == "(RELR)") print "has relr"
		if (tag == "(HASH)") print "has hash"
		if (tag == "(GNU_HASH)") print "has gnu-hash"
		if (tag == "(INIT)" && $3 != "0x0" || tag == "(INIT_ARRAYSZ)" && $3 != "0") init = 1
	}
	/^  \[ *[0-9]+\] \.z?debug_info +PROGBITS/ { print "has debug-info" }
	/[ \t]Build ID: / { print "build-id " $NF }
	/^[A-Z]/ { in_needs = /^Version needs section/; in_symbols = /^Symbol table .*\.dynsym/ }
	in_needs && / File: / { sub(/.* File: /, ""); sub(/ *Cnt:.*/, ""); file = $0 }
	in_needs && / Name: / {
		weak = / Flags: WEAK/ ? " WEAK" : ""
		sub(/.* Name: /, ""); sub(/ *Flags:.*/, "")
		print "version " file " " $0 weak
	}
	/^Relocation section .* contains [0-9]+ entr/ && !/\.relr/ {
		for (i = 1; i < NF; i++)
			if ($i == "contains")
				print "relocs " $(i + 1)
	}
	in_symbols && /^ *[0-9]+: / && $1 != "0:" && $4 != "SECTION" {
		gsub(/ \[[^]]*\] /, " ")
		sub(/<OS specific>: 10/, "UNIQUE") # its name where EI_OSABI is not GNU
		sub(/ \([0-9]+\)$/, "")
		if ($4 ~ /^</) $4 = "?"
		if ($5 ~ /^</) $5 = "?"
		print "symbol " bare($2) " " $3 " " $4 " " $5 " " $6 " " ($7 == "UND" ? "UND" : "DEF") " " $8
	}
	END {
		if (textrel) print "is textrel"
		if (now) print "is bind-now"
		if (init) print "has init"
	}' | sort
}

cross
for folder; do
	find "$folder" -xdev -type f -name '*.so*' ! -path '*/debug/*' -size -40000k
done | sort -u >"$scratch/all"
find "$scratch" -name '*.so' | sort >"$scratch/cross"
count=$(wc -l <"$scratch/all")
step=$((count / files_max + 1))
awk -v step=$step 'NR % step == 0' "$scratch/all" | cat "$scratch/cross" - >"$scratch/chosen"

passed=0
failed=0
while read -r file; do
	[ "$(head -c 4 "$file" | od -An -c | tr -d ' ')" = '177ELF' ] || continue
	theirs "$file" >"$scratch/theirs"
	if "$facts" "$file" >"$scratch/unsorted" && sort "$scratch/unsorted" >"$scratch/ours" &&
		cmp -s "$scratch/ours" "$scratch/theirs"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok - $file"
		diff "$scratch/ours" "$scratch/theirs" | head -n 10 | sed 's/^/# /'
	fi
done <"$scratch/chosen"
echo "# $(wc -l <"$scratch/cross") of the files were made for other processors"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
