"""The UDP half of a relay. It drops flows: what is cut says nothing, ever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

DATAGRAM = 65536
HANDSHAKE = 8192
"""So many bytes of a flow do not count for its limit: they hold the handshake."""

Address = tuple[str, int]


class Flow:
    """What one client's port and the gateway say to each other."""

    def __init__(self, target: int, limit: int | None) -> None:
        self.left = None if limit is None else limit + HANDSHAKE
        self.dropped = False
        self.asked = False
        """Was something sent whose answer is to be lost?"""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect(("127.0.0.1", target))


class Rules(Protocol):
    """What a relay does to what is new."""

    target: int
    down: bool
    lose_answer: bool
    cuts: int
    limit: Callable[[], int | None]

    def lost(self) -> bool:
        """An answer came: is it the one to lose?"""


class Flows:
    """All flows of a relay."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._flows: dict[Address, Flow] = {}
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.setblocking(False)

    def open(self, port: int) -> None:
        """Stands at `port`. Raises OSError where somebody else does."""
        self._server.bind(("127.0.0.1", port))
        asyncio.get_running_loop().add_reader(self._server, self._asks)

    def close(self) -> None:
        """Ends all of them."""
        loop = asyncio.get_running_loop()
        for closed in (self._server, *(flow.socket for flow in self._flows.values())):
            loop.remove_reader(closed)
            closed.close()
        self._flows.clear()

    def drop(self) -> None:
        """Drops all that there are."""
        for flow in self._flows.values():
            flow.dropped = True

    def _asks(self) -> None:
        with suppress(BlockingIOError):
            while True:
                data, client = self._server.recvfrom(DATAGRAM)
                flow = self._flows.get(client) or self._begin(client)
                if flow.dropped:
                    continue
                flow.asked = flow.asked or self._rules.lose_answer
                # A gateway that is down refuses; the next one may not.
                with suppress(OSError):
                    flow.socket.send(data)

    def _begin(self, client: Address) -> Flow:
        flow = self._flows[client] = Flow(self._rules.target, self._rules.limit())
        flow.dropped = self._rules.down
        asyncio.get_running_loop().add_reader(flow.socket, self._answers, client, flow)
        return flow

    def _answers(self, client: Address, flow: Flow) -> None:
        with suppress(OSError):
            while True:
                data = flow.socket.recv(DATAGRAM)
                if not flow.dropped and not self._is_cut(flow, len(data)):
                    self._server.sendto(data, client)

    def _is_cut(self, flow: Flow, size: int) -> bool:
        if flow.asked and self._rules.lost():
            flow.dropped = True
        elif flow.left is not None and flow.left <= size:
            flow.dropped = True
            self._rules.cuts += 1
        elif flow.left is not None:
            flow.left -= size
        return flow.dropped
