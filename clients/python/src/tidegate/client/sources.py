"""Where a subscription's records come from: one read over one transport, to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import httpx

from ..errors import MalformedFrame
from .choice import Transport
from .credentials import Credentials
from .errors import ApiError, Lost
from .follower import NOTHING
from .http import Http, stream_path
from .inbox import Inbox
from .records import Gap, Record, batch_of
from .sse import EventTooLarge, SseDecoder

Channel = Literal["in", "out"]
SILENCE_S = 30.0
"""A read from which nothing came for so long is taken for dead: the gateway pings every 10 s."""
TIMEOUT_S = 300
"""How long the gateway holds a read without a record."""


@dataclass(frozen=True)
class Stream:
    """Which stream is read, by which name of its session."""

    session: str
    channel: Channel = "out"
    side: str | None = None


@dataclass(frozen=True)
class Bounds:
    """What a subscription may hold: events, bytes of records, bytes of one event or frame."""

    events: int = 1024
    size: int = 1_048_576
    frame: int = 8_388_608


class Source(Protocol):
    """One read. It ends with Lost (come back), ApiError or ConnectionRefused."""

    transport: Transport
    says_gaps: bool
    """Does the gateway say what is lost?"""
    starts_after: int | None
    """The cursor with which it began, or NOTHING, if that is known."""
    leave: Callable[[float], None] | None
    """Told, when the gateway drains, how many seconds to wait before going elsewhere."""

    async def next(self) -> list[Record] | Gap:
        """What came."""

    def taken(self, seq: int) -> None:
        """Everything up to `seq` has found room."""

    async def aclose(self) -> None:
        """Ends it: `next` raises Lost."""


class SseSource:
    """A read over SSE."""

    transport: Transport = "sse"
    says_gaps = False

    def __init__(self, http: Http, bounds: Bounds) -> None:
        self.starts_after: int | None = None
        self.leave: Callable[[float], None] | None = None
        self._http = http
        self._bounds = bounds
        self._inbox: Inbox[list[Record]] = Inbox(items=1, size=bounds.size)
        self._task: asyncio.Task[None] | None = None

    async def open(
        self, stream: Stream, credentials: Credentials, after: int | None
    ) -> SseSource:
        """Returns when the gateway answered. Raises what it says."""
        self.starts_after = after
        headers = {"timeout-seconds": str(TIMEOUT_S)}
        if after == NOTHING:
            headers["tidegate-from"] = "0"
        elif after is not None:
            headers["last-event-id"] = str(after)
        path = stream_path(stream.session, stream.channel, stream.side)
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        token = await credentials.get()
        self._task = asyncio.create_task(self._run(token, path, headers, answered))
        try:
            await answered
        except BaseException:
            await self.aclose()
            raise
        return self

    async def next(self) -> list[Record] | Gap:
        """What came."""
        return await self._inbox.get()

    def taken(self, seq: int) -> None:
        """The socket is read no further than there is room: nothing needs to be said."""

    async def aclose(self) -> None:
        """Closes the socket."""
        self._inbox.end(Lost("closed"))
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(
        self, token: str | None, path: str, headers: dict[str, str], answered: asyncio.Future[None]
    ) -> None:
        error: BaseException = Lost("the read ended")
        try:
            async with self._http.stream(token, path, headers, SILENCE_S) as answer:
                if not answered.done():
                    answered.set_result(None)
                await self._read(answer)
        except (httpx.TransportError, MalformedFrame, EventTooLarge) as failed:
            error = Lost(f"{type(failed).__name__}: {failed}")
        except (ApiError, Lost) as failed:
            error = failed
        finally:
            if not answered.done():
                answered.set_exception(error)
            self._inbox.end(error)

    async def _read(self, answer: httpx.Response) -> None:
        decoder = SseDecoder(self._bounds.frame)
        async for piece in answer.aiter_bytes():
            for event in decoder.feed(piece):
                if event.event == "batch":
                    await self._inbox.room()
                    self._inbox.put(batch_of(event.data), len(event.data))
                elif event.event == "error":
                    raise Lost(f"the gateway ended the read: {event.data[:200]}")
