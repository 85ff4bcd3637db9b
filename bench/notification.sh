#!/usr/bin/env bash
# What a payment notification costs the server: verify, store with a sync, apply, commit; for v2 and
# v3, 64 at a time and one at a time.
#   bench/notification.sh [COUNT]        default: 20000 (a twentieth of them one at a time)
# Writes bench/results/notification.json; bench/report.py puts it into docs/benchmarks.md.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
# shellcheck source=bench/lib.sh
source bench/lib.sh

count=${1:-20000}
bench_begin
say "==> building the preset bench"
cmake --preset bench >/dev/null
cmake --build --preset bench --target notification_cost >/dev/null
say "==> $count notifications of each version"
build/bench/bench/notification_cost "$work" "$count" | tee "$work/lines"
python3 - "$work/lines" "$results/notification.json" <<'PY'
import datetime, json, os, platform, subprocess, sys

def field(path, name):
    with open(path, encoding="utf-8") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith(name)), "")

commit = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True).stdout.strip()
facts = {"cpu": field("/proc/cpuinfo", "model name"), "cores": os.cpu_count(), "kernel": platform.release(),
         "commit": commit, "date": datetime.date.today().isoformat()}
with open(sys.argv[1], encoding="utf-8") as file:
    rounds = [json.loads(line) for line in file]
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump({"machine": facts, "rounds": rounds}, file, indent=1)
    file.write("\n")
PY
