#!/bin/bash
# usage: same_bytes.sh IOMMUSIM
# The same experiment gives the same bytes in every file but host.txt: run again, and on one CPU or
# two. Another seed gives others.
set -euo pipefail

program=$1
sweep=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/sweep.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { # name option...
	local name=$1
	shift
	"$program" run "$sweep" -o "$work/$name" "$@" >"$work/$name.out" 2>&1 || {
		cat "$work/$name.out"
		echo "run $name failed"
		exit 1
	}
}

same() {
	diff -r -x host.txt "$work/$1" "$work/$2" || {
		echo "$1 and $2 differ"
		exit 1
	}
}

run one -j1
run again -j1
run two -j2
run other -j2 --set seed=8
same one again
same one two

files=$(find "$work/one" -type f ! -name host.txt | wc -l)
if [ "$files" -lt 20 ]; then
	echo "only $files files were compared"
	exit 1
fi
if diff -rq -x host.txt -x config.yaml "$work/one" "$work/other" >/dev/null; then
	echo "another seed changes nothing: the comparison is worth nothing"
	exit 1
fi
echo "$files files are the same"
