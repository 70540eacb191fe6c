"""The answer to one input: which records belong to it, and where it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from .records import Control, Event, Gap, RecordEvent
from .subscription import Subscription

Chunk = dict[str, Any]


@dataclass
class AnswerState:
    """Reads the events after an append, to the boundary that covers its seq. Pure."""

    seq: int
    text: str = ""
    """What the answer says so far."""
    boundary: Control | None = None
    """The end, once it came."""
    gaps: list[Gap] = field(default_factory=list)
    """What of it was lost."""

    @property
    def done(self) -> bool:
        """Is nothing of it to come?"""
        return self.boundary is not None

    def take(self, event: Event) -> Chunk | None:
        """A chunk for the application, if the event is one."""
        if isinstance(event, Gap):
            self.gaps.append(event)
            return None
        if event.control is not None:
            self._control(event.control)
            return None
        chunk = event.chunk
        if chunk is not None and chunk.get("type") == "text-delta":
            delta = chunk.get("delta")
            self.text += delta if isinstance(delta, str) else ""
        return chunk

    def _control(self, control: Control) -> None:
        if control.kind == "session-closed":
            self.boundary = control
        elif control.is_boundary:
            if control.floor is None or control.floor >= self.seq:
                self.boundary = control
            else:
                # The end of a turn that ran before: what came so far was its answer.
                self.text = ""


class Answer:
    """The answer to an input: an asynchronous iterator of its chunks, to its boundary.

    Where a turn was still running when the input was sent, its chunks come first, and `text` begins
    anew with the turn that answers.
    """

    def __init__(self, begin: Callable[[], Awaitable[tuple[int, Subscription]]]) -> None:
        self.cursor: int | None = None
        """The last seq that was read."""
        self._begin = begin
        self._state: AnswerState | None = None
        self._subscription: Subscription | None = None

    @property
    def boundary(self) -> Control | None:
        """What its end says, once it came."""
        return None if self._state is None else self._state.boundary

    @property
    def gaps(self) -> list[Gap]:
        """What of it was lost."""
        return [] if self._state is None else self._state.gaps

    @property
    def seq(self) -> int | None:
        """The seq of the input, once it was sent."""
        return None if self._state is None else self._state.seq

    async def text(self) -> str:
        """Reads it to its end and gives its text."""
        async for _ in self:
            pass
        return "" if self._state is None else self._state.text

    async def texts(self) -> AsyncIterator[str]:
        """Its text, piece by piece."""
        async for chunk in self:
            delta = chunk.get("delta")
            if chunk.get("type") == "text-delta" and isinstance(delta, str):
                yield delta

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> Chunk:
        if self._state is None:
            seq, self._subscription = await self._begin()
            self._state = AnswerState(seq)
        while not self._state.done and self._subscription is not None:
            event: Event = await self._next(self._subscription)
            chunk = self._state.take(event)
            if chunk is not None:
                return chunk
        await self.aclose()
        raise StopAsyncIteration

    async def _next(self, subscription: Subscription) -> RecordEvent | Gap:
        event = await anext(subscription)
        self.cursor = subscription.cursor
        return event

    async def aclose(self) -> None:
        """Stops reading. The turn goes on: `stop` ends it."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.aclose()

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(self, *ignored: object) -> None:
        await self.aclose()
