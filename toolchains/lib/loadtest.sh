# shellcheck shell=bash
# runtime/ of a target: what loads a built addon once before it is published. Node for the target, the
# libraries Node needs, and an emulator, all reached through absolute paths below /toolchain.
#
# The target's Node or Bun comes from npm (one binary; its libraries are those of the toolchain or
# Debian's cross packages), or Node from Debian (a package with many dependencies; all of them make
# up runtime/root), or it is the shared one. Where there is no JavaScript, the host of
# sandbox/host.c is compiled for the target.

# loadtest_source CONF: npm, debian, shared or host
loadtest_source() {
	case $(conf_need "$1" loadtest):$(conf "$1" loadtest_npm):$(conf "$1" loadtest_debs) in
	host::*) echo host ;;
	node::) echo shared ;;
	node::*nodejs:*) echo debian ;;
	node:[!:]* | bun:[!:]*) echo npm ;;
	*) die "${1#"$HERE/"}: loadtest is host, or node or bun with a loadtest_npm, or node with nodejs:ARCHITECTURE in loadtest_debs" ;;
	esac
}

# loadtest_make CONF USED FOLDER ROOT NODE: FOLDER is runtime/ of a toolchain that is complete otherwise
loadtest_make() {
	local conf=$1 used=$2 folder=$3 root=$4 node=$5 source debs=$TMP/loadtest emulator
	source=$(loadtest_source "$conf")
	mkdir -p "$folder"
	if [[ $(conf_need "$conf" libc) == msvcrt ]]; then
		windows_loadtest "$conf" "$used" "$folder" "$root"
		return
	fi
	rm -rf "$debs"
	mkdir -p "$debs"
	emulator=$(conf "$conf" emulator)
	if [[ -n $emulator ]]; then
		: >"$TMP/prune"
		run "$HERE/lib/unpack-deb" "$debs" "$TMP/prune" \
			"$(package_file "$(grep '^deb qemu-user-static ' "$used")")" "./usr/bin/$emulator-static"
		cp "$debs/usr/bin/$emulator-static" "$folder/$emulator"
	fi
	case $source in
	npm) loadtest_npm "$conf" "$used" "$folder" ;;
	debian) loadtest_debian "$conf" "$used" "$folder" ;;
	host) loadtest_host "$conf" "$used" "$folder" "$root" "$node" ;;
	esac
	case $(conf_need "$conf" libc):$source in
	glibc:npm | glibc:host) loadtest_glibc "$conf" "$used" "$folder" "$debs" ;;
	musl:*) loadtest_musl "$conf" "$used" "$folder" "$debs" ;;
	esac
}

# loadtest_unpack FOLDER USED PACKAGE...: unpacks packages that the lock lines in USED name
loadtest_unpack() {
	local folder=$1 used=$2 package
	shift 2
	for package in "$@"; do
		run "$HERE/lib/unpack-deb" "$folder" "$TMP/prune" \
			"$(package_file "$(grep "^deb ${package%%:*} " "$used")")"
	done
}

# The one binary of npm's package: node or bun
loadtest_npm() {
	local conf=$1 used=$2 folder=$3 line
	line=$(conf "$conf" loadtest_npm)
	line=$(grep "^npm ${line%@*} " "$used")
	tar --extract --gzip --file "$(package_file "$line")" --directory "$folder" --strip-components 2 \
		--no-same-owner --no-same-permissions "package/bin/$(conf_need "$conf" loadtest)"
}

# The host, compiled with the toolchain that it will be part of
loadtest_host() {
	local conf=$1 used=$2 folder=$3 root=$4 node=$5 flags
	read -ra flags < <(conf "$conf" machine_flags) || true
	rm -rf "$TMP/crt"
	mkdir -p "$TMP/crt"
	: >"$TMP/prune"
	if [[ $(conf_need "$conf" libc) == glibc ]]; then
		# A glibc sysroot has no start files: addons need none.
		loadtest_unpack "$TMP/crt" "$used" "libc6-dev-$(conf_need "$conf" deb_arch)-cross"
	fi
	sandbox "$root" --bind "${folder%/*}" /toolchain --ro-bind "$node" /node --ro-bind "$TMP/crt" /work/debs -- \
		/work/recipe/sandbox/host.sh "$(conf_need "$conf" clang_triple)" "$(conf_need "$conf" debs_prefix)" "${flags[@]}"
}

