#!/bin/sh
# Builds the compiler's support functions (libclang_rt.builtins.a, crtbegin, crtend) into
# /toolchain/resource. Runs in the sandbox; /work/llvm is LLVM's source.
# usage: builtins.sh TRIPLE [FLAG...]
set -eu

triple=$1
shift
sysroot=/toolchain/sysroot
resource=/toolchain/resource
build=/work/build/builtins
target="--target=$triple --sysroot=$sysroot -resource-dir $resource $*"
flags="-O2 -ffunction-sections -fdata-sections -fvisibility=hidden -D_FILE_OFFSET_BITS=64"
flags="$flags -ffile-prefix-map=/work/llvm=llvm -ffile-prefix-map=/work/build=build"

mkdir -p $resource
# The compiler's own headers are in the root, the same for every target.
[ -e $resource/include ] || ln -s /usr/lib/llvm-19/lib/clang/19/include $resource/include

# shellcheck source-path=SCRIPTDIR source=cmake.sh
. /work/recipe/sandbox/cmake.sh
cmake_configure /work/llvm/compiler-rt/lib/builtins $build "$triple" "$flags -resource-dir $resource $*" \
	-DLLVM_CMAKE_DIR=/work/llvm/llvm/cmake \
	-DCOMPILER_RT_DEFAULT_TARGET_ONLY=ON \
	-DCOMPILER_RT_BUILD_CRT=OFF \
	-DCOMPILER_RT_BUILTINS_HIDE_SYMBOLS=ON \
	-DCOMPILER_RT_OS_DIR="$triple" \
	-DLLVM_ENABLE_PER_TARGET_RUNTIME_DIR=OFF
ninja -C "$build" -j "$JOBS"

# Only the driver knows where it will look (it writes i686 as i386, adds vendors, and so on).
# shellcheck disable=SC2086 # flags are words
place=$(clang-19 $target -print-runtime-dir)
mkdir -p "$place"
find "$build" -name 'libclang_rt.builtins*.a' -exec cp {} "$place/libclang_rt.builtins.a" \;
[ -s "$place/libclang_rt.builtins.a" ]

case $triple in
*-mingw32) exit ;; # its C library brings these two objects
esac
# No registration of unwind tables: the runtimes find them through the program headers.
for object in crtbegin crtend; do
	# shellcheck disable=SC2086
	clang-19 $target $flags -fPIC -std=c11 -DCRT_HAS_INITFINI_ARRAY \
		-c /work/llvm/compiler-rt/lib/builtins/$object.c -o "$place/clang_rt.$object.o"
done
