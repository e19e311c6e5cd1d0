#!/bin/bash
# The audit against real binaries that are wrong in one thing: for every rule, addons that the
# project's own compiler and linker made wrongly, or whose bytes were changed, judged by
# `prebuildctl check`. The errors named must be exactly those expected, and each finding must say
# what it was expected to say. The same addon, made rightly, passes for every target that is
# assembled.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

x64=x86_64-linux-gnu
arm64=aarch64-linux-gnu
arm="arm-linux-gnueabihf"
ppc=powerpc64le-linux-gnu
s390=s390x-linux-gnu
musl=x86_64-linux-musl
work=$scratch/work
mkdir "$work"
cp "$here"/tests/fixtures/{addon.c,foreign.c,v8_addon.cc,exc.cc} "$work"

"$ctl" toolchain assemble "$x64" "$arm64" "$arm" "$ppc" "$s390" "$musl" \
	--toolchains "$toolchains" >"$scratch/assemble.log" 2>&1
ended $? "the toolchains are assembled" "$(tail -n 5 "$scratch/assemble.log")"

# ---- making binaries ----

component() { # TARGET root|node: its folder's name
	sed -n 's/^"components":.*"'"$2"'":"\([^"]*\)".*/\1/p' "$toolchains/$1/toolchain.json"
}

# Runs a command of the target's toolchain where /work is ours.
inside() { # TARGET COMMAND…
	local parts=$toolchains/components
	bwrap --unshare-all --die-with-parent --new-session --ro-bind "$parts/$(component "$1" root)" / \
		--ro-bind "$toolchains/$1" /toolchain --ro-bind "$parts/$(component "$1" node)" /node \
		--proc /proc --dev /dev --tmpfs /tmp --bind "$work" /work --chdir /work --clearenv \
		--setenv PATH /usr/bin --setenv HOME /tmp --setenv LC_ALL C.UTF-8 "${@:2}"
}

words() { # TARGET KEY…: words of toolchain.json, one a line; asked for hundreds of times
	local key file
	for key in "${@:2}"; do
		file=$scratch/words-$1-$key
		[[ -e $file ]] || node -e 'const t = JSON.parse(require("fs").readFileSync(process.argv[1]));
			console.log(t[process.argv[2]].join("\n"));' "$toolchains/$1/toolchain.json" "$key" >"$file"
		cat "$file"
	done
}

printf '{ global: napi_register_module_v*; node_api_module_get_api_version_v*; local: *; };\n' \
	>"$work/entries"

strip=-Wl,-s

# Makes work/NAME.node of addon.c and CODE, as a build does. FLAGS come last, and win. GCC only compiles:
# what links is always clang.
make_addon() { # TARGET NAME CODE FLAG…
	local argv link input=addon.c
	mapfile -t argv < <(words "$1" cc cflags)
	mapfile -t link < <(words "$1" ldflags)
	argv+=(-O2 -fPIC -fvisibility=hidden -I/node/include/node '-DMORE="more.c"')
	printf '%s\n' "$3" >"$work/more.c"
	rm -f "$work/$2.node"
	if [[ ${argv[0]} != clang* ]]; then
		inside "$1" "${argv[@]}" "${@:4}" -c addon.c -o addon.o || return
		mapfile -t argv < <(words "$1" cxx)
		input=addon.o
	fi
	inside "$1" "${argv[@]}" -shared -Wl,-soname,addon.node "$strip" "${link[@]}" \
		-Wl,--version-script=entries "${@:4}" "$input" -lm -ldl -o "$2.node"
}

# Makes work/NAME.node of a source in C++, with node-gyp's default flags; the rest as above.
make_cxx() { # TARGET NAME SOURCE FLAG…
	local argv link
	mapfile -t argv < <(words "$1" cxx cflags)
	mapfile -t link < <(words "$1" ldflags)
	rm -f "$work/$2.node"
	inside "$1" "${argv[@]}" -std=gnu++17 -O2 -fno-rtti -fno-exceptions -fPIC \
		-fvisibility=hidden -I/node/include/node -shared -Wl,-soname,addon.node "$strip" \
		"${link[@]}" -Wl,--version-script=entries "${@:4}" "$3" -lm -ldl -o "$2.node"
}

