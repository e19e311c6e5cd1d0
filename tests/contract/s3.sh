#!/bin/bash
# The store in a bucket of a real S3 service (OpenStack Swift): what is published is there, and comes back from
# there when this disk has lost it; what the service answers is not believed; what nobody needs is removed there.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

addon good
addon other
addon late
start_registry

# ---- the S3 service ----

start_s3() { # PORT
	: >"$scratch/s3.out"
	/usr/bin/python3 "$here/tests/lib/s3_server.py" "$scratch/s3" "$1" prebuilds >"$scratch/s3.out" 2>"$scratch/s3.log" &
	s3_pid=$!
	started+=("$s3_pid")
	until_ok 60 address_in "$scratch/s3.out"
	s3=$(address_in "$scratch/s3.out")
}

# The same bucket by the service's own protocol, which is not S3.
swift() { # METHOD PATH [CURL-ARGUMENT…]
	curl -s -m 60 -X "$1" -H "X-Auth-Token: $swift_token" "$s3/v1/AUTH_test/prebuilds$2" "${@:3}"
}
sign_in() {
	swift_token=$(curl -s -D - -o /dev/null -H 'X-Auth-User: test:tester' -H 'X-Auth-Key: testing' "$s3/auth/v1.0" |
		tr -d '\r' | awk -F ': ' 'tolower($1) == "x-auth-token" { print $2 }')
}
object_of() { # DIGEST
	echo "/a/b/sha256/${1:0:2}/$1"
}
objects() {
	swift GET '?prefix=a/b/sha256/' | grep -c .
}

# Everything in the bucket is as if it had been put so many days ago.
age_objects() { # DAYS
	swift GET '' >/dev/null # what is pending is written
	python3 - "$scratch/s3" "$1" <<'PYTHON'
import pathlib, sqlite3, sys
for path in pathlib.Path(sys.argv[1], "devices/d1/containers").rglob("*.db"):
    db = sqlite3.connect(path, timeout=10)
    db.execute("DROP TRIGGER IF EXISTS object_update")
    db.execute("UPDATE object SET created_at = printf('%016.5f', created_at - ?)", (int(sys.argv[2]) * 86400,))
    db.commit()
PYTHON
}

start_s3 0
sign_in
export AWS_ACCESS_KEY_ID=test:tester AWS_SECRET_ACCESS_KEY=testing
store="s3://prebuilds/a/b?endpoint=$s3"

serve_s3() { # FLAG…
	serve var --workers 1 --registry "$registry" --hold 60 --store "$store" "$@"
	export PREBUILDD_URL=$url
}
restart() { # FLAG…
	end_process "$pid"
	serve_s3 "$@"
}

# ---- what cannot work is said at the start ----

refuses() { # TEXT REGEX, with the environment of the caller
	"$prebuildd" serve --listen 127.0.0.1:0 --data "$scratch/none" --workers 0 --store "${3:-$store}" >"$scratch/out" 2>&1
	like "$1: refused" "$? $(<"$scratch/out")" "$2"
}
refuses "no such bucket" '^[1-9].*404 NoSuchBucket' "s3://nothing?endpoint=$s3"
AWS_SECRET_ACCESS_KEY=wrong refuses "a wrong secret" '^[1-9].*403 SignatureDoesNotMatch'
AWS_ACCESS_KEY_ID=test:reader AWS_SECRET_ACCESS_KEY=reading refuses "who may not" '^[1-9].*403 AccessDenied'
AWS_ACCESS_KEY_ID='' refuses "no credentials" '^2 .*set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
refuses "an unknown parameter" '^2 .*"acl=x" is neither endpoint' "s3://prebuilds?acl=x"
refuses "nobody answers" '^[1-9].*nobody answers' "s3://prebuilds?endpoint=http://127.0.0.1:9"

# ---- published ----

