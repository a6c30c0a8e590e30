#!/bin/bash
# usage: validate-iova.sh [OPERATIONS] - the checks of the allocators that take too long for every test run:
# OPERATIONS random ones (default 1000000) for each allocator on 1, 2, 8 and 64 simulated CPUs with the whole
# structure checked after each, and every order of steps of the larger lockless cases.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
operations=${1:-1000000}

cmake --preset release >/dev/null
cmake --build --preset release --target test_iova_cpus test_iova_lockless
IOMMUSIM_EXHAUSTIVE=1 CK_TIMEOUT_MULTIPLIER=100 build/release/tests/dma/test_iova_lockless
IOMMUSIM_IOVA_OPERATIONS=$operations CK_TIMEOUT_MULTIPLIER=100 build/release/tests/dma/test_iova_cpus
