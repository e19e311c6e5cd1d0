#!/bin/bash
# serve --processes: what is published is served by each process, everything else reaches the first with its
# connection, and all of it is one service.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

addon good
addon slow "sleep 3"
start_registry
serve var --workers 1 --registry "$registry" --hold 60 --processes 3
first=$pid
export PREBUILDD_URL=$url

fronts() {
	pgrep -P "$first" -f serve-front
}
is "three processes, of which two are beside the first" "$(fronts | wc -l)" 2

# ---- what only the first can do, over any socket ----

post_build good 1.0.0
await_build "$(value v.id)"
is "a build, asked after over many connections" "$(value v.state)" succeeded
addon=$(value 'v.jobs[0].artifact.sha256')
path=$(prebuild_path good 1.0.0)
http GET "$path"
digest=$(header x-prebuild-digest)
like "its prebuild" "$status $digest" '^200 sha256:'
cp "$scratch/body" "$scratch/prebuild"

each_answers() { # TEXT WANT PATH [CURL-ARGUMENT…]: thirty connections, which the kernel spreads
	local text=$1 want=$2 at=$3 have
	shift 3
	have=$(for _ in {1..30}; do
		curl -s -m 60 -o /dev/null -w '%{http_code}\n' --path-as-is "$url$at" "$@"
	done | sort | uniq -c | tr -s ' ')
	is "$text" "$have" " 30 $want"
}
each_answers "downloads" 200 "$path"
each_answers "signatures" 200 "$path.minisig"
each_answers "checksums" 200 "$path.sha256"
each_answers "reports, which are in the catalog" 200 "$path.report.json"
each_answers "builds" 200 /v1/builds
each_answers "the page" 200 /
each_answers "what is nowhere" 404 /nothing
each_answers "what is no prebuild" 404 /prebuilds/good/v1.0.0/else.tar.gz
each_answers "another method" 405 "$path" -X DELETE
each_answers "JSON" 200 /v1/builds -X POST -H 'Content-Type: application/json' \
	-d '{"package":"good","version":"1.0.0","targets":["x86_64-linux-gnu"]}'
each_answers "what is no JSON" 400 /v1/builds -X POST -H 'Content-Type: application/json' -d '{'
head -c 20000000 /dev/urandom >"$scratch/large"
tar -C "$packages/good" -czf "$scratch/good.tgz" 1.0.0 -C "$scratch" large
want=$(sha256sum <"$scratch/good.tgz" | cut -d ' ' -f 1)
for i in {1..6}; do
	http PUT /v1/sources --data-binary "@$scratch/good.tgz"
	is "an upload of 20 MB ($i)" "$status $(value v.source)" "201 sha256:$want"
done

# ---- one connection, of which the first process gets the rest ----

python3 - "$url" "$path" "$scratch/prebuild" >"$scratch/out" 2>&1 <<'PYTHON'
import http.client, socket, sys, urllib.parse
url, path, file = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], open(sys.argv[3], "rb").read()
for turn in range(20):
    c = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    for step in (path, "/v1/builds", path, "/healthz", path):
        c.request("GET", step)
        r = c.getresponse()
        body = r.read()
        assert r.status == 200 and (step != path or body == file), (turn, step, r.status)
    c.request("POST", "/v1/check?target=x86_64-linux-gnu", body=iter([file[:1000], file[1000:]]), encode_chunked=True,
              headers={"Transfer-Encoding": "chunked"})
    assert b'"verdict"' in c.getresponse().read()
