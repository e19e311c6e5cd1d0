# shellcheck shell=bash
# A private apt: the machine's own package sources and keys, but lists, caches and (empty) package
# status below the downloads folder. So it needs no root, and leaves the machine's apt as it is.

APT_STATE=

# apt_source_lines <one-line .list entries: the same entries, and a deb-src for every deb
apt_source_lines() {
	awk '$1 == "deb" { print; sub(/^[ \t]*deb[ \t]/, "deb-src "); print; next } $1 == "deb-src"'
}

# apt_source_stanzas <deb822 entries: the same entries, with deb and deb-src
apt_source_stanzas() {
	sed 's/^[Tt]ypes:.*/Types: deb deb-src/'
}

# apt_open [ARCHITECTURE...]: makes the private apt and brings its lists up to date.
apt_open() {
	local dir=$DOWNLOADS/apt file list parts architecture
	[[ $APT_STATE != "$*" || -z $APT_STATE ]] || return 0
	APT_STATE="$*"
	need apt-get apt
	unset APT_CONFIG
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	rm -rf "$dir/sources"
	mkdir -p "$dir/sources" "$dir/lists/partial" "$dir/cache/archives/partial"
	for file in "$list" "$parts"*.list; do
		[[ -e $file ]] && apt_source_lines <"$file" >"$dir/sources/${file##*/}"
	done
	for file in "$parts"*.sources; do
		[[ -e $file ]] && apt_source_stanzas <"$file" >"$dir/sources/${file##*/}"
	done
	: >"$dir/status"
	{
		# How to reach the sources (proxies and the like) is the machine's business; its hooks and
		# preferences are not ours, so its other configuration is not read.
		apt-config dump | grep '^Acquire::' | grep -v '^Acquire::\(IndexTargets\|Changelogs\|CompressionTypes\)'
		printf 'Dir::Etc::parts "/dev/null";\nDir::Etc::main "/dev/null";\n'
		printf 'Dir::Etc::preferences "/dev/null";\nDir::Etc::preferencesparts "/dev/null";\n'
		printf 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "%s/sources";\n' "$dir"
		printf 'Dir::State "%s";\nDir::State::lists "%s/lists";\n' "$dir" "$dir"
		printf 'Dir::State::status "%s/status";\nDir::Cache "%s/cache";\n' "$dir" "$dir"
		# apt's own user may not be able to reach the folder.
		printf 'APT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n'
		printf 'APT::Architecture "amd64";\nAPT::Architectures { "amd64";'
		for architecture in "$@"; do
			printf ' "%s";' "$architecture"
		done
		printf ' };\n'
	} >"$dir/apt.conf"
	export APT_CONFIG=$dir/apt.conf
	# A mirror in the middle of an update is common, and seldom matters: what we take is checked
	# against the lock, and what is missing is named when it is needed.
	if ! run_status apt-get -q update && ! run_status apt-get -q update; then
		warn apt "the package lists are not complete: $(grep -m 1 '^E:' "$LOG" || tail -n 1 "$LOG")"
	fi
}

# apt_table PACKAGE[:ARCHITECTURE]...: "NAME VERSION ARCHITECTURE SHA256" of every version offered,
# the candidate first.
apt_table() {
	{
		apt-cache --no-all-versions show "$@" 2>/dev/null || true
		apt-cache --all-versions show "$@" 2>/dev/null || true
	} | awk '
		/^Package: / { name = $2 }
		/^Version: / { version = $2 }
		/^Architecture: / { architecture = $2 }
		/^SHA256: / { sum = $2 }
		/^$/ { if (name) print name, version, architecture, sum; name = "" }
		END { if (name) print name, version, architecture, sum }'
}

# apt_source_table SOURCE: "VERSION FILE SHA256" of every original tarball offered, newest version last.
apt_source_table() {
	apt-cache --only-source showsrc "$1" 2>/dev/null | awk '
		/^Version: / { version = $2 }
		/^[A-Za-z0-9-]+:/ { sums = /^Checksums-Sha256:/ }
		sums && $3 ~ /\.orig\.tar\.[a-z0-9]+$/ { files[version] = $3 " " $1 }
		END { for (version in files) print version, files[version] }' | sort -V
}

# apt_fetch FOLDER NAME:ARCHITECTURE=VERSION...: downloads packages into FOLDER.
apt_fetch() {
	local folder=$1
	shift
	run env -C "$folder" apt-get -q download "$@"
}

# apt_fetch_source FOLDER NAME VERSION FILE SHA256: downloads one file of a source package.
apt_fetch_source() {
	local uri
	uri=$(apt-get -qq --print-uris --only-source source "$2=$3" 2>>"$LOG" | awk -v file="$4" -F "[' ]+" '$3 == file { print $2 }')
	[[ -n $uri ]] || die "apt offers no file $4 of source package $2 $3"
	run /usr/lib/apt/apt-helper download-file "$uri" "$1/$4" "SHA256:$5"
}
