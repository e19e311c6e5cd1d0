#!/bin/bash
# What a user is told of a build that is refused for a symbol: the error names the symbol, since when
# the C library has it, and the source that refers to it; the log has the linker's own words.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

musl=x86_64-linux-musl
windows=x86_64-w64-mingw32
"$ctl" toolchain assemble "$target" "$musl" --toolchains "$toolchains" >"$scratch/assemble.log" 2>&1
ended $? "the toolchains are assembled" "$(tail -n 5 "$scratch/assemble.log")"

calling() { # NAME DECLARATION CALL: an addon whose src/other.c makes the call
	local folder=$packages/$1/1.0.0
	addon "$1"
	sed -i 's|"addon.c"|"addon.c","src/other.c"|' "$folder/binding.gyp"
	sed -i '1i int other(void);' "$folder/addon.c"
	sed -i 's|(void)info;|(void)info; other();|' "$folder/addon.c"
	mkdir "$folder/src"
	printf '%s\nint other(void);\nint other(void) { return %s; }\n' "$2" "$3" >"$folder/src/other.c"
}

refused() { # NAME TARGET REGEX
	post_build "$1" 1.0.0 "$2"
	await_build "$(value v.id)"
	like "$2, $1: the error" "$(value 'v.jobs[0].error.code + " " + v.jobs[0].error.message')" "$3"
	http GET "/v1/jobs/$(value 'v.jobs[0].id')/log"
}

calling memfd 'int memfd_create(const char *, unsigned);' 'memfd_create("", 0)'
calling foreign 'int sqlite3_open(void);' 'sqlite3_open()'
calling identity 'int gettid(void);' 'gettid()'
calling control 'int fcntl64(int, int, ...);' 'fcntl64(0, 1)'
calling entropy 'int getentropy(void *, unsigned long);' 'getentropy((char[8]){0}, 8)'
start_registry
serve var --registry "$registry"

refused memfd "$target" \
	'^audit-failed libc-version: needs glibc 2.27; .*memfd_create of 2.27\); memfd_create is referenced by src/other.c$'
like "its log has the linker's words" "$body" 'src_other.c.o: reference to memfd_create'
refused foreign "$target" '^audit-failed symbols: .*\(sqlite3_open\); sqlite3_open is referenced by src/other.c$'
refused foreign "$musl" '^audit-failed symbols: .*sqlite3_open is referenced by src/other.c$'
refused control "$musl" '^audit-failed symbols: .*fcntl64 is referenced by src/other.c$'

# What a stand-in of the toolchain's gives them is no reason to refuse them.
for name in entropy identity control; do
	post_build $name 1.0.0
	await_build "$(value v.id)"
	is "$target, $name: succeeds" "$(value v.state)" succeeded
done

if [[ -e $toolchains/$windows ]]; then
	refused foreign "$windows" '^build-failed link addon.node: .*undefined symbol: sqlite3_open, referenced by src/other.c$'
fi
