#!/bin/bash
# What dies in the middle of a build, and what must be there afterwards: the build completes, its
# artifact is right, and nothing half-done is visible.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

start_registry
for name in one two three four five slow; do
	addon "$name" "sleep 3"
done

no_scratch() {
	[[ -z $(ls "$scratch/var/cache/slots") ]]
}

begin() { # PACKAGE: requests it and waits until it is being built
	post_build "$1" 1.0.0
	build=$(value v.id)
	until_ok 60 job_reaches "$build" build
	report "$1: it is being built"
}

completes() { # PACKAGE
	await_build "$build" 150
	is "$1: the build succeeds" "$(value v.state)" succeeded
	attempt=$(value 'v.jobs[0].attempt')
	local sha
	sha=$(value 'v.jobs[0].artifact.sha256')
	http GET "/v1/artifacts/$sha/file"
	is "$1: the stored addon has its digest" "$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)" "$sha"
	http GET "$(prebuild_path "$1" 1.0.0)"
	is "$1: the prebuild has its digest" \
		"sha256:$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)" "$(header x-prebuild-digest)"
}

# ---- the embedded worker is killed ----

serve var --workers 1 --registry "$registry"
begin one
worker=$(worker_of "$pid")
mapfile -t below < <(descendants "$worker")
kill -9 "$worker"
completes one
alive=0
for p in "${below[@]}"; do
	is_gone "$p" || alive=$((alive + 1))
done
is "one: its worker's processes ended with it (${#below[@]})" "$alive" 0
until_ok 20 no_scratch
ended $? "one: its scratch folder is gone" "$(ls "$scratch/var/cache/slots")"

# ---- the server is killed ----

begin two
worker=$(worker_of "$pid")
kill -9 "$pid"
wait "$pid" 2>/dev/null
until_ok 20 is_gone "$worker"
report "two: the embedded worker ends with its server"
serve var --workers 1 --registry "$registry"
completes two

# ---- the server is killed at random moments, uploads among them ----

post_build three 1.0.0
build=$(value v.id)
for moment in 0.$((RANDOM % 9)) 1.$((RANDOM % 9)) 3.$((RANDOM % 9)) 4.$((RANDOM % 9)); do
	sleep "$moment"
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	serve var --workers 1 --registry "$registry" || break
done
echo "# killed after $moment s at last"
completes three
is "nothing half-done is left in the store" "$(find "$scratch/var/store/tmp" -type f | wc -l)" 0
end_process "$pid"

# ---- a worker of its own ----

serve remote --workers 0
server=$pid
start_worker() { # [URL]
	"$prebuildd" worker --server "${1:-$url}" --cache "$scratch/cache" --toolchains "$toolchains" \
		--registry "$registry" --slots 1 2>>"$scratch/worker.log" &
	worker=$!
	started+=("$worker")
}
start_worker
begin four
kill "$worker"
wait "$worker"
is "four: SIGTERM ends the worker with status 0" "$?" 0
http GET "/v1/builds/$build"
is "four: the job is queued again, no attempt counted" \
	"$(value 'v.jobs[0].state') $(value 'v.jobs[0].attempt')" "queued 0"
start_worker
completes four
is "four: one attempt" "$attempt" 1
end_process "$worker"

# ---- its line is so slow that an upload takes longer than a lease lasts ----

node "$here/tests/lib/slow_proxy.js" "$url" 45 >"$scratch/proxy.out" 2>"$scratch/proxy.log" &
started+=($!)
until_ok 10 address_in "$scratch/proxy.out"
start_worker "$(address_in "$scratch/proxy.out")"
begin slow
completes slow
is "slow: one attempt" "$attempt" 1
unlike "slow: its lease was never lost" "$(cat "$scratch/worker.log")" "is not leased"
end_process "$worker"
end_process "$server"

# ---- the store's disk is full ----

if [[ $(id -u) -ne 0 ]]; then
	true
	report "a full disk # not possible as an ordinary user"
	exit
fi
mkdir "$scratch/full"
mount -t tmpfs -o size=3m,mode=0755 none "$scratch/full"
report "a small disk is mounted"
before_removal() {
	umount -l "$scratch/full"
}
serve full --workers 0
server=$pid
"$prebuildd" worker --server "$url" --cache "$scratch/cache" --toolchains "$toolchains" \
	--registry "$registry" --slots 1 2>>"$scratch/worker.log" &
worker=$!
started+=("$worker")
begin five
# Only what the catalog still needs is left.
head -c 3M /dev/zero >"$scratch/full/ballast" 2>/dev/null
says_full() {
	grep -qi "disk.* is full\|No space left" "$scratch/full.log" "$scratch/worker.log"
}
until_ok 30 says_full
report "five: the log names the disk"
http GET "/v1/builds/$build"
unlike "five: the job is not given up" "$(value 'v.jobs[0].state')" "failed|null"
mount -o remount,size=64m "$scratch/full"
completes five
