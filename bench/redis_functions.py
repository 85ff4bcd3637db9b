#!/usr/bin/env python3
"""What the functions of src/redis/library.lua cost: server time per grab and bytes per reservation.

Server time is what Redis itself counts (INFO commandstats), so the client and the network are not
in it. Starts a Redis of its own. Prints the table of docs/benchmarks.md.
    bench/redis_functions.py
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/redis"))
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
    return us, server_us(redis) / refused, size


def main():
    with PrivateRedis() as redis:
        print("Redis", re.search(r"redis_version:(\S+)", redis.send("INFO", "server")).group(1))
        print("| grabs per call | µs per grab that wins, confirm included | µs per refusal | bytes per reservation |")
        print("|---|---|---|---|")
        for batch in BATCHES:
            print("| %d | %.1f | %.1f | %.0f |" % (batch, *measure(redis, batch)))


main()
