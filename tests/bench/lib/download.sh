# Sourced by parts that compare downloads with nginx: a published prebuild of a given size, an nginx
# that serves the same file at the same path, and wrk.
# shellcheck shell=bash

PATH=$PATH:/usr/sbin
wrk_seconds=5

# An addon with BYTES that do not compress, 0 for the smallest that there is, is built and published
# by a service; sets pid, url and path.
publish() { # BYTES SERVE-FLAG…
	local bytes=$1
	shift
	addon bench
	if [[ $bytes -gt 0 ]]; then
		head -c "$bytes" /dev/urandom >"$packages/bench/1.0.0/fill.bin"
		sed -i 's|#include <node_api.h>|&\
__asm__(".section .rodata\\nfill:\\n.incbin \\"/work/src/fill.bin\\"\\n.text");\
extern const char fill[];|; s|env, 42,|env, fill[7],|' "$packages/bench/1.0.0/addon.c"
	fi
	start_registry
	serve download --registry "$registry" "$@" || die "the service does not start"
	request_small_build
	path=$(field "$scratch/build.json" 'v.jobs[0].artifact.prebuild')
}

request_small_build() {
	local name=bench version=1.0.0
	request_build "$scratch/build.json" "$native"
}

free_port() {
	node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
		console.log(s.address().port); s.close(); })'
}

# nginx with as many workers, sendfile, no access log (the service writes none either), and one
# keep-alive connection for as many requests as there are. Sets nginx.
start_nginx() { # WORKERS: serves $scratch/www
	local folder=$scratch/nginx port kind
	port=$(free_port)
	mkdir "$folder"
	{
		echo "worker_processes $1; daemon off; pid $folder/pid; error_log $folder/error.log;"
		echo 'events { worker_connections 4096; }'
		echo 'http { access_log off; sendfile on; tcp_nopush on; keepalive_timeout 75s;'
		echo 'keepalive_requests 1000000000; default_type application/gzip;'
		for kind in client_body proxy fastcgi uwsgi scgi; do
			echo "${kind}_temp_path $folder/$kind;"
		done
		echo "server { listen 127.0.0.1:$port; root $scratch/www; } }"
	} >"$folder/nginx.conf"
	nginx -p "$folder" -c "$folder/nginx.conf" -e "$folder/error.log" >"$scratch/nginx.log" 2>&1 &
	started+=($!)
	nginx=http://127.0.0.1:$port
	until_ok 10 curl -s -o /dev/null "$nginx/" ||
		die "nginx does not start: $(tail -n 1 "$scratch/nginx.log" "$folder/error.log")"
}

# Loads a URL with 64 connections, keep-alive; sets rps, p50 and p99 (milliseconds).
load() { # URL SECONDS [WRK-FLAG…]
	wrk -t2 -c64 -d"$2s" --latency "${@:3}" "$1" >"$scratch/wrk" 2>&1 || die "wrk: $(tail -n 1 "$scratch/wrk")"
	if grep -qE 'Non-2xx|Socket errors' "$scratch/wrk"; then
		die "wrk: $(grep -E 'Non-2xx|Socket errors' "$scratch/wrk" | tr -s ' ')"
	fi
	rps=$(awk '$1 == "Requests/sec:" { print $2 }' "$scratch/wrk")
	p50=$(percentile 50)
	p99=$(percentile 99)
}

percentile() { # N, in milliseconds
	awk -v want="$1%" '$1 == want { n = $2 + 0; if ($2 ~ /us$/) n /= 1000; else if ($2 !~ /ms$/) n *= 1000;
		printf "%.3f", n }' "$scratch/wrk"
}

take() { # SIDE URL
	local value
	load "$2" "$wrk_seconds"
	value=$rps
	[[ $unit != MB/s ]] || value=$(awk -v n="$rps" -v b="$bytes" 'BEGIN { printf "%.3f", n * b / 1e6 }')
	sample "$part" "$1" "$value"
	sample "$part-p99" "$1" "$p99"
}

ours() { take ours "$url$path"; }
theirs() { take theirs "$nginx$path"; }

# Both, in turns; the figures are called as the part is.
compare_downloads() { # UNIT BYTES PROCESSES SERVE-FLAG…
	local workers=$3
	unit=$1
	with_native
	publish "$2" "${@:4}"
	mkdir -p "$scratch/www${path%/*}"
	curl -sf -o "$scratch/www$path" "$url$path" || die "what was published cannot be fetched"
	bytes=$(stat -c %s "$scratch/www$path")
	say "a file of $bytes bytes, $wrk_seconds s each time"
	start_nginx "$workers"
	cmp -s <(curl -sf "$nginx$path") "$scratch/www$path" || die "nginx does not serve the file"
	figure "$part" "$unit" ">= 1.0"
	figure "$part-p99" ms "<= 1.0"
	load "$url$path" 1
	load "$nginx$path" 1
	alternate "$part" 5 ours theirs
}
