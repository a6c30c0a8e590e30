#!/bin/bash
# Does the manual page format without a warning? Skipped (77) without man.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
command -v man >/dev/null || exit 77

warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 MANROFFSEQ='' \
	man --warnings -E UTF-8 -l -Tutf8 -Z "$root/docs/iommusim.1" 2>&1 >/dev/null) || warnings+=" (man failed)"
if [ -n "$warnings" ]; then
	echo "$warnings"
	exit 1
fi
