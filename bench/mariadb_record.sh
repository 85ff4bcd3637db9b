#!/usr/bin/env bash
# What the cluster's record carries on a private MariaDB that syncs every commit: orders, payments and
# expiries a second, by the size of the batch and the number of workers.
#   bench/mariadb_record.sh [COUNT]        default: 20480 orders a round
# Writes bench/results/mariadb_record.json; bench/report.py puts it into docs/benchmarks.md.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=bench/lib.sh
source bench/lib.sh

count=${1:-20480}
bench_begin
need_packages "${packages_services[@]}"
say "==> building the preset bench"
cmake --preset bench >/dev/null
cmake --build --preset bench --target mariadb_record_cost >/dev/null
say "==> starting MariaDB"
eval "$(deploy/services/mariadb start "$work/mariadb")"
trap 'deploy/services/mariadb stop "$work/mariadb"; bench_end' EXIT
version=$(mariadb --no-defaults --socket="$MARIADB_SOCKET" -BNe 'SELECT VERSION()')
say "==> $count orders a round"
build/bench/bench/mariadb_record_cost "$SLUICE_DATABASE_URL" "$MARIADB_PID" "$count" |
  tee "$work/lines"
jq -s --argjson machine "$(machine_json)" --arg mariadb "$version" \
  '{machine: ($machine + {mariadb: $mariadb}), rounds: .}' "$work/lines" >"$results/mariadb_record.json"
