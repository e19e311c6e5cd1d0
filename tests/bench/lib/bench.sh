# Sourced by every part: figures and their samples, A and B in turns, times, and what several parts
# need, made once a run: the package's source, its addon as we build it and as node-gyp does.
#
# From tests/lib/service.sh come services, HTTP, $scratch (of this part) and the end of everything.
# shellcheck shell=bash disable=SC2034

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tests/lib/service.sh
. "$bench/../lib/service.sh"
part=${0##*/}
part=${part%.sh}
cores=$(nproc)
package=${PACKAGE:-sqlite3@6.0.1}
name=${package%@*}
version=${package##*@}
native=''
seconds=''
pairs=''
built=$BENCH_DIR/built
gyp_app=$BENCH_DIR/gyp
export npm_config_cache=$BENCH_DIR/npm-cache npm_config_audit=false npm_config_fund=false
export npm_config_update_notifier=false npm_config_loglevel=error

ended() {
	local rc=$?
	trap - EXIT INT TERM
	clean_up
	exit "$rc"
}
trap ended EXIT

die() { # TEXT: why this part cannot be measured
	failed=1
	printf 'bench: %s: %s\n' "$part" "$*" >&2
	exit 1
}

say() { printf '   %s\n' "$*"; }

# ---- figures ----

figure() { # NAME UNIT GOAL, such as "<= 1.10", of ours / theirs
	printf '%s\t%s\t%s\n' "$@" >>"$BENCH_DIR/figures"
}

sample() { # NAME ours|theirs VALUE
	[[ $3 =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "$1: \"$3\" is no measurement"
	printf '%s\t%s\t%s\n' "$@" >>"$BENCH_DIR/samples"
	say "$1 $2 $3"
}

note() { # NAME TEXT: what a reader of the figure must know
	printf '%s\t%s\n' "$@" >>"$BENCH_DIR/notes"
}

# Sets pairs: how often a figure is measured, unless PAIRS says otherwise.
count_pairs() { # FIGURE PAIRS
	pairs=${PAIRS:-$2}
	[[ $pairs -ge $2 ]] || note "$1" "shortened: $pairs of $2 pairs"
}

# Ours, theirs, ours, theirs …: what changes on the machine meanwhile changes for both.
alternate() { # FIGURE PAIRS OURS THEIRS, two functions that take samples
	local i
	count_pairs "$1" "$2"
	for ((i = 1; i <= pairs; i++)); do
		"$3"
		"$4"
	done
}

# Runs a command, its output to $scratch/out, and sets seconds to its wall time.
timed() { # COMMAND…
	local start=${EPOCHREALTIME/./} end rc
	"$@" >"$scratch/out" 2>&1 </dev/null
	rc=$?
	end=${EPOCHREALTIME/./}
	printf -v seconds '%d.%06d' $(((end - start) / 1000000)) $(((end - start) % 1000000))
	return "$rc"
}

# ---- the package, its source, its build ----

field() { # FILE EXPRESSION over its JSON, as v
	node -p 'const v = JSON.parse(require("fs").readFileSync(process.argv[1])); eval(process.argv[2])' \
		"$1" "$2"
}

assemble() { # TARGET…
	[[ -e $toolchains/$1 && $# -eq 1 ]] || say "toolchains for $*"
	"$ctl" toolchain assemble "$@" --toolchains "$toolchains" >"$scratch/assemble.log" 2>&1 ||
		die "the toolchains cannot be assembled: $(tail -n 1 "$scratch/assemble.log")"
}

# Sets native to this machine's target, with its toolchain.
with_native() {
	"$ctl" targets --json >"$scratch/targets.json"
	native=$(field "$scratch/targets.json" '(v.find((t) =>
		t.node === "linux-" + process.arch && t.libc === "glibc") || {}).target || ""')
	[[ -n $native ]] || die "this machine is none of the targets"
	assemble "$native"
}

# A job that has been leased has its source; one whose source does not come has failed.
source_is_known() { # BUILD
	http GET "/v1/builds/$1"
	[[ $(value 'v.jobs[0].state') =~ ^(running|succeeded|failed)$ ]]
}

# A service in $scratch/FOLDER that has got the sources of some versions of the package and nothing else,
# and has ended. The builds that asked for them are cancelled before a compiler has run.
get_sources() { # FOLDER VERSION…
	local build log logs=() v
	serve "$1" --workers 1 || die "the service does not start"
	for v in "${@:2}"; do
		post_build "$name" "$v" "$native"
		build=$(value v.id)
		until_ok 300 source_is_known "$build" || die "the source of $name@$v does not come"
		[[ $(value v.state) != failed ]] || die "$name@$v: $(value 'v.jobs[0].error.message')"
		logs+=("$scratch/$1/logs/$(value 'v.jobs[0].id').log")
		http DELETE "/v1/builds/$build"
	done
	end_process "$pid"
	for log in "${logs[@]}"; do
		if grep -q '^+ ' "$log" 2>/dev/null; then
			die "the compiler was quicker than the preparation of the source"
		fi
	done
}

# $BENCH_DIR/source: the data folder of a service that has the package's source and nothing else.
with_source() {
	[[ -z $native ]] && with_native
	[[ -d $BENCH_DIR/source ]] && return
	get_sources source "$version"
	mv "$scratch/source" "$BENCH_DIR/source"
}

# A service on a copy of that folder, whose worker waits for a job. Sets pid and url.
serve_source() { # NAME
	with_source
	serve_copy "$BENCH_DIR/source" "$1"
}

serve_copy() { # FOLDER NAME
	rm -rf "${scratch:?}/$2"
	cp -a "$1" "$scratch/$2"
	: >"$scratch/$2.log"
	serve "$2" || die "the service does not start"
	until_ok 60 grep -q "worker target=$native" "$scratch/$2.log" || die "the worker does not start"
	# From here to its lease request it has nothing to wait for.
	sleep 1
}

# Requests a build and waits until it is published; sets seconds. What came is in FILE.
request_build() { # FILE TARGET…
	local file=$1
	shift
	node "$bench/lib/build.js" "$url" "$name" "$version" "$@" >"$file" || die "the build failed"
	seconds=$(field "$file" v.seconds)
}

# $built: var (data folder), build.json, job.log, addon, prebuild.tar.gz: the package as we build it
# for this machine.
with_built() {
	[[ -z $native ]] && with_native
	[[ -d $built ]] && return
	say "building $package for $native"
	serve_source built
	request_build "$scratch/build.json" "$native"
	curl -sf -o "$scratch/prebuild.tar.gz" "$url$(field "$scratch/build.json" 'v.jobs[0].artifact.prebuild')" &&
		curl -sf -o "$scratch/job.log" "$url$(field "$scratch/build.json" 'v.jobs[0].log')" ||
		die "what was built cannot be fetched"
	end_process "$pid"
	mkdir "$scratch/done"
	tar -xzOf "$scratch/prebuild.tar.gz" >"$scratch/done/addon"
	mv "$scratch"/{build.json,job.log,prebuild.tar.gz} "$scratch/done/"
	mv "$scratch/built" "$scratch/done/var"
	mv "$scratch/done" "$built"
}

# ---- node-gyp ----

new_app() { # FOLDER
	mkdir "$1"
	printf '{"name":"app","version":"1.0.0","private":true,"allowScripts":{"%s":true}}\n' "$name" \
		>"$1/package.json"
}

# Node's own headers if they are installed; else node-gyp downloads them, once a machine.
use_headers() {
	local prefix
	prefix=$(node -p 'require("path").resolve(process.execPath, "../..")')
	[[ ! -e $prefix/include/node/node_api.h ]] || export npm_config_nodedir=$prefix
}

addon_of() { # APP: the addon that is installed there
	find "$1/node_modules/$name/build/Release" -maxdepth 1 -name '*.node' -type f | head -n 1 | grep .
}

# $gyp_app: an application with the package, compiled here by node-gyp.
with_gyp() {
	use_headers
	[[ -d $gyp_app ]] && return
	say "building $package with node-gyp"
	new_app "$scratch/gyp"
	timed npm install --prefix "$scratch/gyp" --ignore-scripts "$package" ||
		die "npm install: $(tail -n 1 "$scratch/out")"
	rebuild "$scratch/gyp"
	mv "$scratch/gyp" "$gyp_app"
}

# Compiles it again, as it was published; sets seconds.
rebuild() { # APP
	rm -rf "$1/node_modules/$name/build"
	timed npm rebuild --prefix "$1" --build-from-source "$name" ||
		die "npm rebuild: $(tail -n 1 "$scratch/out")"
	addon_of "$1" >/dev/null || die "npm rebuild made no addon"
}