# Makes work/NAME.node of foreign.c with the compiler alone.
make_foreign() { # NAME FLAG…
	inside "$x64" clang-19 -shared -fPIC -nostdlib -fuse-ld=lld -Wl,-z,relro,-z,now \
		"${@:2}" foreign.c -o "$1.node"
}

# Makes work/FILE, a library of that SONAME which has SYMBOL, of that version if there is one.
make_library() { # TARGET FILE SONAME SYMBOL [VERSION]
	local script=()
	if [[ -n ${5:-} ]]; then
		printf '%s { global: %s; };\n' "$5" "$4" >"$work/versions"
		script=("-Wl,--version-script=versions")
	fi
	printf 'int %s(void) { return 0; }\n' "$4" >"$work/library.c"
	inside "$1" clang-19 --target="$1" -w -fno-builtin -shared -fPIC -nostdlib -fuse-ld=lld \
		"-Wl,-soname,$3" "${script[@]}" library.c -o "$2"
}

# Replaces bytes of work/NAME.node, given as hexadecimal.
patch() { # NAME OFFSET HEX
	printf '%b' "$(sed 's/../\\x&/g' <<<"$3")" |
		dd of="$work/$1.node" bs=1 seek="$(($2))" conv=notrunc status=none
}

# ---- judging them ----

# Findings as lines "RULE SEVERITY: EXPECTED | FOUND | EVIDENCE", into findings; errors are the
# rules that have errors, each once; verdict is what the report says; rc the exit code.
judge() { # FILE [TARGET]
	body=$("$ctl" check --json --target "${2:-own}" "$1")
	rc=$?
	# One question, since it is asked for hundreds of files.
	{
		read -r verdict
		read -r errors
		IFS= read -r -d '' findings
	} < <(value '(() => {
		const all = v[0].findings;
		return [v[0].verdict, [...new Set(all.filter((f) => f.severity === "error").map((f) => f.rule))].join(" "),
			...all.map((f) => `${f.rule} ${f.severity}: ${f.expected} | ${f.found} | ${f.evidence}`)].join("\n");
	})()')
}

# What is in work/NAME.node breaks those rules and no other, and a finding of the first says so.
refused() { # TEXT TARGET NAME "RULE…" REGEX
	judge "$work/$3.node" "$2"
	is "$2, $1: refused by" "$errors, $verdict, exit $rc" "$4, fail, exit 1"
	said "$2, $1" "${4%% *} error" "$5"
}

# It is not refused, but a warning of that rule says so.
warned() { # TEXT TARGET NAME RULE REGEX
	judge "$work/$3.node" "$2"
	is "$2, $1: passes" "$errors, $verdict, exit $rc" ", pass, exit 0"
	said "$2, $1" "$4 warning" "$5"
}

passes() { # TEXT TARGET NAME
	judge "$work/$3.node" "$2"
	is "$2, $1: nothing to say" "$verdict, exit $rc, $findings" "pass, exit 0, "
}

said() { # TEXT "RULE SEVERITY" REGEX
	grep "^$2: " <<<"$findings" | grep -qE -- "$3"
	report "$1: says $3" "$findings"
}

# The same with an addon that is made for it.
wrong() { # TEXT TARGET "RULE…" REGEX CODE FLAG…
	check "$2, $1: made" make_addon "$2" wrong "$5" "${@:6}"
	refused "$1" "$2" wrong "$3" "$4"
}

weak() { # TEXT TARGET RULE REGEX CODE FLAG…
	check "$2, $1: made" make_addon "$2" wrong "$5" "${@:6}"
	warned "$1" "$2" wrong "$3" "$4"
}

# ---- the good one ----

for folder in "$toolchains"/*-linux-*/; do
	t=$(basename "$folder")
	[[ -L $toolchains/$t ]] || continue
	make_addon "$t" "good-$t" ''
	passes "the good addon" "$t" "good-$t"
	judge "$work/good-$t.node"
	is "$t: the good addon is for it" "$(value 'v[0].target')" "$t"
done

cp "$work/good-$x64.node" "$work/good.node"

# ---- format: what is no shared object for Linux ----

check "a Mach-O bundle is made" inside "$x64" sh -ec \
	'clang-19 --target=arm64-apple-macos11 -c foreign.c -o foreign.o
	lld-19 -flavor darwin -arch arm64 -platform_version macos 11.0 11.0 -bundle foreign.o -o macho.node'
