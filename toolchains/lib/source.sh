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
