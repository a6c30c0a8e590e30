#!/bin/bash
# Do files and functions stay readable?
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

mapfile -t files < <(find sim models workloads tests bench -name '*.[ch]' | LC_ALL=C sort)
awk -f tests/lint/sizes.awk "${files[@]}"
