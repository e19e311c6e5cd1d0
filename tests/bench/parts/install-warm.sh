#!/bin/bash
# install-warm: what a published prebuild saves an application.
#
# ours:   wall seconds of `npm install PACKAGE` in an empty application, whose hook fetches the
#         prebuild from the service.
# theirs: the same with --build-from-source: node-gyp and gcc.
#
# npm's own cache is filled by an install before, and npm prefers it, on both sides alike;
# prebuild-install's cache is emptied each time.
set -u
# shellcheck source=tests/bench/lib/bench.sh
. "$(dirname "$0")/../lib/bench.sh"

export npm_config_prefer_offline=true

install() { # FLAG…: into $scratch/app; sets seconds
	rm -rf "$scratch/app" "$npm_config_cache/_prebuilds"
	new_app "$scratch/app"
	timed npm install --prefix "$scratch/app" "$@" "$package" ||
		die "npm install: $(tail -n 1 "$scratch/out")"
	sha=$(sha256sum "$(addon_of "$scratch/app")" | cut -d ' ' -f 1)
}

install_ours() {
	install --build-from-source=false
	[[ $sha == "$artifact" ]] || die "what was installed is not what was published"
}

ours() {
	install_ours
	sample install-warm ours "$seconds"
}

theirs() {
	install --build-from-source
	[[ $sha != "$artifact" ]] || die "nothing was built from source"
	sample install-warm theirs "$seconds"
}

figure install-warm seconds "<= 0.05"
with_built
use_headers
cp -a "$built/var" "$scratch/var"
artifact=$(sha256sum <"$built/addon" | cut -d ' ' -f 1)
serve var || die "the service does not start"
host=npm_config_$(tr -c 'A-Za-z0-9\n' _ <<<"$name")_binary_host
export "$host=$url/prebuilds/$name"
install_ours
alternate install-warm 3 ours theirs
