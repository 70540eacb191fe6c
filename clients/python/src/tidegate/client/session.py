"""One session: what is said to it, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from . import payloads
from .answer import Answer
from .appends import Appended, Appender
from .choice import Transport, Wanted
from .credentials import Credentials
from .errors import InvalidCursor
from .follower import NOTHING, checked
from .http import Http, json_of, session_path, stream_path
from .hub import DuplexSource, Hub
from .items import StoredRecord, Transcript
from .payloads import Message
from .sources import Bounds, Channel, Source, SseSource, Stream
from .subscription import Subscription

Start = Literal["floor", "latest"]


class AsyncSession:
    """A session, by either form of its name. Making one of these asks nothing of the gateway."""

    def __init__(
        self,
        name: str,
        http: Http,
        hub: Hub,
        credentials: Credentials,
        transport: Wanted,
        bounds: Bounds,
    ) -> None:
        self.name = name
        self._http = http
        self._hub = hub
        self._credentials = credentials
        self._wanted = transport
        self._bounds = bounds
        self._appender = Appender(http, hub, credentials, transport)
        self._read_to: int | None = None
        self._subscriptions: set[Subscription] = set()

    async def send(
        self,
        message: str | Message,
        *,
        metadata: Any = None,
        body: Mapping[str, Any] | None = None,
        part_id: str | None = None,
    ) -> Appended:
        """A message of the user, or a UIMessage: to answer, or for the turn that runs. `body` has
        further keys for the backend."""
        said = payloads.submit(self.name, message, metadata, body)
        return await self.append(said, part_id=part_id)

    async def regenerate(self, message_id: str | None = None, *, metadata: Any = None) -> Appended:
        """Asks for the last answer again."""
        return await self.append(payloads.regenerate(self.name, message_id, metadata))

    async def action(self, value: Any, *, metadata: Any = None) -> Appended:
        """An action: any JSON that the agent understands."""
        return await self.append(payloads.action(self.name, value, metadata))

    async def stop(self) -> Appended:
        """Ends the turn that runs, and no other."""
        return await self.append(payloads.stop())

    async def append(
        self,
        body: str,
        *,
        part_id: str | None = None,
        channel: Channel = "in",
        side: str | None = None,
    ) -> Appended:
        """Appends a text. Repeated with the same part id, it is written once. Raises ApiError
        and Unreachable, where nothing was written, and OutcomeUnknown."""
        stream = Stream(self.name, channel, side)
        return await self._appender.append(stream, body, part_id or payloads.new_id())

    def answer(self, message: str | Message, *, metadata: Any = None) -> Answer:
        """Sends a message and reads its answer. Nothing happens before it is iterated over."""

        async def begin() -> tuple[int, Subscription]:
            out = Stream(self.name)
            after = self._read_to if self._read_to is not None else await self._newest(out)
            sent = await self.send(message, metadata=metadata)
            return sent.seq, self._subscribe(out, after, False, None, self._noted)

        return Answer(begin)

    def subscribe(
        self,
        *,
        after: int | None = None,
        start: Start = "floor",
        channel: Channel = "out",
        side: str | None = None,
        transport: Wanted | None = None,
    ) -> Subscription:
        """Follows a stream, over turns, until it is closed: after a cursor, or from where replay
        begins (`floor`), or what is yet to come (`latest`)."""
        if start not in ("floor", "latest"):
            raise InvalidCursor("invalid_cursor", f"no start: {start!r}", param="start")
        stream = Stream(self.name, channel, side)
        return self._subscribe(stream, checked(after), start == "latest", transport, None)

    async def tail(self, channel: Channel = "out", side: str | None = None) -> int | None:
        """The newest seq of a stream. None: it is empty."""
        path = stream_path(self.name, channel, side)
        answer = await self._http.call(self._credentials, "HEAD", path)
        newest = int(answer.headers.get("x-last-chunk-index", "-1"))
        return newest if newest >= 0 else None

    async def records(
        self,
        *,
        after: int | None = None,
        limit: int | None = None,
        channel: Channel = "out",
        side: str | None = None,
    ) -> list[StoredRecord]:
        """A page of what is there, oldest first."""
        params = {} if checked(after) is None else {"afterEventId": str(after)}
        if limit is not None:
            params["limit"] = str(limit)
        path = stream_path(self.name, channel, side) + "/records"
        answer = json_of(await self._http.call(self._credentials, "GET", path, params=params))
        return [StoredRecord.of(record) for record in answer.get("records") or ()]

    async def transcript(
        self, *, limit: int | None = None, before: str | None = None
    ) -> Transcript:
        """The newest messages, or those before a page's `next_cursor`. Needs a secret key."""
        params = {} if limit is None else {"limit": str(limit)}
        if before is not None:
            params["before"] = before
        path = session_path(self.name) + "/transcript"
        answer = await self._http.call(self._credentials, "GET", path, params=params)
        return Transcript.of(json_of(answer))

    async def aclose(self) -> None:
        """Ends its subscriptions."""
        for subscription in list(self._subscriptions):
            await subscription.aclose()
        self._subscriptions.clear()

    def _noted(self, seq: int) -> None:
        self._read_to = seq if self._read_to is None else max(seq, self._read_to)

    def _subscribe(
        self,
        stream: Stream,
        after: int | None,
        latest: bool,
        transport: Wanted | None,
        noted: Callable[[int], None] | None,
    ) -> Subscription:
        async def opener(over: Transport, cursor: int | None, at_end: bool) -> Source:
            return await self._open(stream, over, cursor, at_end)

        async def probe(seq: int) -> bool:
            return await self._is_there(stream, seq)

        subscription = Subscription(
            opener,
            probe,
            self._credentials,
            self._hub.choice,
            wanted=transport or self._wanted,
            after=after,
            latest=latest,
            bounds=self._bounds,
            random=self._http.random,
            closed=self._subscriptions.discard,
            given=noted,
        )
        self._subscriptions.add(subscription)
        return subscription

    async def _open(
        self, stream: Stream, over: Transport, after: int | None, latest: bool
    ) -> Source:
        if over == "websocket":
            source = DuplexSource(self._hub, self._bounds)
            return await source.open(stream, self._credentials, after, latest)
        if latest and after is None:
            # Over SSE nothing says where the read began, and the cursor is to hold over a cut.
            after = await self._newest(stream)
        read = SseSource(self._http, self._bounds)
        return await read.open(stream, self._credentials, after)

    async def _newest(self, stream: Stream) -> int:
        """The cursor for what is yet to come: of an empty stream that is everything."""
        newest = await self.tail(stream.channel, stream.side)
        return NOTHING if newest is None else newest

    async def _is_there(self, stream: Stream, seq: int) -> bool:
        if seq <= 0:
            return False
        found = await self.records(
            after=seq - 1, limit=1, channel=stream.channel, side=stream.side
        )
        return bool(found) and found[0].seq_num == seq
