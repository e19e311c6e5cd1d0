# shellcheck shell=bash
# Compilation runs in a sandbox: the hermetic root as `/`, no network, nothing of this machine, fixed
# paths. That makes the results the same everywhere.

# sandbox ROOT [bwrap option...] -- COMMAND...
sandbox() {
	local root=$1 options=()
	shift
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	run bwrap --unshare-all --die-with-parent --new-session \
		--ro-bind "$root" / --proc /proc --dev /dev --tmpfs /tmp --tmpfs /work \
		--ro-bind "$HERE" /work/recipe "${options[@]}" \
		--chdir /work --clearenv --setenv PATH /usr/bin --setenv HOME /tmp --setenv LC_ALL C.UTF-8 \
		--setenv JOBS "$JOBS" --setenv SOURCE_DATE_EPOCH 0 --setenv PYTHONDONTWRITEBYTECODE 1 \
		"$@"
}

# sandbox_check ROOT: a clear message when this machine does not allow sandboxes.
sandbox_check() {
	bwrap --unshare-all --die-with-parent --ro-bind "$1" / --proc /proc --dev /dev true 2>"$TMP/sandbox" ||
		die "the sandbox does not start: $(head -n 1 "$TMP/sandbox"). Unprivileged user namespaces must be allowed (sysctl kernel.unprivileged_userns_clone=1; in a container: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)"
}
