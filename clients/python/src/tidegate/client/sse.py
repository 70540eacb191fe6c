"""Event streams, decoded. Pure: bytes in, events out, however the bytes are cut."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import TidegateError

BOM = b"\xef\xbb\xbf"


class EventTooLarge(TidegateError):
    """An event, or a line of the stream, is over the limit."""


@dataclass(frozen=True)
class ServerEvent:
    """One event. `id` and `retry` are those that came with it."""

    data: str
    event: str | None = None
    id: str | None = None
    retry: int | None = None


@dataclass
class SseDecoder:
    """Decodes one body. What it holds is at most `max_event_bytes` (None: no limit)."""

    max_event_bytes: int | None = None
    _line: bytearray = field(default_factory=bytearray)
    _after_cr: bool = False
    _first: bool = True
    _failed: bool = False
    _event: bytes = b""
    _data: list[bytes] = field(default_factory=list)
    _data_bytes: int = 0
    _open: bool = False
    """Did a field come since the last blank line?"""
    _id: str | None = None
    _retry: int | None = None

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that a piece completes. Raises EventTooLarge: nothing more comes then."""
        events: list[ServerEvent] = []
        self.feed_into(piece, events)
        return events

    def feed_into(self, piece: bytes, events: list[ServerEvent]) -> None:
        """Like `feed`; what was complete before an error stays in `events`."""
        if self._failed:
            return
        start = 0
        if self._after_cr and piece:
            self._after_cr = False
            start = 1 if piece[:1] == b"\n" else 0
        while (end := _line_end(piece, start)) >= 0:
            self._line += piece[start:end]
            self._check(self._line_bytes())
            event = self._complete()
            if event is not None:
                events.append(event)
            start = end + 1
            if piece[end : end + 1] == b"\r":
                if start == len(piece):
                    self._after_cr = True
                elif piece[start : start + 1] == b"\n":
                    start += 1
        self._line += piece[start:]
        self._check(self._line_bytes())

    @property
    def cut(self) -> bool:
        """Would the body, if it ended here, end inside an event?"""
        return self._open or (bool(self._line) and not self._line.startswith(b":"))

    def _line_bytes(self) -> int:
        """A comment does not add to the event that it stands in."""
        held = 0 if self._line.startswith(b":") else self._data_bytes + len(self._event)
        return held + len(self._line)

    def _check(self, held: int) -> None:
        if self.max_event_bytes is not None and held > self.max_event_bytes:
            self._failed = True
            raise EventTooLarge(f"an event of more than {self.max_event_bytes} bytes")

    def _complete(self) -> ServerEvent | None:
        line = bytes(self._line)
        self._line.clear()
        if self._first:
            self._first = False
            line = line.removeprefix(BOM)
        if line == b"":
            return self._dispatch()
        if line.startswith(b":"):
            return None
        self._open = True
        name, _, value = line.partition(b":")
        self._set(name, value.removeprefix(b" "))
        return None

    def _set(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
        elif name == b"event":
            self._event = value
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
        elif name == b"retry" and value.isdigit():
            self._retry = int(value)

    def _dispatch(self) -> ServerEvent | None:
        data, event, self._data, self._event = self._data, self._event, [], b""
        self._data_bytes, self._open = 0, False
        if not data:
            return None
        done = ServerEvent(
            data=b"\n".join(data).decode(errors="replace"),
            event=event.decode(errors="replace") or None,
            id=self._id,
            retry=self._retry,
        )
        self._id = self._retry = None
        return done


def _line_end(piece: bytes, start: int) -> int:
    lf, cr = piece.find(b"\n", start), piece.find(b"\r", start)
    return max(lf, cr) if lf < 0 or cr < 0 else min(lf, cr)
