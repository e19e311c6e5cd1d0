# shellcheck shell=bash
# toolchain.json: what the builder is told about a toolchain.

# description_elf CONF: sets cxx_v8, ldflags, ldlibs and ldlibs_v8
description_elf() {
	local conf=$1 align stdcxx folder
	# Two C++ libraries: LLVM's, and for addons that exchange C++ objects with Node, the one it has.
	read -ra stdcxx < <(conf "$conf" libstdcxx_flags) || true
	cxx_v8=("${cxx[@]}" "${stdcxx[@]}" -nostdinc++ -nostdlib++)
	for folder in include include/target include/backward; do
		cxx_v8+=(-isystem "/toolchain/libstdcxx/$folder")
	done

	# shellcheck disable=SC2054 # the commas are the linker's
	# Everything but -shared, the objects, -soname, -o and --version-script.
	ldflags=(-fuse-ld=lld -rtlib=compiler-rt -unwindlib=libunwind -static-libstdc++ -pthread
		-Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,--as-needed
		# libc++'s objects ask for librt, which they do not use.
		-Wl,--no-dependent-libraries
		-Wl,-z,relro,-z,now -Wl,-z,noexecstack "-Wl,--hash-style=$(conf_need "$conf" hash_style)" -Wl,--build-id=sha1)
	align=$(conf_need "$conf" page_align)
	[[ $align == 0x1000 ]] || ldflags+=("-Wl,-z,max-page-size=$align")
	# A thread_local's destructor may run after the addon was unloaded, unless the C library counts
	# them (glibc from 2.18 on). musl never unloads.
	# shellcheck disable=SC2054
	case $(conf_need "$conf" libc)-$(conf_need "$conf" floor) in
	glibc-2.1[0-7]) ldflags+=(-Wl,-z,nodelete) ;;
	esac
	ldlibs=(-ldl -lm)
	ldlibs_v8=(/toolchain/libstdcxx/lib/libstdc++.a "${ldlibs[@]}")
}

# description_windows: the same for a DLL, and cflags. Nothing of the C++ runtime is a DLL; node.exe is
# only looked for when the first of its functions is called; no time of the build stands in the file.
# What uses V8 cannot be built: its C++ is that of Microsoft's compiler.
description_windows() {
	# shellcheck disable=SC2054
	ldflags=(-fuse-ld=lld -rtlib=compiler-rt -unwindlib=libunwind -static
		-Wl,--gc-sections -Wl,--exclude-all-symbols -Wl,--no-insert-timestamp
		-Wl,--nxcompat -Wl,--dynamicbase -Wl,--high-entropy-va
		-Wl,-Xlink=-delayload:node.exe /toolchain/sysroot/lib/node_delay_load.o)
	ldlibs=(-lnode -ldelayimp)
	# What it turns into calls of is a library of GCC; for Microsoft's compiler it is a name like others.
	cflags+=(-U_FORTIFY_SOURCE)
}

# compiler_description MEMBER NAME PACKAGE PACKAGES
compiler_description() {
	printf '"%s":{"name":%s,"version":%s},\n' "$1" "$(json_string "$2")" \
		"$(json_string "$(sed -n "s/^deb $3 \([0-9]*:\)\?\([0-9.]*\).*/\2/p" "$4")")"
}

# description CONF PACKAGES ROOT NODE
description() {
	local conf=$1 packages=$2 root=$3 node=$4 common flags cflags cc cxx ldflags=() ldlibs=() cxx_v8=() ldlibs_v8=()
	read -ra flags < <(conf "$conf" machine_flags) || true
	common=("--target=$(conf_need "$conf" clang_triple)" --sysroot=/toolchain/sysroot
		-resource-dir /toolchain/resource "${flags[@]}" -Wno-unused-command-line-argument)

	cc=(clang-19 "${common[@]}")
	[[ $(conf_need "$conf" compiler) != gcc ]] || gcc_command "$conf" "$TMP/target/gcc"
	cxx=(clang++-19 "${common[@]}")
	# Clang fuses multiply-add by default where the machine can; results would differ between targets.
	cflags=(-ffp-contract=off)

	case $(conf_need "$conf" libc) in
	msvcrt) description_windows ;;
	*) description_elf "$conf" ;;
	esac

	printf '{"schema":1,"target":%s,\n' "$(json_string "$(conf_need "$conf" triple)")"
	printf '"node":{"platform":%s,"arch":%s},\n' \
		"$(json_string "$(conf_need "$conf" node_platform)")" "$(json_string "$(conf_need "$conf" node_arch)")"
	printf '"libc":{"name":%s,"floor":%s},\n' \
		"$(json_string "$(conf_need "$conf" libc)")" "$(json_string "$(conf_need "$conf" floor)")"
	printf '"components":{"root":%s,"node":%s},\n' "$(json_string "$root")" "$(json_string "$node")"
	printf '"node_abis":['
	node_abis "$DIR/components/$node" | awk '{ printf "%s{\"abi\":%s,\"version\":\"%s\"}", (NR > 1 ? "," : ""), $1, $2 }'
	printf '],\n'
	printf '"cc":%s,\n' "$(json_array "${cc[@]}")"
	printf '"cxx":%s,\n' "$(json_array "${cxx[@]}" -stdlib=libc++)"
	printf '"cxx_v8":%s,\n' "$(json_array "${cxx_v8[@]}")"
	printf '"cflags":%s,\n' "$(json_array "${cflags[@]}")"
	printf '"ldflags":%s,\n' "$(json_array "${ldflags[@]}")"
	printf '"ldlibs":%s,\n' "$(json_array "${ldlibs[@]}")"
	printf '"ldlibs_v8":%s,\n' "$(json_array "${ldlibs_v8[@]}")"
	printf '"ar":%s,\n' "$(json_array llvm-ar-19 rcsD)"
	printf '"strip":%s,\n' "$(json_array llvm-strip-19 --strip-all --remove-section=.comment)"
	if [[ $(conf_need "$conf" compiler) == gcc ]]; then
		compiler_description compiler gcc "$(gcc_package "$conf")" "$packages"
		compiler_description cxx_compiler clang clang-19 "$packages"
	else
		compiler_description compiler clang clang-19 "$packages"
	fi
	printf '"loadtest":%s,\n' "$(loadtest_description "$conf" "$packages")"
	printf '"packages":[\n'
	awk '{
		printf "%s{\"kind\":\"%s\",\"name\":\"%s\",\"version\":\"%s\"", (NR > 1 ? ",\n" : ""), $1, $2, $3
		if ($1 == "deb")
			printf ",\"arch\":\"%s\"", $4
		if ($1 == "src")
			printf ",\"file\":\"%s\"", $4
		printf ",\"digest\":\"%s%s\"}", ($1 == "npm" ? "" : "sha256:"), $NF
	}' "$packages"
	printf '\n]}\n'
}
