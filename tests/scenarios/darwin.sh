#!/bin/bash
# An addon for macOS through the whole service: toolchains from an SDK, build, audit, publication without
# a load test. The SDK is a tiny one of this test's own, with what a Node-API addon in C needs: Apple's
# may not be passed on, and none is here. Nothing is run on a Mac.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

real=$toolchains
toolchains=$scratch/toolchains
sdk=$scratch/MacOSX11.0.sdk
mkdir -p "$sdk"/usr/{include,lib/system,share} "$sdk/System/Library/Frameworks/Few.framework/Versions/A/Headers"
printf '{"CanonicalName":"macosx11.0","DisplayName":"macOS 11.0","Version":"11.0","MaximumDeploymentTarget":"11.0.99"}\n' >"$sdk/SDKSettings.json"
printf '#ifndef _STDIO_H_\n#define _STDIO_H_\nint puts(const char *);\n#endif\n' >"$sdk/usr/include/stdio.h"
printf 'int few(void);\n' >"$sdk/System/Library/Frameworks/Few.framework/Versions/A/Headers/Few.h"
for link in Headers Few.tbd; do
	ln -s Versions/A/$link "$sdk/System/Library/Frameworks/Few.framework/$link"
done
echo "not needed" >"$sdk/usr/share/manual"
tbd() { # INSTALL-NAME SYMBOLS
	printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\n'
	printf "install-name: '%s'\nexports:\n  - targets: [ x86_64-macos, arm64-macos ]\n    symbols: [ %s ]\n...\n" "$1" "$2"
}
tbd /usr/lib/libSystem.B.dylib '_puts, dyld_stub_binder' >"$sdk/usr/lib/libSystem.tbd"
tbd /usr/lib/libc++.1.dylib ___gxx_personality_v0 >"$sdk/usr/lib/libc++.tbd"
tbd /System/Library/Frameworks/Few.framework/Versions/A/Few _few \
	>"$sdk/System/Library/Frameworks/Few.framework/Versions/A/Few.tbd"

# ---- the toolchains ----

