#!/bin/bash
# Assembles toolchains: see README.md in this folder, or --help.
set -euo pipefail

usage() {
	cat <<'END'
usage: toolchains/assemble.sh [option...] TARGET...|all

Makes the toolchain of each TARGET (a file name in toolchains/targets/, without .conf) and prints
one line for each: TARGET DIGEST FOLDER. What is there already is not made again.

  --dir DIR         where toolchains go (default: ${XDG_CACHE_HOME:-~/.cache}/prebuildd/toolchains)
  --downloads DIR   where packages are kept (default: ${XDG_CACHE_HOME:-~/.cache}/prebuildd/downloads)
  --jobs N          processes at a time (default: as many as there are processors)
  --locked          fail when a locked package version is no longer offered
  --json            progress and results as JSON, one object a line, on standard output
  --relock          update the locks of the targets and of what they share, and do nothing else
  --list            print the targets that exist
END
}

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in report job conf manifest record apt npm lock sandbox root node source stage loadtest description target relock; do
	# shellcheck source=/dev/null
	. "$HERE/lib/$part.sh"
done

cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/prebuildd
DIR=$cache/toolchains
DOWNLOADS=$cache/downloads
JOBS=$(nproc)
LOCKED=no
TMP=
FAILED=
relock=no
targets=()
while [[ $# -gt 0 ]]; do
	case $1 in
	--dir | --downloads | --jobs)
		[[ $# -gt 1 ]] || die "$1 needs a value; see --help"
		case $1 in
		--dir) DIR=$2 ;;
		--downloads) DOWNLOADS=$2 ;;
		--jobs) JOBS=$2 ;;
		esac
		shift
		;;
	--locked) LOCKED=yes ;;
	--json) JSON=yes ;;
	--relock) relock=yes ;;
	--list)
		target_list
		exit
		;;
	--help)
		usage
		exit
		;;
	-*) die "unknown option $1; see --help" ;;
	all) mapfile -t -O "${#targets[@]}" targets < <(target_list) ;;
	*)
		[[ -e $(target_conf "$1") ]] || die "no target '$1'; there are: $(target_list | tr '\n' ' ')"
		targets+=("$1")
		;;
	esac
	shift
done
[[ ${#targets[@]} -gt 0 ]] || die "name at least one target, or 'all'; see --help"
[[ $JOBS =~ ^[1-9][0-9]*$ ]] || die "--jobs takes a number, not '$JOBS'"
need flock util-linux

# Nothing that we make depends on the caller's umask or language.
umask 022
export LC_ALL=C
mkdir -p "$DIR" "$DOWNLOADS" || die "cannot create $DIR or $DOWNLOADS; choose others with --dir and --downloads"
DIR=$(cd "$DIR" && pwd)
DOWNLOADS=$(cd "$DOWNLOADS" && pwd)

# die has said why we end; for anything else, say where it happened.
set -o errtrace
trap 'FAILED="$BASH_COMMAND (${BASH_SOURCE[0]##*/}, line $LINENO)"' ERR

finish() {
	local status=$?
	job_end
	if [[ $status -gt 0 && $status -lt 128 && -z $DIED && -n $FAILED ]]; then
		report_line error toolchains "stopped at: $FAILED" 'error: '
	fi
	[[ -z $TMP ]] || rm -rf "$TMP"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# wait_for_lock FOLDER DESCRIPTOR: one run at a time. The wait is in the background, so that a signal
# ends it; the lock belongs to the open file, which is ours.
wait_for_lock() {
	flock -n "$2" && return
	note toolchains "another run uses $1; waiting for it to end"
	flock "$2" &
	JOB=$!
	wait "$JOB"
	JOB=
}
exec 9>"$DIR/.lock" 8>"$DOWNLOADS/.lock" || die "cannot write to $DIR or $DOWNLOADS; choose others with --dir and --downloads"
wait_for_lock "$DIR" 9
rm -rf "$DIR"/.tmp-*
TMP=$(mktemp -d "$DIR/.tmp-XXXXXX")
LOG=$TMP/log

if [[ $relock == yes ]]; then
	wait_for_lock "$DOWNLOADS" 8
	STEPS=$((4 + ${#targets[@]}))
	for name in root node llvm musl; do
		relock "$name" "$HERE/components/$name.conf"
	done
	for name in "${targets[@]}"; do
		relock "$name" "$(target_conf "$name")"
	done
	exit
fi

component_key() {
	printf '%s\n' "$HERE/lib/$1.sh" "$HERE/lib/manifest.sh" "$HERE/lib/unpack-deb" \
		"$HERE/components/$1.conf" "$(lock_file "$1")" | key
}

# What is missing? A target can be looked up only when its components are there.
root_key=$(component_key root)
node_key=$(component_key node)
root=$(made root "$root_key") || STEPS=$((STEPS + 2))
node=$(made node "$node_key") || STEPS=$((STEPS + 1))
for target in "${targets[@]}"; do
	if [[ -n $root && -n $node ]] && made "$target" "$(target_key "$target" "$root" "$node")" >"$TMP/made"; then
		continue
	fi
	STEPS=$((STEPS + 5))
done

if [[ $STEPS -gt 0 ]]; then
	need bwrap bubblewrap
	need dpkg-deb dpkg
	need xz xz-utils
	wait_for_lock "$DOWNLOADS" 8
	rm -rf "$DOWNLOADS/part"
fi
[[ -n $root ]] || root_make root "$root_key"
[[ -n $node ]] || node_make node "$node_key"
root=$(made root "$root_key")
node=$(made node "$node_key")

for target in "${targets[@]}"; do
	key=$(target_key "$target" "$root" "$node")
	made "$target" "$key" >"$TMP/made" || target_make "$target" "$key" "$root" "$node"
	target_link "$target" "$(made "$target" "$key")"
done
for target in "${targets[@]}"; do
	folder=$DIR/$(readlink "$DIR/$target")
	digest=$(digest_of "$folder/manifest.txt")
	if [[ $JSON == yes ]]; then
		printf '{"event":"toolchain","target":"%s","digest":"%s","path":%s}\n' "$target" "$digest" "$(json_string "$folder")"
	else
		printf '%s %s %s\n' "$target" "$digest" "$folder"
	fi
done
