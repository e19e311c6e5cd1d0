#!/bin/bash
# build-matrix: does a request for all targets keep all cores busy?
#
# ours:   wall seconds from one POST /v1/builds with all targets until every prebuild answers, on the
#         same kind of service as in build-cold.
# theirs: the CPU seconds (user and system) of all bare compiler commands of the same jobs, divided
#         by the number of cores: what a machine that does nothing else could not be faster than.
#
# Unlike a wall time against a wall time, this suffers from whatever else the machine does: a note
# says what the service's processes used, how long the cores were idle, and what others had of them.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"
# shellcheck source=tests/bench/lib/bare.sh
. "$bench/lib/bare.sh"

choose_targets() {
	local all
	mapfile -t all < <(field "$scratch/targets.json" 'v.map((t) => t.target).join("\n")')
	if [[ ${TARGETS:-all} == all ]]; then
		targets=("${all[@]}")
	else
		read -ra targets <<<"$TARGETS"
		note build-matrix "shortened: ${#targets[@]} of ${#all[@]} targets"
	fi
}

job_of() { # TARGET EXPRESSION over its job, as v
	field "$scratch/build.json" "((v) => $2)(v.jobs.find((j) => j.target === \"$1\"))"
}

# CPU seconds so far, of the service with all that it has started; and the machine's idle ones.
service_cpu() {
	local p files=()
	for p in "$pid" $(descendants "$pid"); do
		files+=("/proc/$p/stat")
	done
	awk -v tick="$(getconf CLK_TCK)" '{ n += $14 + $15 + $16 + $17 } END { printf "%.2f", n / tick }' \
		"${files[@]}" 2>/dev/null
}
idle_cpu() {
	awk -v tick="$(getconf CLK_TCK)" '/^cpu / { printf "%.2f", ($5 + $6) / tick }' /proc/stat
}

ours() {
	local t cpu idle
	serve_source matrix
	cpu=$(service_cpu) idle=$(idle_cpu)
	request_build "$scratch/build.json" "${targets[@]}"
	read -r used waited other < <(awk -v a="$cpu" -v b="$(service_cpu)" -v c="$idle" -v d="$(idle_cpu)" \
		-v wall="$seconds" -v n="$cores" \
		'BEGIN { printf "%.1f %.1f %.1f\n", b - a, d - c, wall * n - (b - a) - (d - c) }')
	for t in "${targets[@]}"; do
		curl -sf -o "$scratch/$t.joblog" "$url$(job_of "$t" v.log)" || die "$t: its log cannot be fetched"
	done
	end_process "$pid"
	sample build-matrix ours "$seconds"
}

theirs() {
	local t sum=0 folder=$scratch/bare
	for t in "${targets[@]}"; do
		bare_prepare "$t" "$scratch/matrix" "$scratch/$t.joblog" "$folder"
		bare_run "$t" "$folder" "$(job_of "$t" v.artifact.sha256)"
		say "$t: $bare_cpu CPU seconds in $bare_wall"
		sum=$(awk -v a="$sum" -v b="$bare_cpu" 'BEGIN { printf "%.6f", a + b }')
		rm -rf "$folder"
	done
	note build-matrix "CPU seconds: bare commands $sum, the service $used, idle $waited, others $other"
	sample build-matrix theirs "$(awk -v s="$sum" -v n="$cores" 'BEGIN { printf "%.6f", s / n }')"
}

figure build-matrix seconds "<= 1.10"
with_native
choose_targets
assemble "${targets[@]}"
alternate build-matrix 1 ours theirs
