#!/bin/bash
# Do includes go downward only? Also: does the lint itself see one that does not?
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

lint()
{
	awk -f tests/lint/layers.awk tests/lint/layers.txt "$@"
}

# Three wrong includes in a tree of their own must be seen.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/sim/base" "$scratch/tests"
cp -r tests/lint "$scratch/tests/"
printf '#include "hw/cpu.h"\n#include <yaml.h>\n#include "nowhere.h"\n#include "base/err.h"\n' \
	>"$scratch/sim/base/bad.c"
cd "$scratch"
seen=$(lint sim/base/bad.c) || true
cd "$root"
if [ "$(wc -l <<<"$seen")" -ne 3 ]; then
	echo "the lint is blind: of 3 wrong includes it saw:"
	echo "$seen"
	exit 1
fi

mapfile -t files < <(find sim models workloads -name '*.[ch]' | LC_ALL=C sort)
lint "${files[@]}"
echo "${#files[@]} files keep to their layers"
