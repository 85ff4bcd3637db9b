#!/usr/bin/env bash
# Grabs per second on one server core, held against nginx alone and nginx + Lua + Redis, in one run.
#   bench/grab.sh [REQUESTS] [ROUNDS]        default: 300000 requests in each of 5 rounds
# The rounds of all servers are interleaved, so that a busy neighbour hits them alike. The load is
# the same for all: `sluice rush` on the other core, 64 keep-alive connections, a new HS256 token for
# each request. Writes bench/results/grab.json; bench/report.py puts it into docs/benchmarks.md.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=bench/lib.sh
source bench/lib.sh

requests=${1:-300000} rounds=${2:-5}
bench_begin

say "==> starting the servers on core $server_core"
# Sluice: an item that never sells out, and one with a single unit.
cat >"$work/goods.csv" <<CSV
id,title,price,stock,starts_at,ends_at
plenty,Plenty,19.99,900000000,2024-01-01 00:00:00,2124-01-01 00:00:00
gone,Gone,19.99,1,2024-01-01 01:00:00,2124-01-01 00:00:00
CSV
"$sluice" import --data "$work/sluice" --hold 7d "$work/goods.csv" >/dev/null
start_sluice "$work/sluice"

nginx_port=$(free_port)
declare -A redis_port redis_pid
for where in here free; do
  redis_port[$where]=$(free_port)
  cores=$server_core
  [ $where = here ] || cores=$server_core,$load_core
  taskset -c $cores redis-server --port "${redis_port[$where]}" --bind 127.0.0.1 --save '' --appendonly no \
    --dir "$work" --logfile "$work/redis-$where.log" &
  servers+=($!)
  redis_pid[$where]=$!
  until_answers redis-cli -p "${redis_port[$where]}" ping
  redis-cli -p "${redis_port[$where]}" set stock 900000000 >/dev/null
done

write_nginx "$work/nginx.conf" "$nginx_port" "${redis_port[here]}" "${redis_port[free]}"
taskset -c $server_core nginx -p "$work" -c "$work/nginx.conf" &
servers+=($!)
until_answers curl -sf "http://127.0.0.1:$nginx_port/constant"
nginx_pid=$(pgrep -P "$!")

# rush REPORT ARGUMENT…: one round of the load.
rush() {
  local report=$1
  shift
  on_load_core "$sluice" rush --closed --connections 64 --requests "$requests" \
    --shoppers "$requests" --read-back 100 --report-json "$report" "$@" >"$work/rush.log" 2>&1 ||
    { cat "$work/rush.log" >&2; die "the load failed"; }
}

# measure NAME "PID…" ARGUMENT…: one round, its rate and the servers' processor time per request.
measure() {
  local name=$1 pids=$2 before after rate
  shift 2
  # shellcheck disable=SC2086  # a list of pids
  before=$(cpu_us $pids)
  rush "$work/report.json" "$@"
  # shellcheck disable=SC2086
  after=$(cpu_us $pids)
  jq -e --argjson sent "$requests" '(.outcomes | keys | inside(["ok", "granted", "sold_out"])) and
    .answered == $sent' "$work/report.json" >/dev/null ||
    { cat "$work/rush.log" >&2; die "$name did not answer every request as it should"; }
  rate=$(jq .median_per_second "$work/report.json")
  jq -c --arg name "$name" --argjson cpu_us "$((after - before))" \
    '{name: $name, per_second: .median_per_second, cpu_us: ($cpu_us / .answered),
      p50_ms: .rounds[0].p50_ms, p99_ms: .rounds[0].p99_ms, generator_cpu: .rounds[0].generator_cpu,
      outcomes: .outcomes}' "$work/report.json" >>"$work/rounds.jsonl"
  printf '    %-12s %10.0f per second\n' "$name" "$rate"
}

sluice_load() { measure "$1" "$sluice_pid" --data "$work/sluice" --item "$2"; }
nginx_load() { measure "$1" "$3" --url "http://127.0.0.1:$nginx_port" "$2" "$4"; }

say "==> selling the single unit"
"$sluice" rush --closed --requests 64 --shoppers 64 --data "$work/sluice" --item gone >/dev/null

for round in $(seq "$rounds"); do
  say "==> round $round of $rounds, $requests requests each"
  nginx_load nginx --raw-post "$nginx_pid" /constant
  sluice_load win plenty
  sluice_load sold_out gone
  # The same names come in every round: without this the second round would only see duplicates.
  redis-cli -p "${redis_port[here]}" unlink shoppers >/dev/null
  redis-cli -p "${redis_port[free]}" unlink shoppers >/dev/null
  nginx_load redis_here --raw-post "$nginx_pid ${redis_pid[here]}" /here
  nginx_load redis_free --raw-post "$nginx_pid ${redis_pid[free]}" /free
done

say "==> cross-check: wrk against nginx, 5 s"
wrk_rate=$(on_load_core wrk -t1 -c64 -d5s "http://127.0.0.1:$nginx_port/constant" |
  awk '/^Requests\/sec/ { print $2 }')
say "    wrk          $wrk_rate per second"

stop_sluice
say "==> auditing what Sluice recorded"
"$sluice" verify --data "$work/sluice" | tail -n 3

jq -s --argjson machine "$(machine_json)" --argjson wrk "$wrk_rate" --argjson requests "$requests" '
  def median: sort | .[length / 2 | floor];
  {machine: $machine, requests: $requests, wrk_nginx_per_second: $wrk, rounds: .,
   medians: (group_by(.name) | map({key: .[0].name, value: {
     per_second: (map(.per_second) | median), cpu_us: (map(.cpu_us) | median),
     p50_ms: (map(.p50_ms) | median), p99_ms: (map(.p99_ms) | median)}}) | from_entries)}
  | .ratios = {win_to_nginx: (.medians.win.per_second / .medians.nginx.per_second),
               sold_out_to_nginx: (.medians.sold_out.per_second / .medians.nginx.per_second),
               win_to_redis: (.medians.win.per_second /
                 ([.medians.redis_here.per_second, .medians.redis_free.per_second] | max)),
               sold_out_to_redis: (.medians.sold_out.per_second /
                 ([.medians.redis_here.per_second, .medians.redis_free.per_second] | max))}
' "$work/rounds.jsonl" >"$results/grab.json"
jq -r '"==> medians", (.medians | to_entries[] | "    \(.key): \(.value.per_second | round) per second, \(.value.cpu_us * 100 | round / 100) us of server CPU each"),
  (.ratios | to_entries[] | "    \(.key): \(.value * 100 | round / 100)")' "$results/grab.json"