refused "a Mach-O bundle" "$arm64" macho format 'ELF 64-bit AArch64 \| Mach-O arm64 bundle'
check "a PE DLL is made" inside "$x64" sh -ec \
	'clang-19 --target=x86_64-pc-windows-msvc -c foreign.c -o foreign.o
	lld-19 -flavor link /dll /noentry /nodefaultlib /out:pe.node foreign.o'
refused "a PE DLL" "$x64" pe format 'ELF 64-bit x86-64 \| PE x64 DLL'
check "an object file is made" inside "$x64" clang-19 -c -fPIC foreign.c -o object.node
refused "an object file" "$x64" object format 'an object file that was not linked'
check "a program is made" inside "$x64" clang-19 -nostdlib -fuse-ld=lld -Wl,-e,napi_register_module_v1 \
	-pie -Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2 -fPIE foreign.c -o program.node
refused "a program" "$x64" program format 'a program .*PT_INTERP is /lib64/ld-linux'
check "a static program is made" inside "$x64" clang-19 -nostdlib -static -fuse-ld=lld \
	-Wl,-e,napi_register_module_v1 foreign.c -o static.node
refused "a static program" "$x64" static format 'a shared object \| a program'
check "an archive is made" inside "$x64" sh -ec \
	'clang-19 -c foreign.c -o foreign.o; llvm-ar-19 rcsD archive.node foreign.o'
refused "a static library" "$x64" archive format 'ar archive'
check "an addon for FreeBSD is made" make_foreign freebsd --target=x86_64-unknown-freebsd
refused "an addon for FreeBSD" "$x64" freebsd format 'EI_OSABI 9 \(FreeBSD\)'
: >"$work/empty.node"
refused "an empty file" "$x64" empty format 'an empty file'
printf '#!/bin/sh\nexit 0\n' >"$work/script.node"
refused "a script" "$x64" script format 'a script'
printf '<!DOCTYPE html><title>404</title>' >"$work/page.node"
refused "an HTML page" "$x64" page format 'an HTML page'
printf 'Not Found\n' >"$work/text.node"
refused "a text" "$x64" text format 'Not Found'

cut() { # TEXT BYTES REGEX: the good addon, cut after so many bytes
	head -c "$2" "$work/good.node" >"$work/cut.node"
	refused "cut $1" "$x64" cut format "$3"
}

size=$(stat -c %s "$work/good.node")
cut "inside the magic number" 3 'unknown data'
cut "inside the header" 40 'the file ends inside its header'
cut "inside the program headers" 200 'program headers at 0x40 lie outside the file \(truncated\?\)'
cut "inside a segment" $((size / 2)) 'segment [0-9]+, at 0x[0-9a-f]+, lies outside the file \(truncated\?\)'
head -c $((size - 1)) "$work/good.node" >"$work/cut.node"
warned "cut by one byte" "$x64" cut format 'section headers lie outside the file \(truncated\?\)'

# ---- machine, class, eflags: for other processors and calling conventions ----

refused "an addon for AArch64" "$x64" "good-$arm64" machine 'x86-64 \| ELF 64-bit AArch64 \| e_machine is 183'
refused "an addon for x86-64" "$ppc" "good-$x64" machine 'PowerPC64 \| ELF 64-bit x86-64'
refused "an addon for s390x" "$ppc" "good-$s390" "class machine" 'EI_DATA is 2'
refused "an addon for ARM" "$arm64" "good-$arm" "class machine" 'AArch64 \| ELF 32-bit ARM'
refused "an addon for AArch64" "$arm" "good-$arm64" "class machine" 'EI_CLASS is 2'
check "an addon for x32 is made" make_foreign x32 --target=x86_64-linux-gnux32
refused "32-bit class" "$x64" x32 class 'ELF 64-bit x86-64 \| ELF 32-bit x86-64 \| EI_CLASS is 1'
check "an addon for big-endian POWER is made" make_foreign powerbe --target=powerpc64-linux-gnu -mabi=elfv2
refused "big-endian" "$ppc" powerbe class 'EI_DATA is 2'
# No linker here makes ELFv1; e_flags, at 48 in a 64-bit header, says the version.
cp "$work/good-$ppc.node" "$work/elfv1.node"
patch elfv1 48 01000000
refused "ELFv1" "$ppc" elfv1 eflags 'e_flags & 0x3 = 0x2 \| e_flags 0x1'
check "soft-float ARM is made" make_foreign soft --target=arm-linux-gnueabi -march=armv6 -mfloat-abi=soft \
	-Wl,-z,max-page-size=0x10000
