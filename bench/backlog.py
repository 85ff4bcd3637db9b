#!/usr/bin/python3
"""Samples a cluster during a rush until it is told to end: grabs accepted by a node, orders written, and what waits
at RabbitMQ.

    bench/backlog.py NODE-URL MARIADB-SOCKET AMQP-URL

Prints a line of JSON ten times a second: {"at_ms", "accepted", "written", "ready"}, the first two counted from the
start. Their difference is the backlog; "ready" counts messages, of a batch of grabs each, that no worker has fetched yet. Debian's Python, which
finds Debian's pika.
"""
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pika

QUEUE = "seckillOrderQueue"
PERIOD_S = 0.1
# The node counts a grab as granted when it answers 202: reserved in Redis, confirmed by the broker.
ACCEPTED = re.compile(r'^sluice_grabs_total\{outcome="granted"\} ([0-9.e+]+)$', re.MULTILINE)


def accepted(url):
    with urllib.request.urlopen(url + "/metrics", timeout=10) as answer:
        return int(sum(float(one) for one in ACCEPTED.findall(answer.read().decode())))


class Orders:
    """Counts orders over one connection. The highest number of history is read, which costs nothing."""

    def __init__(self, socket):
        self.client = subprocess.Popen(
            ["mariadb", "--no-defaults", f"--socket={socket}", "-BN", "--unbuffered", "sluice"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def count(self):
        self.client.stdin.write("SELECT COALESCE(MAX(seq), 0) FROM history;\n")
        self.client.stdin.flush()
        return int(self.client.stdout.readline())


class Queue:
    """How many messages are ready for delivery, asked of the broker itself."""

    def __init__(self, url):
        self.channel = pika.BlockingConnection(pika.URLParameters(url)).channel()

    def ready(self):
        return self.channel.queue_declare(QUEUE, passive=True).method.message_count


def main(url, socket, amqp):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    orders, queue = Orders(socket), Queue(amqp)
    accepted_before, written_before = accepted(url), orders.count()
    start = time.monotonic()
    due = start
    while not stopped:
        sample = {"accepted": accepted(url) - accepted_before, "written": orders.count() - written_before,
                  "ready": queue.ready(), "at_ms": round((time.monotonic() - start) * 1000)}
        print(json.dumps(sample), flush=True)
        due += PERIOD_S
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
