#!/bin/bash
# Installs Debian packages that are missing, with sudo if needed. Quick when nothing is.
set -euo pipefail

missing=()
for package in "$@"; do
	# nodejs and npm may be here from elsewhere than Debian; then theirs are as good.
	case $package in
	nodejs) command -v node >/dev/null && continue ;;
	npm) command -v npm >/dev/null && continue ;;
	esac
	dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
		missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
	command -v sudo >/dev/null || {
		echo "make setup: these Debian packages are missing, and there is no sudo; as root run:" >&2
		echo "  apt-get install ${missing[*]}" >&2
		exit 1
	}
	as_root=(sudo)
fi
echo "make setup: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -q >/dev/null
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
	apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null
