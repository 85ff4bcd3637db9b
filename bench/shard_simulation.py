#!/usr/bin/env python3
"""A sale whose crowd is too large for one shard, simulated millisecond by millisecond.

Each shard is nodes, one Redis server that admits, and workers with one database. The hot item is split
into buckets, one item of its own each, that are dealt out over the shards; a shopper always comes to
the same bucket. A bucket that is sold out is refused by its nodes themselves as soon as they have
learnt of it. At intervals, units that are left over are moved to where they are asked for.

How long a grab costs a node, Redis and the database is read from bench/results/*.json, as measured on
one machine; every other number is an option. The network is left out. See docs/scaling.md.

  bench/shard_simulation.py                              a table on the standard output
  bench/shard_simulation.py --shards 8 --json out.json   one number of shards, and everything as JSON

Exit status: 0; 1: units were lost or sold twice in the simulation; 2: wrong usage.
"""
import argparse
import json
import math
import pathlib
import sys

sys.dont_write_bytecode = True
from shard_model import Simulation  # noqa: E402

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
MOST_REQUESTS = 100_000_000
GRABS_PER_CALL = 64   # the row of redis_functions.json that is taken
ORDERS_PER_BATCH = 1024  # the row of mariadb_record.json that is taken


def measured():
    """What the machine of bench/results needs for one request of each kind."""
    def read(name):
        return json.loads((RESULTS / name).read_text(encoding="utf-8"))
    grab = read("grab.json")["medians"]
    redis = next(row for row in read("redis_functions.json")["rows"] if row["batch"] == GRABS_PER_CALL)
    record = next(row for row in read("mariadb_record.json")["rounds"]
                  if (row["work"], row["batch"], row["workers"]) == ("grant", ORDERS_PER_BATCH, 1))
    return {"node_us": 1e6 / grab["win"]["per_second"],
            "node_refusal_us": 1e6 / grab["sold_out"]["per_second"],
            "redis_win_us": redis["win_us"], "redis_refusal_us": redis["refuse_us"],
            "record_per_second": record["per_second"]}


# ---- the command -------------------------------------------------------------------------------


def whole(least, most):
    def parse(text):
        if not text.isascii() or not text.isdigit() or len(text) > 12 or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least:,} to {most:,}")
        return int(text)
    return parse


def decimal(least, most):
    def parse(text):
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:  # NaN is in no range
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {least:g} to {most:g}")
        return number
    return parse


def counts(text):
    parse = whole(1, 1024)
    return [parse(part) for part in text.split(",")]


def arguments(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    add = parser.add_argument
    add("--shards", type=counts, default=[4, 8, 12, 16], metavar="N,…", help="numbers of shards to try")
    add("--nodes", type=whole(1, 1000), default=2,
        help="nodes of a shard, with one core for requests each, as it was measured")
    add("--per-second", type=whole(1, 100_000_000), default=1_000_000, help="shoppers a second, all shards")
    add("--seconds", type=whole(1, 300), default=3, help="for how long they come")
    add("--hot-share", type=decimal(0, 1), default=0.8, help="part of them that wants the hot item")
    add("--hot-stock", type=whole(0, 100_000_000), default=100_000, help="units of the hot item")
    add("--other-stock", type=whole(0, 100_000_000), default=100_000, help="units of all other items")
    add("--buckets", type=whole(1, 4096), help="parts of the hot item; default: one for each shard")
    add("--skew", type=decimal(0, 1), default=0.2, help="how unequally the buckets are asked for, 0 to 1")
    add("--rebalance-ms", type=whole(0, 60_000), default=500, help="pause between moves; 0: none is made")
    add("--move-ms", type=whole(1, 60_000), default=1000, help="how long moved units are on their way")
    add("--learn-ms", type=whole(0, 60_000), default=50,
        help="from Redis's first refusal until nodes refuse by themselves")
    add("--confirm-ms", type=whole(0, 60_000), default=5, help="the broker's confirm, added to each grant")
    add("--return-share", type=decimal(0, 0.9), default=0.0, help="part of those refused that asks again")
    add("--return-ms", type=whole(1, 60_000), default=2000, help="when they do")
    add("--linger", type=whole(0, 120), default=10, metavar="SECONDS",
        help="for how long after the last new shopper they come again")
    add("--redis-share", type=decimal(0.01, 1), default=0.5,
        help="part of Redis's time that its functions get; sockets and files have the rest")
    for name, text in (("node-us", "node's time for a grab"), ("node-refusal-us", "node's time for a refusal"),
                       ("redis-win-us", "Redis's time for a grant"),
                       ("redis-refusal-us", "Redis's time for a refusal")):
        add(f"--{name}", type=decimal(0.01, 1e6), help=f"{text}; default: as measured")
    add("--record-per-second", type=decimal(1, 1e9), help="orders written by a shard; default: as measured")
    add("--seed", type=whole(0, 10**12 - 1), default=1, help="the same seed, the same result")
    add("--json", metavar="FILE", help="write everything there")
    options = parser.parse_args(words)
    if options.per_second * options.seconds > MOST_REQUESTS:
        parser.error(f"{options.per_second * options.seconds:,} shoppers are more than {MOST_REQUESTS:,}: "
                     "lower --per-second or --seconds")
    for shards in options.shards:
        if options.buckets and options.buckets < shards:
            print(f"note: {shards} shards are more than --buckets {options.buckets}: some do not sell the hot item",
                  file=sys.stderr)
    try:
        taken = measured()
    except (OSError, ValueError, KeyError, StopIteration) as error:
        parser.error(f"the measurements in {RESULTS} cannot be read ({error!r}): run the scripts of bench/")
    for name, value in taken.items():
        if getattr(options, name) is None:
            setattr(options, name, round(value, 3))
    return options


HEAD = ("| Shards | Sold of stock | Hot units left | Moved | Last unit after | Granted p50 | p99 | Refused by Redis, p99 "
        "| Refused by nodes, p99 | 503 | Backlog of a shard | Written after |")


def row(one):
    def ms(value):
        return "–" if value is None else f"{value:,} ms"
    return (f"| {one['shards']} | {one['sold']:,} of {one['stock']:,} | {one['hot_left']:,} | {one['moved']:,} "
            f"| {ms(one['last_sold_ms'])} | {ms(one['granted']['p50_ms'])} | {ms(one['granted']['p99_ms'])} "
            f"| {one['refused_by_redis']['requests']:,}, {ms(one['refused_by_redis']['p99_ms'])} "
            f"| {one['refused_by_node']['requests']:,}, {ms(one['refused_by_node']['p99_ms'])} "
            f"| {one['unavailable']:,} | {one['most_unwritten_per_shard']:,} | {ms(one['written_after_ms'])} |")


def main():
    options = arguments(sys.argv[1:])
    print(HEAD)
    print("|" + "---|" * (HEAD.count("|") - 1))
    rows = []
    for shards in options.shards:
        simulation = Simulation(options, shards)
        try:
            rows.append(simulation.result(simulation.run()))
        except (ArithmeticError, RuntimeError) as error:
            print(f"shard_simulation: {error}; seed {options.seed}, {shards} shards", file=sys.stderr)
            return 1
        print(row(rows[-1]), flush=True)
    if options.json:
        facts = {name: value for name, value in vars(options).items() if name != "json"}
        text = json.dumps({"options": facts, "rows": rows}, indent=2) + "\n"
        try:
            pathlib.Path(options.json).write_text(text, encoding="utf-8")
        except OSError as error:
            print(f"shard_simulation: {options.json} cannot be written: {error.strerror}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
