"""A sale over many shards as a model: queues of nodes and of Redis, buckets of a hot item, a worker's backlog.

Times are milliseconds of the simulation; one step is one of them. Options are those of
bench/shard_simulation.py, which is the program.
"""
import collections
import dataclasses
import math
import random

TICK_US = 1000.0      # one step of the simulation
QUEUE_BOUND = 65_536  # grabs that wait at one node, the default of engine.queue
PATIENCE_MS = 5_000   # how long a grab waits for its answer, then it is a 503
MOST_MS = 600_000     # simulated time after which something is wrong


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
