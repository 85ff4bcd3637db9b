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
import collections
import dataclasses
import json
import math
import pathlib
import random
import sys

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
TICK_US = 1000.0      # one step of the simulation
QUEUE_BOUND = 65_536  # grabs that wait at one node, the default of engine.queue
PATIENCE_MS = 5_000   # how long a grab waits for its answer, then it is a 503
MOST_MS = 600_000     # simulated time after which something is wrong
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


# ---- the model ---------------------------------------------------------------------------------


@dataclasses.dataclass
class Pool:
    """One bucket of the hot item, or the other items of a shard together."""
    shard: int
    hot: bool
    stock: int
    weight: float = 1.0         # its part of the requests for its kind, against the other pools
    left: int = 0
    sold: int = 0
    asked: int = 0              # since the last look of the rebalancer
    refusing_from: float = math.inf   # nodes refuse by themselves from this millisecond
    asks_again: dict = dataclasses.field(default_factory=collections.Counter)

    def __post_init__(self):
        self.left = self.stock


class Shard:
    def __init__(self):
        self.at_nodes = collections.deque()  # [arrived, pool, requests], in order of arrival
        self.at_redis = collections.deque()
        self.waiting = 0      # requests in at_redis
        self.node_us = 0.0    # time that is left of this tick
        self.redis_us = 0.0
        self.unwritten = 0.0  # orders that wait for a worker
        self.most_unwritten = 0.0


class Latencies:
    """Requests by whole milliseconds."""

    def __init__(self):
        self.counts = collections.Counter()

    def add(self, milliseconds, requests):
        self.counts[int(milliseconds)] += requests

    def percentile(self, share):
        total = sum(self.counts.values())
        if total == 0:
            return None
        seen = 0
        for milliseconds in sorted(self.counts):
            seen += self.counts[milliseconds]
            if seen >= share * total:
                return milliseconds
        return max(self.counts)


