# shellcheck shell=bash
# One target: what compiles and links (the stage: sysroot and runtimes, a minute to build), what runs
# the load test, and toolchain.json, together the folder TRIPLE-<digest>.

# stage_inputs LIBC: the scripts and data that decide what the stage contains
stage_inputs() {
	local sysroot=$1
	[[ $1 != msvcrt ]] || sysroot=mingw
	printf '%s\n' "$HERE"/sandbox/{builtins,cmake,libcxx,libstdcxx,"sysroot-$sysroot"}.sh "$HERE"/lib/{source,stage}.sh
	[[ $1 != msvcrt ]] || printf '%s\n' "$HERE/windows/delay_load.c"
	[[ $1 != glibc ]] || find "$HERE/sandbox/stub.py" "$HERE/compat" "$HERE/data" -type f | LC_ALL=C sort
}

# Everything that decides what the target's folder contains.
target_inputs() {
	local libc
	libc=$(conf_need "$(target_conf "$1")" libc)
	stage_inputs "$libc"
	printf '%s\n' "$HERE"/sandbox/host.{c,h,py,sh} "$HERE"/lib/{target,loadtest,description,manifest,sandbox}.sh \
		"$(target_conf "$1")" "$(lock_file "$1")" "$(lock_file llvm)"
	[[ $libc != musl ]] || printf '%s\n' "$(lock_file musl)" "$(lock_file gcc)"
	[[ $(conf_need "$(target_conf "$1")" compiler) != gcc ]] || printf '%s\n' "$HERE/lib/gcc.sh"
	[[ $libc != msvcrt ]] || printf '%s\n' "$HERE"/lib/windows.sh "$HERE/windows/run-node" "$HERE/sandbox/wine-libraries.sh"
}

target_key() {	# TRIPLE ROOT NODE
	target_inputs "$1" | key "$@"
}

# target_make TRIPLE KEY ROOT NODE: builds the target's folder and records it.
target_make() {
	local triple=$1 key=$2 root=$3 node=$4 conf lines folder
	conf=$(target_conf "$triple")
	DRIFT=locked
	mapfile -t lines < <(lock_lines "$(lock_file "$triple")")
	step "$triple" "downloading ${#lines[@]} packages"
	lock_fetch "$TMP/target.used" "${lines[@]}"
	stage_make "$triple" "$DIR/$root" "$DIR/$node"

	rm -rf "$TMP/target"
	# A copy, not links: damage to a published folder must not come back from the stage.
	cp -a "$STAGE" "$TMP/target"
	[[ $(conf_need "$conf" compiler) != gcc ]] || gcc_make "$conf" "$TMP/target.used" "$TMP/target/gcc"
	step "$triple" "preparing the load test"
	loadtest_make "$conf" "$TMP/target.used" "$TMP/target/runtime" "$DIR/$root" "$DIR/$node"
	LC_ALL=C sort -u "$TMP/target.used" "$TMP/stage.used" "$DIR/$root/packages.txt" \
		"$DIR/$node/packages.txt" >"$TMP/packages"
	description "$conf" "$TMP/packages" "${root##*/}" "${node##*/}" >"$TMP/target/toolchain.json"
	folder=$(publish "$TMP/target" "$DIR/$triple" \
		"component ${root##*/} sha256:$(digest_of "$DIR/$root/manifest.txt")" \
		"component ${node##*/} sha256:$(digest_of "$DIR/$node/manifest.txt")")
	# A drifted root or node makes the target drifted.
	[[ $(cut -d ' ' -f 2 "$DIR/.made/root".* "$DIR/.made/node".* | sort -u) == locked ]] || DRIFT=drifted
	make_record "$triple" "$key" "${folder#"$DIR/"}" "$DRIFT"
}

# target_link TRIPLE FOLDER: makes DIR/TRIPLE point to FOLDER, in one step.
target_link() {
	[[ $(readlink "$DIR/$1" || true) == "$2" ]] && return
	ln -sfn "$2" "$TMP/link"
	mv -T "$TMP/link" "$DIR/$1"
}
