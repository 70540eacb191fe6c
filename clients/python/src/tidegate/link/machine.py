"""The link as a pure state machine: no clock, sockets or randomness.

The driver calls `opened`, `receive`, `closed` and `tick`, and sends what `outgoing` gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import LinkRefused, MalformedFrame
from ..frames import decode, encode
from .events import (
    Ended,
    Event,
    FrameRefused,
    HandedOver,
    InputCame,
    Settled,
    TurnAsked,
    Welcomed,
)
from .frames import Agent, Terms
from .outbox import Outbox

LOST_CODES = frozenset({"seq_gap", "window_exceeded", "not_held"})
"""Errors with which a piece of work is over."""
RECONNECT_MIN_S = 0.05
RECONNECT_MAX_S = 5.0
BEFORE_WELCOME = Terms(heartbeat=3.0, lease=9.0, window=4_194_304, frame_max=33_554_432)
"""Assumed until the gateway says otherwise."""


@dataclass
class _Work:
    outbox: Outbox
    seen: int | None = None


@dataclass
class Link:
    """One worker's link, over all of its connections."""

    worker: str
    capacity: int
    agents: list[Agent]
    epoch: int = 0
    terms: Terms = BEFORE_WELCOME
    welcomed: bool = False
    draining: bool = False
    _frames: list[str] = field(default_factory=list)
    _work: dict[str, _Work] = field(default_factory=dict)
    _failures: int = 0
    _delay: float | None = None
    _complaint: str = ""
    """The last error about the link itself."""
    _sent_at: float = 0.0
    _heard_at: float = 0.0

    @property
    def idle(self) -> bool:
        """Is nothing held, nothing unacknowledged?"""
        return not self._work

    def opened(self, now: float) -> None:
        """A connection was made: `hello` is the first frame on it."""
        self.epoch += 1
        self.welcomed = False
        self._sent_at = self._heard_at = now
        hello: dict[str, Any] = {
            "t": "hello",
            "worker": self.worker,
            "epoch": self.epoch,
            "capacity": self.capacity,
            "agents": [agent.registration() for agent in self.agents],
            "work": [self._claim(id, work) for id, work in self._work.items()],
        }
        self._frames = [encode(hello)]

    def receive(self, text: str | bytes, now: float) -> list[Event]:
        """A message came. Raises MalformedFrame: the connection is of no use then."""
        self._heard_at = now
        frame = decode(text)
        try:
            return self._take(frame)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedFrame(f"{frame['t']}: {error!r}") from error

    def _take(self, frame: dict[str, Any]) -> list[Event]:
        match frame["t"]:
            case "welcome":
                return self._welcome(frame)
            case "turn":
                return self._turn(frame)
            case "handover":
                return self._handover(frame)
            case "ack":
                return self._ack(str(frame.get("id")), int(frame.get("seq", 0)))
            case "in":
                return self._input(frame)
            case "cancel":
                return self._end(str(frame.get("id")), str(frame.get("reason", "cancelled")))
            case "error":
                return self._error(frame)
            case "goaway":
                self._delay = frame.get("reconnect_ms", 0) / 1000
        return []

    def tick(self, now: float) -> bool:
        """Time passed. False: the gateway is silent, drop the connection."""
        if now - self._heard_at >= self.terms.lease:
            return False
        if now - self._sent_at >= self.terms.heartbeat / 2:
            self._frames.append('{"t":"ping"}')
        return True

    def next_tick(self) -> float:
        """When `tick` must be called."""
        return min(self._sent_at + self.terms.heartbeat / 2, self._heard_at + self.terms.lease)

    def outgoing(self, now: float) -> list[str]:
        """What must be sent now, in order."""
        texts, self._frames = self._frames, []
        if self.welcomed:
            for work in self._work.values():
                texts.extend(work.outbox.take())
        if texts:
            self._sent_at = now
        return texts

    def closed(self, code: int | None, reason: str) -> float:
        """The connection ended, or could not be made. Gives the seconds until the next try.

        Raises LinkRefused where trying again can't help. `code` is the close code, if there is one.
        """
        if code is not None and 4500 <= code <= 4999:
            raise LinkRefused(code, self._complaint or reason)
        self._frames = []
        delay = self._delay
        if self.welcomed:
            self._failures = 0
        self.welcomed = False
        self._delay = None
        if delay is None:
            # The first try is at once: a link that was cut may be resumed only for a moment.
            waits = self._failures > 0
            delay = min(RECONNECT_MIN_S * 2**self._failures, RECONNECT_MAX_S) if waits else 0.0
            self._failures = min(self._failures + 1, 16)
        return delay

    def drain(self) -> None:
        """Takes no new work; what is held is finished."""
        if not self.draining:
            self.draining = True
            if self.welcomed:
                self._frames.append('{"t":"drain"}')

    def bye(self) -> None:
        """The last frame: the link ends for good."""
        self._frames.append('{"t":"bye"}')

    def chunk(self, id: str, chunk: dict[str, Any]) -> None:
        """A chunk of an answer. Of one that is over it is dropped."""
        if work := self._work.get(id):
            work.outbox.chunk(chunk)

    def injected(self, id: str, inputs: list[int]) -> None:
        """These `.in` seqs were taken into the answer."""
        if work := self._work.get(id):
            work.outbox.injected(inputs)

    def done(self, id: str, error: str | None = None) -> None:
        """The answer is whole, or failed."""
        if work := self._work.get(id):
            work.outbox.done(error)

    def must_wait(self, id: str) -> bool:
        """Back-pressure: should the producer wait until something was sent or acknowledged?"""
        work = self._work.get(id)
        return work is not None and work.outbox.full

    def _claim(self, id: str, work: _Work) -> dict[str, Any]:
        claim: dict[str, Any] = {"id": id, "acked": work.outbox.acked}
        if work.seen is not None:
            claim["seen"] = work.seen
        return claim

    def _welcome(self, frame: dict[str, Any]) -> list[Event]:
        self.terms = Terms.of(frame)
        self.welcomed = True
        events: list[Event] = [Welcomed()]
        held = {str(entry.get("id")): entry for entry in frame.get("work", [])}
        for id, work in list(self._work.items()):
            entry = held.get(id, {})
            if not entry.get("held"):
                events += self._end(id, "not_held")
                continue
            work.outbox.resize(self.terms.window, self.terms.frame_max)
            work.outbox.resume(int(entry.get("acked", 0)))
            if work.outbox.settled:
                del self._work[id]
                events.append(Settled(id))
        if self.draining:
            self._frames.append('{"t":"drain"}')
        return events

    def _turn(self, frame: dict[str, Any]) -> list[Event]:
        id = str(frame.get("id"))
        if id in self._work:
            return []
        work = self._work[id] = _Work(Outbox(id, self.terms.window, self.terms.frame_max))
        work.outbox.held = frame.get("head_start") is True
        return [TurnAsked(id, frame)]

    def _handover(self, frame: dict[str, Any]) -> list[Event]:
        id = str(frame.get("id"))
        work = self._work.get(id)
        # The gateway repeats it on a new link: only the first counts.
        if work is None or not work.outbox.held:
            return []
        work.outbox.held = False
        return [HandedOver(id, frame)]

    def _ack(self, id: str, seq: int) -> list[Event]:
        work = self._work.get(id)
        if work is None:
            return []
        work.outbox.ack(seq)
        if not work.outbox.settled:
            return []
        del self._work[id]
        return [Settled(id)]

    def _input(self, frame: dict[str, Any]) -> list[Event]:
        id = str(frame.get("id"))
        work = self._work.get(id)
        if work is None:
            return []
        floor = -1 if work.seen is None else work.seen
        fresh = [r for r in frame.get("records", []) if seq_of(r) > floor]
        if not fresh:
            return []
        work.seen = max(seq_of(record) for record in fresh)
        return [InputCame(id, fresh)]

    def _end(self, id: str, reason: str) -> list[Event]:
        return [Ended(id, reason)] if self._work.pop(id, None) else []

    def _error(self, frame: dict[str, Any]) -> list[Event]:
        id, code = frame.get("id"), str(frame.get("code", "error"))
        if not isinstance(id, str):
            self._complaint = f"{code}: {frame.get('message', '')}"
            return []
        if id not in self._work:
            return []
        if code in LOST_CODES:
            return self._end(id, code)
        if isinstance(frame.get("seq"), int):
            self._work[id].outbox.refused(frame["seq"])
        return [FrameRefused(id, code, str(frame.get("message", "")))]


def seq_of(record: dict[str, Any]) -> int:
    """The `.in` seq of a record."""
    return int(record["seq_num"])
