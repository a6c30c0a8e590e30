#!/bin/bash
# usage: generate-docs.sh [IOMMUSIM] - write every generated file of the tree anew from the built program.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
iommusim=${1:-build/release/iommusim}

"$iommusim" help --reference >configs/reference.yaml
"$iommusim" help --markdown >docs/config.md
"$iommusim" help --metrics-markdown >docs/metrics.md
