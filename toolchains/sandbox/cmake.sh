# shellcheck shell=sh
# How cmake is told about a target; read by builtins.sh and libcxx.sh.

# cmake_configure SOURCE BUILD TRIPLE FLAGS [cmake option...]
cmake_configure() {
	source=$1 build=$2 triple=$3 flags=$4 system=Linux
	shift 4
	case $triple in
	*-mingw32) system=Windows ;;
	esac
	# STATIC_LIBRARY: nothing can be linked for the target before its runtimes exist.
	cmake -S "$source" -B "$build" -G Ninja \
		-DCMAKE_BUILD_TYPE=Release \
		-DCMAKE_SYSTEM_NAME=$system \
		-DCMAKE_SYSTEM_PROCESSOR="${triple%%-*}" \
		-DCMAKE_SYSROOT=/toolchain/sysroot \
		-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY \
		-DCMAKE_POSITION_INDEPENDENT_CODE=ON \
		-DCMAKE_C_COMPILER=clang-19 \
		-DCMAKE_CXX_COMPILER=clang++-19 \
		-DCMAKE_ASM_COMPILER=clang-19 \
		-DCMAKE_C_COMPILER_TARGET="$triple" \
		-DCMAKE_CXX_COMPILER_TARGET="$triple" \
		-DCMAKE_ASM_COMPILER_TARGET="$triple" \
		-DCMAKE_C_FLAGS="$flags" \
		-DCMAKE_CXX_FLAGS="$flags" \
		-DCMAKE_ASM_FLAGS="$flags" \
		-DCMAKE_C_FLAGS_RELEASE=-DNDEBUG \
		-DCMAKE_CXX_FLAGS_RELEASE=-DNDEBUG \
		-DCMAKE_ASM_FLAGS_RELEASE=-DNDEBUG \
		-DCMAKE_AR=/usr/bin/llvm-ar-19 \
		-DCMAKE_RANLIB=/usr/bin/llvm-ranlib-19 \
		-DCMAKE_NM=/usr/bin/llvm-nm-19 \
		"$@"
}
