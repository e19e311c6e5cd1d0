#!/bin/bash
# Webhooks: signed, tried again, over a restart too, never redirected, listed when they fail. The
# receivers verify by the code that docs/api.md gives them.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

need_modules
secret=$(printf 'secret-%.0s' 1 2 3)
echo "$secret" >"$scratch/secret"

receiver() { # NAME PORT STATUS…: sets hook and receiver_pid
	node "$here/tests/lib/receiver.js" "$secret" "$scratch/$1.got" "$2" "${@:3}" \
		>"$scratch/$1.out" 2>>"$scratch/$1.log" &
	receiver_pid=$!
	started+=("$receiver_pid")
	until_ok 20 address_in "$scratch/$1.out"
	hook=$(address_in "$scratch/$1.out")
}
got() { # NAME N: at least so many requests
	[[ -f $scratch/$1.got && $(wc -l <"$scratch/$1.got") -ge $2 ]]
}
requests() { # NAME EXPRESSION over `v`, an array
	body="[$(paste -sd , "$scratch/$1.got")]"
	value "$2"
}
deliveries() { # STATE N: exactly so many
	http GET "/v1/webhooks/deliveries?state=$1"
	[[ $(value v.deliveries.length) == "$2" ]]
}
a_build_ends() { # sets build; nothing has to be built for that
	post_build p 1.0.0
	build=$(value v.id)
	http DELETE "/v1/builds/$build"
}

# ---- delivered at the second attempt ----

receiver good 0 503 200
good=$hook
receiver moved 0 302
moved=$hook
serve var --workers 0 --webhook "$good/hook?x=1" --webhook "$moved/" --webhook-secret-file "$scratch/secret"
service=$pid
a_build_ends
until_ok 60 got good 2
report "a receiver that fails is asked again"
is "the same delivery, signed each time" \
	"$(requests good 'v.map((r) => r.verified + " " + r.headers["x-prebuildd-delivery"]).join()')" \
	"true d1,true d1"
is "… and nothing else has that signature" "$(requests good 'v.some((r) => r.other)')" false
is "the request" "$(requests good 'v[0].method + " " + v[0].url + " " + v[0].headers["content-type"] + " " + v[0].headers["x-prebuildd-event"]')" \
	"POST /hook?x=1 application/json build.finished"
requests good 'v[0].body' >"$scratch/hook.json"
check "the body is as openapi.json describes it" node "$here/tests/lib/openapi.mjs" \
	"$here/api/openapi.json" --schema WebhookBody "$scratch/hook.json"
body=$(cat "$scratch/hook.json")
is "… and tells the build" "$(value 'v.build.id + " " + v.build.state')" "$build cancelled"
until_ok 20 deliveries delivered 1
report "it is listed as delivered"
is "… with its attempts" "$(value 'v.deliveries[0].attempts + " " + v.deliveries[0].status')" "2 200"

until_ok 60 got moved 2
report "a redirect is a failure"
is "… and not followed" "$(requests moved 'v.every((r) => r.url === "/")')" true
redirect_is_recorded() {
	deliveries pending 1 && [[ $(value 'v.deliveries[0].error') == *"redirects are not followed"* ]]
}
until_ok 20 redirect_is_recorded
report "… which the list says" "$body"

# ---- over restarts ----

end_process "$service"
serve var --workers 0 --webhook "http://127.0.0.1:1/" --webhook-secret-file "$scratch/secret"
service=$pid
until_ok 20 deliveries failed 1
report "what waits for a URL that is configured no more has failed"
like "… which the list says" "$(value 'v.deliveries[0].error')" "not configured any more"
a_build_ends
nobody_is_there() {
	deliveries pending 1 && [[ $(value 'v.deliveries[0].attempts') -ge 1 ]]
}
until_ok 20 nobody_is_there
report "without a receiver it waits"
end_process "$service"

receiver hanging 0 hang
serve var --workers 0 --webhook "$hook/" --webhook-secret-file "$scratch/secret"
service=$pid
a_build_ends
until_ok 20 got hanging 1
kill "$service"
wait "$service"
is "a receiver that hangs does not keep the service from stopping" "$?" 0
unlike "… cleanly" "$(cat "$scratch/var.log")" "handles were still open"
port=${hook##*:}
end_process "$receiver_pid"
receiver back "$port" 204
serve var --workers 0 --webhook "$hook/" --webhook-secret-file "$scratch/secret"
service=$pid
until_ok 60 deliveries delivered 2
report "it is delivered after the restart"
is "… as the same delivery" "$(requests back 'v[0].headers["x-prebuildd-delivery"]')" \
	"$(requests hanging 'v[0].headers["x-prebuildd-delivery"]')"
http GET "/v1/webhooks/deliveries?limit=2"
is "the list comes in pages" "$(value v.deliveries.length)" 2
http GET "/v1/webhooks/deliveries?limit=2&cursor=$(value v.cursor)"
is "… newest first" "$(value 'v.deliveries.map((d) => d.id).join()')" "d2,d1"
http GET /metrics
like "metrics count them" "$body" 'prebuildd_webhook_deliveries\{state="delivered"\} 2'
end_process "$service"

# ---- flags ----

serve own --workers 0 --auth tokens --webhook "$hook/a $hook/b"
http GET /v1/webhooks/deliveries
is "the list is for administrators" "$status $(value v.code)" "401 unauthorized"
http GET /v1/webhooks/deliveries -H "Authorization: Bearer $(cat "$scratch/own/keys/admin.token")"
is "… with a token" "$status" 200
is "a secret is made, for the owner only" "$(stat -c '%a %s' "$scratch/own/keys/webhook.secret")" "600 64"
refused() { # TEXT WORDS FLAG…
	timeout 20 "$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/flags" --workers 0 "${@:3}" \
		>"$scratch/flags.out" 2>&1
	is "$1: exit status 2" "$?" 2
	like "… and says why" "$(cat "$scratch/flags.out")" "$2"
}
refused "no URL" "wants a URL" --webhook ftp://host/
refused "a password in the URL" "no user or password" --webhook http://user:word@host/
echo short >"$scratch/short"
refused "a short secret" "at least 16" --webhook http://host/ --webhook-secret-file "$scratch/short"
