#!/bin/bash
# Can every script be run, and is nothing else executable?
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

failed=0
while read -r file; do
	begin=$(head -c 2 "$file" | tr -d '\0')
	if [ "$begin" = '#!' ] && [ ! -x "$file" ]; then
		echo "$file is a script but not executable"
		failed=1
	elif [ "$begin" != '#!' ] && [ -x "$file" ]; then
		echo "$file is executable but not a script"
		failed=1
	fi
done < <(find . -path ./.git -prune -o -path ./build -prune -o -path ./results -prune -o \
	-type f -print | LC_ALL=C sort)
exit $failed
