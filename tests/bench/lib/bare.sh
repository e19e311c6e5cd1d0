# Sourced by parts that compare a job with its bare compiler commands: the physical limit. They are
# taken from the job's own log, run on the job's own source bundle in a sandbox with the job's
# mounts and namespaces (but without its system-call filter and its watchers), one sandbox for all
# of them, and their result must be, byte for byte, the addon that the job has published.
# shellcheck shell=bash

# Mounts and environment as builder/engine/command.c has them.
in_sandbox() { # TARGET FOLDER COMMAND…
	local toolchain=$toolchains/$1 folder=$2 root node
	shift 2
	root=$toolchains/components/$(field "$toolchain/toolchain.json" v.components.root)
	node=$toolchains/components/$(field "$toolchain/toolchain.json" v.components.node)
	bwrap --unshare-user --uid 65534 --gid 65534 --unshare-pid --unshare-ipc --unshare-uts \
		--unshare-cgroup --unshare-net --die-with-parent --new-session --hostname build --clearenv \
		--ro-bind "$root" / --proc /proc --dev /dev --size 536870912 --tmpfs /tmp \
		--ro-bind "$toolchain/" /toolchain --ro-bind "$node" /node --bind "$folder" /work \
		--setenv PATH /node/bin:/usr/bin:/bin --setenv HOME /tmp --setenv TMPDIR /tmp \
		--setenv LANG C.UTF-8 --setenv TZ UTC --setenv SOURCE_DATE_EPOCH 499162500 \
		--setenv PYTHONDONTWRITEBYTECODE 1 --setenv PLAN_OUT /work/plan.json \
		--setenv npm_config_nodedir /node --chdir /work/src -- "$@"
}

# Makes FOLDER what the job's folder was before its first compiler command: the bundle, unpacked,
# and what the package's actions have generated. DATA is the data folder that the job ran in.
bare_prepare() { # TARGET DATA LOG FOLDER
	local bundle folder=$4
	bundle=$(find "$2/cache/sources" -name '*.tar.gz')
	[[ -f $bundle ]] || die "there is not one source bundle in $2/cache/sources"
	mkdir -p "$folder"/{src,gen}
	tar -xzf "$bundle" -C "$folder/src" --strip-components=1 --no-same-owner
	cp "$here/builder/plan/plan.py" "$bench/lib/bare.py" "$folder/"
	cp "$3" "$folder/job.log"
	# plan_exports of builder/plan/plan.c.
	echo '{ global: napi_register_module_v*; node_api_module_get_api_version_v*;' \
		'node_register_module_v*; local: *; };' >"$folder/exports.map"
	{ in_sandbox "$1" "$folder" /node/bin/node \
		/node/lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js configure \
		--loglevel=warn --nodedir=/node --arch="$(field "$toolchains/$1/toolchain.json" v.node.arch)" \
		--napi_build_version="$(field "$scratch/build.json" 'v.jobs[0].abi.replace("napi-v", "")')" \
		-- -f /work/plan.py &&
		in_sandbox "$1" "$folder" python3 /work/bare.py prepare; } >"$scratch/out" 2>&1 ||
		die "the sources cannot be prepared: $(tail -n 1 "$scratch/out")"
}

# Runs the commands, sets bare_wall and bare_cpu, in seconds.
bare_run() { # TARGET FOLDER SHA256
	local have
	rm -rf "$2"/{obj,out}
	mkdir "$2"/{obj,out}
	in_sandbox "$1" "$2" python3 /work/bare.py build "$cores" >"$scratch/bare.out" 2>"$scratch/bare.err" ||
		die "$1: a bare command failed: $(tail -n 1 "$scratch/bare.err")"
	read -r bare_wall bare_cpu < <(tail -n 1 "$scratch/bare.out")
	have=$(sha256sum "$2"/out/*.node | cut -d ' ' -f 1)
	[[ $have == "$3" ]] ||
		die "$1: the bare commands made another addon ($have) than the job ($3)"
}
