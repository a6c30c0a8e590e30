#!/bin/bash
# Format every C file by .clang-format; with --check, only say which would change.
# Other versions of clang-format break lines in other places, so only 14 will do.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

formatter=
for candidate in clang-format-14 clang-format; do
	if command -v "$candidate" >/dev/null &&
		"$candidate" --version | grep -q 'version 14\.'; then
		formatter=$candidate
		break
	fi
done
if [ -z "$formatter" ]; then
	echo "clang-format 14 is not installed (scripts/install-deps.sh test)" >&2
	exit 77
fi

mapfile -t files < <(find sim models workloads tests bench -name '*.[ch]' | LC_ALL=C sort)
case ${1:-} in
--check) "$formatter" --dry-run --Werror "${files[@]}" ;;
'') "$formatter" -i "${files[@]}" ;;
*)
	echo "usage: ${0##*/} [--check]" >&2
	exit 2
	;;
esac
