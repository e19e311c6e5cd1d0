#!/bin/bash
# check-speed: auditing a node_modules must be something that one does without thinking.
#
# ours:   wall seconds of `prebuildctl check` over a folder of 1,000 shared objects.
# theirs: wall seconds of one `readelf -hldVrsW` on the same 1,000 files.
#
# The files are this machine's shared libraries, the first 1,000 by name, copied into one folder
# as .node files; if there are fewer, some are there twice. Both write their result to a file, and
# have read every file once before.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

count=1000

is_elf() { # FILE
	local magic
	LC_ALL=C IFS= read -r -d '' -N 4 magic <"$1" && [[ $magic == $'\177ELF' ]]
}

collect() {
	local i file different=()
	while IFS= read -r file && [[ ${#different[@]} -lt $count ]]; do
		if is_elf "$file" 2>/dev/null; then
			different+=("$file")
		fi
	done < <(find /usr/lib -xdev -type f -name '*.so*' | sort)
	[[ ${#different[@]} -ge 100 ]] || die "there are only ${#different[@]} shared objects in /usr/lib"
	[[ ${#different[@]} -eq $count ]] ||
		note check-speed "${#different[@]} different files, repeated to make $count"
	mkdir "$scratch/objects"
	for ((i = 0; i < count; i++)); do
		files+=("$scratch/objects/$i.node")
		cp "${different[i % ${#different[@]}]}" "${files[i]}" || die "a library cannot be copied"
	done
	say "$count files, $(du -sh "$scratch/objects" | cut -f 1)"
}

# Libraries are no addons: that they do not pass, exit status 1, is what is expected.
check_objects() {
	timed "$ctl" check "$scratch/objects"
	[[ $? -eq 1 && $(tail -n 1 "$scratch/out") == "$count files, "* ]] ||
		die "check did not look at $count files: $(tail -n 1 "$scratch/out")"
}

read_objects() {
	timed readelf -hldVrsW "${files[@]}" || die "readelf: $(tail -n 1 "$scratch/out")"
	[[ $(grep -c '^ELF Header' "$scratch/out") -eq $count ]] ||
		die "readelf did not look at $count files"
}

ours() {
	check_objects
	sample check-speed ours "$seconds"
}

theirs() {
	read_objects
	sample check-speed theirs "$seconds"
}

figure check-speed seconds "<= 0.1"
files=()
collect
check_objects
read_objects
alternate check-speed 5 ours theirs
