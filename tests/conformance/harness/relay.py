"""A relay that cuts connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from .flows import Flows

PIECE = 4096


class Relay:
    """Stands before a port of this machine. `limit` gives, for each new connection, the number of
    bytes towards the client after which it is cut; None: it is not. `secure`: the port speaks TLS,
    and QUIC at the UDP port of its number, which the relay carries as well; `limit` is for its
    flows alone then."""

    def __init__(
        self, port: int, limit: Callable[[], int | None] = lambda: None, secure: bool = False
    ) -> None:
        self.limit = limit
        self.cuts = 0
        self.connections = 0
        self.swallowed: bytes | None = None
        """A connection whose request begins like this is dropped."""
        self.lose_answer = False
        """Is the connection of the next request cut when its answer comes?"""
        self.down = False
        """Are connections dropped as soon as they come?"""
        self.target = port
        """The port that new connections go to."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._secure = secure
        self._flows: Flows | None = None

    async def __aenter__(self) -> Relay:
        while True:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            port = self._server.sockets[0].getsockname()[1]
            if not self._secure or self._carries_udp(port):
                break
            self._server.close()
        self.url = f"{'https' if self._secure else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *ignored: object) -> None:
        self._server.close()
        if self._flows is not None:
            self._flows.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Cuts all connections now."""
        self.cuts += 1
        for writer in list(self._writers):
            writer.transport.abort()
        if self._flows is not None:
            self._flows.drop()

    def lost(self) -> bool:
        """An answer came: is it the one to lose?"""
        lose, self.lose_answer = self.lose_answer, False
        self.cuts += lose
        return lose

    def _carries_udp(self, port: int) -> bool:
        """False: the UDP port of this number is somebody else's."""
        flows = Flows(self)
        try:
            flows.open(port)
        except OSError:
            flows.close()
            return False
        self._flows = flows
        return True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        upstream: asyncio.StreamWriter | None = None
        self._writers.add(writer)
        try:
            if not self.down:
                source, upstream = await asyncio.open_connection("127.0.0.1", self.target)
                self._writers.add(upstream)
                await self._both(reader, writer, source, upstream)
        except (OSError, asyncio.CancelledError):
            # Only the end of the relay cancels, and a server logs handlers that were cancelled.
            pass
        finally:
            for side in (writer, upstream):
                if side is not None:
                    self._writers.discard(side)
                    side.transport.abort()

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        source: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        ways = [
            asyncio.ensure_future(self._ask(reader, upstream, asked := asyncio.Event())),
            asyncio.ensure_future(self._answer(source, writer, asked)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _ask(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, asked: asyncio.Event
    ) -> None:
        while data := await source.read(PIECE):
            if self.swallowed is not None and data.startswith(self.swallowed):
                return
            if self.lose_answer:
                asked.set()
            sink.write(data)
            await sink.drain()

    async def _answer(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, asked: asyncio.Event
    ) -> None:
        left = self.limit() if self._flows is None else None
        while data := await source.read(PIECE):
            if asked.is_set() and self.lost():
                return
            if left is not None and len(data) >= left:
                sink.write(data[:left])
                with suppress(OSError):
                    await sink.drain()
                self.cuts += 1
                return
            left = None if left is None else left - len(data)
            sink.write(data)
            await sink.drain()
