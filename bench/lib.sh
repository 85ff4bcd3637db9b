# shellcheck shell=bash disable=SC2034,SC2154
# What the benchmarks share: servers on the server core, loads on the load core, facts of the machine.
# Sourced after scripts/lib.sh, at the top of the tree.

readonly server_core=0 load_core=1
readonly sluice=build/release/sluice
results=bench/results
work=
servers=()  # pids, each ended by name when the script ends

bench_begin() {
  [ "$(nproc)" -ge 2 ] || die "needs 2 processors, one for the server and one for the load"
  need_packages "${packages_build[@]}" "${packages_bench[@]}"
  [ -x "$sluice" ] || die "$sluice is missing; run ./run --build first"
  mkdir -p "$results"
  # A real disk: syncs of a tmpfs cost nothing and mean nothing.
  work=$(mktemp -d "${BENCH_DATA:-/var/tmp}/sluice-bench.XXXXXX")
  trap bench_end EXIT
  [ "$(stat -f -c %T "$work")" != tmpfs ] || die "$work is in memory; set BENCH_DATA to a folder on a disk"
}

bench_end() {
  bench_end_servers
  bench_remove
}
bench_end_servers() {
  local pid
  for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${servers[@]}"; do wait "$pid" 2>/dev/null || true; done
}
bench_remove() { [ -n "${BENCH_KEEP:-}" ] || rm -rf "$work"; }

# write_nginx FILE PORT REDIS-PORT-HERE REDIS-PORT-FREE: the peer, one worker; /constant answers a
# constant, /here and /free grab at one Redis or the other.
write_nginx() {
  cat >"$1" <<CONF
daemon off;
worker_processes 1;
user root;
pid $work/nginx.pid;
error_log $work/nginx-error.log;
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  lua_package_path "$PWD/bench/lua/?.lua;/usr/share/lua/5.1/?.lua;;";
  server {
    listen 127.0.0.1:$2;
    default_type application/json;
    location = /constant { return 200 "{}\n"; }
    location = /here { content_by_lua_block { require("grab").answer($3) } }
    location = /free { content_by_lua_block { require("grab").answer($4) } }
  }
}
CONF
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# until_answers COMMAND…: until it succeeds; at most 30 s.
until_answers() {
  local tries
  for tries in $(seq 300); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  die "no answer after $tries tries from: $*"
}

# A record in $work/sluice with an open sale whose one item, "plenty", never sells out.
open_plenty() {
  cat >"$work/goods.csv" <<CSV
id,title,price,stock,starts_at,ends_at
plenty,Plenty,19.99,900000000,2024-01-01 00:00:00,2124-01-01 00:00:00
CSV
  "$sluice" import --data "$work/sluice" --hold 7d "$work/goods.csv" >/dev/null
}

# win_plenty COUNT: so many new shoppers win one each, from the load core.
win_plenty() {
  on_load_core "$sluice" rush --closed --connections 64 --requests "$1" --shoppers "$1" \
    --data "$work/sluice" --item plenty --read-back 100 >"$work/rush.log" 2>&1 ||
    { cat "$work/rush.log" >&2; die "the crowd did not get through"; }
}

# start_sluice DATA [OPTION…]: on the server core, one I/O thread; sets sluice_pid and sluice_url.
start_sluice() {
  local data=$1
  shift
  taskset -c $server_core "$sluice" serve --data "$data" --listen 127.0.0.1:0 --threads 1 \
    --log-level warn "$@" >"$work/sluice.log" 2>&1 &
  sluice_pid=$!
  servers+=("$sluice_pid")
  until_answers test -s "$data/server.json"
  sluice_url=$(jq -r .url "$data/server.json")
  until_answers curl -sf "$sluice_url/readyz"
}

stop_sluice() {
  kill -TERM "$sluice_pid"
  wait "$sluice_pid"
}

# cpu_us PID…: microseconds of processor time that these processes have used so far.
cpu_us() {
  local pid ticks total=0
  for pid in "$@"; do
    ticks=$(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }')
    total=$((total + ticks))
  done
  echo $((total * 1000000 / $(getconf CLK_TCK)))
}

rss_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"; }

on_load_core() { taskset -c $load_core "$@"; }

# One object with what a figure depends on.
machine_json() {
  jq -n --arg cpu "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" \
    --arg cores "$(nproc)" --arg kernel "$(uname -r)" \
    --arg memory_gib "$(awk '/^MemTotal:/ { print int($2 / 1048576 + 0.5) }' /proc/meminfo)" \
    --arg filesystem "$(stat -f -c %T "$work")" \
    --arg sluice "$("$sluice" version | head -n 1)" \
    --arg nginx "$(nginx -v 2>&1 | sed 's/.*: //')" \
    --arg redis "$(redis-server --version | awk '{ print $3 }')" \
    --arg date "$(date -u +%F)" '$ARGS.named'
}
