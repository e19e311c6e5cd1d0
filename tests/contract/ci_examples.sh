#!/bin/bash
# The CI files of docs/examples/ci: their commands, taken from the files, against a service that wants
# tokens. What the runners do beside them ("uses", "artifacts", other machines) is done here by hand.
set -u
# shellcheck source=tests/lib/service.sh
. "$(dirname "$0")/../lib/service.sh"

github=$here/docs/examples/ci/github-actions.yml
gitlab=$here/docs/examples/ci/gitlab-ci.yml

project() { # FOLDER PACKAGE: depends on it, locked by npm
	mkdir -p "$scratch/$1"
	printf '{"name":"app","version":"1.0.0","dependencies":{"%s":"1.0.0"}}\n' "$2" >"$scratch/$1/package.json"
	(cd "$scratch/$1" && npm install --package-lock-only --ignore-scripts --no-audit --no-fund \
		>"$scratch/npm.log" 2>&1) || cat "$scratch/npm.log"
}
# Runs a job in a folder; sets status and said. Its commands are run as sh and bash both could.
job() { # FOLDER FILE JOB [EXPRESSION=VALUE…]
	python3 "$here/tests/lib/ci_steps.py" "${@:2:2}" "vars.PREBUILDD_URL=$url" \
		"secrets.PREBUILDD_TOKEN=$(<"$token")" "${@:4}" >"$scratch/job.sh" 2>"$scratch/job.err" || {
		status=127 said=$(<"$scratch/job.err")
		return
	}
	(cd "$scratch/$1" && RUNNER_TEMP=$scratch/temp GITHUB_OUTPUT=$scratch/temp/output \
		PREBUILDD_URL=$url PREBUILDD_TOKEN_FILE=$token sh -e "$scratch/job.sh") >"$scratch/job.out" 2>&1
	status=$?
	said=$(<"$scratch/job.out")
}
done_by() { # TEXT: the last job ended well
	[[ $status -eq 0 ]]
	report "$1" "exit status $status" "$said"
}
jobs_of() { # FILE: how many of its jobs have commands
	python3 -c 'import sys, yaml
d = yaml.safe_load(open(sys.argv[1]))
print(sum("script" in j or "steps" in j for j in d.get("jobs", d).values() if isinstance(j, dict)))' "$1"
}

PATH=$here/build:$PATH
mkdir "$scratch/temp"
start_registry
export npm_config_registry=$registry npm_config_cache=$scratch/npm
for name in one two three four; do
	addon "$name"
done
serve service --registry "$registry" --auth tokens --on-miss 404
token=$scratch/service/keys/admin.token

is "GitHub's file: jobs" "$(jobs_of "$github")" 5
is "GitLab's file: jobs" "$(jobs_of "$gitlab")" 5

# ---- (a) ready before the deploy ----

project a one
job a "$github" ready
done_by "GitHub: ready"
like "… first the plan, then the build" "$said" "one@1.0.0.* build .*one@1.0.0.* built"
http GET "$(prebuild_path one 1.0.0)"
is "… and it is there" "$status" 200
project a two
job a "$gitlab" ready
done_by "GitLab: ready"
like "… first the plan, then the build" "$said" "two@1.0.0.* build .*two@1.0.0.* built"
: >"$scratch/temp/none"
token=$scratch/temp/none
project a three
job a "$github" ready
is "without a token nothing is built" "$status" 5
token=$scratch/service/keys/admin.token

# ---- (c) requested, and waited for later ----

project c three
job c "$github" request
done_by "GitHub: request"
builds=$(sed -n 's/^builds=//p' "$scratch/temp/output")
like "… its output" "$builds" "^b[0-9]+$"
job c "$github" wait "needs.request.outputs.builds=$builds"
done_by "GitHub: wait"
like "… for the build" "$said" "$builds three@1.0.0: succeeded"
project c four
job c "$gitlab" request
done_by "GitLab: request"
job c "$gitlab" wait
done_by "GitLab: wait"
like "… for the build" "$said" "b[0-9]+ four@1.0.0: succeeded"

# ---- (b) built elsewhere, published ----

prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
[[ ! -e $prefix/include/node/node_api.h ]] || export npm_config_nodedir=$prefix
for name in mine yours; do
	addon "$name"
	sed -i "s/42/${#name}/" "$packages/$name/1.0.0/addon.c"
	cp -R "$packages/$name/1.0.0" "$scratch/$name"
	(cd "$scratch/$name" && npm install --package-lock-only --ignore-scripts --no-audit --no-fund) \
		>"$scratch/npm.log" 2>&1
done
job mine "$github" addon
done_by "GitHub: node-gyp builds an addon"
mkdir -p "$scratch/mine/addons/addon-linux"
cp "$scratch"/mine/build/Release/*.node "$scratch/mine/addons/addon-linux/"
job mine "$github" publish
done_by "GitHub: publish"
like "… what was published" "$said" "/prebuilds/mine/v1.0.0/"
http GET "${said%%$'\n'*}"
is "… and it is there" "$status" 200
job yours "$gitlab" addon
done_by "GitLab: node-gyp builds an addon"
job yours "$gitlab" publish
done_by "GitLab: publish"
like "… what was published" "$said" "/prebuilds/yours/v1.0.0/"
http GET "${said%%$'\n'*}"
is "… and it is there" "$status" 200
