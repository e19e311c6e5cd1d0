#!/bin/bash
# Any package with a binding.gyp builds: small ones from npm, each for the glibc and musl targets of x86-64
# and arm64 whose toolchains are here, audited and loaded in a runtime of the target; for this machine
# they also do what they are for. One of them once more from the tarball that `npm pack` makes: other
# names, the same bytes.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

# PACKAGE@VERSION, and what its addon must answer; v is what the addon exports.
rows='
bufferutil@4.1.0 v.mask(b, m = Buffer.from([1, 2, 3, 4]), o = Buffer.alloc(5), 0, 5), v.unmask(o, m), o.toString() === "abcde"
utf-8-validate@6.0.6 v(Buffer.from("é")) === true && v(Buffer.from([0xc3, 0x28])) === false
bcrypt@6.0.0 /^\$2b\$/.test(h = v.encrypt_sync("a", v.gen_salt_sync("b", 4, Buffer.alloc(16)))) && v.compare_sync("a", h)
microtime@3.1.1 Math.abs(v.now() / 1000 - Date.now()) < 60000
'
targets=()
for t in x86_64-linux-gnu aarch64-linux-gnu x86_64-linux-musl aarch64-linux-musl; do
	[[ -e $toolchains/$t/toolchain.json ]] && targets+=("$t")
done
[[ ${#targets[@]} -gt 0 ]]
report "toolchains: ${targets[*]}"

serve var
export PREBUILDD_URL=$url
list=$(printf ',"%s"' "${targets[@]}")
declare -A builds=()
while read -r spec _; do
	[[ -n $spec ]] || continue
	http POST /v1/builds -H 'Content-Type: application/json' \
		-d "{\"package\":\"${spec%@*}\",\"version\":\"${spec#*@}\",\"targets\":[${list:1}]}"
	builds[$spec]=$(value v.id)
done <<<"$rows"

loaded=0
while read -r spec answer; do
	[[ -n $spec ]] || continue
	await_build "${builds[$spec]}" 900
	jobs=$body
	while read -r triple state sha error; do
		is "$spec $triple: built and audited ($error)" "$state" succeeded
		http GET "/v1/artifacts/$sha/report"
		is "$spec $triple: loaded" "$(value 'v.load.ran && v.load.ok')" true
		[[ $(value 'v.load.ran && v.load.ok') == true ]] && loaded=$((loaded + 1))
		body=$jobs
	done < <(value 'v.jobs.map((j) => [j.target, j.state, (j.artifact || {sha256: "-"}).sha256, (j.error || {message: ""}).message].join(" ")).join("\n")')
	"$ctl" fetch "$spec" --target "$target" --layout raw -o "$scratch/${spec%@*}.node" >/dev/null
	check "$spec $target: it works" node -e 'const v = require(process.argv[1]), b = Buffer.from("abcde");
		let m, o, h; if (eval(process.argv[2]) !== true) process.exit(1);' "$scratch/${spec%@*}.node" "$answer"
done <<<"$rows"
is "addons loaded: $loaded" "$loaded" $((${#builds[@]} * ${#targets[@]}))

# ---- what npm pack makes ----

(cd "$scratch" && npm pack --silent bufferutil@4.1.0 >/dev/null)
"$ctl" build bufferutil@4.1.0 --source "$scratch/bufferutil-4.1.0.tgz" --target "$target" --json >"$scratch/packed.json"
is "the tarball of npm pack: exit status" "$?" 0
body=$(cat "$scratch/packed.json")
like "… its version" "$(value v.version)" '^4\.1\.0\+src\.[0-9a-f]{12}$'
packed=$(value 'v.jobs[0].artifact.sha256')
http GET "/v1/artifacts?package=bufferutil&version=4.1.0&target=$target"
is "… is the addon that the registry's source gives" "$packed" "$(value 'v.artifacts[0].sha256')"
