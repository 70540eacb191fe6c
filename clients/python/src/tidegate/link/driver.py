"""Carries a Link over WebSockets: connects, sends, receives, and connects again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from ..errors import LinkRefused, MalformedFrame
from .events import Event
from .frames import PATH, SUBPROTOCOL
from .machine import Link

log = logging.getLogger("tidegate")

DRAINED_WAIT_S = 5.0
"""How long a drained worker waits for the gateway to close the link."""
CONNECT_TIMEOUT_S = 10.0
PERMANENT = frozenset({400, 401, 403, 404})
"""Statuses of a refused upgrade that another try does not change."""


class Driver:
    """Runs one link until it is drained or refused. `handle` gets every event, in order."""

    def __init__(self, link: Link, url: str, key: str, handle: Callable[[Event], None]) -> None:
        self.link = link
        self._address = address(url, link.worker)
        self._headers = {"authorization": f"Bearer {key}"}
        self._handle = handle
        self._wake = asyncio.Event()
        self._moved = asyncio.Condition()

    async def run(self) -> None:
        """Returns when the link is drained. Raises LinkRefused."""
        while not (self.link.draining and self.link.idle):
            code, reason = await self._connection()
            delay = self.link.closed(code, reason)
            if not (self.link.draining and self.link.idle):
                log.info("the link ended (%s %s), next try in %.2f s", code, reason, delay)
                # Spread, so that a gateway that comes back is not met by all workers at once.
                await asyncio.sleep(delay * random.uniform(1, 1.5))

    def changed(self) -> None:
        """The link has something to send."""
        self._wake.set()

    async def room(self, id: str) -> None:
        """Back-pressure: waits until the turn may give more chunks."""
        async with self._moved:
            await self._moved.wait_for(lambda: not self.link.must_wait(id))

    async def _connection(self) -> tuple[int | None, str]:
        """One connection, to its end."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await connect(
                    self._address,
                    subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
                    additional_headers=self._headers,
                    compression=None,
                    ping_interval=None,
                    close_timeout=1,
                    max_size=None,
                )
        except InvalidStatus as error:
            status = error.response.status_code
            if status in PERMANENT:
                body = error.response.body.decode(errors="replace")
                raise LinkRefused(status, body) from error
            return None, f"HTTP {status}"
        except (OSError, InvalidHandshake, TimeoutError) as error:
            return None, str(error) or type(error).__name__
        return await self._talk(socket)

    async def _talk(self, socket: ClientConnection) -> tuple[int | None, str]:
        self.link.opened(now())
        reader = asyncio.create_task(self._read(socket))
        writer = asyncio.create_task(self._write(socket))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reader, writer):
                task.cancel()
            outcomes = await asyncio.gather(reader, writer, return_exceptions=True)
            await socket.close()
        for outcome in outcomes:
            if isinstance(outcome, MalformedFrame):
                return None, str(outcome)
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionClosed):
                raise outcome
        return socket.close_code, socket.close_reason or ""

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            for event in self.link.receive(message, now()):
                self._handle(event)
            self._wake.set()

    async def _write(self, socket: ClientConnection) -> None:
        drained_at: float | None = None
        while True:
            self._wake.clear()
            if not self.link.tick(now()):
                await abort(socket)
                return
            for text in self.link.outgoing(now()):
                await socket.send(text)
            async with self._moved:
                self._moved.notify_all()
            until = self.link.next_tick()
            drained = self.link.draining and self.link.idle
            drained_at = (drained_at or now()) if drained else None
            if drained_at is not None:
                until = min(until, drained_at + DRAINED_WAIT_S)
                if now() >= drained_at + DRAINED_WAIT_S:
                    await self._bye(socket)
                    return
            await self._sleep_until(until)

    async def _bye(self, socket: ClientConnection) -> None:
        self.link.bye()
        for text in self.link.outgoing(now()):
            await socket.send(text)

    async def _sleep_until(self, until: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, until - now())):
                await self._wake.wait()
        except TimeoutError:
            pass


async def abort(socket: ClientConnection) -> None:
    """Drops a connection whose other side is silent, without waiting for it."""
    socket.transport.abort()
    await socket.wait_closed()


def now() -> float:
    """Seconds of the loop's clock."""
    return asyncio.get_running_loop().time()


def address(url: str, worker: str) -> str:
    """The address of a worker's link at a gateway's base URL. By the worker's id, balancers lead
    one that comes back to the gateway that holds its work (R-LNK-29)."""
    parts = urlsplit(url)
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"not the URL of a gateway: {url!r}")
    path, query = parts.path.rstrip("/") + PATH, f"worker={worker}"
    return urlunsplit((schemes[parts.scheme], parts.netloc, path, query, ""))
