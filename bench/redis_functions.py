#!/usr/bin/env python3
"""What the functions of src/redis/library.lua cost: server time per grab and bytes per reservation.

Server time is what Redis itself counts (INFO commandstats), so the client and the network are not
in it. Starts a Redis of its own. Writes bench/results/redis_functions.json.
    bench/redis_functions.py
"""
import datetime
import json
import os
import pathlib
import platform
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/redis"))
from private_redis import PrivateRedis  # noqa: E402

BATCHES = (1, 16, 64, 256)
STOCK = 1_000_000
REFUSALS = 20_000
ITEM = 3
CONFIRMS = 64


def grabs(redis, first, batch):
    words = []
    for number in range(first, first + batch):
        # As wide as an order id and a user's name of a real shop.
        words += [245 * 10**15 + number, "user%08d" % number, ITEM, 1, ""]
    return redis.call("grab", 1, "", *words)


def memory(redis):
    return int(re.search(r"used_memory:(\d+)", redis.send("INFO", "memory")).group(1))


def server_us(redis):
    return int(re.search(r"cmdstat_fcall:.*?usec=(\d+)", redis.send("INFO", "commandstats")).group(1))


def measure(redis, batch):
    redis.send("FLUSHALL")
    redis.call("load_begin", 1, 0, 9 * 10**12, 1_800_000, 0, 0, 1, ITEM, 1999, 10**9, 1, STOCK, 1)
    redis.call("load_open", 1)
    count = 100_000 if batch > 1 else 30_000
    before, made, entries = memory(redis), 0, []
    redis.send("CONFIG", "RESETSTAT")
    while made < count:
        entries.append(grabs(redis, made, batch)[1])
        made += batch
        if len(entries) == CONFIRMS or made >= count:
            redis.call("confirm", 1, *entries)
            entries = []
    us, size = server_us(redis) / made, (memory(redis) - before) / made
    redis.call("adjust", 1, ITEM, made)
    redis.send("CONFIG", "RESETSTAT")
    for first in range(0, REFUSALS, batch):
        grabs(redis, STOCK + first, batch)
    refused = -(-REFUSALS // batch) * batch
    return {"batch": batch, "win_us": round(us, 2), "refuse_us": round(server_us(redis) / refused, 2),
            "bytes": round(size)}


def machine(redis):
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "date": datetime.date.today().isoformat(),
            "redis": re.search(r"redis_version:(\S+)", redis.send("INFO", "server")).group(1)}


def main():
    with PrivateRedis() as redis:
        result = {"machine": machine(redis), "load_before": os.getloadavg()[0],
                  "rows": [measure(redis, batch) for batch in BATCHES]}
    text = json.dumps(result, indent=2) + "\n"
    (ROOT / "bench/results/redis_functions.json").write_text(text, encoding="utf-8")
    print(text, end="")


main()
