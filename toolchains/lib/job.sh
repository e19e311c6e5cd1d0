# shellcheck shell=bash
# Child processes: run in the background so that a signal ends us at once, with their output in a log.

JOB=
LOG=

# run_status COMMAND...: COMMAND with its output in $LOG; returns its status.
#
# Job control puts the child into its own process group: Ctrl-C then reaches only us, and job_end can
# end the child with everything it started. Descriptors 8 and 9 are our locks; a child must not keep
# them alive.
run_status() {
	local status=0
	: >"$LOG"
	set -m
	"$@" >>"$LOG" 2>&1 </dev/null 8>&- 9>&- &
	JOB=$!
	set +m
	wait "$JOB" || status=$?
	JOB=
	return "$status"
}

# run COMMAND...: as run_status; when it fails, the end of the log is shown and we end.
run() {
	local status=0
	run_status "$@" || status=$?
	[[ $status == 0 ]] && return
	tail -n 30 "$LOG" | cut -c 1-500 >&2
	die "$1 failed with status $status; the lines above are the end of its log"
}

job_end() {
	[[ -n $JOB ]] || return 0
	kill -TERM -- "-$JOB" 2>/dev/null || true
	wait "$JOB" 2>/dev/null || true
	JOB=
}

# need PROGRAM PACKAGE: PROGRAM must be on the PATH.
need() {
	command -v "$1" >/dev/null || die "the program '$1' is missing: run 'make setup', or install the Debian package $2"
}
