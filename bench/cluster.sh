#!/usr/bin/env bash
# What the cluster engine accepts and refuses a second, held against nginx + Lua + Redis, with all
# services on this machine; and what its workers write meanwhile.
#   bench/cluster.sh [REQUESTS] [ROUNDS]     default: 100000 requests in each of 5 rounds
#   QUEUES=classic bench/cluster.sh …        classic queues at RabbitMQ instead of quorum queues
#   CONNECTIONS=64 bench/cluster.sh …        default: 256 keep-alive connections, for all alike
# The rounds are interleaved. One node answers on the server core; its load is `sluice rush` on the
# load core, one request in flight on each connection. Redis, RabbitMQ and MariaDB may use both cores,
# and so may the worker, which has a low priority: what it cannot write at once is the backlog. Writes
# bench/results/cluster.json (cluster-classic.json) and the samples of the backlog beside it as .csv;
# bench/report.py puts them into docs/benchmarks.md. Exit status: 0 measured, 1 failed, 2 wrong usage.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=bench/lib.sh
source bench/lib.sh

wrong_usage() {
  printf 'bench/cluster.sh: %s; see bench/cluster.sh --help\n' "$*" >&2
  exit 2
}
case ${1:-} in --help | -h) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ $# -le 2 ] || wrong_usage "'$3' is one word too many"
requests=${1:-100000} rounds=${2:-5} queues=${QUEUES:-quorum} connections=${CONNECTIONS:-256}
for number in "$requests" "$rounds" "$connections"; do
  [[ $number =~ ^[1-9][0-9]{0,8}$ ]] || wrong_usage "'$number' is not a number from 1 to 999999999"
done
case $queues in quorum) result=cluster ;; classic) result=cluster-classic ;; *)
  wrong_usage "QUEUES is '$queues'; it is quorum or classic" ;;
esac
load_before=$(cut -d ' ' -f 1 /proc/loadavg)
bench_begin
need_packages "${packages_services[@]}"
PATH=$PATH:/usr/sbin

end_all() {
  local service
  [ -z "${sampler:-}" ] || kill "$sampler" 2>/dev/null || true
  bench_end_servers
  for service in rabbitmq redis mariadb; do deploy/services/$service stop "$work/$service" || true; done
  bench_remove
}
trap end_all EXIT

say "==> starting Redis, RabbitMQ and MariaDB"
for service in redis rabbitmq mariadb; do eval "$(deploy/services/$service start "$work/$service")"; done

# ---- the cluster: one node that sells, one that writes -----------------------------------------

sale_port=$(free_port) worker_port=$(free_port)
write_node() { # write_node NAME PORT ROLES
  cat >"$work/$1.toml" <<TOML
[server]
listen = "127.0.0.1:$2"
data = "$work/$1"
roles = "$3"
threads = 1
[engine]
kind = "cluster"
[auth]
hs256_secret = "a key for this run alone, of 32 bytes"
console_password = "a password for this run alone"
[log]
level = "warn"
[redis]
url = "$SLUICE_REDIS_URL"
[rabbitmq]
url = "$RABBITMQ_URL"
queue_type = "$queues"
[database]
url = "$SLUICE_DATABASE_URL"
TOML
}
write_node sale "$sale_port" sale,console
write_node worker "$worker_port" worker

say "==> starting the node on core $server_core and the worker"
nice -n 10 "$sluice" serve --config "$work/worker.toml" >"$work/worker.log" 2>&1 &
servers+=($!)
worker_pid=$!
until_answers curl -sf "http://127.0.0.1:$worker_port/readyz"
taskset -c $server_core "$sluice" serve --config "$work/sale.toml" >"$work/sale.log" 2>&1 &
servers+=($!)
sale_pid=$!
sale_url=http://127.0.0.1:$sale_port
until_answers curl -sf "$sale_url/readyz"
cat >"$work/goods.csv" <<CSV
id,title,price,stock,starts_at,ends_at
plenty,Plenty,19.99,900000000,2024-01-01 00:00:00,2124-01-01 00:00:00
gone,Gone,19.99,1,2024-01-01 01:00:00,2124-01-01 00:00:00
CSV
"$sluice" import --config "$work/sale.toml" --hold 7d "$work/goods.csv" >/dev/null

