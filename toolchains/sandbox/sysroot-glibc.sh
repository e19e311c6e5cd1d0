#!/bin/sh
# Makes /toolchain/sysroot of a glibc target. Runs in the sandbox.
# usage: sysroot-glibc.sh TRIPLE FLOOR PACKAGE-PREFIX [FLAG...]
# /work/debs holds the unpacked packages; their files are below usr/PACKAGE-PREFIX.
set -eu

triple=$1 floor=$2 packages=/work/debs/usr/$3
shift 3
sysroot=/toolchain/sysroot
recipe=/work/recipe
clang="clang-19 --target=$triple -Wno-unused-command-line-argument"

mkdir -p $sysroot/usr/lib
cp -R "$packages/include" $sysroot/usr/include
# libstdc++'s have a place of their own.
rm -r $sysroot/usr/include/c++

# Everything that asks the headers for the C library's version (libc++, libunwind, addons) must take
# the floor's interfaces, not those of the glibc that the headers come from.
sed -i -E "s/^(#define[[:space:]]+__GLIBC_MINOR__).*/\1 ${floor#*.}/" $sysroot/usr/include/features.h
grep -q "__GLIBC_MINOR__ ${floor#*.}\$" $sysroot/usr/include/features.h

# shellcheck disable=SC2086 # a command and its words
python3 $recipe/sandbox/stub.py "$packages/lib" "$floor" $recipe/data/glibc-2.17 \
	$sysroot/usr/lib $clang "$@"

# One object for each file: what is not used is not linked.
mkdir /tmp/compat
for source in "$recipe"/compat/*.c; do
	object=/tmp/compat/$(basename "$source" .c).o
	$clang --sysroot=$sysroot "$@" -std=gnu11 -Wall -Wextra -Werror -O2 -fPIC -fvisibility=hidden \
		-ffunction-sections -fdata-sections -fno-builtin -DFLOOR="${floor#*.}" \
		-c "$source" -o "$object"
done
llvm-ar-19 rcsD $sysroot/usr/lib/libglibc_compat.a /tmp/compat/*.o

# The compiler's driver names these two in every link. Ours have nothing to do: constructors run
# from .init_array.
for object in crti crtn; do
	$clang "$@" -x c -c /dev/null -o $sysroot/usr/lib/$object.o
done