refused "soft-float" "$arm" soft eflags '0x5000400 \| e_flags 0x5000200'
if [[ -e $toolchains/riscv64-linux-gnu ]]; then
	check "soft-float RISC-V is made" make_foreign softriscv --target=riscv64-linux-gnu -march=rv64imac -mabi=lp64
	refused "soft-float" riscv64-linux-gnu softriscv eflags 'e_flags & 0x6 = 0x4'
fi

# ---- entry ----

wrong "no entry" "$x64" entry 'one kind: napi_register_module_v1 .* \| none: Node says' '' \
	-Dnapi_register_module_v1=start
wrong "no entry" "$musl" entry 'none: Node says' '' -Dnapi_register_module_v1=start
printf '{ global: napi_*; node_*; local: *; };\n' >"$work/entries-of-both"
wrong "entries of two kinds" "$x64" entry 'napi_register_module_v1, node_register_module_v115' \
	'__attribute__((visibility("default"))) void node_register_module_v115(void) {}' \
	-Wl,--version-script=entries-of-both
wrong "a register function that no constructor calls" "$arm64" entry 'imported, but there is no DT_INIT' \
	'void start_by_hand(void) { static napi_module module; napi_module_register(&module); }
	__attribute__((used)) static void (*const pointer)(void) = start_by_hand;' \
	-Dnapi_register_module_v1=start -nostartfiles

# ---- napi ----

wrong "a function of no Node-API" "$x64" napi 'Node-API 1 to 10 \| 1 symbols .* \| napi_brand_new_thing' \
	'int napi_brand_new_thing(void); int more(void) { return napi_brand_new_thing(); }'
wrong "an experimental function" "$s390" napi 'node_api_post_finalizer' \
	'int node_api_post_finalizer(void); int more(void) { return node_api_post_finalizer(); }'
for t in "$x64" "$arm64" "$arm" "$ppc" "$s390" "$musl"; do
	wrong "a version that no Node has" "$t" napi 'up to 10 \| Node-API 99 is declared' '' -DNAPI_VERSION=99
done
for t in "$x64" "$arm64" "$arm" "$ppc" "$s390" "$musl"; do
	wrong "the experimental version" "$t" napi 'Node-API 2147483647 is declared' '' -DNAPI_EXPERIMENTAL
done
weak "a version that is computed" "$x64" napi 'returns a constant \| .*not decoded' '' '-DNAPI_VERSION=8+calls'

# ---- symbols: what nobody defines ----

foreign='int sqlite3_open(void); int more(void) { return sqlite3_open(); }'
for t in "$x64" "$arm64" "$arm" "$ppc" "$s390" "$musl"; do
	wrong "a foreign symbol" "$t" symbols '1 undefined symbols that are neither \| sqlite3_open$' "$foreign"
done
wrong "V8 in an addon for Node-API" "$x64" symbols 'Node-API only, as the addon claims \| 1 symbols of V8 or Node.* \| _ZN2v87Isolate10GetCurrentEv' \
	'int _ZN2v87Isolate10GetCurrentEv(void); int more(void) { return _ZN2v87Isolate10GetCurrentEv(); }'
# ---- symbols: V8's types with another C++ library than Node's ----

for t in "$x64" "$arm64" "$s390" "$musl"; do
	check "$t, an addon for V8 with libc++ is made" make_cxx "$t" v8 v8_addon.cc
	refused "V8 with libc++" "$t" v8 symbols 'libstdc.* \| libc.*in silence \| imports _ZN2v8[^ ]*; has the text "libc\+\+abi: " at'
done
for t in "$x64" "$arm"; do
	check "$t, one that shares objects of its own is made" make_cxx "$t" v8 v8_addon.cc -DSHARES -frtti -fexceptions
	refused "V8 with libc++ and objects of its own" "$t" v8 symbols 'imports _ZN2v8[^ ]*; has the text "St3__1"'
