#!/bin/bash
# memory: the most memory that serving takes.
#
# ours:   kilobytes of peak resident memory (VmHWM) of a serving process that was just started, with 1,000 idle
#         keep-alive clients and then 64 downloads of a file of 1 MB at a time for 5 s (`wrk -t2 -c64`).
# theirs: the same of nginx, its master and one worker added.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"
# shellcheck source=tests/bench/lib/download.sh
. "$bench/lib/download.sh"

peak() { # PID: of it and those that it has started, in KB
	local p
	for p in "$1" $(descendants "$1"); do
		sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$p/status"
	done | awk '{ n += $1 } END { print n + 0 }'
}

is_idle() {
	grep -q '^idle 1000' "$scratch/idle.out"
}

measure() { # SIDE URL PID
	local idle
	: >"$scratch/idle.out"
	node "$bench/lib/idle.js" "$2" 1000 >"$scratch/idle.out" 2>"$scratch/idle.log" &
	idle=$!
	started+=("$idle")
	until_ok 60 is_idle || die "$1: no 1,000 clients: $(tail -n 1 "$scratch/idle.log")"
	load "$2" "$wrk_seconds"
	sample memory "$1" "$(peak "$3")"
	end_process "$idle"
	grep -q '^still 1000' "$scratch/idle.out" || die "$1: clients were cut off: $(tail -n 1 "$scratch/idle.out")"
	end_process "$3"
}

ours() {
	serve download --workers 0 || die "the service does not start"
	measure ours "$url$path" "$pid"
}
theirs() {
	start_nginx 1
	measure theirs "$nginx$path" "${started[-1]}"
	rm -r "$scratch/nginx"
}

with_native
publish 1044480
mkdir -p "$scratch/www${path%/*}"
curl -sf -o "$scratch/www$path" "$url$path" || die "what was published cannot be fetched"
end_process "$pid"
figure memory KB "<= 2.0"
alternate memory 5 ours theirs
