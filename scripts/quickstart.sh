#!/bin/bash
# From a clean clone to figures: install what is missing, build, run a small experiment, plot it.
# Running it again repeats only the experiment.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

scripts/install-deps.sh run

# Tests need packages of their own: leave them out, unless somebody configured them here.
if [ ! -f build/release/CMakeCache.txt ]; then
	cmake --preset release -DIOMMUSIM_TESTS=OFF
fi
cmake --build --preset release

iommusim=build/release/iommusim
"$iommusim" run configs/quick.yaml -o results --force
"$iommusim" plot results/quick

echo
echo "Results: $root/results/quick"
echo "Figures:"
find "$root/results/quick" -name '*.png' -o -name '*.svg' | LC_ALL=C sort | sed 's/^/  /'
echo "Next:    $iommusim list                      what there is to choose from"
echo "         $iommusim help policy               what a section means"
echo "         $iommusim run configs/studies/nic-rx-2011.yaml -o results"
