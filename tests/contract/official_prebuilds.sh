#!/bin/bash
# Addons as their authors publish them in npm, for Linux, macOS and Windows: what `prebuildctl check`
# says of each must be what readelf and llvm-readobj say.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

fetched='better-sqlite3@13.2.0 bufferutil@4.1.0 utf-8-validate@6.0.6 lightningcss-linux-x64-gnu@1.33.0
	lightningcss-linux-x64-musl@1.33.0 lightningcss-linux-arm64-gnu@1.33.0
	lightningcss-linux-arm-gnueabihf@1.33.0 lightningcss-darwin-arm64@1.33.0
	lightningcss-darwin-x64@1.33.0 lightningcss-win32-x64-msvc@1.33.0 @parcel/watcher-darwin-x64@2.6.0
	@serialport/bindings-cpp@13.0.1 @node-rs/crc32-win32-ia32-msvc@1.10.8 @node-rs/crc32-win32-arm64-msvc@1.10.8'
elf_libs() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
elf_version() { # FILE FAMILY: the highest version that is needed, but from libgcc
	readelf -VW "$1" | awk -v f="$2" '/ File: / { gcc = /libgcc_s/ } !gcc && $0 ~ " Name: " f "_[0-9]" {
		sub(".* Name: " f "_", ""); sub(" .*", ""); print }' | sort -V | tail -n 1
}
# A library's own name is listed among them.
macho_libs() { llvm-readobj-14 --needed-libs "$1" | awk '/^NeededLibraries \[/ { on = 1; next } /^\]/ { exit } on { print $1 }' |
	grep -vxF -- "$(llvm-objdump-14 --macho --dylib-id "$1" | tail -n +2)" | sort; }
# What others can find in it, but the entry; of a universal file in its first part, which is described.
macho_exports() { # FILE
	llvm-nm-14 -m --arch="$(macho_arch "$1")" --defined-only --extern-only "$1" |
		grep -v -e 'private external' -e ' _napi_register_module_v1$' -e ' _node_api_module_get_api_version_v1$' -c; }
macho_arch() { llvm-objdump-14 --macho --all-headers --arch=all "$1" 2>&1 | grep -q X86_64 && echo x86_64 || echo arm64; }
macho_signed() { llvm-objdump-14 --macho --private-headers --arch="$(macho_arch "$1")" "$1" | grep -c LC_CODE_SIGNATURE; }
pe_machine() { llvm-readobj-14 --file-headers "$1" | sed -n 's/^  Machine: IMAGE_FILE_MACHINE_\([A-Z0-9]*\) .*/\1/p'; }
macho_os() { llvm-readobj-14 --macho-version-min "$1" | sed -n 's/^ *\(Min\)\?Version: //p' | head -n 1; }
# What is imported from Node itself is no library.
pe_libs() { llvm-readobj-14 --coff-imports "$1" | sed -n 's/^  Name: //p' | grep -vx node.exe | sort -u; }

count=0
for package in $fetched; do
	folder=$(npm_package "$package")
	while read -r file; do
		name=${file#"$npm_packages/"}
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
			is "$name: the oldest macOS" "$(value v.needs.macos)" "$(macho_os "$file")"
			is "$name: target" "$(value v.target)" "$(macho_arch "$file" | sed 's/arm64/aarch64/')-apple-darwin"
			is "$name: exports" "$(value 'parseInt((v.findings.find((f) => f.rule === "exports") || { found: "0" }).found)')" \
				"$(macho_exports "$file")"
			# All of them load on the Macs that they are for, as far as their users say.
			is "$name: passes" "$(value v.verdict)" pass
			;;
		4d5a*)
			is "$name: pe" "$(value v.format)" pe
			is "$name: libraries" "$(value '[...new Set(v.needs.libs)].sort().join("\n")')" "$(pe_libs "$file")"
			is "$name: target" "$(value v.target)" "$(pe_machine "$file" |
				sed 's/AMD64/x86_64/; s/I386/i686/; s/ARM64/aarch64/')-w64-mingw32"
			is "$name: passes" "$(value v.verdict)" pass
			;;
		esac
	done < <(find "$folder" -name '*.node' | sort)
done
[[ $count -ge 25 ]]
report "there are $count addons"

