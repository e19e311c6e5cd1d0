# shellcheck shell=bash
# One run at a time works below DIR and in the downloads folder. Between turn_begin and turn_end TMP is
# a folder of ours; leftovers of runs that were interrupted are removed then.

turn_begin() {
	[[ -w $DIR && -w $DOWNLOADS ]] || die "cannot write to $DIR or $DOWNLOADS; choose others with --dir and --downloads"
	exec 9>"$DIR/.lock" 8>"$DOWNLOADS/.lock"
	turn_wait "$DIR" 9
	turn_wait "$DOWNLOADS" 8
	rm -rf "$DIR"/.tmp-* "$DOWNLOADS/part"
	TMP=$(mktemp -d "$DIR/.tmp-XXXXXX")
	LOG=$TMP/log
	: >"$LOG"
}

turn_end() {
	rm -rf "$TMP"
	TMP=
	exec 9>&- 8>&-
}

# turn_wait FOLDER DESCRIPTOR: the lock belongs to the open file, so it can be taken by a child in the
# background, and a signal ends the wait. Job control gives the child the process group that job_end ends.
turn_wait() {
	flock -n "$2" && return
	note toolchains "another run uses $1; waiting for it"
	set -m
	flock "$2" &
	JOB=$!
	set +m
	wait "$JOB"
	JOB=
}
