#!/bin/bash
# usage: fuzz.sh [SECONDS] - build the fuzz targets with clang and run each for that long (default 600).
# New inputs that reach new code are kept in tests/fuzz/corpus.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-600}

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz_machine
mkdir -p build/fuzz/new tests/fuzz/corpus/machine
build/fuzz/tests/fuzz/fuzz_machine -max_total_time="$seconds" -timeout=10 -max_len=4096 \
	build/fuzz/new tests/fuzz/corpus/machine
build/fuzz/tests/fuzz/fuzz_machine -merge=1 tests/fuzz/corpus/machine build/fuzz/new
