#!/usr/bin/env bash
# What 500 waiting shoppers cost a rush: winning grabs per second without and with their open pages.
#   bench/watchers.sh [REQUESTS] [ROUNDS]        default: 300000 requests in each of 5 rounds
# Each page holds a stream of events of its order and polls its order every 3 s, both at once. Rounds
# without and with them take turns. Writes bench/results/watchers.json; bench/report.py puts it into
# docs/benchmarks.md.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=bench/lib.sh
source bench/lib.sh

requests=${1:-300000} rounds=${2:-5} watchers=500
bench_begin
cat >"$work/goods.csv" <<CSV
id,title,price,stock,starts_at,ends_at
plenty,Plenty,19.99,900000000,2024-01-01 00:00:00,2124-01-01 00:00:00
held,Held,19.99,$watchers,2024-01-01 01:00:00,2124-01-01 00:00:00
CSV
"$sluice" import --data "$work/sluice" --hold 7d "$work/goods.csv" >/dev/null
start_sluice "$work/sluice"

say "==> $watchers shoppers take a unit each"
for i in $(seq "$watchers"); do
  token=$("$sluice" token --user "watcher$i" --ttl 12h --data "$work/sluice")
  curl -sf -X POST -H "Authorization: Bearer $token" "$sluice_url/api/v1/items/held/orders" |
    jq -c --arg token "$token" '{order: .id, token: $token}'
done >"$work/orders.jsonl"
[ "$(wc -l <"$work/orders.jsonl")" = "$watchers" ] || die "not every watcher got a unit"

# Not through on_load_core: the signal must reach the script itself.
open_pages() {
  taskset -c $load_core python3 bench/watchers.py "$sluice_url" "$work/orders.jsonl" >"$work/watchers.log" 2>&1 &
  pages=$!
  servers+=("$pages")
  until_answers grep -q ready "$work/watchers.log"
}

# close_pages: ends them and says what they saw.
close_pages() {
  kill -TERM "$pages"
  wait "$pages" || { cat "$work/watchers.log" >&2; die "the pages failed"; }
  tail -n 1 "$work/watchers.log" | jq -ce --argjson all "$watchers" \
    'if .streams == $all and .polls > 0 and .failures == 0 then . else error("pages were lost: \(.)") end'
}

# measure NAME: one round of winning grabs.
measure() {
  local name=$1 before after
  before=$(cpu_us "$sluice_pid")
  on_load_core "$sluice" rush --closed --connections 64 --requests "$requests" --shoppers "$requests" \
    --data "$work/sluice" --item plenty --read-back 100 --report-json "$work/report.json" \
    >"$work/rush.log" 2>&1 || { cat "$work/rush.log" >&2; die "the crowd did not get through"; }
  after=$(cpu_us "$sluice_pid")
  jq -c --arg name "$name" --argjson cpu_us "$((after - before))" \
    '{name: $name, per_second: .median_per_second, cpu_us: ($cpu_us / .answered)}' \
    "$work/report.json" >>"$work/rounds.jsonl"
  tail -n 1 "$work/rounds.jsonl"
}

for round in $(seq "$rounds"); do
  say "==> round $round of $rounds"
  measure alone
  open_pages
  measure watched
  close_pages
done
stop_sluice

jq -s --argjson machine "$(machine_json)" --argjson requests "$requests" --argjson watchers "$watchers" '
  def median: sort | .[length / 2 | floor];
  {machine: $machine, requests: $requests, watchers: $watchers, rounds: .,
   medians: (group_by(.name) | map({key: .[0].name, value: {
     per_second: (map(.per_second) | median), cpu_us: (map(.cpu_us) | median)}}) | from_entries)}
  | .ratio = .medians.watched.per_second / .medians.alone.per_second' "$work/rounds.jsonl" \
  >"$results/watchers.json"
jq -r '"==> with \(.watchers) pages: \(.ratio * 1000 | round / 1000) of the rate without"' "$results/watchers.json"
