# shellcheck shell=bash
# The component `root`: the hermetic root file system of every build, described by components/root.conf.

# root_unpack ROOT LINE...: unpacks the packages of these lock lines.
root_unpack() {
	local root=$1 file line
	shift
	# All of these are links in a merged /usr; Debian's older packages still ship both forms.
	mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64"
	ln -s usr/bin "$root/bin"
	ln -s usr/sbin "$root/sbin"
	ln -s usr/lib "$root/lib"
	ln -s usr/lib64 "$root/lib64"
	conf "$HERE/components/root.conf" prune | tr -s ' ' '\n' >"$TMP/prune"
	for line in "$@"; do
		file=$(package_file "$line")
		printf '%s\0' "$file"
	done | run_unpack "$root"
}

# One process a package; the big ones dominate. Reads NUL-separated names.
run_unpack() {
	xargs -0 -n 1 -P "$JOBS" "$HERE/lib/unpack-deb" "$1" "$TMP/prune"
}

root_arrange() {
	local root=$1 tool keep name
	keep=" $(conf "$HERE/components/root.conf" llvm_tools | tr '\n' ' ') "
	for tool in "$root"/usr/lib/llvm-19/bin/*; do
		[[ $keep == *" ${tool##*/} "* ]] || rm "$tool"
	done
	# Links to what was left out.
	find "$root/usr" -xtype l -print0 | while IFS= read -r -d '' name; do
		# A link from below / is judged inside the root.
		[[ $(readlink "$name") == /* && -e $root$(readlink "$name") ]] || rm "$name"
	done
	# What the alternatives system would have done.
	ln -s mawk "$root/usr/bin/awk"
	[[ -e $root/usr/bin/sh ]] || ln -s dash "$root/usr/bin/sh"
	[[ -e $root/usr/bin/python3 ]] || ln -s python3.11 "$root/usr/bin/python3"
	# Where the component `node` will be mounted.
	ln -s /node/bin/node "$root/usr/bin/node"
	mkdir -p "$root"/{etc,dev,home,node,proc,run,sys,tmp,toolchain,var,work}
	printf 'root:x:0:0:root:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	find "$root/usr/share" "$root/usr/lib" -mindepth 1 -type d -empty -delete
}

# root_make NAME KEY: builds the component; prints nothing, records the folder.
root_make() {
	local lines root folder
	DRIFT=locked
	mapfile -t lines < <(lock_lines "$(lock_file root)")
	step root "downloading ${#lines[@]} packages (190 MB)"
	lock_fetch "$TMP/root.used" "${lines[@]}"
	mapfile -t lines <"$TMP/root.used"
	step root "unpacking (about 10 s)"
	root=$TMP/root
	mkdir "$root"
	run root_unpack "$root" "${lines[@]}"
	root_arrange "$root"
	LC_ALL=C sort "$TMP/root.used" >"$root/packages.txt"
	sandbox_check "$root"
	folder=$(publish "$root" "$DIR/components/root")
	make_record "$1" "$2" "${folder#"$DIR/"}" "$DRIFT"
}