# The shared components are there already, named by their digests: 2 GB that need no second place. A
# worker that root started cannot follow links to everywhere, so root mounts them, read-only.
before_removal() {
	local place
	[[ $EUID == 0 ]] || return 0
	for place in "$toolchains"/components/*; do
		umount "$place" 2>/dev/null
	done
}
mkdir -p "$toolchains/components" "$toolchains/.made"
for part in root node; do
	folder=$(cut -d ' ' -f 1 "$real/.made/$part".*)
	cp "$real/.made/$part".* "$toolchains/.made/"
	if [[ $EUID == 0 ]]; then
		mkdir "$toolchains/$folder"
		mount --bind "$real/$folder" "$toolchains/$folder" &&
			mount -o remount,bind,ro "$toolchains/$folder"
		check "$part is mounted, and cannot be written" \
			test -e "$toolchains/$folder/manifest.txt" -a ! -w "$toolchains/$folder"
		[[ $failed == 0 ]] || exit 1
	else
		ln -s "$real/$folder" "$toolchains/$folder"
	fi
done
assemble() {
	"$ctl" toolchain assemble "$@" --toolchains "$toolchains" --downloads "$scratch/downloads"
}
out=$(assemble aarch64-apple-darwin 2>&1)
is "without an SDK: exit status" "$?" 1
like "… says what is needed" "$out" "add --macos-sdk FOLDER"
mkdir "$scratch/empty"
out=$(assemble darwin-arm64 --macos-sdk "$scratch/empty" 2>&1)
is "a folder that is no SDK: exit status" "$?" 1
like "… says why" "$out" "it has no SDKSettings.json"
check "the toolchains are assembled" assemble darwin-arm64 darwin-x64 --macos-sdk "$sdk"
first=$(readlink "$toolchains/aarch64-apple-darwin")
check "again: nothing to do" assemble darwin-arm64 darwin-x64 --macos-sdk "$sdk"
is "… it is the same" "$(readlink "$toolchains/aarch64-apple-darwin")" "$first"
like "toolchain verify: they are what they were made" "$("$here/toolchains/verify.sh" "$toolchains" aarch64-apple-darwin 2>&1)" \
	"^aarch64-apple-darwin-[0-9a-f]{32} good"
body=$(cat "$toolchains/aarch64-apple-darwin/toolchain.json")
is "what it says of the SDK" "$(value '[v.sdk.name, v.sdk.version, v.sdk.settings].join()')" \
	"macosx11.0,11.0,sha256:$(sha256sum <"$sdk/SDKSettings.json" | cut -d ' ' -f 1)"
is "what is there of the SDK" "$(cd "$toolchains/aarch64-apple-darwin/sysroot" && find . ! -type d | sort | tr '\n' ' ')" \
	"./SDKSettings.json ./System/Library/Frameworks/Few.framework/Few.tbd ./System/Library/Frameworks/Few.framework/Headers ./System/Library/Frameworks/Few.framework/Versions/A/Few.tbd ./System/Library/Frameworks/Few.framework/Versions/A/Headers/Few.h ./usr/include/stdio.h ./usr/lib/libSystem.tbd ./usr/lib/libc++.tbd "
check "nothing of it is with the downloads" test -z "$(find "$scratch/downloads" -name '*.tbd' -o -name '*.h' -o -name 'SDK*')"
like "toolchain list" "$("$ctl" toolchain list --toolchains "$toolchains")" "aarch64-apple-darwin +clang [0-9.]+ +none"

# ---- builds ----

start_registry
addon plain
# What only macOS sees of it: OS, xcode_settings, a framework, Objective-C's suffix, C++.
addon macos
cat >"$packages/macos/1.0.0/binding.gyp" <<'G'
{"targets":[{"target_name":"addon","sources":["addon.c"],"defines":["NAPI_VERSION=<(napi_build_version)"],
	"cflags":["-Dof_linux"],
	"conditions":[["OS=='mac'",{"sources":["more.m","cxx.cc"],"libraries":["$(SDKROOT)/System/Library/Frameworks/Few.framework"],
		"xcode_settings":{"OTHER_CFLAGS":["-Dof_macos=7"],"GCC_ENABLE_CPP_EXCEPTIONS":"YES","CLANG_CXX_LANGUAGE_STANDARD":"c++20",
			"MACOSX_DEPLOYMENT_TARGET":"13.0","OTHER_LDFLAGS":["-Wl,-rpath,/opt/lib"]}}]]}]}
G
sed -i 's/^static napi_value$/#if defined(of_linux) || of_macos != 7\n#error\n#endif\nint more(void);\n&/; s/, 42, /, more(), /' \
	"$packages/macos/1.0.0/addon.c"
printf '#include <Few/Few.h>\n#include <stdio.h>\nint cxx(void);\nint more(void) { puts("more"); return few() + cxx(); }\n' \
	>"$packages/macos/1.0.0/more.m"
printf '#if __cplusplus != 202002L || !defined(__cpp_exceptions) || defined(__cpp_rtti) || !defined(__APPLE__)\n#error\n#endif\nextern "C" int cxx(void) { return 1; }\n' \
	>"$packages/macos/1.0.0/cxx.cc"

declare -A sha
for round in one two; do
	serve "$round" --registry "$registry"
	export PREBUILDD_URL=$url
	for t in darwin-arm64:aarch64 darwin-x64:x86_64; do
		for package in plain macos; do
			post_build $package 1.0.0 "${t%:*}"
			build=$(value v.id)
			await_build "$build" 600
			is "$round: $package for ${t%:*}" "$(value 'v.jobs.map((j) => [v.state, j.target, (j.error || {}).message].join()).join()')" \
				"succeeded,${t#*:}-apple-darwin,"
			is "… is not load-tested" "$(value 'v.jobs[0].artifact.load_tested')" false
			like "… and status says so" "$("$ctl" status "$build")" "succeeded: not load-tested"
			now=$(value 'v.jobs[0].artifact.sha256')
			[[ $round == one ]] || is "built again: the same bytes" "$now" "${sha[$package-$t]}"
			sha[$package-$t]=$now
		done
	done
	[[ $round == two ]] || end_process "$pid"
done
for t in darwin-arm64:arm64 darwin-x64:x86_64; do
	check "fetch macos for ${t%:*}" "$ctl" fetch macos@1.0.0 --target "${t%:*}" --layout raw -o "$scratch/macos.node"
	body=$("$ctl" check --json --target "${t%:*}" "$scratch/macos.node")
	is "… nothing can be said against it" "$(value '[v[0].verdict, v[0].findings.length, v[0].needs.macos, v[0].abi.declared].join()')" \
		pass,0,11.0,6
	# As another tool sees it.
	is "… its libraries" "$(llvm-objdump-14 --macho --dylibs-used "$scratch/macos.node" | sed -n 's/^\t\(.*\) (comp.*/\1/p' | sort | tr '\n' ' ')" \
		"/System/Library/Frameworks/Few.framework/Versions/A/Few /usr/lib/libSystem.B.dylib /usr/lib/libc++.1.dylib "
	is "… its exports" "$(llvm-nm-14 --extern-only --defined-only "$scratch/macos.node" | sed 's/.* //' | sort | tr '\n' ' ')" \
		"_napi_register_module_v1 _node_api_module_get_api_version_v1 "
	is "… its machine" "$(llvm-readobj-14 --file-headers "$scratch/macos.node" | sed -n 's/^ *CpuType: \(.*\) .*/\1/p;s/^Arch: //p' | head -n 1)" \
		"$([[ $t == *arm64 ]] && echo aarch64 || echo x86_64)"
done
http GET "/v1/artifacts/${sha[plain-darwin-arm64:aarch64]}/report"
is "the report" "$(value '[v.verdict, v.load.ran, v.load.reason].join()')" "pass,false,not load-tested: nothing here runs such a file"
http GET /prebuilds/plain/v1.0.0/plain-v1.0.0-napi-v6-darwin-arm64.tar.gz
is "an install client gets it" "$status $(tar -xzOf "$scratch/body" build/Release/addon.node | sha256sum | cut -d ' ' -f 1)" \
	"200 ${sha[plain-darwin-arm64:aarch64]}"
http GET "/v1/builds"
http GET "/v1/builds/$(value 'v.builds.filter((b) => b.package === "macos")[0].id')"
http GET "/v1/jobs/$(value 'v.jobs[0].id')/log"
like "an rpath that the package asked for is left out, by name" "$body" "left out: -Wl,-rpath,/opt/lib"
