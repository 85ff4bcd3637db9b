#!/usr/bin/env bash
# Where the server's time goes while grabs win, by part.
#   bench/profile.sh [REQUESTS]        default: 600000
# Samples the server with perf and adds up by what the innermost known function belongs to. Writes
# bench/results/profile.json, and the functions themselves to bench/results/profile.txt.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=bench/lib.sh
source bench/lib.sh

requests=${1:-600000}
bench_begin
open_plenty
start_sluice "$work/sluice"

say "==> sampling while $requests grabs win"
event=cpu-clock  # works in virtual machines without hardware counters
perf record -q -e $event -F 997 --call-graph fp -p "$sluice_pid" -o "$work/perf.data" \
  >"$work/perf.log" 2>&1 &
perf_pid=$!
win_plenty "$requests"
kill -INT "$perf_pid"
wait "$perf_pid" || true
stop_sluice

perf script -i "$work/perf.data" -F comm,ip,sym,dso 2>/dev/null |
  python3 bench/fold_profile.py "$results/profile.json" "$results/profile.txt"