sql() { mariadb --no-defaults --socket="$MARIADB_SOCKET" sluice -BNe "$1"; }
orders() { sql 'SELECT COUNT(*) FROM orders'; }
token() { "$sluice" token --config "$work/sale.toml" --user "$1"; }
grab_status() { # grab_status ITEM USER
  curl -s -o /dev/null -w '%{http_code}' -X POST -H "Authorization: Bearer $(token "$2")" \
    "$sale_url/api/v1/items/$1/orders"
}
sells() { [ "$(grab_status "$1" "$2")" = 202 ]; }
is_sold_out() { [ "$(grab_status gone late)" = 409 ]; }
say "==> selling the single unit"
until_answers sells gone first
until_answers is_sold_out

# ---- the peer ----------------------------------------------------------------------------------

nginx_port=$(free_port)
declare -A peer_port peer_pid
for where in here free; do
  peer_port[$where]=$(free_port)
  cores=$server_core
  [ $where = here ] || cores=$server_core,$load_core
  taskset -c $cores redis-server --port "${peer_port[$where]}" --bind 127.0.0.1 --save '' --appendonly no \
    --dir "$work" --logfile "$work/redis-$where.log" &
  servers+=($!)
  peer_pid[$where]=$!
  until_answers redis-cli -p "${peer_port[$where]}" ping
  redis-cli -p "${peer_port[$where]}" set stock 900000000 >/dev/null
done
write_nginx "$work/nginx.conf" "$nginx_port" "${peer_port[here]}" "${peer_port[free]}"
taskset -c $server_core nginx -p "$work" -c "$work/nginx.conf" &
servers+=($!)
until_answers curl -sf "http://127.0.0.1:$nginx_port/constant"
nginx_pid=$(pgrep -P "$!")

# ---- rounds ------------------------------------------------------------------------------------

# measure NAME STATUS-CLASS "PID…" RUSH-ARGUMENT…: one round; every answer must be of that outcome.
measure() {
  local name=$1 wanted=$2 pids=$3 before after
  shift 3
  # shellcheck disable=SC2086  # a list of pids
  before=$(cpu_us $pids)
  on_load_core "$sluice" rush --closed --connections "$connections" --requests "$requests" \
    --shoppers "$requests" --report-json "$work/report.json" "$@" >"$work/rush.log" 2>&1 ||
    { cat "$work/rush.log" >&2; die "the load failed"; }
  # shellcheck disable=SC2086
  after=$(cpu_us $pids)
  jq -e --arg wanted "$wanted" --argjson sent "$requests" \
    '.outcomes == {($wanted): $sent}' "$work/report.json" >/dev/null ||
    { jq -c .outcomes "$work/report.json" >&2; die "$name did not answer every request as it should"; }
  jq -c --arg name "$name" --argjson cpu_us "$((after - before))" --argjson extra "${extra:-{\}}" \
    '{name: $name, per_second: .median_per_second, cpu_us: ($cpu_us / .answered),
      p50_ms: .rounds[0].p50_ms, p99_ms: .rounds[0].p99_ms, generator_cpu: .rounds[0].generator_cpu} + $extra' \
    "$work/report.json" >"$work/round.json"
  printf '    %-12s %10.0f per second\n' "$name" "$(jq .per_second "$work/round.json")"
}
keep_round() { cat "$work/round.json" >>"$work/rounds.jsonl"; }

declare -A part=([node]=$sale_pid [worker]=$worker_pid
  [redis]=$(redis-cli -u "$SLUICE_REDIS_URL" info server | tr -d '\r' | sed -n 's/^process_id://p')
  [rabbitmq]=$(<"$work/rabbitmq/pid") [mariadb]=$(pgrep -f "^[^ ]*mariadbd --defaults-file=$work/"))
cpu_of_parts() { # one object: microseconds by part
  local name
  for name in "${!part[@]}"; do printf '%s %s\n' "$name" "$(cpu_us "${part[$name]}")"; done |
    jq -Rn '[inputs | split(" ") | {key: .[0], value: (.[1] | tonumber)}] | from_entries'
}

