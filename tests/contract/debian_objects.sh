#!/bin/bash
# Shared objects as Debian publishes them, for all our architectures: what elf_read says of each must
# be what readelf says, and for a sample of them what libelf says.
#
# The packages are kept in the cache; a second run downloads nothing. SLOW=1 compares all that is in
# them, else it is at most 400 files of an architecture.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"
export LC_ALL=C

# Few packages with many objects: glibc and its converters, plugins in C and C++, the runtimes (the
# largest symbol tables, every kind of version, IFUNC, unique symbols), and musl, without versions.
architectures='amd64 arm64 armhf i386 ppc64el s390x'
packages_of_each='libc6 libstdc++6 libgcc-s1 musl vlc-plugin-base frei0r-plugins'
# Of riscv64 Debian 12 has only what its cross compilers link against, of six languages.
riscv64_packages='libc6 libstdc++6 libgcc-s1 libatomic1 libgomp1 libasan8 libgfortran5 libgnat-12
	libgo21 libgphobos3 libgm2-17 libobjc4'

each_max=400
[[ ${SLOW:-0} != 1 ]] || each_max=100000
least=2000
least_each=300
least_riscv64=35
libelf_step=10 # every tenth
libelf_least=200

facts=$here/build/release/tests/elf_facts
libelf_facts=$here/build/release/tests/libelf_facts
compare=$here/tests/lib/elf_compare.sh
kept=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd/test-packages/debian

# ARCHITECTURE PACKAGE, and what Debian takes that package to be for.
wanted() {
	local architecture package
	for architecture in $architectures; do
		for package in $packages_of_each; do
			echo "$architecture $package $architecture"
		done
	done
	for package in $riscv64_packages; do
		echo "riscv64 $package-riscv64-cross all"
	done
}

# Downloads packages (NAME:ARCHITECTURE) through a private apt, as toolchains are made; apt compares
# them with its signed index.
download() (
	set -e
	for part in report job apt; do
		# shellcheck source=/dev/null
		. "$here/toolchains/lib/$part.sh"
	done
	DOWNLOADS=$scratch
	LOG=$scratch/apt.log
	part=$kept/part-$$
	trap 'rm -rf "$part"' EXIT
	mkdir -p "$part"
	read -ra foreign <<<"${architectures#amd64 }"
	apt_open "${foreign[@]}"
	apt_fetch "$part" "${@%:all}"
	mv "$part"/*.deb "$kept/"
)

missing=()
while read -r _ package architecture; do
	compgen -G "$kept/${package}_*_$architecture.deb" >/dev/null || missing+=("$package:$architecture")
done < <(wanted)
if [[ ${#missing[@]} -gt 0 ]]; then
	echo "# downloading ${#missing[@]} packages"
	check "packages that are missing are downloaded" download "${missing[@]}"
	rm -rf "$scratch/apt"
fi

# ---- the objects ----

while read -r architecture package debian; do
	file=$(compgen -G "$kept/${package}_*_$debian.deb" | head -n 1)
	mkdir -p "$scratch/objects/$architecture/$package"
	printf '%s\n%s\n' "$file" "$scratch/objects/$architecture/$package"
done < <(wanted) | xargs -d '\n' -n 2 -P "$(nproc)" sh -c \
	'dpkg-deb --fsys-tarfile "$1" | tar x -C "$2" --wildcards --no-anchored "*.so*"' sh
report "the packages are unpacked"

# Each content once; in the order of their digests, so that the first are a fair sample.
objects_of() { # ARCHITECTURE
	find "$scratch/objects/$1" -type f -name '*.so*' -exec grep -laZP '^\x7fELF' {} + |
		xargs -0 sha256sum | sort | awk '!seen[$1]++ { print substr($0, 67) }' | head -n "$each_max"
}
for architecture in $architectures riscv64; do
	objects_of "$architecture"
done >"$scratch/list"
awk -v step=$libelf_step 'NR % step == 0' "$scratch/list" >"$scratch/sample"

# ---- the comparisons ----

compare_all() { # OTHER <LIST
	xargs -d '\n' -n 40 -P "$(nproc)" "$compare" "$facts" "$1"
}
# Appended: cat copies files without a look at who else writes at the place where it does.
compare_all readelf <"$scratch/list" >>"$scratch/readelf"
compare_all "$libelf_facts" <"$scratch/sample" >>"$scratch/libelf"
grep -hv '^ok' "$scratch/readelf" "$scratch/libelf" | sed "s|$scratch/objects/||"

compared() { # TEXT LIST RESULTS PATTERN LEAST
	local count same
	count=$(grep -c "$4" "$2")
	same=$(grep -c "^ok - .*$4" "$3")
	[[ $same -eq $count && $count -ge $5 ]]
	report "$1 of $count files" "the same of $same; at least $5 files are to be compared"
}
for architecture in $architectures; do
	compared "$architecture: readelf's facts" "$scratch/list" "$scratch/readelf" \
		"/objects/$architecture/" $least_each
done
compared "riscv64: readelf's facts" "$scratch/list" "$scratch/readelf" '/objects/riscv64/' $least_riscv64
compared "all: readelf's facts" "$scratch/list" "$scratch/readelf" . $least
compared "a sample: libelf's facts" "$scratch/sample" "$scratch/libelf" . $libelf_least
