#!/usr/bin/env bash
# Bytes of memory for each shopper that ever grabbed, and seconds to start with that many orders.
#   bench/memory.sh [SHOPPERS]        default: 1000000
# Every shopper is new and wins, the dearest case. Writes bench/results/memory.json.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=bench/lib.sh
source bench/lib.sh

shoppers=${1:-1000000}
bench_begin
open_plenty

start_sluice "$work/sluice"
say "==> warming up: connections, buffers, the statement cache"
win_plenty 2000
before=$(rss_kib "$sluice_pid")
say "    $before KiB resident"
say "==> $shoppers shoppers win"
win_plenty "$shoppers"
after=$(rss_kib "$sluice_pid")
bytes=$(((after - before) * 1024 / shoppers))
say "    $after KiB resident: $bytes bytes for each shopper, everything included"
stop_sluice

say "==> starting with that record, page cache warm and cold"
declare -A start_ms
for cache in warm cold; do
  if [ $cache = cold ]; then
    sync
    as_root sh -c 'echo 3 >/proc/sys/vm/drop_caches'
  fi
  began=$(date +%s%N)
  start_sluice "$work/sluice"
  start_ms[$cache]=$((($(date +%s%N) - began) / 1000000))
  say "    $cache: ${start_ms[$cache]} ms from the command to a good /readyz"
  stop_sluice
done

jq -n --argjson machine "$(machine_json)" --argjson shoppers "$shoppers" \
  --argjson before_kib "$before" --argjson after_kib "$after" --argjson bytes_per_shopper "$bytes" \
  --argjson start_warm_ms "${start_ms[warm]}" --argjson start_cold_ms "${start_ms[cold]}" \
  --argjson record_bytes "$(stat -c %s "$work/sluice/record.db")" \
  '$ARGS.named' >"$results/memory.json"