def poisson(chance, mean):
    if mean <= 0:
        return 0
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def parts_of(total, count):
    """`total` units in `count` parts that differ by one at most."""
    return [total // count + (1 if i < total % count else 0) for i in range(count)]


class Simulation:
    def __init__(self, options, shards):
        self.options = options
        self.chance = random.Random(f"{options.seed}/{shards}")
        self.shards = [Shard() for _ in range(shards)]
        buckets = options.buckets or shards
        self.pools = []
        for i, stock in enumerate(parts_of(options.hot_stock, buckets)):
            weight = 1 + self.chance.uniform(-options.skew, options.skew)
            self.pools.append(Pool(i % shards, True, stock, weight))
        for i, stock in enumerate(parts_of(options.other_stock, shards)):
            self.pools.append(Pool(i, False, stock))
        self.stock = sum(pool.stock for pool in self.pools)
        self.transit = []  # (arrives, pool, units)
        self.granted, self.refused_by_redis, self.refused_by_node = Latencies(), Latencies(), Latencies()
        self.unavailable = self.asked = self.moved = 0
        self.last_sold_ms = 0
        self.due = 0  # requests that will come again

    def run(self):
        now = 0
        while not self.is_over(now):
            if now >= MOST_MS:
                raise RuntimeError(f"the simulation does not end within {MOST_MS} ms of its time")
            self.arrive(now)
            self.deliver(now)
            for shard in self.shards:
                self.serve_nodes(shard, now)
                self.serve_redis(shard, now)
                self.write(shard)
            if self.options.rebalance_ms and now and now % self.options.rebalance_ms == 0:
                self.rebalance(now)
            self.check()
            now += 1
        return now

    def is_over(self, now):
        if now < self.options.seconds * 1000 or self.due or self.transit:
            return False
        return all(not shard.at_nodes and not shard.at_redis and shard.unwritten <= 0
                   for shard in self.shards)

    def check(self):
        """Every unit is in exactly one place, after every millisecond."""
        units = sum(pool.left + pool.sold for pool in self.pools) + sum(one[2] for one in self.transit)
        if units != self.stock or any(pool.left < 0 for pool in self.pools):
            raise ArithmeticError(f"{units} units of {self.stock}")

    def arrive(self, now):
        per_ms = self.options.per_second / 1000 if now < self.options.seconds * 1000 else 0
        for hot in (True, False):
            share = self.options.hot_share if hot else 1 - self.options.hot_share
            kind = [pool for pool in self.pools if pool.hot == hot]
            weights = sum(pool.weight for pool in kind)
            for pool in kind:
                count = poisson(self.chance, per_ms * share * pool.weight / weights)
                again = pool.asks_again.pop(now, 0)
                self.due -= again
                self.asked += count
                pool.asked += count + again
                if count + again:
                    self.shards[pool.shard].at_nodes.append([now, pool, count + again])

    def deliver(self, now):
        for one in [one for one in self.transit if one[0] <= now]:
            self.transit.remove(one)
            _, pool, units = one
            pool.left += units
            # Announced to all nodes: they ask Redis again.
            pool.refusing_from = math.inf

    def serve_nodes(self, shard, now):
        options = self.options
        shard.node_us = min(shard.node_us, 0) + TICK_US * options.nodes
        while shard.at_nodes and shard.node_us > 0:
            cohort = shard.at_nodes[0]
            arrived, pool, requests = cohort
            refuses = now >= pool.refusing_from
            cost = options.node_refusal_us if refuses else options.node_us
            some = min(requests, math.ceil(shard.node_us / cost))
            shard.node_us -= some * cost
            cohort[2] -= some
            if cohort[2] == 0:
                shard.at_nodes.popleft()
            if refuses:
                self.refuse(self.refused_by_node, pool, arrived, now, some)
                continue
            room = max(0, options.nodes * QUEUE_BOUND - shard.waiting)
            self.unavailable += some - min(some, room)
            some = min(some, room)
            if some:
                shard.at_redis.append([arrived, pool, some])
                shard.waiting += some

    def serve_redis(self, shard, now):
        options = self.options
        shard.redis_us = min(shard.redis_us, 0) + TICK_US * options.redis_share
        while shard.at_redis and shard.redis_us > 0:
            cohort = shard.at_redis[0]
            arrived, pool, requests = cohort
            if now - arrived > PATIENCE_MS:
                some = requests
                self.unavailable += some
            elif pool.left > 0:
                some = min(requests, pool.left, math.ceil(shard.redis_us / options.redis_win_us))
                shard.redis_us -= some * options.redis_win_us
                pool.left -= some
                pool.sold += some
                shard.unwritten += some
                self.last_sold_ms = now
                self.granted.add(now - arrived + options.confirm_ms, some)
            else:
                some = min(requests, math.ceil(shard.redis_us / options.redis_refusal_us))
                shard.redis_us -= some * options.redis_refusal_us
                pool.refusing_from = min(pool.refusing_from, now + options.learn_ms)
                self.refuse(self.refused_by_redis, pool, arrived, now, some)
            shard.waiting -= some
            cohort[2] -= some
            if cohort[2] == 0:
                shard.at_redis.popleft()

    def refuse(self, where, pool, arrived, now, requests):
        where.add(now - arrived, requests)
        again = sum(1 for _ in range(requests) if self.chance.random() < self.options.return_share) \
            if requests < 50 else round(requests * self.options.return_share)
        at = now + self.options.return_ms
        if again and at < (self.options.seconds + self.options.linger) * 1000:
            pool.asks_again[at] += again
            self.due += again

    def write(self, shard):
        shard.most_unwritten = max(shard.most_unwritten, shard.unwritten)
        shard.unwritten = max(0.0, shard.unwritten - self.options.record_per_second / 1000)

    def rebalance(self, now):
        """Units left over go where they are asked for: taken first, then, later, given."""
        hot = [pool for pool in self.pools if pool.hot]
        left, asked = sum(pool.left for pool in hot), sum(pool.asked for pool in hot)
        empty = any(pool.left == 0 and pool.asked for pool in hot)
        if left and asked and empty:
            wanted = [left * pool.asked // asked for pool in hot]
            for i in sorted(range(len(hot)), key=lambda i: -hot[i].asked)[:left - sum(wanted)]:
                wanted[i] += 1
            spare = 0
            for pool, target in zip(hot, wanted):
                taken = max(0, pool.left - target)
                pool.left -= taken
                spare += taken
            self.moved += spare
            for pool, target in zip(hot, wanted):
                given = min(spare, max(0, target - pool.left))
                spare -= given
                if given:
                    self.transit.append((now + self.options.move_ms, pool, given))
            if spare:
                raise ArithmeticError(f"{spare} units were taken and given to nobody")
        for pool in hot:
            pool.asked = 0

    def result(self, ended_ms):
        def times(latencies):
            return {"p50_ms": latencies.percentile(0.5), "p99_ms": latencies.percentile(0.99),
                    "p999_ms": latencies.percentile(0.999),
                    "requests": sum(latencies.counts.values())}
        return {"shards": len(self.shards), "buckets": sum(1 for pool in self.pools if pool.hot),
                "shoppers": self.asked, "stock": self.stock, "sold": sum(pool.sold for pool in self.pools),
                "left": sum(pool.left for pool in self.pools),
                "hot_left": sum(pool.left for pool in self.pools if pool.hot),
                "last_sold_ms": self.last_sold_ms, "moved": self.moved, "unavailable": self.unavailable,
                "granted": times(self.granted), "refused_by_redis": times(self.refused_by_redis),
                "refused_by_node": times(self.refused_by_node),
                "most_unwritten_per_shard": round(max(shard.most_unwritten for shard in self.shards)),
                "written_after_ms": ended_ms}


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
