#!/bin/bash
# Packages that attack whoever builds them, built by the real service: each must end with the error
# that it deserves, take nothing, leave nothing, and publish nothing. Their registry is
# tests/lib/registry.js.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

export PREBUILDD_TEST_CANARY=canary-of-the-environment
start_registry
serve var --workers 2 --registry "$registry"
server=$pid
worker=$(worker_of "$server")
port=${url##*:}
echo "canary-of-the-host" >"$scratch/host-canary"
chmod 0644 "$scratch/host-canary"

# ---- the packages ----

addon good
addon broken
echo 'int broken(void) { return this_is_not_declared; }' >>"$packages/broken/1.0.0/addon.c"
addon hangs "echo scratch-canary >/work/src/scratch-canary; sleep $marker"
addon forks "i=0; while [ \$i -lt 1000 ]; do sleep $marker & i=\$((i + 1)); done"
addon bombs "bomb() { bomb | bomb & sleep $marker; }; bomb; bomb; sleep 2; bomb; exit 1"
addon fills "python3 -c 'import os
for i in range(6): os.posix_fallocate(os.open(f\"/work/src/f{i}\", os.O_CREAT | os.O_WRONLY), 0, 1000 << 20)'
sleep $marker"
addon large 'dd if=/dev/zero of=/work/src/large bs=1M seek=1020 count=8'
addon talks 'yes yes'
# Kept for a service with smaller limits.
addon slow "sleep $marker"
addon greedy "python3 -c 'import time; x = bytearray(600 << 20); time.sleep($marker)'"
addon several "for i in 1 2 3 4; do python3 -c 'import time; x = bytearray(150 << 20); time.sleep($marker)' & done; wait"
addon writes "dd if=/dev/zero of=/work/src/zeros bs=1M count=90; sleep $marker"
addon chatty 'head -c 200000 /dev/zero | tr "\0" x'
addon big
head -c 300000 /dev/urandom >"$packages/big/1.0.0/data"
addon many
mkdir "$packages/many/1.0.0/files"
(cd "$packages/many/1.0.0/files" && touch {1..300})
addon steps
{
	printf '{"targets":[{"target_name":"addon","sources":["addon.c"],"copies":['
	printf '{"destination":"copied","files":[]},%.0s' {1..4001}
	printf ']}]}'
} >"$packages/steps/1.0.0/binding.gyp"
addon crashes
sed -i 's/napi_value f = NULL;/napi_value f = NULL; __builtin_trap();/' "$packages/crashes/1.0.0/addon.c"
addon empty
echo 'static int nothing = 1; int *hidden(void) { return &nothing; }' >"$packages/empty/1.0.0/addon.c"
# The worker puts the addon where the package's own loader looks: through a link it would write outside.
mkdir -m 0777 "$scratch/diverted"
addon diverts "rm -rf build; ln -s $scratch/diverted build"
addon nogyp
rm "$packages/nogyp/1.0.0/binding.gyp"

# Every line "LEAK" is something that worked and must not; the last line says that all was tried.
cat >"$scratch/probe" <<END_PROBE
can() { "\$@" >/dev/null 2>&1 && echo "LEAK: \$*"; tried=\$((tried + 1)); }
tried=0
can grep -q root /etc/shadow
can ls "$scratch"
can cat "$scratch/host-canary"
can cat /proc/1/root$scratch/host-canary
can ls "$scratch/var/keys"
can ls "$here"
can ls "$HOME"
can ls /root/.
can ls /mnt/cache
can cat /work/../mnt/cache/slots/*/src/scratch-canary
can grep -q canary-of-the-environment /proc/self/environ
can grep -q canary-of-the-environment /proc/1/environ
can sh -c 'env | grep -q canary-of-the-environment'
can sh -c 'cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -q "[p]rebuildd serve"'
can kill -0 $server
can touch /toolchain/written
can touch /node/written
can touch /node/bin/node
can touch /written
can touch /usr/bin/written
can mount -t tmpfs none /tmp
can unshare -U true
can python3 -c 'import socket; socket.create_connection(("127.0.0.1", $port), 3)'
can python3 -c 'import socket; socket.create_connection(("127.0.0.1", ${registry##*:}), 3)'
can python3 -c 'import socket; socket.create_connection(("127.0.0.1", 22), 3)'
can python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))'
can node -e 'require("net").connect($port, "127.0.0.1", () => process.exit(0)).on("error", () => process.exit(1))'
touch /work/src/own && echo "own scratch: writable"
python3 -c 'print("python: runs")'
node -e 'console.log("node: runs")'
echo "tried \$tried probes"
END_PROBE
addon probes "$(cat "$scratch/probe")"
# The same while binding.gyp is evaluated; an action shows what it found.
addon expands 'cat found'
cp "$scratch/probe" "$packages/expands/1.0.0/probe.sh"
sed -i 's/"target_name":"addon",/&"cflags":["-DV=<!(sh probe.sh >found 2>\&1; echo 1)"],/' \
	"$packages/expands/1.0.0/binding.gyp"

# Install scripts of the package and of what it depends on.
addon scripts 'if [ -e node_modules/scripted/ran ] || [ -e ran ]; then echo "LEAK: script"; fi; ls node_modules/scripted; echo looked'
echo '{"name":"scripts","version":"1.0.0","binary":{"napi_versions":[6]},"dependencies":{"scripted":"^1.0.0"},
"scripts":{"preinstall":"touch ran","install":"touch ran","prepare":"touch ran"}}' >"$packages/scripts/1.0.0/package.json"
mkdir -p "$packages/scripted/1.0.0"
echo '{"name":"scripted","version":"1.0.0","scripts":{"preinstall":"touch ran","install":"touch ran","postinstall":"touch ran"}}' \
	>"$packages/scripted/1.0.0/package.json"

# ---- running them ----

build() { # PACKAGE [VERSION]: to its end, into body
	post_build "$1" "${2:-1.0.0}"
	await_build "$(value v.id)"
}

log_of() { # the first job of the build in body
	curl -s "$url$(value 'v.jobs[0].log')"
}

# What every failed package has in common.
fails() { # PACKAGE CODE MESSAGE-REGEX [CODE-AT-THE-MIRROR] [VERSION]
	local mirror=${4:-build-failed} version=${5:-1.0.0}
	build "$1" "$version"
	is "$1: the build failed" "$(value v.state)" failed
	is "$1: code" "$(value 'v.jobs[0].error.code')" "$2"
	like "$1: the message says why" "$(value 'v.jobs[0].error.message')" "$3"
	http GET "/v1/artifacts?package=$1"
	is "$1: no artifact" "$(value v.artifacts.length)" 0
	http GET "$(prebuild_path "$1" "$version")"
	is "$1: not at the mirror" "$status $(value v.code)" "404 $mirror"
}

nothing_left() { # PACKAGE
	until_ok 10 is_not_hanging
	report "$1: no process is left"
	until_ok 20 no_scratch
	ended $? "$1: no scratch folder is left" "$(ls "$scratch/$data/cache/slots")"
}

data=var
no_scratch() {
	[[ -z $(ls "$scratch/$data/cache/slots") ]]
}

build good
is "control: a good package succeeds" "$(value v.state)" succeeded
http GET "$(prebuild_path good 1.0.0)"
is "control: it is fetched" "$status" 200
tar -C "$scratch" -xzf "$scratch/body" 2>/dev/null
is "control: it works" \
	"$(node -p "require('$scratch/build/Release/addon.node').answer()" 2>&1)" 42

fails broken build-failed "this_is_not_declared"
build broken
like "broken: the log has the compiler's message" "$(log_of)" "addon.c.*error: .*this_is_not_declared"
is "broken: one attempt" "$(value 'v.jobs[0].attempt')" 1

fails crashes load-failed "killed by signal|exit status"
build crashes
is "crashes: one attempt" "$(value 'v.jobs[0].attempt')" 1
fails empty audit-failed "entry|napi|export|register" audit-failed
fails nogyp unsupported "no binding.gyp"
fails diverts build-failed "src/build"
is "diverts: nothing was written through its link" "$(ls "$scratch/diverted")" ""
fails absent unknown-package "no package absent" unknown-package
addon other
fails other unknown-version "no version 9.9.9" unknown-version 9.9.9

build scripts
is "scripts: it is built without its install scripts" "$(value v.state)" succeeded
text=$(log_of)
like "scripts: the action looked" "$text" "looked"
unlike "scripts: no install script ran" "$text" "LEAK: script"

# The probes run while another build's scratch folder is there to be found.
post_build hangs 1.0.0
hanging=$(value v.id)
until_ok 60 is_hanging
report "hangs: it runs and hangs"
for package in probes expands; do
	build "$package"
	text=$(log_of)
	is "$package: the build itself succeeds" "$(value v.state)" succeeded
	like "$package: everything was tried" "$text" "tried 27 probes"
	like "$package: its own scratch folder is writable" "$text" "own scratch: writable"
	like "$package: the tools of the probes work" "$text" "python: runs.*node: runs"
	is "$package: nothing worked that must not" "$(grep ^LEAK <<<"$text")" ""
done
http DELETE "/v1/builds/$hanging"
is "hangs: DELETE cancels it" "$status $(value v.state)" "200 cancelled"
nothing_left hangs
http GET "/v1/builds/$hanging"
is "hangs: it stays cancelled" "$(value 'v.jobs[0].state')" cancelled

fails forks build-failed "[Cc]annot fork"
nothing_left forks

# This one makes itself again: it may be ended by its own failures or by us.
post_build bombs 1.0.0
forking=$(value v.id)
until_ok 60 is_hanging
slowest=0
for _ in 1 2 3 4 5; do
	http GET /healthz
	[[ $status == 200 ]] || slowest=failed
	sleep 0.2
done
is "bombs: the service answers meanwhile" "$slowest" 0
most=$(pgrep -cf -- "^sleep $marker")
[[ $most -le 200 ]]
report "bombs: no more than 200 processes" "$most"
until_ok 15 build_is_over "$forking" || http DELETE "/v1/builds/$forking"
await_build "$forking" 20
like "bombs: it ended" "$(value v.state)" "^(failed|cancelled)$"
nothing_left bombs

fails fills limit "disk limit .4096 MiB. exceeded"
nothing_left fills
fails large build-failed "[Ff]ile.*(size|large)|signal 25|status 153"
fails talks limit "output limit exceeded"
fails steps limit "more than 4000 steps"
nothing_left talks

# ---- afterwards ----

build good
is "a good package is still served" "$(value v.state)" succeeded
is "the worker is the one of the beginning" "$(worker_of "$server")" "$worker"
like "canaries: the data folder is not readable by others" "$(stat -c %a "$scratch/var/keys")" "700"
kill "$server"
wait "$server"
is "SIGTERM: exit status 0" "$?" 0
is_gone "$worker"
report "SIGTERM: the worker is gone"

# ---- limits that the operator sets ----

serve small --workers 1 --registry "$registry" --max-build-memory 500M --max-build-disk 80M \
	--max-build-output 100K --max-source 200K --max-source-files 200
data=small
build good
is "small limits: a good package fits" "$(value v.state)" succeeded
fails greedy limit "memory limit .500 MiB. exceeded"
fails several limit "memory limit .500 MiB. exceeded"
fails writes limit "disk limit .80 MiB. exceeded"
fails chatty limit "output limit exceeded"
nothing_left "small limits"
fails big too-large "larger than"
fails many limit "entries|files"
# In a service of its own: a busy machine needs some seconds to reach the other limits.
serve short --workers 1 --registry "$registry" --max-build-seconds 9
data=short
fails slow limit "action act: time limit .9 s. exceeded"
nothing_left slow
serve refused --workers 1 --max-build-memory lots 2>/dev/null
like "a limit that is none is refused at the start" "$(cat "$scratch/refused.log")" "--max-build-memory"
