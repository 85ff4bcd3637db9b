#!/usr/bin/env python3
"""Plays the open pages of shoppers who wait: one stream of events each, and a poll every three seconds.

    watchers.py URL ORDERS.jsonl     lines of {"order", "token"}; prints "ready" once all streams are open,
                                     ends at SIGTERM with a line of JSON: streams still open, polls answered

A page uses the stream, or the polls where there is none; here each does both, which is the worst of the two.
"""
import asyncio
import json
import random
import signal
import sys
import urllib.parse

PERIOD_S = 3.0


def request(path, token, host):
    return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            "Accept: */*\r\n\r\n").encode()


class Watchers:
    def __init__(self, url, orders):
        self.address = urllib.parse.urlsplit(url)
        self.orders = orders
        self.open = 0
        self.polls = 0
        self.failures = 0

    async def connect(self):
        return await asyncio.open_connection(self.address.hostname, self.address.port)

    async def stream(self, order, token):
        reader, writer = await self.connect()
        writer.write(request(f"/api/v1/orders/{order}/events", token, self.address.netloc))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        self.open += 1
        try:
            while await reader.read(65536):
                pass
        finally:
            self.open -= 1

    async def poll(self, order, token):
        reader, writer = await self.connect()
        await asyncio.sleep(random.uniform(0, PERIOD_S))
        while True:
            writer.write(request(f"/api/v1/orders/{order}", token, self.address.netloc))
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if line)
            await reader.readexactly(int(fields[b"content-length"]))
            if head.startswith(b"HTTP/1.1 200"):
                self.polls += 1
            else:
                self.failures += 1
            await asyncio.sleep(PERIOD_S)

    async def run(self):
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        jobs = []
        for one in self.orders:
            jobs.append(asyncio.create_task(self.stream(one["order"], one["token"])))
            jobs.append(asyncio.create_task(self.poll(one["order"], one["token"])))
        while self.open < len(self.orders):
            for job in jobs:
                if job.done():
                    job.result()
            await asyncio.sleep(0.05)
        print("ready", flush=True)
        await stop.wait()
        print(json.dumps({"streams": self.open, "polls": self.polls, "failures": self.failures}), flush=True)
        for job in jobs:
            job.cancel()


def main():
    with open(sys.argv[2], encoding="utf-8") as lines:
        orders = [json.loads(line) for line in lines]
    asyncio.run(Watchers(sys.argv[1], orders).run())


main()