# One round of winning grabs, with the backlog drawn while it runs and until it is gone.
accept() {
  local before after cpu_before cpu_after
  before=$(orders)
  cpu_before=$(cpu_of_parts)
  bench/backlog.py "$sale_url" "$MARIADB_SOCKET" "$RABBITMQ_URL" >"$work/backlog.jsonl" &
  sampler=$!
  measure accepted ok "$sale_pid" --url "$sale_url" --config "$work/sale.toml" \
    --raw-post /api/v1/items/plenty/orders --user-prefix "round$1-"
  say "    waiting for the workers"
  until_answers_slowly "$((before + requests))"
  cpu_after=$(cpu_of_parts)  # the orders are written: what all of them cost
  sleep 0.5
  kill -TERM $sampler
  wait $sampler || true
  after=$(orders)
  [ $((after - before)) = "$requests" ] || die "$((after - before)) orders of $requests accepted grabs"
  jq --slurpfile backlog "$work/backlog.jsonl" --argjson orders "$requests" \
    --argjson before "$cpu_before" --argjson after "$cpu_after" \
    '. + {backlog: $backlog, parts_us: ($after | with_entries(.value = (.value - $before[.key]) / $orders))}' -c "$work/round.json" >"$work/with.json"
  mv "$work/with.json" "$work/round.json"
  keep_round
}
until_answers_slowly() { # until there are so many orders; at most 10 minutes
  local tries
  for tries in $(seq 1200); do
    [ "$(orders)" -ge "$1" ] && return 0
    sleep 0.5
  done
  die "the workers do not get done after $tries looks"
}

for round in $(seq "$rounds"); do
  say "==> round $round of $rounds, $requests requests each, $queues queues"
  accept "$round"
  measure sold_out refused "$sale_pid" --url "$sale_url" --config "$work/sale.toml" \
    --raw-post /api/v1/items/gone/orders --user-prefix "round$round-"
  keep_round
  for where in here free; do
    # The same names come in every round: without this the second round would only see duplicates.
    redis-cli -p "${peer_port[$where]}" unlink shoppers >/dev/null
    measure "redis_$where" ok "$nginx_pid ${peer_pid[$where]}" \
      --url "http://127.0.0.1:$nginx_port" --raw-post "/$where"
    keep_round
  done
done

say "==> auditing what the cluster recorded"
kill -TERM "$sale_pid" && wait "$sale_pid" || true
"$sluice" verify --config "$work/sale.toml" | tail -n 3
kill -TERM "$worker_pid" && wait "$worker_pid" || true

# Renamed when they are whole: a run that fails leaves the figures of the last one.
jq -s --argjson machine "$(machine_json)" --argjson requests "$requests" --arg queues "$queues" \
  --argjson connections "$connections" --arg rabbitmq "$(dpkg-query -W -f '${Version}' rabbitmq-server)" \
  --arg mariadb "$(sql 'SELECT VERSION()')" --arg load_before "$load_before" \
  -f bench/cluster.jq "$work/rounds.jsonl" >"$work/$result.json"
jq -r '["round", "at_ms", "accepted", "written", "ready_messages"],
  ([.rounds[] | select(.backlog) | .backlog] | to_entries[] | .key as $round | .value[]
    | [$round + 1, .at_ms, .accepted, .written, .ready]) | @csv' "$work/$result.json" >"$work/$result.csv"
mv "$work/$result.json" "$work/$result.csv" "$results/"
jq -r '"==> medians", (.medians | to_entries[] | "    \(.key): \(.value.per_second | round) per second"),
  (.ratios | to_entries[] | "    \(.key): \(.value * 100 | round / 100)"),
  (.round_ratios | to_entries[] | "    \(.key) in each round: \(.value | map(. * 100 | round / 100) | join(", "))"),
  "    written: \(.written_per_second // 0 | round) orders per second while the crowd came, \(.drained_per_second // 0 | round) after it"' \
  "$results/$result.json"
