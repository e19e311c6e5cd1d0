#!/bin/sh
# Makes /toolchain/sysroot of a musl target out of musl's source, in two steps, because musl's shared
# library needs the compiler's builtins, and these need musl's headers. Runs in the sandbox;
# /work/musl is musl's source, /work/debs holds the unpacked kernel headers.
# usage: sysroot-musl.sh headers|library TRIPLE PACKAGE-PREFIX [FLAG...]
set -eu

what=$1 triple=$2 prefix=$3
shift 3
sysroot=/toolchain/sysroot
build=/work/build/musl
clang="clang-19 --target=$triple $* -resource-dir /toolchain/resource -Wno-unused-command-line-argument"

mkdir -p $build $sysroot/usr/lib
cd $build
source=/work/musl
case $triple in
s390x-*)
	# lld wants to be told that this call may leave the library; GNU ld assumes it.
	source=/work/build/source
	if [ ! -e $source ]; then
		cp -R /work/musl $source
		sed -i 's/\(brasl .*, __tls_get_addr\)$/\1@PLT/' $source/src/thread/s390x/__tls_get_offset.s
		grep -q @PLT $source/src/thread/s390x/__tls_get_offset.s
	fi
	;;
esac
case $what in
headers)
	# For its choice of options only; nothing can be linked yet.
	CC=$clang AR=llvm-ar-19 RANLIB=llvm-ranlib-19 CFLAGS="-O2 -ffile-prefix-map=$source=musl" \
		LDFLAGS=-fuse-ld=lld LIBCC=' ' \
		$source/configure --target="$triple" --prefix=/usr --syslibdir=/lib --disable-static
	make install-headers DESTDIR=$sysroot
	for headers in linux asm asm-generic; do
		cp -R "/work/debs/usr/$prefix/include/$headers" $sysroot/usr/include/
	done
	;;
library)
	# shellcheck disable=SC2086 # flags are words
	builtins=$($clang -print-runtime-dir)/libclang_rt.builtins.a
	[ -s "$builtins" ]
	make -j "$JOBS" LIBCC="$builtins"
	make install-libs DESTDIR=$sysroot LIBCC="$builtins"
	# Addons are linked against the shared library; the loader's name is a link to it.
	rm -r /toolchain/sysroot/lib
	;;
esac
