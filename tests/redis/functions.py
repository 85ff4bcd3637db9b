#!/usr/bin/env python3
"""Random calls of src/redis/library.lua in a private Redis against a plain model, step by step.

Every answer is compared, and all counters after each step; every run ends with seal, drain, a
rebuild under a new epoch, and FLUSHALL.
    tests/redis/functions.py [--seed N] [--runs N]
A failure prints its seed: the same call with that seed and one run replays it.
"""
import argparse
import random
import sys
import traceback

from private_redis import PrivateRedis

REPLAYED, KEY_MISMATCH, UNKNOWN_ITEM, INVALID_QUANTITY, NOT_STARTED, ENDED, PAUSED, ALREADY_QUEUED, \
    LIMIT_REACHED, SOLD_OUT, GRANTED, _, ID_CONFLICT = range(13)
UNKNOWN_ORDER, UNCHANGED, MOVED, REFUSED, MOVED_LATE, REFUND_DUE = range(6)
NOT_LOADED, STALE_EPOCH, NOT_DRAINED, NOT_SEALED = -1, -2, -3, -4
VERBS = ("commit", "release", "fail", "pay", "refund")
STEPS = 120
# Names that would break a row, a hash tag or a pattern.
USERS = ["a", "b", "c", "d;1=2", "e,x", "{z}", "\u00fc=", "7"]
QUANTITIES = [1, 1, 1, 2, 0, -1, "1e3", "1 ", "0x1", 2**63 - 1, 9223373, 10**9]


class Model:
    """What the functions should do, said as plainly as possible: nothing is counted ahead."""

    def __init__(self):
        self.starts, self.ends, self.hold = 1_000_000, 2_000_000, 5000
        self.paused, self.cancelled, self.version = 0, 0, 1
        self.items = {0: dict(price=100, most=10**9, limit=2, stock=4, revision=0, version=1),
                      1: dict(price=10**12, most=9223372, limit=1, stock=2, revision=0, version=1)}
        self.orders, self.requests = {}, {}

    def units(self, standings, item, user=None):
        return sum(o["quantity"] for o in self.orders.values()
                   if o["item"] == item and o["standing"] in standings and user in (None, o["user"]))

    def available(self, item):
        return self.items[item]["stock"] - self.units("ras", item)

    def window(self):
        return (self.starts, self.ends, self.hold, self.paused, self.cancelled, self.version)

    def definitions(self):
        return [v for no, i in self.items.items()
                for v in (no, i["price"], i["most"], i["limit"], i["stock"], i["version"])]

    def same(self, order, user, item, quantity):
        return (order["user"], order["item"], str(order["quantity"])) == (user, item, str(quantity))

    def grab(self, now, order, user, item, quantity, request):
        if order in self.orders:
            return GRANTED if self.same(self.orders[order], user, item, quantity) else ID_CONFLICT
        if request and request in self.requests:
            made = self.orders[self.requests[request]]
            return REPLAYED if self.same(made, user, item, quantity) else KEY_MISMATCH
        if item not in self.items:
            return UNKNOWN_ITEM
        if not (isinstance(quantity, int) and 1 <= quantity <= self.items[item]["most"]):
            return INVALID_QUANTITY
        if self.cancelled:
            return ENDED
        if now < self.starts:
            return NOT_STARTED
        if now >= self.ends:
            return ENDED
        if self.paused:
            return PAUSED
        if any(o["user"] == user and o["standing"] in "ra" for o in self.orders.values()):
            return ALREADY_QUEUED
        if self.units("ras", item, user) + quantity > self.items[item]["limit"]:
            return LIMIT_REACHED
        if self.available(item) < quantity:
            return SOLD_OUT
        self.orders[order] = dict(user=user, item=item, quantity=quantity, standing="r",
                                  expires=now + self.hold, request=request)
        if request:
            self.requests[request] = order
        return GRANTED

    def move(self, verb, order):
        """The answer, and whether units came back."""
        if order not in self.orders:
            return UNKNOWN_ORDER, False
        o = self.orders[order]
        held, gone = o["standing"] in "ra", o["standing"] in "xf"

        def to(standing, answer, back=False):
            o["standing"] = standing
            return answer, back

        if verb == "commit":
            return to("a", MOVED) if o["standing"] == "r" else (UNCHANGED, False)
        if verb in ("release", "fail"):
            if gone:
                return UNCHANGED, False
            return to("x" if verb == "release" else "f", MOVED, True) if held else (REFUSED, False)
        if verb == "pay":
            if o["standing"] in "sc":
                return UNCHANGED, False
            if held:
                return to("s", MOVED)
            over = self.units("ras", o["item"], o["user"]) + o["quantity"] > self.items[o["item"]]["limit"]
            if o["standing"] == "f" or self.cancelled or self.available(o["item"]) < o["quantity"] or over:
                return REFUND_DUE, False
            return to("s", MOVED_LATE)
        if o["standing"] == "s":
            return to("c", MOVED, True)
        return (REFUSED if held else UNCHANGED), False

    def adjust(self, item, stock):
        if item not in self.items:
            return 0
        if stock > 10**9:
            return 2
        if stock < self.units("ras", item):
            return 3
        if stock == self.items[item]["stock"]:
            return 4
        self.items[item]["revision"] += stock > self.items[item]["stock"]
        self.items[item]["stock"] = stock
        return 5

    def row(self, no):
        i = self.items[no]
        return [i["price"], i["most"], i["limit"], i["stock"], self.available(no), self.units("ra", no),
                self.units("s", no), self.units("c", no), i["revision"], i["version"], 0]


