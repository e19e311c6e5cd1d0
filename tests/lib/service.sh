# Sourced by the scripts that test the real programs: results as TAP lines, a scratch folder, a
# registry of test packages, services, and the end of all of them.
# shellcheck shell=bash disable=SC2034

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
prebuildd=$here/build/prebuildd
ctl=$here/build/prebuildctl
toolchains=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd/toolchains
target=x86_64-linux-gnu
scratch=$(mktemp -d "${TMPDIR:-/tmp}/prebuildd-test-XXXXXX")
# A build that is meant to hang sleeps for this long: a number that nothing else on the machine has.
marker=31$$.$RANDOM
packages=$scratch/packages
passed=0
failed=0
recorded=0
declare -a started=()
pid='' url='' registry='' status='' body=''
mkdir "$packages"
chmod 0755 "$scratch"
unset PREBUILDD_URL

# ---- results ----

report() { # TEXT [DETAIL…], with the status of the last command: no argument may run one (see ended)
	ended $? "$@"
}

# The same with the status said: `ended $? TEXT "$(command)"`, since the command would set another.
ended() { # STATUS TEXT [DETAIL…]
	if [[ $1 -eq 0 ]]; then
		passed=$((passed + 1))
		printf 'ok %d - %s\n' $((passed + failed)) "$2"
		return
	fi
	failed=$((failed + 1))
	printf 'not ok %d - %s\n' $((passed + failed)) "$2"
	shift 2
	[[ $# -eq 0 ]] || printf '%s\n' "$@" | head -c 2000 | sed 's/^/#   /'
}

is() { # TEXT HAVE WANT
	[[ $2 == "$3" ]]
	report "$1" "have: $2" "want: $3"
}

like() { # TEXT HAVE REGEX
	[[ $2 =~ $3 ]]
	report "$1" "have: $2" "want: $3"
}

unlike() { # TEXT HAVE REGEX
	[[ ! $2 =~ $3 ]]
	report "$1" "have: $2" "not wanted: $3"
}

check() { # TEXT COMMAND…
	local out text=$1
	shift
	out=$("$@" 2>&1)
	report "$text" "command: $*" "$out"
}

# Waits until a command succeeds; fails after SECONDS.
until_ok() { # SECONDS COMMAND…
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[[ $SECONDS -lt $end ]] || return 1
		sleep 0.1
	done
}

# ---- what is started ----

end_process() { # PID: asks it to stop, insists after 20 s
	local p others=()
	# Its number may soon be that of a stranger: it must not be ended a second time.
	for p in "${started[@]}"; do
		[[ $p == "$1" ]] || others+=("$p")
	done
	started=("${others[@]}")
	kill "$1" 2>/dev/null || return 0
	until_ok 20 is_gone "$1" || kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

is_gone() { # PID: ended, or a zombie that is only waited for
	local state
	state=$(ps -o stat= -p "$1")
	[[ -z $state || $state == Z* ]]
}

# Ends what was started, and removes the scratch folder.
clean_up() {
	local p
	for p in "${started[@]}"; do
		end_process "$p"
	done
	if [[ $failed -gt 0 ]]; then
		tail -n 15 "$scratch"/*.log 2>/dev/null | sed 's/^/# /'
	fi
	# Declared by a script that has mounted something in its scratch folder.
	if declare -F before_removal >/dev/null; then
		before_removal
	fi
	chmod -R u+rwX "$scratch" 2>/dev/null
	[[ -n ${KEEP_SCRATCH:-} ]] || rm -rf "$scratch"
}

finish() {
	trap - EXIT INT TERM
	clean_up
	[[ $((passed + failed)) -gt 0 ]] || failed=1
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[[ $failed -eq 0 ]]
	exit
}
trap finish EXIT
trap 'failed=$((failed + 1)); exit 130' INT
trap 'failed=$((failed + 1)); exit 143' TERM

address_in() { # FILE
	sed -n 's/^listening on //p' "$1" | grep .
}

start_registry() {
	node "$here/tests/lib/registry.js" "$packages" >"$scratch/registry.out" 2>"$scratch/registry.log" &
	started+=($!)
	until_ok 10 address_in "$scratch/registry.out"
	registry=$(address_in "$scratch/registry.out")
}

# Starts a service with its data in $scratch/NAME; sets pid and url. Its log is NAME.log. Test packages
# have names of their own, so the mirror builds all that it is asked for, unless a flag says otherwise.
serve() { # NAME FLAG…
	serve_as "$1" "$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/$1" \
		--toolchains "$toolchains" --mirror-packages any "${@:2}"
}

serve_as() { # NAME COMMAND…
	local name=$1
	shift
	: >"$scratch/$name.out"
	"$@" >"$scratch/$name.out" 2>>"$scratch/$name.log" &
	pid=$!
	started+=("$pid")
	until_ok 15 address_in "$scratch/$name.out" || {
		echo "# the service did not start:" "$(tail -n 3 "$scratch/$name.log")"
		return 1
	}
	url=$(address_in "$scratch/$name.out")
}

worker_of() { # PID of a service: the pid of its embedded worker
	ps -o pid= --ppid "$1" | tr -d ' ' | head -n 1 | grep .
}

# Every process below PID, for "nothing is left".
descendants() { # PID
	local child
	for child in $(ps -o pid= --ppid "$1"); do
		echo "$child"
		descendants "$child"
	done
}

# Is a build that sleeps for $marker running anywhere?
is_hanging() {
	pgrep -f -- "^sleep $marker" >/dev/null
}
is_not_hanging() {
	! is_hanging
}

# ---- HTTP and JSON ----

# Sets status and body; headers are in $scratch/headers. With `record` set to a file, the answer is kept
# for answers_match.
http() { # METHOD PATH [CURL-ARGUMENT…]
	local method=(-X "$1")
	[[ $1 != HEAD ]] || method=(-I)
	: >"$scratch/body" # curl leaves it as it is when there is none
	status=$(curl -s -m 60 --path-as-is -o "$scratch/body" -D "$scratch/headers" \
		-w '%{http_code}' "${method[@]}" "$url$2" "${@:3}")
	body=$(tr -d '\0' <"$scratch/body")
	if [[ -n ${record:-} ]]; then
		recorded=$((recorded + 1))
		cp "$scratch/body" "$record.$recorded"
		printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$status" "$(header content-type)" \
			"$record.$recorded" >>"$record"
	fi
}

# What was recorded is as api/openapi.json describes it; with "all", every operation has succeeded once.
answers_match() { # [all]
	local out
	out=$(node "$here/tests/lib/openapi.mjs" "$here/api/openapi.json" "$record" "$@" 2>&1)
	ended $? "answers are as openapi.json describes them ($(head -n 1 <<<"$out"))" "$out"
}

# Packages of npm's registry in $folder of the tests, by their lock; kept in the cache. Sets `kept`.
locked_modules() { # FOLDER
	local lock=$here/$1/package-lock.json
	kept=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd/test-npm/$(sha256sum <"$lock" | cut -c 1-16)
	[[ ! -e $kept/node_modules/.package-lock.json ]] || return 0
	mkdir -p "$kept"
	cp "$here/$1/package.json" "$lock" "$kept/"
	(cd "$kept" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$scratch/npm.log" 2>&1
	ended $? "npm installs what the tests use" "$(cat "$scratch/npm.log")"
}

# The npm packages that only tests use; sets TEST_MODULES.
need_modules() {
	locked_modules tests/npm
	export TEST_MODULES=$kept
}

# The clients that npm.sh installs with; sets TEST_CLIENTS.
need_clients() {
	locked_modules tests/npm/clients
	TEST_CLIENTS=$kept/node_modules
}

# The folder of a component of this machine's toolchain.
component_of() { # NAME
	echo "$toolchains/components/$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).components[process.argv[2]]' \
		"$toolchains/$target/toolchain.json" "$1")"
}

header() { # NAME, of the last answer
	tr -d '\r' <"$scratch/headers" | awk -F ': ' -v want="$1" 'tolower($1) == tolower(want) { print $2 }'
}

# An expression over the JSON in `body`, as `v`; "null" if there is none.
value() { # EXPRESSION
	node -e 'let v, r; try { v = JSON.parse(process.argv[1]); r = eval(process.argv[2]); }
		catch (e) { r = null; } console.log(r === undefined ? null : r);' "$body" "$1"
}

post_build() { # PACKAGE VERSION [TARGET [ABI]]
	local abis=
	[[ -z ${4:-} ]] || abis=",\"abis\":[\"$4\"]"
	http POST /v1/builds -H 'Content-Type: application/json' \
		-d "{\"package\":\"$1\",\"version\":\"$2\",\"targets\":[\"${3:-$target}\"]$abis}"
}

# Asked often while compilers want the cores: no process but curl. The build's own state comes first.
build_state() { # BUILD, into status and body
	http GET "/v1/builds/$1"
	[[ $body =~ \"state\":\"([a-z]+)\" ]]
	echo "${BASH_REMATCH[1]:-}"
}

build_is_over() { # BUILD
	[[ $(build_state "$1") =~ ^(succeeded|failed|cancelled)$ ]]
}

# Waits for a build's end; body is then the build.
await_build() { # BUILD [SECONDS]
	local end=$((SECONDS + ${2:-120}))
	until build_is_over "$1" || [[ $SECONDS -ge $end ]]; do
		sleep 0.5
	done
	build_state "$1" >/dev/null
	http GET "/v1/builds/$1"
}

# Waits until a job of the build is in that stage, such as "build".
job_reaches() { # BUILD STAGE
	http GET "/v1/builds/$1"
	[[ $(value 'v.jobs.some((j) => j.state === "running" && j.stage === "'"$2"'")') == true ]]
}

prebuild_path() { # PACKAGE VERSION [ABI-NUMBER]
	echo "/prebuilds/$1/v$2/$1-v$2-napi-v${3:-6}-linux-x64.tar.gz"
}

# prebuildctl, for its exit status. What it says is in $scratch/ctl.out and ctl.err.
exits() { # TEXT STATUS ARGUMENT…
	local text=$1 want=$2
	shift 2
	(cd "$scratch" && "$ctl" "$@") >"$scratch/ctl.out" 2>"$scratch/ctl.err"
	is "prebuildctl $text: exit status $want" "$?" "$want"
}

# ---- packages ----

# An addon that returns 42; with an ACTION, a shell script that its build runs first.
addon() { # NAME [ACTION]
	local folder=$packages/$1/1.0.0 actions=
	mkdir -p "$folder"
	printf '{"name":"%s","version":"1.0.0","binary":{"napi_versions":[6]}}\n' "$1" \
		>"$folder/package.json"
	if [[ -n ${2:-} ]]; then
		printf '%s\n' "$2" >"$folder/action.sh"
		actions='"actions":[{"action_name":"act","inputs":["action.sh"],"outputs":["acted"],"action":["sh","action.sh"]}],'
	fi
	printf '{"targets":[{"target_name":"addon",%s"sources":["addon.c"],"defines":["NAPI_VERSION=<(napi_build_version)"]}]}\n' "$actions" \
		>"$folder/binding.gyp"
	cat >"$folder/addon.c" <<-'C'
		#include <node_api.h>

		static napi_value
		answer(napi_env env, napi_callback_info info)
		{
			napi_value v = NULL;

			(void)info;
			napi_create_int32(env, 42, &v);
			return v;
		}

		NAPI_MODULE_INIT()
		{
			napi_value f = NULL;

			napi_create_function(env, "answer", NAPI_AUTO_LENGTH, answer, NULL, &f);
			napi_set_named_property(env, exports, "answer", f);
			return exports;
		}
	C
}

# A package as npm has it: its folder, kept in the cache; what a version holds never changes.
npm_packages=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd/test-packages
npm_package() { # PACKAGE@VERSION
	local folder part=$scratch/part
	folder=$npm_packages/$(tr -c 'A-Za-z0-9.\n-' _ <<<"$1")
	if [[ ! -e $folder ]]; then
		mkdir -p "$npm_packages" "$part/unpacked"
		npm pack --silent --ignore-scripts --pack-destination "$part" "$1" >/dev/null
		tar xzf "$part"/*.tgz -C "$part/unpacked"
		mv "$part/unpacked" "$folder"
		rm -rf "$part"
	fi
	echo "$folder"
}