done
check "one that passes on what it got is made" make_cxx "$x64" v8 v8_addon.cc -DPASSES_ON
refused "V8 with libc++ that passes on what it got" "$x64" v8 symbols 'has the symbol _ZN2v811ArrayBuffer3New.*St3__1'
for t in "$x64" "$arm64" "$s390" "$musl"; do
	check "$t, an addon for Node-API with libc++ is made" make_cxx "$t" exc exc.cc -frtti -fexceptions
	passes "Node-API with libc++" "$t" exc
done

# The machine's own compiler has libstdc++; its floor is that of the machine.
host_cxx() { # SOURCE FLAG…
	g++ -std=gnu++17 -O2 -fPIC -fvisibility=hidden "-ffile-prefix-map=$work=." -shared -s \
		-I"$toolchains/components/$(component "$x64" node)/include/node" \
		-Wl,-z,relro,-z,now -Wl,--version-script="$work/entries" "${@:2}" \
		"$work/$1" -o "$work/host.node"
}
for linkage in "-static-libstdc++" ""; do
	check "an addon for V8 with libstdc++ $linkage is made" host_cxx v8_addon.cc -DSHARES $linkage
	passes "V8 with libstdc++ $linkage" host host
	check "an addon for Node-API with libstdc++ $linkage is made" host_cxx exc.cc $linkage
	passes "Node-API with libstdc++ $linkage" host host
done

check "a library with a private symbol is made" make_library "$x64" library.so libutil.so.1 __libc_dlopen_mode GLIBC_PRIVATE
wrong "a private symbol of glibc" "$x64" symbols 'neither \| __libc_dlopen_mode@GLIBC_PRIVATE$' \
	'int __libc_dlopen_mode(void); int more(void) { return __libc_dlopen_mode(); }' library.so
wrong "glibc's symbols without versions" "$x64" symbols 'with their version .* malloc, ' '' -nodefaultlibs \
	-Wl,--no-as-needed
wrong "fcntl64, which musl does not have" "$musl" symbols 'symbols of Node and musl .* fcntl64 \(in glibc\)$' \
	'int fcntl64(int, int, ...); int more(void) { return fcntl64(0, 1); }'
wrong "a function that musl has on other machines" "$musl" symbols '__clock_gettime64 \(in musl on arm, i686\)$' \
	'int __clock_gettime64(int, void *); int more(void) { return __clock_gettime64(0, 0); }'
wrong "a fortified function" "$musl" symbols 'Node and musl .* __memcpy_chk \(in glibc\)$' \
	'void *__memcpy_chk(void *, const void *, size_t, size_t);
	void *(*volatile more)(void *, const void *, size_t, size_t) = __memcpy_chk;' -Wl,--no-gc-sections

# ---- needed: libraries that are not there, or another one than that of the process ----

need='int library_function(void); int more(void) { return library_function(); }'
needs() { # TEXT TARGET SONAME REGEX: a library of that name is needed
	check "$1 is made" make_library "$2" library.so "$3" library_function
	wrong "$1" "$2" "needed symbols" "$4" "$need" library.so
}
needs "a shared SQLite" "$x64" libsqlite3.so.0 'only the C library that x86_64-linux-gnu has \| needs libsqlite3.so.0 \| DT_NEEDED'
needs "a shared Node" "$arm64" libnode.so.115 'needs libnode.so.115'
needs "a shared libuv" "$s390" libuv.so.1 'needs libuv.so.1'
needs "a shared C++ runtime" "$ppc" libstdc++.so.6 'needs libstdc\+\+.so.6'
needs "a shared C++ runtime" "$musl" libstdc++.so.6 'needs libstdc\+\+.so.6'
needs "glibc's loader" "$musl" ld-linux-x86-64.so.2 'has \| needs ld-linux-x86-64.so.2'
needs "glibc" "$musl" libc.so.6 'needs libc.so.6'
needs "musl's loader" "$x64" ld-musl-x86_64.so.1 'needs ld-musl-x86_64.so.1'
needs "musl" "$x64" libc.musl-x86_64.so.1 'needs libc.musl-x86_64.so.1'
needs "musl of another machine" "$musl" libc.musl-aarch64.so.1 'needs libc.musl-aarch64.so.1'
refused "an addon for glibc" "$musl" "good-$x64" "needed libc-version" 'needs libm.so.6, .*libc.so.6'
refused "an addon for musl" "$x64" "good-$musl" "needed symbols" 'needs libc.so'

