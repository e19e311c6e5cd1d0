#!/bin/sh
# Builds libunwind, libc++abi and libc++ as static libraries into /toolchain/sysroot. Runs in the
# sandbox; /work/llvm is LLVM's source.
# usage: libcxx.sh TRIPLE LIBC [FLAG...]
set -eu

triple=$1 libc=$2
shift 2
build=/work/build/libcxx
prefix=/toolchain/sysroot/usr
flags="-O2 -ffunction-sections -fdata-sections -D_FILE_OFFSET_BITS=64 -resource-dir /toolchain/resource $*"
flags="$flags -ffile-prefix-map=/work/llvm=llvm -ffile-prefix-map=/work/build=build"
musl=OFF
[ "$libc" = musl ] && musl=ON
win32=OFF
if [ "$libc" = msvcrt ]; then
	win32=ON
	prefix=/toolchain/sysroot
fi
lib=$prefix/lib

# HERMETIC and HIDE: no symbol of the runtime leaves an addon, so two addons, or an addon and Node,
#   never mix their C++ libraries.
# NON_DEMANGLING_TERMINATE: drops the demangler (117 KB of every addon); only the message of
#   std::terminate shows mangled names then.
# HAS_CXA_THREAD_ATEXIT_IMPL=OFF: makes it a weak reference with a fallback, since the floor's glibc
#   may not have it.
# HAS_WIN32_THREAD_API: else libc++ would need a library of POSIX threads on Windows.
# shellcheck source-path=SCRIPTDIR source=cmake.sh
. /work/recipe/sandbox/cmake.sh
cmake_configure /work/llvm/runtimes $build "$triple" "$flags" \
	-DCMAKE_INSTALL_PREFIX=$prefix \
	-DLLVM_ENABLE_RUNTIMES='libunwind;libcxxabi;libcxx' \
	-DLLVM_INCLUDE_TESTS=OFF \
	-DLLVM_INCLUDE_DOCS=OFF \
	-DLIBUNWIND_ENABLE_SHARED=OFF \
	-DLIBUNWIND_ENABLE_ASSERTIONS=OFF \
	-DLIBUNWIND_HIDE_SYMBOLS=ON \
	-DLIBUNWIND_USE_COMPILER_RT=ON \
	-DLIBCXXABI_ENABLE_SHARED=OFF \
	-DLIBCXXABI_ENABLE_ASSERTIONS=OFF \
	-DLIBCXXABI_HERMETIC_STATIC_LIBRARY=ON \
	-DLIBCXXABI_NON_DEMANGLING_TERMINATE=ON \
	-DLIBCXXABI_HAS_CXA_THREAD_ATEXIT_IMPL=OFF \
	-DLIBCXXABI_HAS_WIN32_THREAD_API=$win32 \
	-DLIBCXXABI_USE_LLVM_UNWINDER=ON \
	-DLIBCXXABI_USE_COMPILER_RT=ON \
	-DLIBCXX_ENABLE_SHARED=OFF \
	-DLIBCXX_HERMETIC_STATIC_LIBRARY=ON \
	-DLIBCXX_CXX_ABI=libcxxabi \
	-DLIBCXX_ENABLE_STATIC_ABI_LIBRARY=ON \
	-DLIBCXX_USE_COMPILER_RT=ON \
	-DLIBCXX_HAS_MUSL_LIBC=$musl \
	-DLIBCXX_HAS_WIN32_THREAD_API=$win32 \
	-DLIBCXX_HAS_ATOMIC_LIB=OFF \
	-DLIBCXX_ENABLE_TIME_ZONE_DATABASE=OFF \
	-DLIBCXX_INCLUDE_BENCHMARKS=OFF \
	-DLIBCXX_INSTALL_MODULES=OFF
ninja -C "$build" -j "$JOBS" cxx cxxabi unwind
ninja -C "$build" install

# libc++.a contains libc++abi; the rest is not for addons.
rm -f "$lib/libc++abi.a" "$lib/libc++experimental.a"
[ -s "$lib/libc++.a" ] && [ -s "$lib/libunwind.a" ]