def code_of(answer):
    return answer if isinstance(answer, int) else answer[0]


class Run:
    def __init__(self, redis, seed, reached):
        self.redis, self.random, self.reached = redis, random.Random(seed), reached
        self.model, self.now, self.pending, self.next_id = Model(), 1_000_000, [], 100

    def expect(self, got, wanted, *about):
        assert got == wanted, f"{about}: got {got}, wanted {wanted}"

    def grabs(self):
        pick, batch = self.random.choice, []
        for _ in range(self.random.randint(1, 6)):
            if self.model.orders and self.random.random() < .15:
                order = pick(list(self.model.orders))
            else:
                self.next_id += 1
                order = self.next_id
            request = pick(["", "", "ab%d" % self.random.randint(0, 9)])
            batch.append((order, pick(USERS), pick([0, 0, 1, 9]), pick(QUANTITIES), request))
        got = self.redis.call("grab", 1, self.now, *[word for grab in batch for word in grab])
        assert isinstance(got, list), got
        for grab, answer in zip(batch, got[2:], strict=True):
            code = code_of(answer)
            self.reached.add(("grab", code))
            self.expect(code, self.model.grab(self.now, *grab), grab, answer)
            if code in (REPLAYED, GRANTED):
                wanted = grab[0] if code == GRANTED else self.model.requests[grab[4]]
                self.expect(int(answer[1]), wanted, grab)
            if code == ALREADY_QUEUED:
                open_one = self.model.orders[int(answer[1])]
                assert open_one["user"] == grab[1] and open_one["standing"] in "ra", answer
        if got[1]:
            self.pending.append(got[1])

    def moves(self):
        verb = self.random.choice(VERBS)
        orders = [self.random.choice(list(self.model.orders) + [5]) for _ in range(self.random.randint(1, 4))]
        got, rose = self.redis.call("move", 1, verb, *orders), set()
        for order, answer in zip(orders, got, strict=True):
            wanted, back = self.model.move(verb, order)
            self.reached.add((verb, answer))
            self.expect(answer, wanted, verb, order)
            if back:
                rose.add(self.model.orders[order]["item"])
        for item in rose:
            self.model.items[item]["revision"] += 1

    def adjusts(self):
        item, stock = self.random.choice([0, 1, 7]), self.random.choice([0, 1, 2, 3, 5, 8, 10**9 + 1])
        got = self.redis.call("adjust", 1, item, stock)
        self.reached.add(("adjust", got))
        self.expect(got, self.model.adjust(item, stock), item, stock)

    def defines(self):
        m, pick = self.model, self.random.choice
        version = m.version + pick([-1, 0, 1, 1])
        window = (m.starts + pick([0, 0, 1000]), m.ends + pick([0, -10]), m.hold, pick([0, 0, 0, 1]),
                  1 if self.random.random() < .03 else m.cancelled, version)
        self.expect(self.redis.call("define", 1, *window), MOVED if version > m.version else UNCHANGED)
        if version > m.version:
            m.starts, m.ends, m.hold, m.paused, m.cancelled, m.version = window

    def defines_item(self):
        no = self.random.choice([0, 1])
        item = self.model.items[no]
        version, limit = item["version"] + self.random.choice([0, 1]), self.random.randint(1, 3)
        got = self.redis.call("define_item", 1, no, item["price"], item["most"], limit, 99, version)
        self.expect(got, MOVED if version > item["version"] else UNCHANGED)
        if version > item["version"]:
            item["limit"], item["version"] = limit, version

    def confirms(self):
        entry = self.pending.pop(self.random.randrange(len(self.pending)))
        self.expect(self.redis.call("confirm", 1, entry), 1)
        self.expect(self.redis.call("confirm", 1, entry), 0)

    def compare(self):
        stats = self.redis.call("stats")
        self.expect(stats[:4], ["1", "1", "open", len(self.pending)])
        rows = dict(zip(stats[4::2], stats[5::2], strict=True))
        for no in self.model.items:
            self.expect([int(x) for x in rows[str(no)].split(",")], self.model.row(no), no)

    def step(self):
        self.now += self.random.choice([0, 0, 1, 500, -300, 20000 if self.random.random() < .1 else 0])
        kind = self.random.random()
        if kind < .55:
            self.grabs()
        elif kind < .85 and self.model.orders:
            self.moves()
        elif kind < .9:
            self.adjusts()
        elif kind < .95:
            self.defines()
        elif kind < .97:
            self.defines_item()
        elif kind < .985 and self.pending:
            self.confirms()
        self.compare()

    def rebuild(self):
        """From the orders as a record has them: equal counters, and the same answers."""
        call, m = self.redis.call, self.model
        definition = (*m.window(), *m.definitions())
        grab = ("", 9, "a", 0, 1, "")
        before = call("stats")[4:]
        self.expect(call("load_begin", 1, *definition), UNCHANGED)
        self.expect(call("load_begin", 2, *definition), NOT_SEALED)
        self.expect(call("grab", 2, *grab), STALE_EPOCH)
        self.expect(call("seal", 1), len(self.pending))
        self.expect(call("grab", 1, *grab), NOT_LOADED)
        if self.pending:
            self.expect(call("load_begin", 2, *definition), NOT_DRAINED)
            self.expect(call("confirm", 1, *self.pending), len(self.pending))
        epoch = 2
        self.expect(call("load_begin", epoch, *definition), MOVED)
        if self.random.random() < .3:  # somebody else is faster
            epoch = 3
            self.expect(call("load_begin", epoch, *definition), MOVED)
            self.expect(call("load_open", 2), STALE_EPOCH)
        rows = []
        for order, o in m.orders.items():
            if o["standing"] == "r":
                o["standing"] = "a"
            rows += [order, o["user"], o["item"], o["quantity"], m.items[o["item"]]["price"], 1, o["expires"],
                     o["standing"], o["request"]]
        if rows:
            self.expect(call("load_orders", epoch, *rows), len(m.orders))
            self.expect(call("load_orders", epoch, *rows), 0)
        self.expect(call("grab", epoch, *grab), NOT_LOADED)
        self.expect(call("load_open", epoch), [])
        after = call("stats")[4:]
        old, new = dict(zip(before[0::2], before[1::2])), dict(zip(after[0::2], after[1::2]))
        for no in new:
            self.expect(new[no].split(",")[:8], old[no].split(",")[:8], no)
        for user in "abc":
            wanted = m.grab(self.now, 10**6, user, 0, 1, "")
            self.expect(code_of(call("grab", epoch, self.now, 10**6, user, 0, 1, "")[2]), wanted, user)
            if wanted == GRANTED:
                break
        self.redis.send("FLUSHALL")
        self.expect(call("grab", epoch, *grab), NOT_LOADED)
        self.expect(call("stats"), NOT_LOADED)

    def play(self):
        self.redis.send("FLUSHALL")
        self.expect(self.redis.call("load_begin", 1, *self.model.window(), *self.model.definitions()), MOVED)
        self.expect(self.redis.call("load_open", 1), [])
        for _ in range(STEPS):
            self.step()
        self.rebuild()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--runs", type=int, default=100)
    options = parser.parse_args()
    reached = set()
    with PrivateRedis() as redis:
        for seed in range(options.seed, options.seed + options.runs):
            try:
                Run(redis, seed, reached).play()
            except Exception:
                traceback.print_exc()
                sys.exit(f"replay: tests/redis/functions.py --seed {seed} --runs 1")
    print(f"{options.runs} runs from seed {options.seed}; reached {len(reached)} kinds of answers")
    # A thousand random steps that never got anywhere would prove nothing.
    wanted = {("grab", code) for code in range(13) if code != 11} | {(verb, MOVED) for verb in VERBS}
    if options.runs >= 50 and not wanted <= reached:
        sys.exit(f"never reached: {sorted(wanted - reached)}; seed {options.seed}")


main()
