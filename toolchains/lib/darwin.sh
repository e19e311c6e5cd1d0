# shellcheck shell=bash
# The toolchain of a macOS target: the shared root's clang and lld, and as sysroot what is needed of an
# SDK that the operator gives (docs/darwin.md). The SDK is read, never kept with the downloads or named
# in a lock; its licence does not allow to pass the result on.

# darwin_sdk_tar SDK: an archive of what goes into the sysroot: headers, lists of symbols, and the links to
# them; the same for the same contents, whoever owns them
darwin_sdk_tar() {
	(cd "$1" && find . ! -path '*[[:space:]\\]*' \( -type f -o -type l \) \( -path './usr/include/*' -o -name '*.tbd' \
		-o -path '*.framework/*Headers/*' -o -path './System/*' -type l -o -path ./SDKSettings.json \) -printf '%P\0' |
		LC_ALL=C sort -z | tar --create --null --no-recursion --files-from - --mtime @0 --owner 0 --group 0 \
		--numeric-owner --mode u=rwX,go=rX --file -)
}

# darwin_sdk_value SDK KEY: a string of SDKSettings.json, or nothing
darwin_sdk_value() {
	tr -d '\n' <"$1/SDKSettings.json" | sed -n "s/.*\"$2\"[[:blank:]]*:[[:blank:]]*\"\([A-Za-z0-9._-]*\)\".*/\1/p"
}

# darwin_check SDK: ends with an error when that is no SDK for macOS
darwin_check() {
	local file
	[[ -d $1 ]] || die "--macos-sdk $1: there is no such folder; give the MacOSX*.sdk folder of Xcode or of its command line tools"
	for file in SDKSettings.json usr/include/stdio.h; do
		[[ -e $1/$file ]] || die "--macos-sdk $1: it has no $file; give a whole MacOSX*.sdk folder"
	done
	[[ -e $1/usr/lib/libSystem.tbd || -e $1/usr/lib/libSystem.B.tbd ]] ||
		die "--macos-sdk $1: it has no usr/lib/libSystem.tbd; give a whole MacOSX*.sdk folder"
	[[ $(darwin_sdk_value "$1" CanonicalName) == macosx* ]] ||
		die "--macos-sdk $1: its SDKSettings.json does not say that it is for macOS (CanonicalName)"
}

# darwin_sdk_digest SDK
darwin_sdk_digest() {
	darwin_sdk_tar "$1" | sha256sum | cut -c 1-64
}

# darwin_key TRIPLE ROOT NODE
darwin_key() {
	printf '%s\n' "$HERE"/lib/{darwin,manifest}.sh "$(target_conf "$1")" | key "$@" "$SDK_DIGEST"
}

# darwin_description CONF ROOT NODE PACKAGES: toolchain.json. The C++ library is the system's, which is
# Node's too. Nothing here can run the result.
darwin_description() {
	local conf=$1 root=$2 node=$3 packages=$4 common cxx
	common=("--target=$(conf_need "$conf" clang_triple)$(conf_need "$conf" floor)" -isysroot /toolchain/sysroot
		-Wno-unused-command-line-argument)
	cxx=$(json_array clang++-19 "${common[@]}" -stdlib=libc++)
	printf '{"schema":1,"target":%s,\n' "$(json_string "$(conf_need "$conf" triple)")"
	printf '"node":{"platform":%s,"arch":%s},\n' \
		"$(json_string "$(conf_need "$conf" node_platform)")" "$(json_string "$(conf_need "$conf" node_arch)")"
	printf '"libc":{"name":%s,"floor":%s},\n' \
		"$(json_string "$(conf_need "$conf" libc)")" "$(json_string "$(conf_need "$conf" floor)")"
	printf '"sdk":{"name":%s,"version":%s,"settings":"sha256:%s"},\n' "$(json_string "$(darwin_sdk_value "$SDK" CanonicalName)")" \
		"$(json_string "$(darwin_sdk_value "$SDK" Version)")" "$(digest_of "$SDK/SDKSettings.json")"
	printf '"components":{"root":%s,"node":%s},\n' "$(json_string "$root")" "$(json_string "$node")"
	printf '"node_abis":['
	node_abis "$DIR/components/$node" | awk '{ printf "%s{\"abi\":%s,\"version\":\"%s\"}", (NR > 1 ? "," : ""), $1, $2 }'
	printf '],\n'
	printf '"cc":%s,\n"cxx":%s,\n"cxx_v8":%s,\n' "$(json_array clang-19 "${common[@]}")" "$cxx" "$cxx"
	printf '"cflags":%s,\n' "$(json_array -ffp-contract=off)"
	# shellcheck disable=SC2054 # the commas are the linker's
	printf '"ldflags":%s,\n' "$(json_array -fuse-ld=lld -B/toolchain/bin -Wl,-dead_strip -Wl,-undefined,dynamic_lookup)"
	printf '"ldlibs":[],\n"ldlibs_v8":[],\n'
	printf '"ar":%s,\n' "$(json_array llvm-ar-19 rcsD)"
	# What others must find stays, and with it the symbol table.
	printf '"strip":%s,\n' "$(json_array llvm-strip-19 -x -S)"
	printf '"compiler":{"name":"clang","version":%s},\n' \
		"$(json_string "$(sed -n 's/^deb clang-19 \([0-9]*:\)\?\([0-9.]*\).*/\2/p' "$packages")")"
	printf '"loadtest":{"kind":"none","version":"","argv":[],"emulator":""},\n'
	printf '"packages":[]}\n'
}

# darwin_make TRIPLE KEY ROOT NODE: builds the target's folder and records it.
darwin_make() {
	local triple=$1 key=$2 root=$3 node=$4 work=$TMP/target folder
	step "$triple" "taking what is needed of $(darwin_sdk_value "$SDK" CanonicalName) (made by Apple: keep it to yourself)"
	rm -rf "$work"
	mkdir -p "$work/sysroot" "$work/bin"
	darwin_sdk_tar "$SDK" | tar --extract --file - --directory "$work/sysroot" --no-same-owner
	# lld is the linker for macOS by the name that it is called.
	ln -s /usr/lib/llvm-19/bin/lld "$work/bin/ld64.lld"
	darwin_description "$(target_conf "$triple")" "${root##*/}" "${node##*/}" "$DIR/$root/packages.txt" >"$work/toolchain.json"
	folder=$(publish "$work" "$DIR/$triple" \
		"component ${root##*/} sha256:$(digest_of "$DIR/$root/manifest.txt")" \
		"component ${node##*/} sha256:$(digest_of "$DIR/$node/manifest.txt")")
	make_record "$triple" "$key" "${folder#"$DIR/"}" locked
	STEP=$((STEP + 5))
}
