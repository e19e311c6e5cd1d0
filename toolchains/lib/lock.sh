# shellcheck shell=bash
# Lock files name every package that goes into a part, with its digest:
#
#   deb NAME VERSION ARCHITECTURE SHA256
#   src NAME VERSION FILE SHA256
#   npm NAME VERSION INTEGRITY
#
# lock_fetch brings the packages into the downloads folder and writes what was really used, in the
# same form. When a locked version is no longer offered by the package mirror (a point release, a
# security update), --locked ends with an error; otherwise the present version is used and reported.

lock_file() {
	printf '%s/lock/%s.lock\n' "$HERE" "$1"
}

lock_lines() {
	[[ -e $1 ]] || die "${1#"$HERE/"} does not exist; make it with: toolchains/assemble.sh --relock TARGET"
	grep -v -e '^#' -e '^$' "$1" || true
}

# package_file LINE: where the package of a lock line lies
package_file() {
	local kind name version third
	read -r kind name version third _ <<<"$1"
	case $kind in
	deb) printf '%s/deb/%s_%s_%s.deb\n' "$DOWNLOADS" "$name" "${version//:/%3a}" "$third" ;;
	src) printf '%s/src/%s\n' "$DOWNLOADS" "$third" ;;
	npm)
		name=${name#@}
		printf '%s/npm/%s-%s.tgz\n' "$DOWNLOADS" "${name//\//-}" "$version"
		;;
	*) die "a lock line begins with '$kind'; deb, src or npm was expected" ;;
	esac
}

# package_good LINE: whether the package is there with the right digest
package_good() {
	local file
	file=$(package_file "$1")
	[[ -e $file ]] || return 1
	case $1 in
	npm*) [[ $(npm_integrity "$file") == "${1##* }" ]] ;;
	*) [[ $(digest_of "$file") == "${1##* }" ]] ;;
	esac
}

lock_drift() {	# NAME LOCKED OFFERED
	if [[ -z $3 ]]; then
		die "$1 $2 is locked, but no version of it is offered by the package mirror; check the machine's apt sources"
	fi
	if [[ $LOCKED == yes ]]; then
		die "$1 $2 is locked, but the package mirror offers only $3; update the lock with --relock, or leave out --locked"
	fi
	warn "$1" "locked version $2 is no longer offered; using $3 (the digest of the result will differ; update the lock with --relock)"
	# shellcheck disable=SC2034 # read by what makes the part
	DRIFT=drifted
}

# lock_fetch USED LINE...: fetches the packages of these lock lines; writes the lines used to USED.
# Sets DRIFT to `drifted` when they are not the locked ones.
lock_fetch() {
	local used=$1 line kind name version third sum
	local debs=() sources=() architectures=()
	shift
	: >"$used"
	mkdir -p "$DOWNLOADS"/{deb,src,npm,part}
	for line in "$@"; do
		if package_good "$line"; then
			printf '%s\n' "$line" >>"$used"
			continue
		fi
		read -r kind name version third sum <<<"$line"
		case $kind in
		npm) lock_fetch_npm "$line" && printf '%s\n' "$line" >>"$used" ;;
		src) sources+=("$line") ;;
		deb)
			debs+=("$line")
			[[ $third == all || $third == amd64 ]] || architectures+=("$third")
			;;
		esac
	done
	[[ ${#debs[@]} == 0 && ${#sources[@]} == 0 ]] && return
	mapfile -t architectures < <(printf '%s\n' "${architectures[@]}" | sort -u | sed '/^$/d')
	apt_open "${architectures[@]}"
	[[ ${#debs[@]} == 0 ]] || lock_fetch_debs "$used" "${debs[@]}"
	for line in "${sources[@]}"; do
		lock_fetch_source "$used" "$line"
	done
}

lock_fetch_npm() {
	local name version file
	read -r _ name version _ <<<"$1"
	file=$(package_file "$1")
	npm_fetch "$DOWNLOADS/part" "$name@$version"
	mv "$DOWNLOADS/part/${file##*/}" "$file"
	package_good "$1" || die "$name@$version does not have the locked digest; delete $file and try again, or find out who changed it"
}

lock_fetch_debs() {
	local used=$1 line name version architecture sum offered
	local wanted=() lines=()
	shift
	for line in "$@"; do
		read -r _ name _ architecture _ <<<"$line"
		[[ $architecture == all ]] || name+=:$architecture
		wanted+=("$name")
	done
	apt_table "${wanted[@]}" >"$TMP/offered"
	wanted=()
	for line in "$@"; do
		read -r _ name version architecture sum <<<"$line"
		offered=$(awk -v n="$name" -v v="$version" -v a="$architecture" \
			'$1 == n && $2 == v && $3 == a { print $4; exit }' "$TMP/offered")
		if [[ -n $offered && $offered != "$sum" ]]; then
			die "$name $version has the digest $offered in the mirror's index, and $sum in the lock; one of them is wrong"
		fi
		if [[ -z $offered ]]; then
			read -r _ offered _ sum < <(awk -v n="$name" -v a="$architecture" \
				'$1 == n && $3 == a { print; exit }' "$TMP/offered") || true
			lock_drift "$name" "$version" "$offered"
			version=$offered
			line="deb $name $version $architecture $sum"
		fi
		lines+=("$line")
		package_good "$line" && continue
		[[ $architecture == all ]] || name+=:$architecture
		wanted+=("$name=$version")
	done
	if [[ ${#wanted[@]} != 0 ]]; then
		apt_fetch "$DOWNLOADS/part" "${wanted[@]}"
		mv "$DOWNLOADS"/part/*.deb "$DOWNLOADS/deb/"
	fi
	for line in "${lines[@]}"; do
		package_good "$line" || die "$(package_file "$line") does not have the digest of the lock; delete it and try again"
		printf '%s\n' "$line" >>"$used"
	done
}

lock_fetch_source() {
	local used=$1 name version file sum offered
	read -r _ name version file sum <<<"$2"
	apt_source_table "$name" >"$TMP/offered"
	# A later Debian revision has the same original tarball: that is the locked thing.
	read -r offered _ < <(awk -v f="$file" -v s="$sum" '$2 == f && $3 == s' "$TMP/offered") || true
	if [[ -z $offered ]]; then
		read -r offered file sum < <(tail -n 1 "$TMP/offered") || true
		lock_drift "source of $name" "$version" "$offered"
		version=$offered
	fi
	set -- "src $name $version $file $sum"
	if ! package_good "$1"; then
		apt_fetch_source "$DOWNLOADS/part" "$name" "$offered" "$file" "$sum"
		mv "$DOWNLOADS/part/$file" "$DOWNLOADS/src/$file"
	fi
	printf '%s\n' "$1" >>"$used"
}
