# shellcheck shell=bash
# Source trees that the runtimes are built from: unpacked once, kept in DIR/.stages.

# source_tree NAME LINE: unpacks the tarball of a lock line unless that was done; sets SOURCE to the folder.
source_tree() {
	local name=$1 line=$2 file
	file=$(package_file "$line")
	SOURCE=$DIR/.stages/$name-$(printf '%s\n' "$HERE/lib/source.sh" | key "$line")
	[[ -e $SOURCE ]] && return
	rm -rf "$DIR/.stages/$name"-*
	mkdir -p "$DIR/.stages" "$TMP/source"
	case $name in
	llvm) run source_llvm "$file" "$TMP/source" ;;
	gcc) run source_gcc "$file" "$TMP/source" ;;
	*) run tar --extract --file "$file" --directory "$TMP/source" --strip-components 1 --no-same-owner ;;
	esac
	mv -T "$TMP/source" "$SOURCE"
}

# LLVM's tarball is 2 GB unpacked; this is what the runtimes need.
source_llvm() {
	local tree=$2
	tar --extract --file "$1" --directory "$tree" --strip-components 1 --no-same-owner \
		--exclude '*/test' --exclude '*/docs' --exclude '*/www' --exclude '*/benchmarks' \
		--wildcards '*/libcxx/*' '*/libcxxabi/*' '*/libunwind/*' '*/compiler-rt/*' '*/cmake/*' \
		'*/runtimes/*' '*/libc/src/__support/*' '*/libc/include/*' '*/llvm/utils/llvm-lit/*' '*/llvm/utils/lit/*'
	# shellcheck disable=SC2016 # the dollars are cmake's
	# The list of architectures that have builtins lacks s390x, though the generic code is all it needs.
	sed -i -e 's/^\(set(SPARC sparc)\)/set(S390X s390x)\n\1/' \
		-e '/^set(ALL_BUILTIN_SUPPORTED_ARCH/,/)/ s/\${SPARC}/${S390X} &/' \
		"$tree/compiler-rt/cmake/builtin-config-ix.cmake"
	grep -q 'S390X} ..SPARC}' "$tree/compiler-rt/cmake/builtin-config-ix.cmake"
	# shellcheck disable=SC2016
	sed -i 's/^set(sparc_SOURCES/set(s390x_SOURCES ${GENERIC_SOURCES} ${GENERIC_TF_SOURCES})\n&/' \
		"$tree/compiler-rt/lib/builtins/CMakeLists.txt"
	grep -q '^set(s390x_SOURCES' "$tree/compiler-rt/lib/builtins/CMakeLists.txt"
}

# Debian's tarball has GCC's inside. What libstdc++ needs of it, made fit for clang.
source_gcc() {
	local tree=$2 inner top
	inner=$(tar --list --gzip --file "$1" | grep '/gcc-.*\.tar\.xz$')
	top=${inner##*/}
	top=${top%-dfsg.tar.xz}
	tar --extract --gzip --to-stdout --file "$1" "$inner" |
		tar --extract --xz --directory "$tree" --strip-components 1 --no-same-owner \
			--exclude '*/testsuite/[0-9]*' --exclude '*/doc/html/*' \
			"$top"/{libstdc++-v3,libgcc,libiberty,include,config,gcc/ginclude} \
			"$top"/gcc/{BASE-VER,DATESTAMP,DEV-PHASE} "$top"/config{.guess,.sub,-ml.in} \
			"$top"/{install-sh,mkinstalldirs,missing,depcomp,ltmain.sh,move-if-change}
	# GCC's own build puts these two in place. Without the first, threads would be left out silently.
	cp "$tree/libgcc/gthr-posix.h" "$tree/libgcc/gthr-default.h"
	cp "$tree/gcc/ginclude/unwind-arm-common.h" "$tree/libgcc/"
	printf '#ifdef __ARM_EABI__\n#include "config/arm/unwind-arm.h"\n#else\n#include "unwind-generic.h"\n#endif\n' \
		>"$tree/libgcc/unwind.h"
	# A flag that only GCC knows, and needs.
	sed -i 's/ -gno-as-loc-support//' "$tree/libstdc++-v3/src/c++11/Makefile.in"
}
