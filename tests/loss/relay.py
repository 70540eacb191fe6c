"""Carries IP packets between two tun devices: each comes later, in order, and some do not come.

A process of its own, run by `run.py`. On SIGTERM it prints what it did, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import time
from collections import deque

PACKET_MAX = 65536
ICMP, TCP, UDP = 1, 6, 17
PAYLOAD_AT = {TCP: 20 + 32, UDP: 20 + 8}


class Way:
    """One direction. Whether a packet is dropped depends on the seed and its number alone."""

    def __init__(self, source: int, target: int, delay: float, loss: float, seed: str) -> None:
        self.source, self.target, self.delay, self.loss = source, target, delay, loss
        self.random = random.Random(seed)
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.seen = self.dropped = self.bytes = 0

    def read(self, large: Large | None) -> None:
        while True:
            try:
                packet = os.read(self.source, PACKET_MAX)
            except BlockingIOError:
                return
            self.seen += 1
            self.bytes += len(packet)
            now = time.monotonic()
            lost = self.random.random() < self.loss
            if large is not None and large.takes(packet, now):
                lost = True
            if lost:
                self.dropped += 1
            else:
                self.waiting.append((now + self.delay, packet))

    def write(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            os.write(self.target, self.waiting.popleft()[1])


class Large:
    """Drops one large packet and lets all through for a while: so its second sending arrives."""

    def __init__(self, bytes_min: int, every: float, after: float) -> None:
        self.bytes_min, self.every = bytes_min, every
        self.next = time.monotonic() + after
        self.times: list[float] = []

    def takes(self, packet: bytes, now: float) -> bool:
        payload = len(packet) - PAYLOAD_AT.get(packet[9], len(packet))
        if now < self.next or payload < self.bytes_min:
            return False
        self.next = now + self.every
        self.times.append(now)
        return True


def carry(ways: list[Way], large: Large | None, ended: list[bool]) -> None:
    poll = select.epoll()
    for way in ways:
        poll.register(way.source, select.EPOLLIN)
    while not ended:
        due = min((way.waiting[0][0] for way in ways if way.waiting), default=None)
        wait = 0.2 if due is None else max(0.0, due - time.monotonic())
        poll.poll(wait)
        ways[0].read(large)
        ways[1].read(None)
        now = time.monotonic()
        for way in ways:
            way.write(now)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("server_file", type=int)
    parser.add_argument("client_file", type=int)
    parser.add_argument("--delay", type=float, required=True, help="seconds, each way")
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--large", type=int, help="bytes of payload from which one is dropped")
    parser.add_argument("--every", type=float, default=0.5)
    parser.add_argument("--after", type=float, default=0.0)
    args = parser.parse_args()
    ended: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    down = Way(args.server_file, args.client_file, args.delay, args.loss, f"{args.seed} down")
    up = Way(args.client_file, args.server_file, args.delay, args.loss, f"{args.seed} up")
    large = None if args.large is None else Large(args.large, args.every, args.after)
    carry([down, up], large, ended)
    did = {
        name: {"packets": way.seen, "dropped": way.dropped, "bytes": way.bytes}
        for name, way in (("down", down), ("up", up))
    }
    print(json.dumps(did | {"times": large.times if large else []}))


if __name__ == "__main__":
    main()
