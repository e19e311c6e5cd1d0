#!/bin/bash
# C++ in an addon: exceptions through frames and threads, thread-local objects, streams, files. For
# every target whose toolchain is here; the fixture does not load unless all of it works.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

folder=$packages/exc/1.0.0
mkdir -p "$folder"
cp "$here/tests/fixtures/exc.cc" "$folder/"
echo '{"name":"exc","version":"1.0.0","binary":{"napi_versions":[6]}}' >"$folder/package.json"
cat >"$folder/binding.gyp" <<'END'
{"targets":[{"target_name":"exc","sources":["exc.cc"],"defines":["NAPI_VERSION=<(napi_build_version)"],
  "cflags_cc":["-std=gnu++17","-fexceptions"],"cflags_cc!":["-fno-exceptions"],
  "msvs_settings":{"VCCLCompilerTool":{"ExceptionHandling":1}}}]}
END

start_registry
serve var --registry "$registry"
http POST /v1/builds -H 'Content-Type: application/json' \
	-d "{\"package\":\"exc\",\"version\":\"1.0.0\",\"targets\":\"all\"}"
is "POST: 202" "$status" 202
await_build "$(value v.id)" 600
jobs=$body
while read -r triple state sha error; do
	is "$triple: built, audited, loaded ($error)" "$state" succeeded
	http GET "/v1/artifacts/$sha/report"
	is "$triple: the report says that it was loaded" "$(value 'v.load.ran && v.load.ok')" true
	body=$jobs
done < <(value 'v.jobs.map((j) => [j.target, j.state, (j.artifact || {sha256: "-"}).sha256, (j.error || {message: ""}).message].join(" ")).join("\n")')
