#!/usr/bin/env python3
"""The simulation of many shards: it loses nothing, repeats itself, and says what is wrong with its options."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "bench/shard_simulation.py"
sys.path.insert(0, str(PROGRAM.parent))
sys.dont_write_bytecode = True
import shard_simulation  # noqa: E402


FIXED = ["--shards", "4", "--per-second", "20000", "--seconds", "2", "--node-us", "11", "--node-refusal-us", "6.5",
         "--redis-win-us", "8.9", "--redis-refusal-us", "3.6", "--record-per-second", "50000"]


def run(*words):
    """One run of few shoppers, independent of what was measured last."""
    options = shard_simulation.arguments([*FIXED, *words])
    simulation = shard_simulation.Simulation(options, options.shards[0])
    return simulation.result(simulation.run())


class Outcome(unittest.TestCase):
    def test_a_crowd_that_is_larger_than_the_stock_buys_all_of_it(self):
        one = run("--hot-stock", "1003", "--other-stock", "77")
        self.assertEqual((one["sold"], one["left"]), (1080, 0))
        self.assertEqual(one["granted"]["requests"], 1080)
        self.assertEqual(one["shoppers"], one["sold"] + one["unavailable"] + one["refused_by_redis"]["requests"]
                         + one["refused_by_node"]["requests"])

    def test_every_shopper_has_one_answer_whatever_is_short(self):
        for words in (["--node-us", "400"], ["--redis-win-us", "900"], ["--record-per-second", "100"],
                      ["--redis-share", "0.01"], ["--buckets", "1"], ["--buckets", "37"]):
            for seed in range(3):
                with self.subTest(words=words, seed=seed):
                    one = run("--hot-stock", "20000", "--seed", str(seed), *words)
                    answers = sum(one[kind]["requests"]
                                  for kind in ("granted", "refused_by_redis", "refused_by_node"))
                    self.assertEqual(one["shoppers"], answers + one["unavailable"])
                    self.assertEqual(one["stock"], one["sold"] + one["left"])

    def test_moving_leftovers_sells_what_would_be_left(self):
        words = ["--hot-stock", "30000", "--hot-share", "1", "--skew", "0.6", "--return-share", "0.9",
                 "--move-ms", "100", "--rebalance-ms", "100", "--return-ms", "300", "--learn-ms", "0"]
        without = run(*words, "--rebalance-ms", "0")
        self.assertGreater(without["hot_left"], 0)
        self.assertEqual(without["moved"], 0)
        moved = run(*words)
        self.assertGreater(moved["moved"], 0)
        self.assertEqual(moved["hot_left"], 0)

    def test_nodes_take_the_refusals_over_from_redis(self):
        at_once = run("--hot-stock", "100", "--learn-ms", "0")
        late = run("--hot-stock", "100", "--learn-ms", "1000")
        self.assertGreater(at_once["refused_by_node"]["requests"], late["refused_by_node"]["requests"])
        self.assertGreater(late["refused_by_redis"]["requests"], at_once["refused_by_redis"]["requests"])

    def test_nothing_to_sell_is_sold_to_nobody(self):
        one = run("--hot-stock", "0", "--other-stock", "0")
        self.assertEqual((one["sold"], one["granted"]["p99_ms"]), (0, None))

    def test_the_same_seed_is_the_same_result(self):
        self.assertEqual(run("--seed", "7"), run("--seed", "7"))
        self.assertNotEqual(run("--seed", "7"), run("--seed", "8"))

    def test_a_unit_that_goes_astray_is_noticed(self):
        options = shard_simulation.arguments(["--shards", "2", "--per-second", "100", "--seconds", "1"])
        simulation = shard_simulation.Simulation(options, 2)
        simulation.pools[0].left += 1
        with self.assertRaises(ArithmeticError):
            simulation.run()


class Command(unittest.TestCase):
    def call(self, *words):
        return subprocess.run([sys.executable, str(PROGRAM), *words], capture_output=True, text=True,
                              timeout=120, check=False)

    def test_writes_a_table_and_everything_as_json(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "out.json"
            done = self.call("--shards", "2,3", "--per-second", "1000", "--seconds", "1", "--json", str(file))
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
        self.assertEqual([one["shards"] for one in rows], [2, 3])
        self.assertEqual(len(done.stdout.splitlines()), 4)

    def test_says_what_is_wrong(self):
        for words, part in ((["--shards", "0"], "'0' is not a whole number from 1 to 1,024"),
                            (["--shards", "2,"], "'' is not a whole number"),
                            (["--shards", "-1"], "'-1' is not a whole number from 1 to 1,024"),
                            (["--seconds", "1e3"], "'1e3'"),
                            (["--seconds", "٣"], "is not a whole number"),
                            (["--skew", "nan"], "'nan' is not a number from 0 to 1"),
                            (["--redis-share", "0"], "'0' is not a number from 0.01 to 1"),
                            (["--node-us", "inf"], "'inf'"),
                            (["--per-second", "100000000", "--seconds", "300"], "lower --per-second or --seconds"),
                            (["--shard", "1"], "unrecognized arguments"),
                            (["rush"], "unrecognized arguments")):
            with self.subTest(words=words):
                done = self.call(*words)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(part, done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_a_file_that_cannot_be_written_is_a_failure(self):
        done = self.call("--shards", "1", "--per-second", "10", "--seconds", "1", "--json", "/nowhere/at/all")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/at/all cannot be written", done.stderr)


unittest.main()
