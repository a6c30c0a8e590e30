#!/bin/bash
# Is every row of the configuration and metric tables used by code?
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

mapfile -t files < <(find sim models workloads -name '*.[ch]' | LC_ALL=C sort)
awk -f tests/lint/table_rows.awk "${files[@]}"
