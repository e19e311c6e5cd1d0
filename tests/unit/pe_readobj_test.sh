#!/bin/sh
# Compares pe_read with an independent reader: for addons for Windows as npm has them (of Microsoft's
# linker and Rust's, three machines) and DLLs that lld makes here, the facts that tests/lib/pe_facts
# prints must be those that llvm-readobj prints.
#
# Usage: pe_readobj_test.sh PATH-OF-pe_facts [FOLDER...]
set -eu

facts=$1
shift
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pe-readobj-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C
packages='bufferutil@4.1.0 utf-8-validate@6.0.6 @serialport/bindings-cpp@13.0.1 @parcel/watcher-win32-x64@2.6.0
	@node-rs/crc32-win32-x64-msvc@1.10.8 @node-rs/crc32-win32-ia32-msvc@1.10.8
	@node-rs/crc32-win32-arm64-msvc@1.10.8 lightningcss-win32-x64-msvc@1.33.0'

# One folder for each package, kept in the cache: what a version of a package holds never changes.
fetch() {
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd/test-packages
	mkdir -p "$cache"
	for package in $packages; do
		folder=$cache/$(printf '%s' "$package" | tr -c 'A-Za-z0-9.-' _)
		if [ ! -e "$folder" ]; then
			mkdir "$scratch/part"
			npm pack --silent --ignore-scripts --pack-destination "$scratch/part" "$package" >/dev/null
			mkdir "$scratch/unpacked"
			tar xzf "$scratch"/part/*.tgz -C "$scratch/unpacked"
			mv "$scratch/unpacked" "$folder"
			rm -r "$scratch/part"
		fi
		printf '%s\n' "$folder"
	done
}

# What lld makes: each machine, imports by name and by number, delayed and not, exports with and without
# a name, forwarded, debug data and a digest for a time stamp.
made_here() {
	printf 'LIBRARY host.exe\nEXPORTS\nouter\nnumbered @7 NONAME\nlate\n' >"$scratch/host.def"
	sed 's/host.exe/late.dll/' "$scratch/host.def" >"$scratch/late.def"
	printf '__declspec(dllimport) int outer(int); __declspec(dllimport) int numbered(int);
		int late(int); int _fltused; int __delayLoadHelper2(void) { return 0; }
		int entry(int x) { return outer(x) + numbered(x) + late(x); }
		int second(int x) { return x; } int third(int x) { return -x; }' >"$scratch/a.c"
	for machine in x86_64:i386:x86-64 aarch64:arm64; do
		clang-14 --target="${machine%%:*}-pc-windows-msvc" -O1 -g -gcodeview -c "$scratch/a.c" -o "$scratch/a.obj"
		for library in host late; do
			llvm-dlltool-14 -m "${machine#*:}" -d "$scratch/$library.def" -l "$scratch/$library.lib"
		done
		for options in '' '-delayload:host.exe -Brepro' '-debug -pdbaltpath:C:/b/a.pdb' '-highentropyva:no -nxcompat:no'; do
			name=$scratch/${machine%%:*}$(printf '%s' "$options" | tr -c 'a-z' _).dll
			# shellcheck disable=SC2086 # options are words
			lld-link-14 -dll -noentry -nodefaultlib -out:"$name" $options -export:entry \
				-export:second,@9,NONAME -export:third -export:gone=elsewhere.dll.gone \
				"$scratch/a.obj" "$scratch/host.lib" "$scratch/late.lib"
		done
	done
}

# llvm-readobj's report in the words of pe_facts.
theirs() {
	llvm-readobj-14 --file-headers --sections --coff-imports --coff-exports --coff-debug-directory "$1" |
		awk '
	function paren(s) { sub(/.*\(/, "", s); sub(/\).*/, "", s); return s }
	function rest(s) { sub(/^[^:]*: ?/, "", s); return s }
	/^[A-Za-z]+ (\{|\[)/ { part = $1; delete have }
	/^  Section \{/ { part = "Section" }
	/^ +Import \{/ { next }
	part == "ImageFileHeader" && /Machine:/ { print "machine " paren($0) }
	part == "ImageFileHeader" && /TimeDateStamp:/ { print "timestamp " paren($0) }
	part == "ImageFileHeader" && /Characteristics \[/ { print "characteristics " paren($0) }
	part == "ImageOptionalHeader" {
		if (/^  Magic:/) print "class " ($2 == "0x20B" ? "PE32+" : "PE32")
		if (/SectionAlignment:/) print "align " $2
		if (/MajorOperatingSystemVersion:/) os = $2
		if (/MinorOperatingSystemVersion:/) print "os " os "." $2
		if (/MajorSubsystemVersion:/) major = $2
		if (/MinorSubsystemVersion:/) minor = $2
		if (/^  Subsystem:/) print "subsystem " major "." minor " " paren($0)
		if (/^  Characteristics \[/) print "dll " paren($0)
		if (/CertificateTableSize:/) print "certificate " ($2 != "0x0")
		if (/BaseRelocationTableRVA:/) rva = $2
		if (/BaseRelocationTableSize:/) print "relocs " (rva != "0x0" && $2 != "0x0")
		if (/CLRRuntimeHeaderRVA:/) print "clr " ($2 != "0x0")
	}
	part == "Section" {
		# A name longer than its eight bytes is elsewhere; the bytes say where.
		if (/^    Name:/) name = /\(2F / ? "/" : $2
		if (/VirtualSize:/) size = $2
		if (/VirtualAddress:/) address = $2
		if (/RawDataSize:/) raw = $2
		if (/PointerToRawData:/) at = $2
		if (/^    Characteristics \[/) print "section " name " " size " " address " " raw " " at " " paren($0)
	}
	(part == "Import" || part == "DelayImport") && /^  Name:/ {
		dll = rest($0)
		print (part == "Import" ? "dll " : "delayed ") dll
	}
	(part == "Import" || part == "DelayImport") && /^ +Symbol:/ {
		symbol = rest($0)
		number = symbol
		sub(/ ?\([0-9]+\)$/, "", symbol)
		print "import " dll " " (symbol == "" ? "#" paren(number) : symbol)
	}
	part == "Export" {
		if (/^  Name:/) name = rest($0)
		if (/^  Ordinal:/) name = ""
		if (/^  RVA:/ && name != "") print "export " name " " $2
	}
	/^    Type: Repro/ { print "reproducible" }
	/PDBFileName:/ && rest($0) != "" { print "pdb " rest($0) }
	' | sort
}

made_here
[ $# -gt 0 ] || fetch >"$scratch/folders"
for folder; do
	printf '%s\n' "$folder"
done >>"$scratch/folders"
find "$scratch" -name '*.dll' >"$scratch/files"
while read -r folder; do
	find "$folder" -type f \( -name '*.node' -o -name '*.dll' -o -name '*.exe' \)
done <"$scratch/folders" | sort >>"$scratch/files"

passed=0
failed=0
while read -r file; do
	[ "$(head -c 2 "$file")" = MZ ] || continue
	theirs "$file" >"$scratch/theirs"
	if "$facts" "$file" >"$scratch/unsorted" && sort "$scratch/unsorted" >"$scratch/ours" &&
		cmp -s "$scratch/ours" "$scratch/theirs"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok - $file"
		diff "$scratch/ours" "$scratch/theirs" | head -n 10 | sed 's/^/# /'
	fi
done <"$scratch/files"
echo "# $(find "$scratch" -name '*.dll' | wc -l) of the files were made here"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 8 ]
