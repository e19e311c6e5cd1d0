#!/bin/bash
# Tokens: what each scope may do, their making, listing, expiry and end, across a restart, and a service in
# which reading needs one, too.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

addon good
start_registry
flags=(--registry "$registry" --auth tokens)
serve tokens "${flags[@]}" --workers 1
server=$pid
export PREBUILDD_URL=$url
admin=$scratch/tokens/keys/admin.token
tokens=$scratch/made
mkdir "$tokens"

make_token() { # NAME FLAG…: into $tokens/NAME; its id into $id
	id=$("$ctl" token create --token-file "$admin" --name "$1" --json -o "$tokens/$1" "${@:2}" |
		node -p 'JSON.parse(require("fs").readFileSync(0)).id')
}

asks() { # TEXT STATUS TOKEN-FILE METHOD PATH [CURL-ARGUMENT…]
	http "$4" "$5" -H "Authorization: Bearer $(<"$3")" "${@:6}"
	is "$1" "$status" "$2"
}

# ---- making ----

for scope in read build publish worker admin; do
	make_token "$scope" --scope "$scope"
done
is "a token is in a file of its owner's alone" "$(stat -c %a "$tokens/build")" 600
like "… and looks like one" "$(<"$tokens/build")" '^prebuildd_[0-9a-f]{64}$'
make_token both --scope build,publish --expires 30
both=$id
out=$("$ctl" token create --token-file "$admin" --scope read 2>"$scratch/said")
like "without -o it is all of standard output" "$out" '^prebuildd_[0-9a-f]{64}$'
like "… what is said of it is elsewhere" "$(<"$scratch/said")" 'may read; it is shown only now'
exits "no scope" 2 token create --token-file "$admin"
exits "no scope of that name" 2 token create --token-file "$admin" --scope write
exits "no number of days" 2 token create --token-file "$admin" --scope read --expires 0
exits "a file that cannot be written" 1 token create --token-file "$admin" --scope read -o "$scratch/none/file"
like "… does not lose the token" "$(<"$scratch/ctl.out")" 'prebuildd_[0-9a-f]{64}'
exits "without a token" 5 token create --scope read
like "… says how to give one" "$(<"$scratch/ctl.err")" 'give one with --token-file'
exits "with one that may not" 5 token create --scope read --token-file "$tokens/both"

for bad in '{}' '{"scopes":"read"}' '{"scopes":[]}' '{"scopes":[1]}' '{"scopes":["Read"]}' \
	'{"scopes":["read"],"expires_in":0}' '{"scopes":["read"],"expires_in":"1"}' \
	'{"scopes":["read"],"expires_in":315360001}' '{"scopes":["read"],"expires":9}' \
	"{\"scopes\":[\"read\"],\"name\":\"$(printf '%0101d' 0)\"}" '[]' 'x'; do
	asks "400 for ${bad:0:60}" 400 "$admin" POST /v1/tokens -d "$bad"
done

# ---- what they may do ----

request="{\"package\":\"good\",\"version\":\"1.0.0\",\"targets\":[\"$target\"]}"
declare -A may=(
	[read]="403 403 403 403" [build]="202 403 403 403" [publish]="403 422 403 403"
	[worker]="403 403 400 403" [both]="200 422 403 403" [admin]="200 422 400 200"
)
for name in build read publish worker both admin; do
	have=''
	for what in 'POST /v1/builds' "PUT /v1/publish/good/v1.0.0/good-v1.0.0-napi-v6-linux-x64.node" \
		'POST /v1/worker/lease' 'GET /v1/tokens'; do
		data=x
		case $what in
		*builds) data=$request ;;
		*tokens) data='' ;;
		esac
		# shellcheck disable=SC2086
		http $what -H "Authorization: Bearer $(<"$tokens/$name")" ${data:+-d "$data"}
		have+="${have:+ }$status"
		[[ $what != *builds || $name != build ]] || build=$(value v.id)
	done
	is "scope $name: build, publish, work, list tokens" "$have" "${may[$name]}"
	[[ $name != build ]] || await_build "$build"