# ---- libc-version: newer than the floor ----

# The linker reads only the first library of a name, so glibc's newer functions come from a part of
# it that the addon does not need otherwise.
newer() { # TEXT TARGET SONAME SYMBOL VERSION "RULE…" REGEX [CODE]
	check "$2, $1: a library is made" make_library "$2" newer.so "$3" "$4" "$5"
	wrong "$1" "$2" "$6" "$7" "${8:-int $4(void); int more(void) { return $4(); \}}" newer.so
}
for t in "$x64" "$arm64" "$arm" "$ppc" "$s390"; do
	newer "fmod of glibc 2.38" "$t" libutil.so.1 fmod GLIBC_2.38 libc-version \
		'at most GLIBC_2.17 \| needs GLIBC_2.38 \| fmod@GLIBC_2.38' \
		'double more(double a, double b) { return fmod(a, b); }'
	is "the version that is needed is said" "$(value 'v[0].needs.glibc')" 2.38
done
# Linked against the floor's glibc, as builds are, they have no version.
for t in "$x64" "$arm64" "$arm" "$ppc" "$s390"; do
	wrong "memfd_create of glibc 2.27" "$t" libc-version \
		'functions of glibc 2.17 \| needs glibc 2.27 \| memfd_create of 2.27$' \
		'int memfd_create(const char *, unsigned); int more(void) { return memfd_create("", 0); }'
done
newer "strtol of C23" "$x64" libutil.so.1 __isoc23_strtol GLIBC_2.38 libc-version '__isoc23_strtol@GLIBC_2.38'
newer "fcntl64" "$arm" libutil.so.1 fcntl64 GLIBC_2.28 libc-version 'needs GLIBC_2.28 \| fcntl64@GLIBC_2.28'
newer "a C++ runtime" "$x64" libstdc++.so.6 _ZSt28__throw_bad_array_new_lengthv GLIBCXX_3.4.29 \
	"needed libc-version" 'only the C library .*libstdc\+\+.so.6'
said "$x64, a C++ runtime" "libc-version error" 'no GLIBCXX versions: the C\+\+ runtime linked statically \| needs GLIBCXX_3.4.29'
newer "a C++ ABI" "$arm64" libstdc++.so.6 __cxa_throw CXXABI_1.3 "needed libc-version" 'libstdc\+\+.so.6'
said "$arm64, a C++ ABI" "libc-version error" 'no CXXABI versions.* __cxa_throw@CXXABI_1.3'
newer "GCC's unwinder" "$s390" libgcc_s.so.1 _Unwind_Resume GCC_3.0 libc-version 'no GCC versions.* _Unwind_Resume@GCC_3.0'
newer "a version of glibc's" "$musl" libc.musl-x86_64.so.1 newer GLIBC_2.38 "libc-version" 'no symbol versions, which musl does not have'

# ---- rpath ----

wrong "DT_RUNPATH" "$x64" rpath 'no search path of its own \| /opt/lib \| DT_RUNPATH' '' \
	-Wl,-rpath,/opt/lib,--enable-new-dtags
wrong "DT_RPATH" "$arm64" rpath '\| \$ORIGIN/../lib \| DT_RPATH' '' '-Wl,-rpath,$ORIGIN/../lib,--disable-new-dtags'

# ---- execstack, textrel, relro ----

for t in "$x64" "$arm64" "$arm" "$ppc" "$s390" "$musl"; do
	wrong "an executable stack" "$t" execstack 'an executable stack is asked for' '' -Wl,-z,execstack
	wrong "no PT_GNU_STACK" "$t" execstack 'no PT_GNU_STACK' '' -Wl,-z,nognustack
done
wrong "memory that is writable and executable" "$x64" execstack 'a writable and executable segment \| segment [0-9]+ at' \
	'__asm__(".section .both,\"awx\",@progbits; ret; .text");' -Wl,--no-gc-sections
wrong "relocations in code" "$x64" textrel 'position independent code .* DF_TEXTREL; the first at 0x[0-9a-f]+ \(offset 0x[0-9a-f]+ in .text\)' \
	'__asm__(".text; .p2align 3; .quad napi_register_module_v1; .quad sum");' -Wl,-z,notext
