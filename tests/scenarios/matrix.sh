#!/bin/bash
# One request for several targets: a failure of one stops no other, a small build does not wait behind
# all of a large one, and what a terminal shows of it fits the terminal.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

other=aarch64-linux-gnu
addon partly "if grep -q '\"target\": *\"$other\"' /toolchain/toolchain.json; then echo 'error: not here' >&2; exit 1; fi"
addon slow "sleep 6"
addon small
start_registry
serve var --workers 1 --registry "$registry"
export PREBUILDD_URL=$url

# ---- one fails, the other does not ----

"$ctl" build partly@1.0.0 --target "$target" --target "$other" >"$scratch/partly.out" 2>"$scratch/partly.err"
is "one of two targets fails: exit status" "$?" 1
like "… it says which and why" "$(cat "$scratch/partly.err")" "$other: action act: exit status 1: .*not here"
http GET /v1/builds/b1
is "… the other one is there" \
	"$(value 'v.state + " " + v.jobs.map((j) => j.target + " " + j.state).join(", ")')" \
	"failed $other failed, $target succeeded"
like "… the table has a row for each" "$(tail -n 2 "$scratch/partly.out")" \
	"^$other +napi-v6 +failed +j2: .*$target +napi-v6 +succeeded +[0-9]+ +[0-9a-f]{64}$"
http GET /v1/jobs/j3
is "the source of both is resolved once" "$(value 'v.kind + " " + v.state')" "resolve succeeded"
http GET /v1/jobs/j4
is "… and nothing else was done" "$status" 404

# ---- a small build beside a large one ----

http POST /v1/builds -d "{\"package\":\"slow\",\"version\":\"1.0.0\",\"targets\":[\"$target\"],
	\"abis\":[\"napi-v1\",\"napi-v2\",\"napi-v3\",\"napi-v4\",\"napi-v5\",\"napi-v6\",\"napi-v7\",\"napi-v8\"]}"
large=$(value v.id)
until_ok 60 job_reaches "$large" build
report "a large build runs"
post_build small 1.0.0
small=$(value v.id)
await_build "$small"
is "a small one that is requested later succeeds" "$(value v.state)" succeeded
http GET "/v1/builds/$large"
is "… before the large one is over" "$(value v.state)" running
like "… which goes on" "$(value 'v.jobs.filter((j) => j.state === "queued").length')" "^[1-8]$"
http DELETE "/v1/builds/$large"

# ---- on a terminal ----

# Runs a command in a terminal of COLUMNS by ROWS; INTERRUPT: press Ctrl-C when that is shown.
cat >"$scratch/terminal.py" <<'END'
import fcntl, os, pty, struct, sys, termios

columns, rows, interrupt, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execv(argv[0], argv)
out = b""
while True:
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    out += piece
    if interrupt and interrupt.encode() in out:
        os.write(fd, b"\x03")
        interrupt = ""
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.buffer.write(out)
sys.exit(status)
END
terminal() { # COLUMNS ROWS INTERRUPT ARGUMENT…: into $scratch/screen; its width is that of its longest line
	python3 "$scratch/terminal.py" "$1" "$2" "$3" "$ctl" "${@:4}" >"$scratch/screen" 2>&1
	rc=$?
	width=$(tr -d '\r' <"$scratch/screen" | sed 's/\x1b\[[0-9]*[A-Z]//g' | awk '{ if (length > n) n = length } END { print n }')
}

terminal 60 24 '' build slow@1.0.0 --target "$target" --target "$other" --abi napi-v6
is "a terminal: exit status" "$rc" 0
[[ $width -le 60 ]]
report "… no line is wider than it" "$width"
like "… lines are drawn again" "$(tr '\033' '@' <"$scratch/screen")" "@\[3A@\[J$other"
like "… with a sum below" "$(cat "$scratch/screen")" "slow@1.0.0: 0 of 2 done"
like "… the table is last" "$(tail -n 3 "$scratch/screen" | tr -d '\r')" "^.*TARGET .*$other .*$target "
terminal 80 4 '' build small@1.0.0 --target "$target" --target "$other"
is "a terminal with too few lines: exit status" "$rc" 0
unlike "… nothing is drawn again" "$(tr '\033' '@' <"$scratch/screen")" "@\[[0-9]+A"
terminal 80 24 'step' build slow@1.0.0 --target "$target" --abi napi-v7
is "Ctrl-C: exit status" "$rc" 130
like "… it says that the build goes on" "$(tail -n 1 "$scratch/screen")" "stopped following (b[0-9]+); it goes on"
http GET "/v1/builds/$(sed -n 's/.*stopped following \(b[0-9]*\);.*/\1/p' "$scratch/screen")"
like "… which is true" "$(value v.state)" "^(queued|running|succeeded)$"
