# shellcheck shell=bash
# The stage of a target: sysroot/ (headers, C library to link against, LLVM's C++ runtimes),
# resource/ (the compiler's builtins) and libstdcxx/, compiled in the sandbox. Kept in DIR/.stages, so that a change of flags
# or of the load test does not compile it again.

# stage_make TRIPLE ROOT NODE: sets STAGE to the folder; the packages used are in $TMP/stage.used.
stage_make() {
	local triple=$1 root=$2 node=$3 conf libc clang flags floor lines line key work
	conf=$(target_conf "$triple")
	libc=$(conf_need "$conf" libc)
	clang=$(conf_need "$conf" clang_triple)
	floor=$(conf_need "$conf" floor)
	read -ra flags < <(conf "$conf" machine_flags) || true

	mapfile -t lines < <(lock_lines "$(lock_file llvm)")
	[[ $libc != musl ]] || mapfile -t -O "${#lines[@]}" lines < <(lock_lines "$(lock_file musl)" && lock_lines "$(lock_file gcc)")
	lock_fetch "$TMP/stage.used" "${lines[@]}"
	for line in $(conf "$conf" sysroot_debs); do
		grep "^deb ${line%%:*} " "$TMP/target.used" >>"$TMP/stage.used" ||
			die "lock/$triple.lock lacks the package $line; run toolchains/assemble.sh --relock $triple"
	done
	local parts=${root##*/}
	# The import library of node.exe is made from Node's headers.
	[[ $libc != msvcrt ]] || parts+=" ${node##*/}"
	key=$(stage_inputs "$libc" | key "$libc" "$clang" "$floor" "${flags[*]}" "$parts" "$(<"$TMP/stage.used")")
	STAGE=$DIR/.stages/$triple-$key
	if [[ -e $STAGE ]]; then
		STEP=$((STEP + 4))
		return
	fi
	rm -rf "$DIR/.stages/$triple"-*

	step "$triple" "making the sysroot"
	source_tree llvm "$(grep '^src llvm-toolchain' "$TMP/stage.used")"
	work=$TMP/stage
	rm -rf "$work"
	mkdir -p "$work"/{build,debs,toolchain}
	: >"$TMP/prune"
	for line in $(conf "$conf" sysroot_debs); do
		run "$HERE/lib/unpack-deb" "$work/debs" "$TMP/prune" \
			"$(package_file "$(grep "^deb ${line%%:*} " "$TMP/stage.used")")"
	done
	local binds=(--bind "$work/toolchain" /toolchain --ro-bind "$work/debs" /work/debs
		--bind "$work/build" /work/build --ro-bind "$SOURCE" /work/llvm)
	local prefix
	prefix=$(conf_need "$conf" debs_prefix)
	case $libc in
	glibc)
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/sysroot-glibc.sh "$clang" "$floor" "$prefix" "${flags[@]}"
		step "$triple" "building the compiler's builtins (about 10 s)"
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/builtins.sh "$clang" "${flags[@]}"
		;;
	musl)
		source_tree musl "$(grep '^src musl' "$TMP/stage.used")"
		binds+=(--ro-bind "$SOURCE" /work/musl)
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/sysroot-musl.sh headers "$clang" "$prefix" "${flags[@]}"
		step "$triple" "building the compiler's builtins and musl (about 40 s)"
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/builtins.sh "$clang" "${flags[@]}"
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/sysroot-musl.sh library "$clang" "$prefix" "${flags[@]}"
		;;
	msvcrt)
		binds+=(--ro-bind "$node/include/node" /work/node-headers)
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/sysroot-mingw.sh headers "$clang" "$prefix" "${flags[@]}"
		step "$triple" "building the compiler's builtins (about 10 s)"
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/builtins.sh "$clang" "${flags[@]}"
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/sysroot-mingw.sh node "$clang" "$prefix" "${flags[@]}"
		;;
	*) die "targets/$triple.conf: libc is glibc, musl or msvcrt, not $libc" ;;
	esac
	step "$triple" "building libunwind, libc++abi and libc++ (about 1 min)"
	sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/libcxx.sh "$clang" "$libc" "${flags[@]}"
	case $libc in
	glibc)
		step "$triple" "taking Debian's libstdc++"
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/libstdcxx.sh package "$prefix"
		;;
	musl)
		step "$triple" "building libstdc++ (about 1 min)"
		source_tree gcc "$(grep '^src gcc' "$TMP/stage.used")"
		binds+=(--ro-bind "$SOURCE" /work/gcc)
		sandbox "$root" "${binds[@]}" -- /work/recipe/sandbox/libstdcxx.sh source "$clang" "${flags[@]}"
		;;
	msvcrt) STEP=$((STEP + 1)) ;; # V8's own C++ there is Microsoft's
	esac
	seal "$work/toolchain"
	mv -T "$work/toolchain" "$STAGE"
	rm -rf "$work"
}
