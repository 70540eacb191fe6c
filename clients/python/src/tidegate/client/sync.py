"""The client for code without an event loop: the asynchronous one, in a thread of its own."""

from __future__ import annotations

import asyncio
import builtins
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from random import Random
from typing import Any, TypeVar

from .answer import Answer, Chunk
from .appends import Appended
from .async_client import TIMEOUT_S, AsyncClient
from .choice import Transport, Wanted
from .credentials import TokenSource
from .items import CreatedSession, SessionItem, StoredRecord, Transcript
from .payloads import Message
from .records import Control, Event, Gap
from .session import AsyncSession, Start
from .sources import Bounds, Channel
from .subscription import Subscription

T = TypeVar("T")


class Loop:
    """A thread with an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="tidegate", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Does it there and waits for it. Raises what it raises."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        """An asynchronous iterator as a plain one."""
        while True:
            try:
                item = self.run(_next(items))
            except StopAsyncIteration:
                return
            yield item

    def close(self) -> None:
        """Ends the thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


class SyncSubscription:
    """An iterator of events. See Subscription."""

    def __init__(self, loop: Loop, inner: Subscription) -> None:
        self._loop = loop
        self._inner = inner

    @property
    def cursor(self) -> int | None:
        """The last seq that the iterator has given."""
        return self._inner.cursor

    @property
    def transport(self) -> Transport | None:
        """What it runs over now."""
        return self._inner.transport

    def next(self, timeout: float | None = None) -> Event:
        """The next event. Raises TimeoutError after so many seconds; nothing is lost by that."""
        return self._loop.run(_next(self._inner, timeout))

    def attached(self) -> None:
        """Waits until the gateway has accepted the read."""
        self._loop.run(self._inner.attached())

    def move_to(self, transport: Transport) -> None:
        """Goes on over another transport."""
        self._loop.run(self._inner.move_to(transport))

    def close(self) -> None:
        """Ends it."""
        self._loop.run(self._inner.aclose())

    def __iter__(self) -> Iterator[Event]:
        return self._loop.iterate(self._inner)

    def __enter__(self) -> SyncSubscription:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.close()


class SyncAnswer:
    """An iterator of chunks. See Answer."""

    def __init__(self, loop: Loop, inner: Answer) -> None:
        self._loop = loop
        self._inner = inner

    @property
    def boundary(self) -> Control | None:
        """What its end says, once it came."""
        return self._inner.boundary

    @property
    def gaps(self) -> list[Gap]:
        """What of it was lost."""
        return self._inner.gaps

    def text(self) -> str:
        """Reads it to its end and gives its text."""
        return self._loop.run(self._inner.text())

    def texts(self) -> Iterator[str]:
        """Its text, piece by piece."""
        return self._loop.iterate(self._inner.texts())

    def close(self) -> None:
        """Stops reading."""
        self._loop.run(self._inner.aclose())

    def __iter__(self) -> Iterator[Chunk]:
        return self._loop.iterate(self._inner)


