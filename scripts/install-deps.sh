#!/bin/bash
# Install the Debian packages of scripts/packages.txt that are missing.
# usage: scripts/install-deps.sh run|test...    (test does not include run)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage()
{
	echo "usage: ${0##*/} run|test..." >&2
	exit 2
}

# Packages of one section of the list.
section()
{
	awk -v want="$1" '
		/^#/ { on = ($0 == "# " want); next }
		on && NF { print $1 }' "$here/packages.txt"
}

is_installed()
{
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Run as root, directly or by sudo.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

install()
{
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --no-install-recommends "$@"
}

# The package lists are there and know every package.
lists_know()
{
	local package

	for package in "$@"; do
		apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || return 1
	done
}

[ $# -gt 0 ] || usage
wanted=()
for name in "$@"; do
	case $name in
	run | test) ;;
	*) usage ;;
	esac
	while read -r package; do
		wanted+=("$package")
	done < <(section "$name")
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "Not a Debian system; make sure that these Debian packages' equivalents are installed:"
	echo "  ${wanted[*]}"
	exit 0
fi

missing=()
for package in "${wanted[@]}"; do
	is_installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
	echo "Packages to $*: all ${#wanted[@]} are installed."
	exit 0
fi

echo "Installing Debian packages to $*: ${missing[*]}"
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
	{
		echo "${0##*/}: needs root to install packages, and there is no sudo. As root, run:"
		echo "  apt-get install --no-install-recommends ${missing[*]}"
	} >&2
	exit 1
fi
updated=no
if ! lists_know "${missing[@]}"; then
	as_root apt-get update
	updated=yes
fi
# Old lists name files that the mirror no longer has.
if ! install "${missing[@]}"; then
	[ $updated = no ] || exit 1
	as_root apt-get update
	install "${missing[@]}"
fi
