#!/bin/bash
# Does every header compile alone, and twice?  usage: headers.sh COMPILER [FLAG...]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

failed=0
while read -r header; do
	include=${header#sim/}
	printf '#include "%s"\n#include "%s"\ntypedef int not_empty;\n' "$include" "$include" |
		"$@" -std=c11 -D_GNU_SOURCE -Isim -I. -Wall -Wextra -Wpedantic -Werror \
			-fsyntax-only -x c - || {
		echo "$header does not compile by itself"
		failed=1
	}
done < <(find sim models workloads -name '*.h' | LC_ALL=C sort)
exit $failed