wrong "relocations in code" "$arm" textrel 'relocations in read-only segments' \
	'__asm__(".text; .p2align 2; .long sum");' -Wl,-z,notext
weak "no RELRO" "$x64" relro '-z relro -z now.* no PT_GNU_RELRO' '' -Wl,-z,norelro
weak "lazy binding" "$arm64" relro 'no DF_1_NOW' '' -Wl,-z,lazy

# ---- align ----

for t in "$arm64" "$arm" "$ppc"; do
	wrong "pages of 4 KB" "$t" align 'at least 0x10000, .* p_align 0x1000 \| segment' '' \
		-Wl,-z,max-page-size=4096,-z,common-page-size=4096
done

# No linker makes this: the second PT_LOAD's p_vaddr, 16 bytes into its header, moved by 16 bytes
# from its offset.
loads=$(readelf -lW "$work/good.node" | awk '/^  [A-Z_]+ +0x/ { n++ } /^  LOAD/ { if (seen++) { print n - 1; exit } }')
cp "$work/good.node" "$work/shifted.node"
address=$(od -An -t u8 -j $((64 + 56 * loads + 16)) -N 8 "$work/shifted.node")
patch shifted $((64 + 56 * loads + 16)) "$(printf '%016x' $((address + 16)) | fold -w 2 | tac | tr -d '\n')"
refused "an address that is not congruent" "$x64" shifted align 'differ modulo p_align 0x1000 \| segment'

# ---- isa ----

# Only GNU's linker writes the note.
check "an addon that says it needs AVX2 is made" sh -c 'cd "$1" && clang-14 -c -fPIC foreign.c -o foreign.o &&
	ld -shared -z x86-64-v3 -z relro -z now -z noexecstack foreign.o -o level.node' sh "$work"
refused "a note for AVX2" "$x64" level isa 'every x86-64 processor \| needs x86-64-v3 \| GNU_PROPERTY_X86_ISA_1_NEEDED is 0x4'

untested='x86-64-v3 \(AVX.*nothing in the file asks the processor .* \| v[a-z]+ at 0x[0-9a-f]+ \(offset 0x[0-9a-f]+ in .text\), in [0-9]+ functions of'
wrong "code for AVX2" "$x64" isa "$untested" '' -mavx2
wrong "code for AVX2" "$musl" isa "$untested" '' -mavx2
wrong "code for AVX2 without unwinding tables" "$x64" isa "$untested" '' -mavx2 -fno-asynchronous-unwind-tables
wrong "code for AVX-512" "$x64" isa 'x86-64-v4 \(.*AVX-512' \
	'void more(float *p) { for (int i = 0; i < 64; i++) p[i] *= p[i]; }' -march=x86-64-v4 -mprefer-vector-width=512
bits='int more(unsigned long a) { return __builtin_popcountl(a); }'
wrong "one instruction of x86-64-v2" "$x64" isa 'x86-64-v2 \(POPCNT\).* popcnt at 0x[0-9a-f]+ .*, in 1 functions' "$bits" -mpopcnt
wrong "one instruction of BMI2" "$x64" isa 'x86-64-v3 \(BMI2\).* mulx at' \
	'unsigned __int128 more(unsigned long a, unsigned long b) { return (unsigned __int128)a * b; }' -mbmi2
if [[ -e $toolchains/i686-linux-gnu ]]; then
	wrong "code for AVX2" i686-linux-gnu isa 'every x86 processor with SSE2 .*nothing in the file asks' '' -mavx2
fi

