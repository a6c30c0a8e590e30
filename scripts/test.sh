#!/bin/bash
# Install what is missing, build, run every test. The last line is the summary of the release tests.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=$(nproc)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step()
{
	printf '\n== %s\n' "$*"
}

step packages
scripts/install-deps.sh run test

for preset in release asan; do
	step "build $preset"
	cmake --preset "$preset" -DIOMMUSIM_TESTS=ON
	cmake --build --preset "$preset" -j "$jobs"
done

step "tests under the sanitizers"
ctest --preset asan -j "$jobs"

iommusim=build/release/iommusim
step "every example configuration is accepted"
for config in configs/*.yaml configs/studies/*.yaml; do
	echo "$config"
	"$iommusim" run --dry-run "$config" >"$scratch/dry-run.txt" 2>&1 || {
		cat "$scratch/dry-run.txt"
		exit 1
	}
done

step "the quick experiment runs"
"$iommusim" run configs/quick.yaml -o "$scratch/results" --force
"$iommusim" check "$scratch/results/quick"

step "tests of the release"
status=0
ctest --preset release -j "$jobs" | tee "$scratch/ctest.txt" || status=$?
echo
grep 'tests passed' "$scratch/ctest.txt" || echo "ctest did not finish"
exit "$status"
