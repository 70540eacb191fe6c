"""One live read, over all of its connections and transports."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from types import TracebackType

from .backoff import CAP_S, Backoff
from .choice import Choice, Transport, Wanted
from .credentials import Credentials
from .errors import ApiError, Lost, TransportUnavailable, Unauthenticated, Unauthorized
from .follower import NOTHING, Doubt, Follower
from .inbox import Inbox
from .records import Event, Gap, Record, RecordEvent
from .sources import Bounds, Source
from .wire import now

log = logging.getLogger("tidegate")

Opener = Callable[[Transport, int | None, bool], Awaitable[Source]]
"""Opens a read: over what, after which cursor (or NOTHING), at the end of the stream?"""
Probe = Callable[[int], Awaitable[bool]]
"""Is the record of this seq still there?"""


class Subscription:
    """An asynchronous iterator of events. It goes on over turns and connections until it is closed,
    and raises when the gateway refuses it: ApiError, or ConnectionRefused.

    Nothing comes twice. What is lost comes as a Gap.
    """

    def __init__(
        self,
        opener: Opener,
        probe: Probe,
        credentials: Credentials,
        choice: Choice,
        *,
        wanted: Wanted,
        after: int | None,
        latest: bool,
        bounds: Bounds,
        random: Random,
        closed: Callable[[Subscription], None],
        given: Callable[[int], None] | None = None,
    ) -> None:
        self.cursor = None if after == NOTHING else after
        """The last seq that the iterator has given: where another subscription would go on."""
        self._opener = opener
        self._probe = probe
        self._credentials = credentials
        self._choice = choice
        self._wanted = wanted
        self._latest = latest and after is None
        self._follower = Follower(after)
        self._backoff = Backoff(random)
        self._closed = closed
        self._given = given
        self._inbox: Inbox[Event] = Inbox(bounds.events, bounds.size)
        self._source: Source | None = None
        self._successor: Source | None = None
        self._kick = asyncio.Event()
        self._moving = asyncio.Lock()
        self._leaving: asyncio.Task[None] | None = None
        self._attached = asyncio.Event()
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def transport(self) -> Transport | None:
        """What it runs over now. None: it is being connected."""
        source = self._successor or self._source
        return None if source is None else source.transport

    async def attached(self) -> None:
        """Waits until the gateway has accepted the read. Raises its refusal."""
        self._start()
        await self._attached.wait()
        if self._error is not None:
            raise self._error

    async def move_to(self, transport: Transport) -> None:
        """Goes on over another transport, at the record where it is. The old read is given up once
        the new one is there. Raises what the gateway says; the old read goes on then."""
        await self._switch(transport)
        self._wanted = transport

    async def aclose(self) -> None:
        """Ends it. Nothing comes any more."""
        self._closed(self)
        self._inbox.end(StopAsyncIteration())
        self._inbox.clear()
        for task in (self._task, self._leaving):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        for source in (self._source, self._successor):
            if source is not None:
                await source.aclose()
        self._source = self._successor = None

    async def __aenter__(self) -> Subscription:
        self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        self._start()
        try:
            event = await self._inbox.get()
        except StopAsyncIteration:
            raise StopAsyncIteration from None
        self.cursor = event.to - 1 if isinstance(event, Gap) else event.seq_num
        if self._given is not None:
            self._given(self.cursor)
        return event

    def _start(self) -> None:
        if self._task is None and not self._inbox.ended:
            self._task = asyncio.create_task(self._run())

    async def _switch(self, transport: Transport) -> None:
        """Opens a read, and puts it in the place of the one that runs."""
        async with self._moving:
            self._start()
            source = await self._open(transport)
            if self._inbox.ended:
                await source.aclose()
                raise Lost("the subscription has ended")
            old, self._successor = self._source, source
            self._kick.set()
            if old is not None:
                await old.aclose()

    def _leave(self, after: float) -> None:
        if self._leaving is None or self._leaving.done():
            self._leaving = asyncio.create_task(self._leave_for_another(after))

    async def _leave_for_another(self, after: float) -> None:
        """The gateway drains: goes over to another connection, while the old one goes on."""
        old = self._source
        while old is not None and self._source is old:
            # Spread, so that a gateway that drains is not left by all at once.
            await asyncio.sleep(after + self._backoff.failed())
            if self._source is old and not self._inbox.ended:
                with suppress(Lost, ApiError, TransportUnavailable):
                    await self._switch(old.transport)

    async def _run(self) -> None:
        try:
            while True:
                self._source = await self._attach()
                self._source.leave = self._leave
                self._attached.set()
                began = now()
                try:
                    came = await self._drain(self._source)
                finally:
                    gone, self._source = self._source, None
                    await gone.aclose()
                if came or now() - began >= CAP_S:
                    self._backoff.worked()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._error = error
            self._inbox.end(error)
            self._attached.set()

    async def _drain(self, source: Source) -> bool:
        """Takes what comes until the read ends. Did anything come? Raises what can't be mended."""
        came = False
        self._follower.opened()
        while True:
            try:
                what = await source.next()
                await self._take(source, what)
                came = True
            except Lost as lost:
                if self._successor is None:
                    log.debug("a read ended: %s", lost)
                    await self._pause(self._backoff_after(came))
                return came
            except (Unauthenticated, Unauthorized):
                # Its credential expired; `_open` gets a fresh one, once.
                await self._pause(self._backoff_after(came))
                return came
            except ApiError as error:
                if not error.retry:
                    raise
                await self._pause(self._backoff_after(came))
                return came

    def _backoff_after(self, came: bool) -> float:
        if came:
            self._backoff.worked()
        return self._backoff.failed()

    async def _take(self, source: Source, what: list[Record] | Gap) -> None:
        found = self._follower.gap(what) if isinstance(what, Gap) else self._follower.records(what)
        for it in found:
            await self._inbox.room()
            if isinstance(it, Doubt):
                gap = None if source.says_gaps else await self._settle(it)
                if gap is not None:
                    self._inbox.put(gap, 0)
            elif isinstance(it, Gap):
                self._inbox.put(it, 0)
            else:
                self._give(it)
        if self._follower.cursor not in (None, NOTHING):
            source.taken(self._follower.cursor)

    def _give(self, record: Record) -> None:
        event: RecordEvent = record.event()
        if event.control is not None and event.control.token is not None:
            self._credentials.offer(event.control.token)
        self._inbox.put(event, record.metered)

    async def _settle(self, doubt: Doubt) -> Gap | None:
        """A read that does not say what is lost skipped records. If the one before them is still
        there, retention has not come so far: they were command records."""
        return None if await self._probe(doubt.from_ - 1) else doubt.gap()

    def _succeed(self) -> Source | None:
        source, self._successor = self._successor, None
        return source

    async def _attach(self) -> Source:
        """Opens a read, however long it takes. Raises what can't be mended."""
        while True:
            if (source := self._succeed()) is not None:
                return source
            transport = self._choice.next(self._wanted, now())
            try:
                source = await self._open(transport)
            except TransportUnavailable:
                if self._wanted != "auto":
                    raise
            except Lost as lost:
                log.debug("no read could be opened over %s: %s", transport, lost)
                await self._pause(self._backoff.failed())
            except ApiError as error:
                if not error.retry:
                    raise
                await self._pause(self._backoff.failed())
            else:
                if self._successor is None:
                    return source
                await source.aclose()

    async def _open(self, transport: Transport) -> Source:
        """One try, and a second one where a fresh token is needed."""
        token = await self._credentials.get()
        after = self._follower.cursor
        try:
            source = await self._opener(transport, after, self._latest)
        except (Unauthenticated, Unauthorized):
            if await self._credentials.renew(token) is None:
                raise
            source = await self._opener(transport, self._follower.cursor, self._latest)
        if self._follower.cursor is None:
            self._follower.cursor = source.starts_after
        return source

    async def _pause(self, delay: float) -> None:
        """Waits, unless `move_to` has another read."""
        if self._successor is not None:
            return
        self._kick.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._kick.wait()
