#!/bin/bash
# Write every generated file of the tree anew from the built program (build/release).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
iommusim=build/release/iommusim

"$iommusim" help --reference >configs/reference.yaml
"$iommusim" help --markdown >docs/config.md
"$iommusim" help --metrics-markdown >docs/metrics.md
