# shellcheck shell=bash
# Makes a lock file anew from what apt and npm offer now.

# relock NAME CONF
relock() {
	local conf=$2 file spec specs architectures version packed name
	file=$(lock_file "$1")
	step "$1" "updating lock/$1.lock"
	: >"$TMP/lock"
	mapfile -t specs < <({ conf "$conf" debs; conf "$conf" sysroot_debs; conf "$conf" loadtest_debs; conf "$conf" compiler_debs; } | tr -s ' ' '\n' | sort -u)
	if [[ ${#specs[@]} != 0 ]]; then
		mapfile -t architectures < <(printf '%s\n' "${specs[@]}" | sed -n 's/.*://p' | sort -u)
		apt_open "${architectures[@]}"
		if [[ $(conf "$conf" closure) == yes ]]; then
			relock_closure "$conf" "${specs[@]}"
			mapfile -t specs <"$TMP/closure"
		fi
		# The first line of a name is its candidate.
		apt_table "${specs[@]}" | awk '!seen[$1]++ { print "deb", $0 }' >"$TMP/lock"
		for spec in "${specs[@]}"; do
			grep -q "^deb ${spec%%:*} " "$TMP/lock" ||
				die "the package mirror offers no package $spec, which ${conf#"$HERE/"} names"
		done
	fi
	for spec in $(conf "$conf" source); do
		apt_open
		apt_source_table "$spec" | tail -n 1 | sed "s/^/src $spec /" >"$TMP/line"
		[[ -s $TMP/line ]] || die "the package mirror offers no source package $spec"
		cat "$TMP/line" >>"$TMP/lock"
	done
	for spec in $(conf "$conf" npm) $(conf "$conf" abi_npm) $(conf "$conf" loadtest_npm); do
		rm -rf "$DOWNLOADS/part"
		mkdir -p "$DOWNLOADS/part" "$DOWNLOADS/npm"
		npm_fetch "$DOWNLOADS/part" "$spec"
		packed=$(echo "$DOWNLOADS"/part/*.tgz)
		version=${packed##*/}
		version=${version%.tgz}
		name=${spec%@*}
		name=${name#@}
		version=${version#"${name//\//-}-"}
		printf 'npm %s %s %s\n' "${spec%@*}" "$version" "$(npm_integrity "$packed")" >>"$TMP/lock"
		mv "$packed" "$DOWNLOADS/npm/"
	done
	{
		printf '# Packages of %s, with digests. Made by toolchains/assemble.sh --relock; do not edit.\n' "${conf#"$HERE/"}"
		LC_ALL=C sort "$TMP/lock"
	} >"$TMP/lock.new"
	mkdir -p "${file%/*}"
	cat "$TMP/lock.new" >"$file"
}

# The packages and all that they depend on, except those to omit, into $TMP/closure.
relock_closure() {
	local conf=$1
	shift
	conf "$conf" omit | tr -s ' ' '\n' >"$TMP/omit"
	apt-get -s install "$@" | awk '$1 == "Inst" { print $2 }' | grep -vxFf "$TMP/omit" | LC_ALL=C sort >"$TMP/closure"
}