serve_s3
post_build good 1.0.0
await_build "$(value v.id)"
is "a build succeeds" "$(value v.state)" succeeded
addon=$(value 'v.jobs[0].artifact.sha256')
path=$(prebuild_path good 1.0.0)
copies=$(echo "$scratch"/var/store/s3-*)
http GET "$path"
is "its prebuild" "$status" 200
digest=$(header x-prebuild-digest)
digest=${digest#sha256:}
cp "$scratch/body" "$scratch/prebuild"
for hex in "$addon" "$digest"; do
	is "the bucket has ${hex:0:8}… with its digest" "$(swift GET "$(object_of "$hex")" | sha256sum | cut -d ' ' -f 1)" "$hex"
done
tr '\0' '\n' <"/proc/$(worker_of "$pid")/environ" >"$scratch/environ"
grep -q '^PATH=' "$scratch/environ" && ! grep -qE '^AWS_(ACCESS|SECRET|SESSION)' "$scratch/environ"
report "the worker does not get the credentials"

# ---- this disk loses it ----

same() { # TEXT: the prebuild is what it was
	http GET "$path"
	is "$1: 200" "$status" 200
	cmp -s "$scratch/body" "$scratch/prebuild"
	report "$1: the same bytes"
}
lose() {
	rm -rf "$copies/sha256"
	mkdir "$copies/sha256"
}

lose
same "copies are lost"
check "… the copy is there again" test -e "$copies/sha256/${digest:0:2}/$digest"
lose
http HEAD "$path"
is "HEAD" "$status $(header content-length) $(header etag)" "200 $(stat -c %s "$scratch/prebuild") \"$digest\""
lose
http GET "$path" -H 'Range: bytes=2-5'
is "a range" "$status $(sha256sum <"$scratch/body")" "206 $(tail -c +3 "$scratch/prebuild" | head -c 4 | sha256sum)"
lose
http GET "$path" -H "If-None-Match: \"$digest\""
is "If-None-Match" "$status" 304
for suffix in sha256 minisig provenance.json report.json; do
	lose
	http GET "$path.$suffix"
	is ".$suffix" "$status" 200
done
lose
http GET "/v1/artifacts/$addon/file"
is "the artifact" "$status $(sha256sum <"$scratch/body" | cut -d ' ' -f 1)" "200 $addon"
lose
http GET /npm/@prebuildd/good-linux-x64
tarball=$(value 'Object.values(v.versions).pop().dist.tarball')
lose
http GET "${tarball#"$url"}"
is "npm's tarball" "$status" 200
lose
check "prebuildctl fetch" "$ctl" fetch good@1.0.0 --target "$target" -o "$scratch/fetched.tar.gz"

lose
for i in {1..30}; do
	curl -s -m 60 -o "$scratch/many.$i" "$url$path" &
	curls[i]=$!
done
wait "${curls[@]}"
is "thirty at once" "$(sha256sum "$scratch"/many.* | cut -d ' ' -f 1 | sort | uniq -c | tr -s ' ')" " 30 $digest"

end_process "$pid"
rm -rf "$scratch/var/store"
serve_s3
same "names are lost, too, and made anew at the start"
restart --max-store-cache 1K
same "room for next to nothing"
http GET "/v1/artifacts/$addon/file"
is "… and for another" "$(sha256sum <"$scratch/body" | cut -d ' ' -f 1)" "$addon"
size=$(find "$copies/sha256" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')
[[ $size -le 1024 ]]
report "… is kept to" "have: $size bytes"
restart

# A store of files that was there before is not taken for copies, of which some may go.
file="$scratch/var/store/sha256/00/$(printf '%064d' 1)"
mkdir -p "${file%/*}"
head -c 5000 /dev/zero >"$file"
restart --max-store-cache 1K
same "beside files of another store"
check "… which are left alone" test -s "$file"
restart

# Ten at once that are not here, of which eight are fetched at a time.
lose
mapfile -t all < <(swift GET '?prefix=a/b/sha256/' | sed 's|.*/||' | head -n 10)
for hex in "${all[@]}"; do
	curl -s -m 60 "$url/v1/artifacts/$hex/file" | sha256sum | cut -d ' ' -f 1 >"$scratch/ten.$hex" &
	curls+=($!)
done
wait "${curls[@]}"
good=0
for hex in "${all[@]}"; do
	[[ $(<"$scratch/ten.$hex") != "$hex" ]] || good=$((good + 1))
done
is "all that the bucket has, at once" "$good" "${#all[@]}"

# ---- what is not believed ----

lose
echo other | swift PUT "$(object_of "$digest")" --data-binary @- >/dev/null
http GET "$path"
is "other bytes in the bucket are not served" "$status $(value v.code)" "503 busy"
grep -q 'other bytes under sha256/' "$scratch/var.log"
report "… which the log says"
check "… nor kept" test ! -e "$copies/sha256/${digest:0:2}/$digest"
swift DELETE "$(object_of "$digest")"
http GET "$path"
is "what is gone is not there" "$status" 404
swift PUT "$(object_of "$digest")" --data-binary @"$scratch/prebuild" >/dev/null
same "put back by hand"

# ---- the service is away ----

lose
same "before the service goes"
end_process "$s3_pid"
same "what was copied is served"
http GET "/v1/artifacts/$addon/file"
is "what was not: 503" "$status $(value v.code)" "503 busy"
http PUT "/v1/publish/other/v1.0.0/other-v1.0.0-napi-v6-linux-x64.tar.gz" --data-binary @"$scratch/fetched.tar.gz"
is "publishing: 503" "$status" 503
post_build late 1.0.0
late=$(value v.id)
until_ok 60 grep -q 'late@1.0.0' "$scratch/var.log"
sleep 2
start_s3 "${s3##*:}"
sign_in
await_build "$late" 180
is "a build that had begun without it succeeds" "$(value v.state)" succeeded
http PUT "/v1/publish/other/v1.0.0/other-v1.0.0-napi-v6-linux-x64.tar.gz" --data-binary @"$scratch/fetched.tar.gz"
is "publishing again" "$status" 201

# ---- removal ----

gc() { # FLAG…, the result into $body
	"$ctl" gc --json "$@" >"$scratch/body" 2>"$scratch/gc.err" || echo "# gc: $(<"$scratch/gc.err")"
	body=$(<"$scratch/body")
}

lost=$(printf 'ff%062d' 0)
echo lost | swift PUT "$(object_of "$lost")" --data-binary @- >/dev/null
gc
is "what is new stays" "$(value v.removed.contents)" 0
age_objects 1
before=$(objects)
gc
is "what nothing refers to" "$(value 'v.removed.contents + " " + v.removed.bytes')" "1 5"
is "… is gone, and nothing else" "$(objects)" "$((before - 1))"
same "what is published stays"

# More than a page of a list has.
python3 - "$scratch/s3" <<'PYTHON'
import pathlib, sqlite3, sys
for path in pathlib.Path(sys.argv[1], "devices/d1/containers").rglob("*.db"):
    db = sqlite3.connect(path, timeout=10)
    db.create_function("chexor", 3, lambda old, name, at: old)
    db.executemany(
        "INSERT INTO object (name, created_at, size, content_type, etag, deleted, storage_policy_index)"
        " SELECT ?, created_at, 1, 'text/plain', 'x', 0, storage_policy_index FROM object LIMIT 1",
        [("a/b/sha256/fe/fe%062d" % i,) for i in range(1100)])
    db.commit()
PYTHON
gc --dry-run
is "a list of two pages" "$(value v.removed.contents)" 1100
is "what is referred to is counted" "$(value v.left.contents)" "$((before - 1))"