# The one that everybody meets.
file=$(find "$npm_packages"/better-sqlite3* -name linux-x64.node)
body=$("$ctl" check --json --target own "$file")
is "better-sqlite3 13.2.0: glibc, libstdc++" "$(value '[v[0].needs.glibc, v[0].needs.glibcxx].join()')" 2.34,3.4.29
evidence=$(value 'v[0].findings.map((f) => f.evidence).join()')
like "… with the symbols of glibc" "$evidence" 'dlsym@GLIBC_2.34|pthread_[a-z_]*@GLIBC_2.34'
like "… and of libstdc++" "$evidence" '_ZSt28__throw_bad_array_new_lengthv@GLIBCXX_3.4.29'
is "… where it runs" "$(value 'v[0].runs_on.systems.join()')" 'Debian 12,Ubuntu 22.04,RHEL 9,Amazon Linux 2023'

# ---- what upstream built for macOS and Windows, for each of its targets ----

declared() { # FILE: what the audit decoded
	body=$("$ctl" check --json --target own "$1")
	value '[v[0].target, v[0].abi.version, v[0].abi.declared].join()'
}
folder=$(dirname "$file")
# It says Node-API 10 in its binding.gyp, and that is what each compiler made of it.
for t in darwin-arm64:aarch64-apple-darwin darwin-x64:x86_64-apple-darwin win32-arm64:aarch64-w64-mingw32 \
	win32-x64:x86_64-w64-mingw32; do
	is "better-sqlite3 13.2.0, ${t%:*}: what it declares" "$(declared "$folder/${t%:*}.node")" "${t#*:},10,10"
done
is "better-sqlite3 for arm64 is signed" "$(macho_signed "$folder/darwin-arm64.node")" 1
cp "$folder/darwin-arm64.node" "$scratch/changed.node"
printf x | dd of="$scratch/changed.node" bs=1 seek=1000000 conv=notrunc status=none
body=$("$ctl" check --json --target own "$scratch/changed.node")
is "… and fails with one byte changed" "$(value '[v[0].verdict, v[0].findings[0].rule].join()')" fail,signature
like "… of a page that is named" "$(value 'v[0].findings[0].found')" "page 244, at 0xf4000, has another digest"
file=$(find "$npm_packages/_serialport_bindings-cpp_13.0.1" -path '*darwin*' -name '*.node')
for t in darwin-x64:x86_64:10.9 darwin-arm64:aarch64:11.0; do
	body=$("$ctl" check --json --target "${t%%:*}" "$file")
	IFS=: read -r _ arch os <<<"$t"
	is "a universal file for ${t%%:*}" "$(value '[v[0].verdict, v[0].target, v[0].needs.macos].join()')" \
		"pass,$arch-apple-darwin,$os"
done
file=$(find "$npm_packages/lightningcss-darwin-x64_1.33.0" -name '*.node')
body=$("$ctl" check --json --target darwin-arm64 "$file")
is "an addon for the other Mac" "$(value '[v[0].verdict, v[0].findings[0].rule].join()')" fail,machine

# ---- folders: what is in them, and nothing else ----

mkdir -p "$scratch/folder/deep"
cd "$scratch/folder" || exit 1
file=$(find "$npm_packages"/better-sqlite3* -name linux-x64.node)
cp "$file" deep/one.node
tar -czf two-v1.0.0-napi-v6-linux-x64.tar.gz -C "$(dirname "$file")" linux-x64.node
cp "$file" $'deep/three\e[31m.node'
echo 'int x;' >source.c
tar -czf sources-1.0.0.tgz source.c
echo 'no archive' >fixture.tar.gz
head -c 3000 two-v1.0.0-napi-v6-linux-x64.tar.gz >damaged-1.0.0.tgz
ln -s deep again
mkfifo pipe.node
body=$("$ctl" check --json --target own .)
rc=$?
is "a folder: its addons and those in tarballs" "$rc $(value 'v.map((r) => r.file + " " + r.findings[0].rule).join()')" \
	$'1 ./deep/one.node needed,./deep/three\e[31m.node needed,./two-v1.0.0-napi-v6-linux-x64.tar.gz:linux-x64.node needed'
unlike "… and no name that commands the terminal" "$("$ctl" check --target own .)" $'\e'
head -c 3000 two-v1.0.0-napi-v6-linux-x64.tar.gz >cut-v1.0.0-napi-v6-linux-x64.tar.gz
echo '<!DOCTYPE html>' >page-v1.0.0-node-v115-linux-x64.tar.gz
body=$("$ctl" check --json --target own . 2>"$scratch/said")
rc=$?
like "a prebuild that is cut is an error" "$rc $(cat "$scratch/said")" '^1 .*cut-v1.0.0-napi-v6-linux-x64.tar.gz: .*truncated'
is "… and a page in place of one fails" "$(value 'v.filter((r) => r.findings[0].rule === "format").map((r) => r.file + " " + r.findings[0].found).join()')" \
	"./page-v1.0.0-node-v115-linux-x64.tar.gz an HTML page"
