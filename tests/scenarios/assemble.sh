#!/bin/bash
# Toolchains are assembled: the same digests in another place, progress that counts, and an interruption, a
# wait for another run and a failure that lose nothing. What was compiled for them is taken from the real
# folder; the rest is done anew.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

pair=(x86_64-linux-gnu aarch64-linux-gnu)
real=$toolchains
toolchains=$scratch/toolchains
"$ctl" toolchain assemble "${pair[@]}" --toolchains "$real" >"$scratch/real" 2>"$scratch/log"
ended $? "the toolchains are assembled" "$(tail -n 5 "$scratch/log")"

mkdir -p "$toolchains"/{components,.made,.stages}
for part in root node; do
	cp "$real/.made/$part".* "$toolchains/.made/"
	ln -s "$real/$(cut -d ' ' -f 1 "$real/.made/$part".*)" "$toolchains/components/"
done
for tree in "$real"/.stages/llvm-*; do
	ln -s "$tree" "$toolchains/.stages/"
done
for target in "${pair[@]}"; do
	cp -al "$real/.stages/$target"-* "$toolchains/.stages/" 2>/dev/null ||
		cp -a "$real/.stages/$target"-* "$toolchains/.stages/"
done
# Packages that are here need no second download; a folder of our own, since a run waits for others that use it.
downloads=$scratch/downloads
mkdir "$downloads"
[[ ! -d $real/../downloads ]] || cp -as "$(cd "$real/../downloads" && pwd)"/{deb,npm,src} "$downloads/"
assemble() {
	"$ctl" toolchain assemble "${pair[@]}" --toolchains "$toolchains" --downloads "$downloads" "$@"
}
# Assembles, and tells that to end when it has said this. Its status, or 1 if the script stays, which hears of
# it from the kernel when the command has ended.
terminated_at() { # TEXT
	local run i status
	"$ctl" toolchain assemble "${pair[@]}" --toolchains "$toolchains" --downloads "$downloads" \
		>"$scratch/out" 2>"$scratch/log" &
	run=$!
	for ((i = 0; i < 3000; i++)); do
		! grep -q "$1" "$scratch/log" || break
		sleep 0.1
	done
	kill -TERM "$run"
	wait "$run"
	status=$?
	for ((i = 0; i < 100; i++)); do
		pgrep -f "assemble.sh .*$toolchains" >/dev/null || return "$status"
		sleep 0.1
	done
	return 1
}
anew() { # forgets what was made
	rm -rf "$toolchains/.made"/*-linux-* "$toolchains"/*-linux-*
}
digests() {
	cut -d ' ' -f 1,2
}
wanted=$(digests <"$scratch/real")

# ---- elsewhere ----

assemble --json >"$scratch/json" 2>"$scratch/log"
ended $? "two targets, with --json" "$(tail -n 5 "$scratch/log")"
is "… lines of JSON, steps in order, the digests that they have elsewhere" "$(node -e '
	const lines = require("fs").readFileSync(0, "utf8").trim().split("\n").map((line) => JSON.parse(line));
	const steps = lines.filter((line) => line.event === "step").map((line) => line.step);
	console.log(steps.length > 0 && steps.every((step, i) => i === 0 || step > steps[i - 1]));
	for (const line of lines.filter((line) => line.event === "toolchain")) console.log(line.target, line.digest);
	' <"$scratch/json")" "$(printf 'true\n%s' "$wanted")"

# ---- an interruption ----

anew
terminated_at 'aarch64-linux-gnu: preparing the load test'
is "interrupted: exit status" "$?" 143
is "… leaves nothing half made" "$(find "$toolchains" -maxdepth 1 \( -name '.tmp-*' -o -name 'aarch64-*' \))" ""
check "… and keeps what was made" test -e "$toolchains/x86_64-linux-gnu/manifest.txt"
out=$(assemble 2>"$scratch/log")
ended $? "again" "$(tail -n 5 "$scratch/log")"
is "… the same digests" "$(digests <<<"$out")" "$wanted"
steps=$(sed -n 's/^\[\([0-9]*\).*/\1/p' "$scratch/log")
is "… pieces of work are counted" "$steps" "$(sort -nu <<<"$steps")"
like "… to the last" "$(grep '^\[' "$scratch/log" | tail -n 1)" '^\[([0-9]+)/\1\] aarch64-linux-gnu: preparing the load test'
out=$(assemble 2>&1)
is "and again: nothing to do" "$(digests <<<"$out")" "$wanted"

# ---- another run has the folder ----

anew
flock "$toolchains/.lock" sleep "$marker" &
other=$!
terminated_at 'another run uses'
is "another run has the folder: it waits until it is told to end" "$?" 143
like "… and says so" "$(cat "$scratch/log")" "another run uses $toolchains; waiting"
check "… the other run goes on" kill -0 "$other"
kill "$other"
pkill -f "^sleep $marker"
wait "$other" 2>/dev/null

# ---- one that fails ----

anew
cp -r "$here/toolchains" "$scratch/recipes"
sed -i '/^deb linux-libc-dev-arm64-cross /d' "$scratch/recipes/lock/aarch64-linux-gnu.lock"
out=$("$scratch/recipes/assemble.sh" --dir "$toolchains" --downloads "$downloads" "${pair[@]}" 2>&1)
is "a package is missing in the lock: exit status" "$?" 1
like "… says which, and what to do" "$out" \
	"error: .*aarch64-linux-gnu.lock lacks the package linux-libc-dev-arm64-cross; run .*--relock aarch64-linux-gnu"
check "… what was beside it is made" test -e "$toolchains/x86_64-linux-gnu/manifest.txt"
check "… it is not" test ! -e "$toolchains/aarch64-linux-gnu"