# Requests that are sent at once, in the middle of which the connection goes; and one that comes in small pieces.
get = lambda p: b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % p.encode()
for turn in range(20):
    s = socket.create_connection((url.hostname, url.port), timeout=60)
    s.sendall(get(path) + get("/healthz") + get(path) + get("/v1/targets"))
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = b"".join(iter(lambda: s.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 200 OK") == 5 and answer.count(file) == 2, (turn, answer[:200])
    s = socket.create_connection((url.hostname, url.port), timeout=60)
    for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: y\r\n\r\n":
        s.sendall(bytes([byte]))
    assert b'"status":"ok"' in b"".join(iter(lambda: s.recv(65536), b"")), turn
print("good")
PYTHON
is "connections that are used again, in pieces, and all at once" "$(<"$scratch/out")" good

post_build slow 1.0.0
slow=$(value v.id)
for i in 1 2 3 4; do
	curl -s -m 60 -N "$url/v1/builds/$slow/events" >"$scratch/events.$i" &
	streams[i]=$!
done
await_build "$slow"
wait "${streams[@]}"
is "streams end with their build" "$(grep -l '"state":"succeeded"' "$scratch"/events.[1-4] | wc -l)" 4

# ---- counted as one ----

sent() {
	http GET /metrics
	sed -n 's/^prebuildd_http_requests_total{route="\/prebuilds\/{path\*}",status="200"} //p' <<<"$body"
}
sleep 1.5
before=$(sent)
for _ in {1..40}; do
	curl -s -o /dev/null "$url$path"
done
all_counted() {
	[[ $(sent) -eq $((before + 40)) ]]
}
until_ok 10 all_counted
ended $? "requests are counted" "$before, then $(sent)"

# ---- the first does nothing ----

kill -STOP "$first"
served=0
for _ in {1..40}; do
	[[ $(curl -s -m 1 "$url$path" | sha256sum | cut -d ' ' -f 1) == "${digest#sha256:}" ]] && served=$((served + 1))
done
kill -CONT "$first"
[[ $served -ge 8 && $served -lt 40 ]]
report "others serve while the first stands still: about two of three" "$served of 40"
until_ok 20 curl -sf -m 2 "$url/healthz"
report "the first goes on"

# ---- deaths ----

both_are_there() {
	[[ $(fronts | wc -l) -eq 2 ]] && ! fronts | grep -qx "${old[0]}"
}

mapfile -t old < <(fronts)
kill -9 "${old[0]}" "${old[1]}"
each_answers "two that die at once: the first takes their connections" 200 "$path"
until_ok 20 both_are_there
mapfile -t old < <(fronts)
kill -9 "${old[0]}"
until_ok 20 both_are_there
report "one that dies is started again"
each_answers "… and serves" 200 "$path"

mapfile -t old < <(fronts)
kill -9 "$first"
wait "$first" 2>/dev/null
gone() {
	is_gone "${old[0]}" && is_gone "${old[1]}"
}
until_ok 20 gone
report "without the first they end"

# ---- tokens ----

serve closed --workers 0 --processes 3 --auth tokens --private
admin=$(<"$scratch/closed/keys/admin.token")
each_answers "private: nothing without a token" 401 "$path"
each_answers "… with one" 200 /v1/builds -H "Authorization: Bearer $admin"
end_process "$pid"
serve var --workers 0 --processes 3 --auth tokens
each_answers "with tokens downloads need none" 200 "$path"
each_answers "… and builds do" 401 /v1/builds -X POST -d '{}'
each_answers "… a wrong one does not hinder a download" 200 "$path" -H 'Authorization: Bearer wrong'
mapfile -t old < <(pgrep -P "$pid" -f serve-front)
kill "$pid"
wait "$pid"
is "stopped in order" "$?" 0
gone
report "… all of them"

serve var --workers 0 --processes 2
"$prebuildd" serve --listen "${url#http://}" --data "$scratch/second" --processes 2 --workers 0 >"$scratch/out" 2>&1
like "a second service on the same port: refused" "$? $(<"$scratch/out")" '^1 .*Address already in use'
http GET /metrics
like "connections are counted" "$body" 'prebuildd_http_connections 1'
end_process "$pid"

for n in 0 65 many; do
	"$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/none" --processes "$n" >"$scratch/out" 2>&1
	is "--processes $n: exit status" "$?" 2
done
