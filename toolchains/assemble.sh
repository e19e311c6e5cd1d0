#!/bin/bash
# Assembles toolchains: see README.md in this folder, or --help.
# shellcheck disable=SC2034 # lib/ reads what is set here
set -euo pipefail

usage() {
	cat <<'END'
usage: toolchains/assemble.sh [option...] TARGET...|all

Makes the toolchain of each TARGET (a file name in toolchains/targets/, without .conf) and prints
one line for each: TARGET DIGEST FOLDER. What is there already is not made again. `all` are those
that are made of packages only; the others are named.

  --dir DIR         where toolchains go (default: ${XDG_CACHE_HOME:-~/.cache}/prebuildd/toolchains)
  --downloads DIR   where packages are kept (default: ${XDG_CACHE_HOME:-~/.cache}/prebuildd/downloads)
  --jobs N          processes at a time (default: as many as there are processors)
  --locked          fail when a locked package version is no longer offered
  --macos-sdk DIR   a MacOSX*.sdk folder, for the targets of macOS; see docs/darwin.md
  --json            progress and results as JSON, one object a line, on standard output
  --relock          update the locks of the targets and of what they share, and do nothing else
  --list            print the targets that exist
END
}

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in report job turn conf manifest record apt npm lock sandbox root node source stage loadtest windows gcc description target darwin relock; do
	# shellcheck source=/dev/null
	. "$HERE/lib/$part.sh"
done

cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/prebuildd
DIR=$cache/toolchains
DOWNLOADS=$cache/downloads
JOBS=$(nproc)
LOCKED=no
SDK=
SDK_DIGEST=
TMP=
FAILED=
relock=no
all=no
targets=()
while [[ $# -gt 0 ]]; do
	case $1 in
	--dir | --downloads | --jobs | --macos-sdk)
		[[ $# -gt 1 ]] || die "$1 needs a value; see --help"
		case $1 in
		--dir) DIR=$2 ;;
		--downloads) DOWNLOADS=$2 ;;
		--jobs) JOBS=$2 ;;
		--macos-sdk) SDK=$2 ;;
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
	all)
		mapfile -t -O "${#targets[@]}" targets < <(target_list packages)
		all=yes
		;;
	*)
		[[ -e $(target_conf "$1") ]] || die "no target '$1'; there are: $(target_list | tr '\n' ' ')"
		targets+=("$1")
		;;
	esac
	shift
done
# Each once, in the order given.
mapfile -t targets < <(printf '%s\n' "${targets[@]}" | awk 'NF && !seen[$0]++')
for target in "${targets[@]}"; do
	case $(target_recipe "$(target_conf "$target")") in
	packages) ;;
	macos-sdk)
		[[ -n $SDK ]] || die "the toolchain of $target needs a macOS SDK, which only you can bring: add --macos-sdk FOLDER, a MacOSX*.sdk folder of Xcode; see docs/darwin.md"
		[[ $relock == no ]] || die "$target has no lock: its toolchain is made of the shared parts and your SDK"
		;;
	*) die "there is no toolchain for $target: nothing is built for it here; what was built elsewhere is published with: prebuildctl publish FILE --package PACKAGE@VERSION" ;;
	esac
done
if [[ $all == yes ]]; then
	note toolchains "all leaves out $({ target_list macos-sdk | sed 's/$/ (needs a macOS SDK)/'; target_list none | sed 's/$/ (not built here)/'; } | paste -s -d , | sed 's/,/, /g')"
fi
[[ ${#targets[@]} -gt 0 ]] || die "name at least one target, or 'all'; see --help"
[[ $JOBS =~ ^[1-9][0-9]*$ ]] || die "--jobs takes a number, not '$JOBS'"
need flock util-linux
if [[ -n $SDK ]]; then
	darwin_check "$SDK"
	SDK=$(cd "$SDK" && pwd)
	SDK_DIGEST=$(darwin_sdk_digest "$SDK")
fi

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
	if [[ $status -gt 0 && $status -lt 128 && -n $FAILED && ! -e $TMP/died ]]; then
		report_line error toolchains "stopped at: $FAILED" 'error: '
	fi
	[[ -z $TMP ]] || rm -rf "$TMP"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Results and progress for programs go to descriptor 3: standard output may be a function's result.
exec 3>&1

# any_key, any_make: by the recipe of a target
any_key() {	# TRIPLE ROOT NODE
	case $(target_recipe "$(target_conf "$1")") in
	macos-sdk) darwin_key "$@" ;;
	*) target_key "$@" ;;
	esac
}

any_make() {	# TRIPLE KEY ROOT NODE
	case $(target_recipe "$(target_conf "$1")") in
	macos-sdk) darwin_make "$@" ;;
	*) target_make "$@" ;;
	esac
}

component_key() {
	printf '%s\n' "$HERE/lib/$1.sh" "$HERE/lib/manifest.sh" "$HERE/lib/unpack-deb" \
		"$HERE/components/$1.conf" "$(lock_file "$1")" | key
}

# look: sets root and node, empty when they must be made, and missing, the targets that must be made.
# Needs no lock: what is published does not change any more.
look() {
	local target
	root=$(made root "$root_key") || true
	node=$(made node "$node_key") || true
	missing=()
	for target in "${targets[@]}"; do
		if [[ -z $root || -z $node ]] || ! folder=$(made "$target" "$(any_key "$target" "$root" "$node")") ||
			[[ $(readlink "$DIR/$target" || true) != "$folder" ]]; then
			missing+=("$target")
		fi
	done
}

print_results() {
	local target folder digest
	for target in "${targets[@]}"; do
		folder=$DIR/$(readlink "$DIR/$target")
		digest=$(digest_of "$folder/manifest.txt")
		if [[ $JSON == yes ]]; then
			printf '{"event":"toolchain","target":"%s","digest":"%s","path":%s}\n' \
				"$target" "$digest" "$(json_string "$folder")" >&3
		else
			printf '%s %s %s\n' "$target" "$digest" "$folder"
		fi
	done
}

if [[ $relock == yes ]]; then
	need apt-get apt
	STEPS=$((5 + ${#targets[@]}))
	turn_begin
	for name in root node llvm musl gcc; do
		relock "$name" "$HERE/components/$name.conf"
	done
	for name in "${targets[@]}"; do
		relock "$name" "$(target_conf "$name")"
	done
	turn_end
	exit
fi

root_key=$(component_key root)
node_key=$(component_key node)
look
if [[ ${#missing[@]} == 0 ]]; then
	print_results
	exit
fi

need bwrap bubblewrap
need dpkg-deb dpkg
need xz xz-utils
STEPS=$((6 * ${#missing[@]}))
[[ -n $root ]] || STEPS=$((STEPS + 2))
[[ -n $node ]] || STEPS=$((STEPS + 1))

# The turn ends after each target, so that another run that needs little does not wait for all of ours.
# What the other has made meanwhile is taken as it is.
turn_begin
root=$(made root "$root_key") || root_make root "$root_key"
node=$(made node "$node_key") || node_make node "$node_key"
root=$(made root "$root_key")
node=$(made node "$node_key")
turn_end
for target in "${missing[@]}"; do
	turn_begin
	key=$(any_key "$target" "$root" "$node")
	folder=$(made "$target" "$key") || any_make "$target" "$key" "$root" "$node"
	target_link "$target" "$(made "$target" "$key")"
	turn_end
done
print_results