done
http GET /v1/tokens -u "me:$(<"$tokens/admin")"
is "as a password" "$status" 200
http POST /v1/worker/lease -d '{"worker":"w","targets":{}}'
is "a worker without one" "$status" 401

# ---- the list, and the end of one ----

asks "the list" 200 "$admin" GET /v1/tokens
is "… the newest first, with names" "$(value 'v.tokens.map((t) => t.name).join()')" ",,both,admin,worker,publish,build,read"
is "… with what they may do" "$(value 'v.tokens[2].scopes.join()')" build,publish
is "… without the tokens" "$(grep -c -e prebuildd_ -e hash <<<"$body")" 0
like "… the table" "$("$ctl" token list --token-file "$admin")" "$both +active +build,publish +20[0-9T:-]+Z +both"
asks "one at a time" 200 "$admin" GET '/v1/tokens?limit=1'
asks "… the next" 200 "$admin" GET "/v1/tokens?limit=1&cursor=$(value v.cursor)"
is "… is another" "$(value 'v.tokens.length + " " + v.tokens[0].name')" "1 "
exits "revoke" 0 token revoke "$both" --token-file "$admin"
asks "a revoked token" 401 "$tokens/both" POST /v1/builds -d "$request"
exits "revoke again" 0 token revoke "$both" --token-file "$admin"
asks "… it is in the list" 200 "$admin" GET /v1/tokens
is "… as revoked" "$(value 'v.tokens[2].state')" revoked
exits "revoke what is not there" 4 token revoke t99 --token-file "$admin"
exits "revoke a token by itself" 2 token revoke "$(<"$tokens/build")" --token-file "$admin"
asks "one for a second" 201 "$admin" POST /v1/tokens -d '{"scopes":["build"],"expires_in":1}'
value v.token >"$tokens/second"
expires=$(value v.expires)
asks "… works" 200 "$tokens/second" POST /v1/builds -d "$request"
until [[ $(date -u +%FT%TZ) > $expires ]]; do sleep 0.1; done
asks "… works no more after it" 401 "$tokens/second" POST /v1/builds -d "$request"
like "… says when it expired" "$(value v.detail)" "expired at $expires"

# More than a page.
for _ in {1..50}; do
	curl -s -o "$scratch/one" -H "Authorization: Bearer $(<"$admin")" "$url/v1/tokens" -d '{"scopes":["read"]}'
done
"$ctl" token list --token-file "$admin" --json >"$scratch/list"
is "the list has all pages" "$(node -p 'new Set(JSON.parse(require("fs").readFileSync(process.argv[1])).tokens.map((t) => t.id)).size' "$scratch/list")" \
	"$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).id.slice(1)' "$scratch/one")"

# ---- a restart, and reading ----

kill "$server"
wait "$server"
is "the log has no token" "$(grep -c prebuildd_ "$scratch/tokens.log")" 0
serve tokens "${flags[@]}" --workers 0 --private
asks "after a restart a token works" 200 "$tokens/build" POST /v1/builds -d "$request"
asks "… a revoked one does not" 401 "$tokens/both" POST /v1/builds -d "$request"
asks "… nor an expired one" 401 "$tokens/second" POST /v1/builds -d "$request"
path=$(prebuild_path good 1.0.0)
for get in "$path" "$path.sha256" /v1/builds /v1/targets /metrics /npm/@prebuildd/good /dist/index.json; do
	http GET "$get"
	is "--private: GET $get without a token" "$status" 401
	asks "… with one" 200 "$tokens/read" GET "$get"
done
asks "… a prebuild is not for shared caches" 200 "$tokens/read" GET "$path"
like "… and says so" "$(header cache-control)" '^private, max-age=31536000, immutable'
for name in build publish worker admin; do
	asks "… scope $name may read" 200 "$tokens/$name" GET "$path"
done
for get in /healthz /readyz /openapi.json /v1/key; do
	http GET "$get"
	is "… GET $get needs none" "$status" 200
done
"$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/open" --private >"$scratch/open.out" 2>&1
is "--private with --auth open: exit status 2" "$?" 2
