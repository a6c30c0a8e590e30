#!/bin/bash
# usage: validate.sh [STEPS [SECONDS]] - the checks that take too long for every test run: the model against
# the brute-force walkers, STEPS comparisons in each mode (default 1000000), then each fuzz target for
# SECONDS (default 600).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
steps=${1:-1000000}
seconds=${2:-600}

cmake --preset release >/dev/null
cmake --build --preset release --target test_vtd_bruteforce test_vtd_scalable_bruteforce \
	test_amdvi_bruteforce
for modes in vtd_bruteforce vtd_scalable_bruteforce amdvi_bruteforce; do
	CK_FORK=no IOMMUSIM_BRUTE_STEPS=$steps "build/release/tests/models/test_$modes"
done
scripts/fuzz.sh "$seconds"
