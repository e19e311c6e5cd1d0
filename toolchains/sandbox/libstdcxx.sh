#!/bin/sh
# Puts libstdc++ into /toolchain/libstdcxx: include/ (with the target's own headers in
# include/target), lib/libstdc++.a and, for a Node or Bun of the target that needs it,
# lib/libstdc++.so.6. Addons that use V8 exchange C++ objects with Node, so they must have the C++
# library that Node has. Runs in the sandbox.
# usage: libstdcxx.sh package PACKAGE-PREFIX          /work/debs holds Debian's unpacked packages
#        libstdcxx.sh source TRIPLE [FLAG...]         /work/gcc is GCC's source
set -eu

what=$1 triple=$2
shift 2
place=/toolchain/libstdcxx
mkdir -p $place/lib

case $what in
package)
	headers=/work/debs/usr/$triple/include/c++/12
	cp -R "$headers" $place/include
	rm -r "$place/include/$triple"
	mkdir $place/include/target
	# Not the headers of its multilibs.
	cp -R "$headers/$triple/bits" "$headers/$triple/ext" $place/include/target/
	cp "/work/debs/usr/lib/gcc-cross/$triple/12/libstdc++.a" $place/lib/
	;;
source)
	build=/work/build/libstdcxx
	flags="--target=$triple --sysroot=/toolchain/sysroot -resource-dir /toolchain/resource $*"
	mkdir -p $build
	cd $build
	export CC="clang-19 $flags" CXX="clang++-19 $flags -nostdinc++ -nostdlib++"
	export CFLAGS="-O2 -fPIC -ffile-prefix-map=/work/gcc=gcc"
	export CXXFLAGS="$CFLAGS -Wno-unknown-warning-option -Wno-unused-command-line-argument"
	export LDFLAGS='-fuse-ld=lld -rtlib=compiler-rt -unwindlib=libunwind'
	export AR=llvm-ar-19 RANLIB=llvm-ranlib-19 NM=llvm-nm-19 STRIP=llvm-strip-19 LD=ld.lld
	# clang has the two instructions' builtins under other names than random.cc expects.
	ac_cv_x86_rdrand=no ac_cv_x86_rdseed=no /work/gcc/libstdc++-v3/configure \
		--build=x86_64-linux-gnu --host="$triple" --prefix=/usr \
		--with-gxx-include-dir=/usr/include/libstdcxx --disable-shared --enable-static \
		--disable-multilib --disable-nls --disable-cet --disable-libstdcxx-pch \
		--disable-libstdcxx-backtrace
	make -j "$JOBS"
	make install DESTDIR=/work/build/out
	cp -R /work/build/out/usr/include/libstdcxx $place/include
	mv "$place/include/$triple" $place/include/target
	cp /work/build/out/usr/lib/libstdc++.a $place/lib/
	# shellcheck disable=SC2086 # flags are words
	clang++-19 $flags $LDFLAGS -shared -nostdlib++ -Wl,-soname,libstdc++.so.6 \
		-Wl,--whole-archive $place/lib/libstdc++.a -Wl,--no-whole-archive \
		-o $place/lib/libstdc++.so.6
	llvm-strip-19 $place/lib/libstdc++.so.6
	;;
esac
[ -s $place/lib/libstdc++.a ] && [ -s $place/include/target/bits/c++config.h ]
