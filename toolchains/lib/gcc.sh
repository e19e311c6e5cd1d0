# shellcheck shell=bash
# GCC as a target's C compiler (`compiler = gcc` in its description): Debian's cross compiler and its
# assembler, with the libraries that the root lacks, in the target's own folder. C++ stays clang's, with its
# runtime, and so do all links.

# gcc_make CONF USED FOLDER: unpacks it into FOLDER.
gcc_make() {
	local conf=$1 used=$2 folder=$3 triple line name
	triple=$(conf_need "$conf" gcc_triple)
	: >"$TMP/prune"
	mkdir -p "$folder"
	for name in $(conf_need "$conf" compiler_debs); do
		line=$(grep "^deb $name " "$used") ||
			die "lock/$(conf_need "$conf" triple).lock lacks the package $name; update it with --relock"
		case $name in
		gcc-*) set -- "./usr/bin/$triple-gcc-[0-9]*" ;;
		cpp-*) set -- "./usr/lib/gcc-cross/$triple/*/cc1" ;;
		libgcc-*) set -- "./usr/lib/gcc-cross/$triple/*/include" ;;
		binutils-*) set -- "./usr/bin/$triple-as" "./usr/$triple/bin/as" './usr/lib/x86_64-linux-gnu/*.so*' ;;
		*) set -- './usr/lib/x86_64-linux-gnu/*.so*' ;;
		esac
		run "$HERE/lib/unpack-deb" "$folder" "$TMP/prune" "$(package_file "$line")" "$@"
	done
	# libbinutils has the libraries of the host's own assembler, too.
	rm -f "$folder"/usr/lib/x86_64-linux-gnu/*-system.so
	{
		echo '#!/bin/sh'
		echo "LD_LIBRARY_PATH=/toolchain/gcc/usr/lib/x86_64-linux-gnu exec /toolchain/gcc/usr/bin/$triple-gcc-$(gcc_major "$folder" "$triple") \"\$@\""
	} >"$folder/cc"
	chmod 0755 "$folder/cc"
}

# gcc_package CONF: the package with the compiler's driver
gcc_package() {
	conf "$1" compiler_debs | tr -s ' ' '\n' | grep '^gcc-'
}

# gcc_major FOLDER TRIPLE
gcc_major() {
	local found=("$1/usr/lib/gcc-cross/$2"/*)
	printf '%s\n' "${found[0]##*/}"
}

# gcc_command CONF FOLDER: sets cc. The only headers are its own and those of the sysroot, and it compiles
# for the machine that clang compiles for by default.
gcc_command() {
	local conf=$1 folder=$2 triple flags
	triple=$(conf_need "$conf" gcc_triple)
	read -ra flags < <(conf "$conf" gcc_flags) || true
	# shellcheck disable=SC2034 # the description's
	cc=(/toolchain/gcc/cc "${flags[@]}" -nostdinc
		-isystem "/toolchain/gcc/usr/lib/gcc-cross/$triple/$(gcc_major "$folder" "$triple")/include"
		-isystem /toolchain/sysroot/usr/include)
}