# Functions that are called from a constructor, so that they run whatever the addon is asked for.
kernels() { # COUNT ATTRIBUTES [CONDITION]
	local n
	for n in $(seq "$1"); do
		echo "__attribute__((noinline$2)) static void kernel_$n(double *p)
			{ for (int i = 0; i < 64; i++) p[i] = p[i] * p[i] + $n; }"
	done
	echo "double numbers[64]; __attribute__((constructor)) static void start(void) {
		if (${3:-numbers[0] == 0}) {"
	for n in $(seq "$1"); do
		echo "kernel_$n(numbers);"
	done
	echo '} }'
}
plain() { # COUNT: others, with SSE only
	local n
	echo 'static volatile double product;'
	for n in $(seq "$1"); do
		echo "__attribute__((constructor, noinline)) static void plain_$n(void) { product *= $n.5; }"
	done
}
avx2=',target("avx2")'
supports='__builtin_cpu_supports("avx2")'
# A test of something else, somewhere in the file.
asks='int other(void) { return __builtin_cpu_supports("sse4.2"); }'
for t in "$x64" "$musl"; do
	check "$t, AVX2 behind a test is made" make_addon "$t" tested "$(kernels 20 "$avx2" "$supports")"
	passes "AVX2 behind a test" "$t" tested
done
check "AVX2 behind a variable is made" make_addon "$x64" kept "static int has_avx2;
	__attribute__((constructor(101))) static void ask(void) { has_avx2 = $supports; }
	$(kernels 20 "$avx2" has_avx2)"
passes "AVX2 behind a variable" "$x64" kept
check "AVX2 behind a member of an object is made" make_addon "$x64" member "
	struct { int level, avx2; } *object; void ask(void) { object->avx2 = $supports; }
	$(kernels 3 "$avx2" 'object && object->avx2') $(plain 20)"
passes "AVX2 behind a member of an object" "$x64" member
wrong "code for AVX2 beside a test of something else" "$x64" isa \
	'which nearly all of it is made of \| v[a-z]+ at .* reached from a constructor; in 2[0-9] functions' \
	"$(kernels 20 '') $asks" -mavx2
weak "some AVX2 without a test, beside a test of something else" "$x64" isa \
	'reached without a test .* in 5 functions, 2[0-9] others' "$(kernels 5 "$avx2") $(plain 20) $asks"

# Linkers keep the attributes of the toolchain's own start-up code.
wrong "code for ARMv7" "$arm" isa 'code for ARMv6 \| code for ARMv7 \| movw and movt at offset' \
	'int more(int a) { return a * 123456789; }' -march=armv7-a
wrong "Thumb code for ARMv7" "$arm" isa 'code for ARMv7 \| n[a-z0-9_]+ is Thumb code' '' -march=armv7-a -mthumb

# ---- exports ----

printf '{ global: *; };\n' >"$work/everything"
exported='__attribute__((visibility("default")))'
weak "more than the entry is exported" "$x64" exports 'only the entry .* 1 exports \| helper$' \
	"$exported int helper(void) { return 1; }" -Wl,--version-script=everything
weak "SQLite is exported" "$arm64" exports '1 exports \| sqlite3_open$' \
	"$exported int sqlite3_open(void) { return 1; }" -Wl,--version-script=everything
wrong "SQLite is exported and looked up" "$s390" exports '1 of them are looked up by name.* \| sqlite3_open$' \
	"$exported int sqlite3_open(void) { return 1; } $exported int sqlite3_close(void) { return sqlite3_open(); }" \
	-Wl,--version-script=everything -fsemantic-interposition

# ---- relr ----

for t in "$x64" "$arm64" "$ppc"; do
	wrong "packed relocations" "$t" relr 'glibc 2.17 understands \| packed relative .* \| DT_RELR' '' \
		-Wl,--pack-dyn-relocs=relr
done
wrong "packed relocations" "$musl" relr 'musl 1.2 understands .* DT_RELR' '' -Wl,--pack-dyn-relocs=relr

# ---- tls ----

for t in "$x64" "$arm64" "$arm" "$ppc" "$s390"; do
	wrong "static TLS" "$t" tls 'can be allocated at any time .* reserved at start' '' -ftls-model=initial-exec
done
wrong "static TLS" "$musl" tls 'with musl always' '' -ftls-model=initial-exec
weak "TLS descriptors" "$x64" tls 'mtls-dialect=gnu .* TLSDESC' '' -mtls-dialect=gnu2

# ---- debug-path ----

for t in "$x64" "$s390" "$musl"; do
	weak "a build path in a string" "$t" debug-path 'ffile-prefix-map.* \| 1 paths \| /home/builder/work/addon.c at offset 0x[0-9a-f]+ in .rodata' \
		'const char *volatile where = "/home/builder/work/addon.c";' -Wl,--no-gc-sections
done
strip=-Wl,--no-gc-sections
weak "debug information" "$arm64" debug-path 'strip.* \| debug information \| section .debug_info' '' -g
