"""The one WebSocket of a client: opened when it is needed, and again when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from .choice import Choice, Transport
from .credentials import Credentials
from .duplex import GoingAway
from .errors import Lost, TransportUnavailable, Unauthenticated
from .follower import NOTHING
from .inbox import Inbox
from .records import Gap, Record
from .sources import Bounds, Stream
from .wire import Wire, now

ACK_SHARE = 4
"""What was taken is acknowledged at once where it is a quarter of the window or more."""
ACK_AFTER_S = 0.1
"""And else after this, so that tokens that come one by one are not acknowledged one by one."""


class Hub:
    """Gives the connection to whoever needs it. Opens one at a time."""

    def __init__(
        self, url: str, credentials: Credentials, headers: Mapping[str, str], bounds: Bounds
    ) -> None:
        self.choice = Choice()
        self._url = url
        self._credentials = credentials
        self._headers = headers
        self._frame = bounds.frame
        self._wires: list[Wire] = []
        self._opening: asyncio.Task[Wire] | None = None

    @property
    def at_hand(self) -> Wire | None:
        """A connection that takes requests now."""
        self._wires = [wire for wire in self._wires if wire.live]
        return next((it for it in self._wires if not it.leaving and it.machine.room), None)

    async def wire(self) -> Wire:
        """A connection. Raises what `Wire.open` raises."""
        if (wire := self.at_hand) is not None:
            return wire
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        for wire in self._wires:
            await wire.aclose()

    async def tidy(self) -> None:
        """Closes connections of draining gateways that carry nothing any more."""
        for wire in self._wires:
            if wire.leaving and wire.idle:
                await wire.aclose()

    async def _open(self) -> Wire:
        stale = await self._credentials.get()
        try:
            wire = await self._try()
        except Unauthenticated:
            if await self._credentials.renew(stale) is None:
                raise
            wire = await self._try()
        self.choice.worked()
        self._wires.append(wire)
        return wire

    async def _try(self) -> Wire:
        try:
            return await Wire.open(self._url, self._credentials, self._headers, self._frame)
        except TransportUnavailable:
            self.choice.unavailable(now())
            raise
        except Lost:
            self.choice.failed(now())
            raise

    def _opened(self, task: asyncio.Task[Wire]) -> None:
        self._opening = None
        if not task.cancelled():
            task.exception()


class DuplexSource:
    """A read over the duplex binding."""

    transport: Transport = "websocket"
    says_gaps = True

    def __init__(self, hub: Hub, bounds: Bounds) -> None:
        self.starts_after: int | None = None
        self.leave: Callable[[float], None] | None = None
        self._hub = hub
        self._bounds = bounds
        # The window bounds what is on its way, so nothing needs to wait to be put in.
        self._inbox: Inbox[tuple[list[Record] | Gap, int]] = Inbox(items=1, size=bounds.size)
        self._wire: Wire | None = None
        self._id = 0
        self._unacknowledged = 0
        self._taken_to = 0
        self._timer: asyncio.TimerHandle | None = None

    async def open(
        self, stream: Stream, credentials: Credentials, after: int | None, latest: bool
    ) -> DuplexSource:
        """Returns when the gateway answered. Raises what it says."""
        self.starts_after = after
        self._wire = wire = await self._hub.wire()
        await wire.authorize(stream.session, credentials)
        keys: dict[str, Any] = {"channel": stream.channel, "side": stream.side}
        if after == NOTHING:
            keys["from_"] = 0
        elif after is not None:
            keys["after"] = after
        elif latest:
            keys["start"] = "latest"
        self._id = wire.machine.subscribe(stream.session, window=self._bounds.size, **keys)
        wire.follow(self._id, self._take)
        try:
            answer = await wire.answer(self._id)
        except BaseException:
            wire.leave(self._id)
            raise
        if after is None and isinstance(answer.get("from"), int):
            self.starts_after = answer["from"] - 1
        return self

    async def next(self) -> list[Record] | Gap:
        """What came."""
        what, size = await self._inbox.get()
        self._unacknowledged += size
        return what

    def taken(self, seq: int) -> None:
        """Opens the window again: at once where much was taken, else soon."""
        self._taken_to = seq
        if self._unacknowledged * ACK_SHARE >= self._bounds.size:
            self._ack()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ACK_AFTER_S, self._ack)

    async def aclose(self) -> None:
        """Ends the subscription; the connection stays."""
        self._inbox.end(Lost("closed"))
        if self._timer is not None:
            self._timer.cancel()
        if self._wire is not None:
            self._wire.leave(self._id)
            await self._hub.tidy()

    def _take(self, what: list[Record] | Gap | GoingAway | BaseException) -> None:
        if isinstance(what, BaseException):
            self._inbox.end(what)
        elif isinstance(what, GoingAway):
            if self.leave is not None:
                self.leave(what.after)
        elif isinstance(what, Gap):
            self._inbox.put((what, 0), 0)
        else:
            size = sum(record.metered for record in what)
            self._inbox.put((what, size), size)

    def _ack(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unacknowledged = 0
        if self._wire is not None:
            self._wire.ack(self._id, self._taken_to)


async def append(
    wire: Wire, stream: Stream, credentials: Credentials, part: str, body: str
) -> dict[str, Any] | None:
    """Appends over the duplex binding. None: no frame holds it."""
    await wire.authorize(stream.session, credentials)
    keys = {"channel": stream.channel, "side": stream.side}
    id = wire.machine.append(stream.session, part=part, body=body, **keys)
    return None if id is None else await wire.answer(id)
