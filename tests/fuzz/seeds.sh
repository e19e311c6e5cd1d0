#!/bin/bash
# seeds.sh TESTS FOLDER: makes the fuzzers' first inputs, FOLDER/<harness>/*, of our own fixtures: what
# the unit tests (programs in folder TESTS) build, the hostile requests, the names in the name test, lock files, and
# one small addon as compiler and linker make it for every kind of file.
set -euo pipefail
tests=$1 seeds=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/prebuildd-seeds-XXXXXX")
trap 'rm -rf "$work"' EXIT
rm -rf "$seeds"
mkdir -p "$seeds"/{elf,http,lockfile,macho,name,pe,signature}

keep() { # TEST [PART]: runs those of a test program whose names have PART in them
	SEEDS=$seeds "$tests/$1_test" "${@:2}" >"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		exit 1
	}
}
for test in audit_rules build_request elf_functions elf_read macho minisign pe plan; do
	keep $test
done
# Not those that try every length, or bombs.
keep pack addon_is
for part in compression strip names types link twice normal; do
	keep unpack $part
done
for part in pax sparse behind; do
	keep unpack_formats $part
done
keep unpack_limits names

# ---- lock files of the real clients ----

cp tests/data/lock/*.{json,yaml,lock} "$seeds/lockfile/"

# ---- client file names: every text in the test; the first line "0" stands for a known package ----

count=0
while IFS= read -r name; do
	count=$((count + 1))
	printf '0\n%s' "$name" >"$seeds/name/$count"
done < <(grep -oE '"[^" ]+\.(tar\.gz|node)[^" ]*"' tests/unit/name_test.c | tr -d '"')
printf '@a/b\n1.0.0-rc.1+b.5\nb-v1.0.0-rc.1+b.5-node-v127-linuxmusl-arm64.tar.gz' >"$seeds/name/scoped"

# ---- signatures and names of npm packages: what the unit tests have ----

count=0
while IFS= read -r name; do
	count=$((count + 1))
	printf '%s' "$name" >"$seeds/signature/$count"
done < <(grep -oE '"(@prebuildd/)[^" ]*"' tests/unit/release_test.c | tr -d '"')
printf '1.0.0-alpha.1\n1.0.0-alpha.beta' >"$seeds/signature/versions"
printf '{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"x","sig":"AAAA"}]}' \
	>"$seeds/signature/envelope"

# ---- requests: what each case of the contract test sends; the first byte is the size of a piece ----

case=0
while read -r word text; do
	case $word in
	case)
		case=$((case + 1))
		printf '\020' >"$seeds/http/$case"
		;;
	send | repeat)
		[[ $word == send ]] || text=${text#* }
		# \s is a space, and printf knows the rest.
		printf '%b' "${text//\\s/ }" >>"$seeds/http/$case"
		;;
	esac
done <tests/data/http_hostile.txt

# ---- an addon for every kind of file ----

elf() { # TRIPLE FLAG…: with the target that the file says itself
	clang-14 --target="$1" -O1 -fPIC -g0 -c tests/fixtures/foreign.c -o "$work/o" "${@:2}"
	ld.lld-14 -shared -z relro -z now -soname addon.node "$work/o" -o "$work/so"
	{ printf '\377' && cat "$work/so"; } >"$seeds/elf/$1"
}
busy() { # TRIPLE FLAG…: one with much in it, against a C library of two lines
	clang-14 --target="$1" -w -O0 -fPIC -g0 -fno-builtin -c "$work/libc.c" -o "$work/o"
	ld.lld-14 -shared -soname libc.so.6 --version-script="$work/versions" "$work/o" -o "$work/libc.so"
	clang-14 --target="$1" -O1 -fPIC -g0 -fno-builtin -fvisibility=hidden -c tests/fixtures/busy.c -o "$work/o" "${@:2}"
	ld.lld-14 -shared --eh-frame-hdr --build-id -s -z relro -z now -soname addon.node "$work/o" "$work/libc.so" -o "$work/so"
	{ printf '\377' && cat "$work/so"; } >"$seeds/elf/busy-$1${2:-}"
}
pe() { # TRIPLE MACHINE BYTE: the byte chooses target and ABI
	clang-14 --target="$1" -O1 -c tests/fixtures/foreign.c -o "$work/o"
	lld-link-14 -dll -noentry "-machine:$2" "-out:$work/dll" "$work/o"
	{ printf '%b' "$3" && cat "$work/dll"; } >"$seeds/pe/$1"
}
macho() { # ARCHITECTURE FLAG…
	clang-14 --target="$1-apple-macos11" -O1 -c tests/fixtures/foreign.c -o "$work/$1.o"
	ld64.lld-14 -arch "$1" -platform_version macos 11.0 11.0 "${@:2}" "$work/$1.o" -o "$work/$1"
	{ printf '\007' && cat "$work/$1"; } >"$seeds/macho/$1"
}
for triple in x86_64-linux-gnu i686-linux-gnu aarch64-linux-gnu armv6-linux-gnueabihf \
	powerpc64le-linux-gnu riscv64-linux-gnu mips64el-linux-gnuabi64; do
	elf "$triple"
done
elf x86_64-linux-musl -fcf-protection=full
cat >"$work/libc.c" <<'END'
__thread int shared_by_thread = 0;
#define FUNCTION(name) void name(void) {}
FUNCTION(malloc) FUNCTION(fmod) FUNCTION(memfd_create) FUNCTION(fcntl64) FUNCTION(library_function)
END
cat >"$work/versions" <<'END'
GLIBC_2.17 { global: malloc; memfd_create; shared_by_thread; };
GLIBC_2.28 { global: fcntl64; };
GLIBC_2.38 { global: fmod; };
GLIBCXX_3.4.29 { global: library_function; };
END
for triple in x86_64-linux-gnu i686-linux-gnu aarch64-linux-gnu armv6-linux-gnueabihf powerpc64le-linux-gnu \
	riscv64-linux-gnu; do
	busy "$triple"
	busy "$triple" -DVERSION=2147483647
done
busy x86_64-linux-gnu -DASKS
busy i686-linux-gnu -DASKS
busy x86_64-linux-gnu -DV8
busy aarch64-linux-gnu -DV8
pe x86_64-windows-msvc x64 '\004'
pe i686-windows-msvc x86 '\005'
pe aarch64-windows-msvc arm64 '\006'
macho arm64 -bundle -undefined dynamic_lookup
macho x86_64 -dylib -install_name addon.dylib -rpath @loader_path
llvm-lipo-14 -create "$work/arm64" "$work/x86_64" -output "$work/universal"
{ printf '\007' && cat "$work/universal"; } >"$seeds/macho/universal"
