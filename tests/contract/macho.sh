#!/bin/bash
# Addons for macOS as a real linker makes them, each wrong in one thing: what `prebuildctl check` says
# of it. (What upstream ships is in official_prebuilds.sh.)
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

cat >"$scratch/addon.c" <<'C'
extern int napi_create_object(void *, void **), napi_set_instance_data(void *);
extern void *malloc(unsigned long);
void *napi_register_module_v1(void *env, void *exports)
{
	napi_create_object(env, &exports);
	napi_set_instance_data(malloc(8));
	return exports;
}
int node_api_module_get_api_version_v1(void) { return 6; }
#ifdef MORE
MORE
#endif
C
cat >"$scratch/libSystem.tbd" <<'T'
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '/usr/lib/libSystem.B.dylib'
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ _malloc, dyld_stub_binder ]
...
T
sed 's,/usr/lib/libSystem.B.dylib,/opt/homebrew/lib/libother.1.dylib,; s/_malloc, dyld_stub_binder/_other/' \
	"$scratch/libSystem.tbd" >"$scratch/libother.tbd"

# An addon; compiler's words before "--", the linker's behind it. A later word wins.
make_addon() { # NAME ARCH [WORD…] [-- WORD…]
	local name=$1 arch=$2 cc=() ld=(-platform_version macos 11.0 13.0 -bundle)
	shift 2
	while [[ $# -gt 0 && $1 != -- ]]; do
		cc+=("$1")
		shift
	done
	[[ $# -eq 0 ]] || ld+=("${@:2}")
	clang-14 --target="$arch-apple-macos11" -O1 -c "${cc[@]}" "$scratch/addon.c" -o "$scratch/addon.o" &&
		ld64.lld-14 -arch "$arch" "${ld[@]}" -undefined dynamic_lookup -dead_strip \
			-exported_symbol _napi_register_module_v1 \
			-exported_symbol _node_api_module_get_api_version_v1 \
			"$scratch/addon.o" "$scratch/libSystem.tbd" -o "$scratch/$name.node"
}
judge() { # NAME TARGET
	body=$("$ctl" check --json --target "$2" "$scratch/$1.node")
}
says() { # TEXT NAME TARGET VERDICT RULE REGEX
	judge "$2" "$3"
	is "$1" "$(value '[v[0].verdict, v[0].findings.map((f) => f.rule).join("+")].join()')" "$4,$5"
	like "… in words" "$(value '((f) => `${f.expected} | ${f.found} | ${f.evidence}`)(v[0].findings[0])')" "$6"
}

for arch in arm64 x86_64; do
	t=darwin-${arch/x86_64/x64}
	check "$t: an addon is linked" make_addon "good-$arch" "$arch"
	judge "good-$arch" "$t"
	is "$t: it is good" "$(value '[v[0].verdict, v[0].findings.length, v[0].abi.used, v[0].abi.declared, v[0].needs.macos].join()')" \
		pass,0,6,6,11.0
	is "$t: its libraries" "$(value 'v[0].needs.libs.join()')" /usr/lib/libSystem.B.dylib
	cp "$scratch/good-$arch.node" "$scratch/stripped.node"
	check "$t: stripped" llvm-strip-14 -x "$scratch/stripped.node"
	judge stripped "$t"
	is "$t: … it is as good, and still signed where that counts" \
		"$(value '[v[0].verdict, v[0].abi.declared, v[0].findings.length].join()')" pass,6,0
done

# ---- one thing wrong; the rules are the same for both machines ----

arch=arm64 t=darwin-arm64
check "$t: with an rpath" make_addon rpath "$arch" -- -rpath /opt/lib
says "$t: an rpath" rpath "$t" fail rpath '/opt/lib'
check "$t: for a newer macOS" make_addon newer "$arch" -- -platform_version macos 12.3 13.0
says "$t: a newer macOS" newer "$t" fail libc-version '11.0 or older \| asks for macOS 12.3'
check "$t: with another library" make_addon other "$arch" '-DMORE=extern int other(void); __attribute__((constructor)) void early(void) { other(); }' \
	-- "$scratch/libother.tbd"
says "$t: Homebrew's library" other "$t" fail needed '/opt/homebrew/lib/libother.1.dylib'
check "$t: with a missing function" make_addon missing "$arch" '-DMORE=extern int nobody(void); __attribute__((constructor)) void early(void) { nobody(); }'
says "$t: what nobody has" missing "$t" fail symbols 'looked up dynamically: nobody'
check "$t: with V8" make_addon v8 "$arch" '-DMORE=extern int v8(void) __asm("__ZN2v86String3NewEv"); __attribute__((constructor)) void early(void) { v8(); }'
says "$t: V8" v8 "$t" fail symbols '_ZN2v86String3NewEv'
check "$t: a newer Node-API" make_addon napi "$arch" -Dnapi_set_instance_data=napi_object_freeze
body=$("$ctl" check --json --target "$t" "$scratch/napi.node")
is "$t: … is what it needs" "$(value '[v[0].verdict, v[0].abi.used].join()')" pass,8
check "$t: as a library" make_addon library "$arch" -- -dylib -install_name /Users/me/libaddon.dylib
says "$t: a library's own path" library "$t" pass debug-path 'LC_ID_DYLIB /Users/me/libaddon.dylib'
check "$t: with all exported" make_addon exports "$arch" '-DMORE=int visible(void) { return 1; }' -- -exported_symbol _visible
says "$t: more exports" exports "$t" pass exports '1 exports \| visible'
check "$t: without an entry" make_addon entry "$arch" -Dnapi_register_module_v1=elsewhere -- -exported_symbol _elsewhere -u _elsewhere
judge entry "$t"
is "$t: no entry" "$(value '[v[0].verdict, v[0].findings[0].rule].join()')" fail,entry
judge good-x86_64 darwin-arm64
is "the other Mac's" "$(value '[v[0].verdict, v[0].findings[0].rule, v[0].findings[0].found].join()')" \
	"fail,machine,Mach-O x86-64 bundle"

# ---- the signature ----

check "an addon without a signature" make_addon unsigned arm64 -- -no_adhoc_codesign
says "arm64: no signature" unsigned darwin-arm64 fail signature 'codesign -s - .*\| none'
check "… for x86-64" make_addon unsigned x86_64 -- -no_adhoc_codesign
judge unsigned darwin-x64
is "x86-64: no signature" "$(value '[v[0].verdict, v[0].findings.length].join()')" pass,0
cp "$scratch/good-arm64.node" "$scratch/changed.node"
printf x | dd of="$scratch/changed.node" bs=1 seek=$((0x4004)) conv=notrunc status=none
says "arm64: changed after it was signed" changed darwin-arm64 fail signature 'page 4, at 0x4000, has another digest'

# ---- universal ----

check "a universal file" llvm-lipo-14 -create "$scratch/good-x86_64.node" "$scratch/good-arm64.node" -output "$scratch/both.node"
for t in darwin-arm64:aarch64 darwin-x64:x86_64; do
	judge both "${t%:*}"
	is "it is for ${t%:*}" "$(value '[v[0].verdict, v[0].target, v[0].findings.length].join()')" \
		"pass,${t#*:}-apple-darwin,0"
done
check "… with a bad part" llvm-lipo-14 -create "$scratch/good-x86_64.node" "$scratch/changed.node" -output "$scratch/half.node"
says "a universal file with a bad part" half darwin-x64 fail signature 'in the part for arm64: page 4'