class Session:
    """One session. See AsyncSession."""

    def __init__(self, loop: Loop, inner: AsyncSession) -> None:
        self._loop = loop
        self._inner = inner
        self.name = inner.name

    def send(
        self,
        message: str | Message,
        *,
        metadata: Any = None,
        body: Mapping[str, Any] | None = None,
        part_id: str | None = None,
    ) -> Appended:
        """A message of the user."""
        work = self._inner.send(message, metadata=metadata, body=body, part_id=part_id)
        return self._loop.run(work)

    def regenerate(self, message_id: str | None = None, *, metadata: Any = None) -> Appended:
        """Asks for the last answer again."""
        return self._loop.run(self._inner.regenerate(message_id, metadata=metadata))

    def action(self, value: Any, *, metadata: Any = None) -> Appended:
        """An action."""
        return self._loop.run(self._inner.action(value, metadata=metadata))

    def stop(self) -> Appended:
        """Ends the turn that runs."""
        return self._loop.run(self._inner.stop())

    def append(
        self,
        body: str,
        *,
        part_id: str | None = None,
        channel: Channel = "in",
        side: str | None = None,
    ) -> Appended:
        """Appends a text."""
        work = self._inner.append(body, part_id=part_id, channel=channel, side=side)
        return self._loop.run(work)

    def answer(self, message: str | Message, *, metadata: Any = None) -> SyncAnswer:
        """Sends a message and reads its answer."""
        return SyncAnswer(self._loop, self._inner.answer(message, metadata=metadata))

    def subscribe(
        self,
        *,
        after: int | None = None,
        start: Start = "floor",
        channel: Channel = "out",
        side: str | None = None,
        transport: Wanted | None = None,
    ) -> SyncSubscription:
        """Follows a stream."""
        inner = self._inner.subscribe(
            after=after, start=start, channel=channel, side=side, transport=transport
        )
        return SyncSubscription(self._loop, inner)

    def tail(self, channel: Channel = "out", side: str | None = None) -> int | None:
        """The newest seq of a stream."""
        return self._loop.run(self._inner.tail(channel, side))

    def records(
        self,
        *,
        after: int | None = None,
        limit: int | None = None,
        channel: Channel = "out",
        side: str | None = None,
    ) -> list[StoredRecord]:
        """A page of what is there."""
        work = self._inner.records(after=after, limit=limit, channel=channel, side=side)
        return self._loop.run(work)

    def transcript(self, *, limit: int | None = None, before: str | None = None) -> Transcript:
        """The newest messages."""
        return self._loop.run(self._inner.transcript(limit=limit, before=before))


class Sessions:
    """`client.sessions`. See AsyncSessions."""

    def __init__(self, loop: Loop, client: AsyncClient) -> None:
        self._loop = loop
        self._inner = client.sessions

    def create(
        self,
        agent: str,
        *,
        external_id: str | None = None,
        type: str = "chat.agent",
        tags: builtins.list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        expires_at: str | None = None,
        base_payload: Mapping[str, Any] | None = None,
        trigger_config: Mapping[str, Any] | None = None,
    ) -> CreatedSession:
        """Makes a session, or finds the one of its external id."""
        work = self._inner.create(
            agent,
            external_id=external_id,
            type=type,
            tags=tags,
            metadata=metadata,
            expires_at=expires_at,
            base_payload=base_payload,
            trigger_config=trigger_config,
        )
        return self._loop.run(work)

    def retrieve(self, name: str) -> SessionItem:
        """A session's row."""
        return self._loop.run(self._inner.retrieve(name))

    def close(self, name: str, reason: str | None = None) -> SessionItem:
        """Takes no more input from now on."""
        return self._loop.run(self._inner.close(name, reason))

    def list(self, *, page_size: int | None = None, **filters: str) -> Iterator[SessionItem]:
        """All sessions that the filters let through."""
        return self._loop.iterate(self._inner.list(page_size=page_size, **filters))


class Client:
    """AsyncClient for code without an event loop; the arguments are the same. Its methods wait and
    may be called from any thread."""

    def __init__(
        self,
        url: str | None = None,
        token: TokenSource | None = None,
        *,
        transport: Wanted = "auto",
        timeout: float = TIMEOUT_S,
        headers: Mapping[str, str] | None = None,
        bounds: Bounds | None = None,
        random: Random | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "transport": transport,
            "timeout": timeout,
            "headers": headers,
            "bounds": bounds,
            "random": random,
        }
        self._loop = Loop()
        try:
            self._inner = self._loop.run(_made(url, token, **options))
        except BaseException:
            self._loop.close()
            raise
        self.sessions = Sessions(self._loop, self._inner)

    def session(
        self, name: str, *, token: TokenSource | None = None, transport: Wanted | None = None
    ) -> Session:
        """A session by either form of its name."""
        return Session(self._loop, self._inner.session(name, token=token, transport=transport))

    def close(self) -> None:
        """Ends all subscriptions, the connections and the thread."""
        self._loop.run(self._inner.aclose())
        self._loop.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.close()


async def _next(items: AsyncIterator[T], timeout: float | None = None) -> T:
    # The time-out is kept in the loop: what has been taken out is never dropped there.
    async with asyncio.timeout(timeout):
        return await anext(items)


async def _made(*arguments: Any, **options: Any) -> AsyncClient:
    return AsyncClient(*arguments, **options)
