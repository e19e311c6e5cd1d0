#!/bin/bash
# Addons as their authors publish them in npm, for Linux, macOS and Windows: what `prebuildctl check`
# says of each must be what readelf and llvm-readobj say.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

fetched='better-sqlite3@13.2.0 bufferutil@4.1.0 utf-8-validate@6.0.6 lightningcss-linux-x64-gnu@1.33.0
	lightningcss-linux-x64-musl@1.33.0 lightningcss-linux-arm64-gnu@1.33.0
	lightningcss-linux-arm-gnueabihf@1.33.0 lightningcss-darwin-arm64@1.33.0
	lightningcss-darwin-x64@1.33.0 lightningcss-win32-x64-msvc@1.33.0 @parcel/watcher-darwin-x64@2.6.0'
cache=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd/test-packages

fetch() { # PACKAGE: its folder, kept in the cache; what a version holds never changes
	local folder part=$scratch/part
	folder=$cache/$(tr -c 'A-Za-z0-9.\n-' _ <<<"$1")
	if [[ ! -e $folder ]]; then
		mkdir -p "$cache" "$part/unpacked"
		npm pack --silent --ignore-scripts --pack-destination "$part" "$1" >/dev/null
		tar xzf "$part"/*.tgz -C "$part/unpacked"
		mv "$part/unpacked" "$folder"
		rm -rf "$part"
	fi
	echo "$folder"
}

elf_libs() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
elf_version() { # FILE FAMILY: the highest version that is needed, but from libgcc
	readelf -VW "$1" | awk -v f="$2" '/ File: / { gcc = /libgcc_s/ } !gcc && $0 ~ " Name: " f "_[0-9]" {
		sub(".* Name: " f "_", ""); sub(" .*", ""); print }' | sort -V | tail -n 1
}
# A library's own name is listed among them.
macho_libs() { llvm-readobj-14 --needed-libs "$1" | awk '/^NeededLibraries \[/ { on = 1; next } /^\]/ { exit } on { print $1 }' |
	grep -vxF -- "$(llvm-objdump-14 --macho --dylib-id "$1" | tail -n +2)" | sort; }
macho_os() { llvm-readobj-14 --macho-version-min "$1" | sed -n 's/^ *\(Min\)\?Version: //p' | head -n 1; }
# What is imported from Node itself is no library.
pe_libs() { llvm-readobj-14 --coff-imports "$1" | sed -n 's/^  Name: //p' | grep -vx node.exe | sort -u; }

count=0
for package in $fetched; do
	folder=$(fetch "$package")
	while read -r file; do
		name=${file#"$cache/"}
		body=$("$ctl" check --json --target own "$file" | node -p 'JSON.stringify(JSON.parse(require("fs").readFileSync(0))[0])')
		count=$((count + 1))
		case $(head -c 4 "$file" | od -An -tx1 | tr -d ' ') in
		7f454c46)
			is "$name: elf" "$(value v.format)" elf
			is "$name: libraries" "$(value 'v.needs.libs.join("\n")')" "$(elf_libs "$file")"
			is "$name: glibc" "$(value 'v.needs.glibc || ""')" "$(elf_version "$file" GLIBC)"
			is "$name: glibcxx" "$(value 'v.needs.glibcxx || ""')" "$(elf_version "$file" GLIBCXX)"
			;;
		cffaedfe | cafebabe)
			is "$name: mach-o" "$(value v.format)" mach-o
			is "$name: libraries" "$(value 'v.needs.libs.sort().join("\n")')" "$(macho_libs "$file")"
			like "$name: the oldest macOS" "$(value 'v.findings.map((f) => f.found).join()')" \
				"for macOS $(macho_os "$file" | sed 's/\./\\./g') or later"
			;;
		4d5a*)
			is "$name: pe" "$(value v.format)" pe
			is "$name: libraries" "$(value '[...new Set(v.needs.libs)].sort().join("\n")')" "$(pe_libs "$file")"
			;;
		esac
	done < <(find "$folder" -name '*.node' | sort)
done
[[ $count -ge 25 ]]
report "there are $count addons"

# The one that everybody meets.
file=$(find "$cache"/better-sqlite3* -name linux-x64.node)
body=$("$ctl" check --json --target own "$file")
is "better-sqlite3 13.2.0: glibc, libstdc++" "$(value '[v[0].needs.glibc, v[0].needs.glibcxx].join()')" 2.34,3.4.29
evidence=$(value 'v[0].findings.map((f) => f.evidence).join()')
like "… with the symbols of glibc" "$evidence" 'dlsym@GLIBC_2.34|pthread_[a-z_]*@GLIBC_2.34'
like "… and of libstdc++" "$evidence" '_ZSt28__throw_bad_array_new_lengthv@GLIBCXX_3.4.29'
is "… where it runs" "$(value 'v[0].runs_on.systems.join()')" 'Debian 12,Ubuntu 22.04,RHEL 9,Amazon Linux 2023'