# The shared libraries of Debian's cross packages
loadtest_glibc() {
	local conf=$1 used=$2 folder=$3 debs=$4 prefix packages
	: >"$TMP/prune"
	read -ra packages < <({ conf "$conf" sysroot_debs; conf "$conf" loadtest_debs; } | tr -s ' ' '\n' | grep cross | tr '\n' ' ') || true
	loadtest_unpack "$debs" "$used" "${packages[@]}"
	prefix=$debs/usr/$(conf_need "$conf" debs_prefix)
	mkdir -p "$folder/root/lib"
	cp -P "$prefix"/lib/*.so.* "$folder/root/lib/"
	# The loader's name may be in lib64; in the packages it is a link there.
	[[ ! -d $prefix/lib64 ]] || ln -s lib "$folder/root/lib64"
}

# One file is the C library and the loader: ours, or Debian's where loadtest_debs names it.
loadtest_musl() {
	local conf=$1 used=$2 folder=$3 debs=$4 libc=$3/../sysroot/usr/lib/libc.so name
	mkdir -p "$folder/root/lib"
	name=$(conf "$conf" loadtest_debs | tr -s ' ' '\n' | grep '^musl:' || true)
	if [[ -n $name ]]; then
		: >"$TMP/prune"
		loadtest_unpack "$debs" "$used" "$name"
		libc=$(echo "$debs"/lib/*/libc.so)
	fi
	cp "$libc" "$folder/root/lib/$(conf_need "$conf" loader)"
}

loadtest_debian() {
	local conf=$1 used=$2 folder=$3 packages
	printf '%s\n' ./usr/share/doc ./usr/share/man ./usr/share/lintian ./usr/share/locale ./etc ./var \
		'./usr/lib/*/gconv' '*/libicutest*' '*/libicutu*' >"$TMP/prune"
	# A merged /usr, or else the loader would look for the libraries in a /lib/<triple> of the
	# sandbox's own root, which is not there, and from then on ignore that folder.
	mkdir -p "$folder/root/usr/lib"
	ln -s usr/lib "$folder/root/lib"
	read -ra packages < <(conf "$conf" loadtest_debs | tr -s ' ' '\n' | grep -v '^qemu-' | tr '\n' ' ') || true
	loadtest_unpack "$folder/root" "$used" "${packages[@]}"
	# Links into what was left out.
	find "$folder/root" -xtype l -delete
}

# loadtest_argv CONF: the command that runs a script, one word a line; the host's takes an addon.
loadtest_argv() {
	local emulator root=/toolchain/runtime/root
	if [[ $(conf_need "$1" libc) == msvcrt ]]; then
		echo /toolchain/runtime/run-node
		return
	fi
	emulator=$(conf "$1" emulator)
	[[ -z $emulator ]] || printf '%s\n' "/toolchain/runtime/$emulator" -L "$root"
	# No musl is installed in the builds' root: its loader is called by name.
	[[ $(conf_need "$1" libc) != musl ]] ||
		printf '%s\n' "$root/lib/$(conf_need "$1" loader)" --library-path "$root/lib:/toolchain/libstdcxx/lib"
	case $(loadtest_source "$1") in
	shared) echo /node/bin/node ;;
	npm) echo "/toolchain/runtime/$(conf "$1" loadtest)" ;;
	debian) echo "$root/usr/bin/node" ;;
	host) echo /toolchain/runtime/host ;;
	esac
}

# loadtest_version CONF PACKAGES: of Node, Bun, or the C library under which the host runs
loadtest_version() {
	local name
	case $(loadtest_source "$1") in
	shared)
		node_main
		return
		;;
	npm)
		name=$(conf "$1" loadtest_npm)
		name=${name%@*}
		;;
	debian) name=nodejs ;;
	host)
		name=musl
		[[ $(conf_need "$1" libc) == musl ]] || name="libc6-$(conf_need "$1" deb_arch)-cross"
		;;
	esac
	sed -n "s/^[a-z]* ${name//\//\\/} \([0-9.]*\).*/\1/p" "$2" | head -n 1
}

# loadtest_description CONF PACKAGES: the JSON object
loadtest_description() {
	local emulator argv
	mapfile -t argv < <(loadtest_argv "$1")
	emulator=$(conf "$1" emulator)
	[[ -z $emulator ]] || emulator="$emulator $(sed -n 's/^deb qemu-user-static \([0-9]*:\)\?\([^ ]*\) .*/\2/p' "$2")"
	[[ $(conf "$1" libc) != msvcrt ]] || emulator="wine $(sed -n 's/^deb wine64 \([^ ]*\) .*/\1/p' "$2")"
	printf '{"kind":%s,"version":%s,"argv":%s,"emulator":%s}' \
		"$(json_string "$(conf_need "$1" loadtest)")" "$(json_string "$(loadtest_version "$1" "$2")")" \
		"$(json_array "${argv[@]}")" "$(json_string "$emulator")"
}
