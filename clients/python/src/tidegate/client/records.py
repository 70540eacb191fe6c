"""Records as they come, and what they say (spec/v1/records.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import MalformedFrame

Headers = tuple[tuple[str, str], ...]
SEQ_MAX = 2**53 - 1
OVERHEAD_BYTES = 8


@dataclass(frozen=True)
class Control:
    """What a control record says (R-CTL). `kind` may be one that this package does not know."""

    kind: str
    floor: int | None = None
    """Of a boundary: the `.in` seq up to which every input has its fate."""
    high_water: int | None = None
    token: str | None = field(default=None, repr=False)
    """Of a boundary, for readers that may write: a fresh token."""
    closed: bool = False
    closed_reason: str | None = None

    @property
    def is_boundary(self) -> bool:
        """Did a turn end here?"""
        return self.kind == "turn-complete"


@dataclass(frozen=True)
class RecordEvent:
    """One record. Exactly one of `chunk`, `control` and `raw` is not None.

    `chunk` is a UI message chunk. `raw` is the text of any other record: what was appended to `.in`
    or a side channel, and bodies without an envelope.
    """

    seq_num: int
    timestamp: int
    headers: Headers = field(repr=False)
    body: str = field(repr=False)
    chunk: dict[str, Any] | None = None
    control: Control | None = None
    raw: str | None = None
    part_id: str | None = None


@dataclass(frozen=True)
class Gap:
    """Records `from_` to `to` - 1 can't be delivered any more.

    `retention`: they were kept long enough. `epoch`: the store lost what it had confirmed.
    """

    from_: int
    to: int
    reason: Literal["retention", "epoch"]


Event = RecordEvent | Gap
"""What a subscription gives."""


@dataclass(frozen=True)
class Record:
    """A record as it is in the stream."""

    seq_num: int
    timestamp: int
    headers: Headers
    body: str

    @classmethod
    def of(cls, value: Any) -> Record:
        """Reads one. Raises MalformedFrame."""
        try:
            seq, timestamp, body = value["seq_num"], value["timestamp"], value.get("body", "")
            headers = tuple((str(name), str(text)) for name, text in value.get("headers") or ())
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedFrame(f"not a record: {error!r}") from error
        if not is_seq(seq) or not isinstance(timestamp, int) or not isinstance(body, str):
            raise MalformedFrame("not a record: a field is of another type")
        return cls(seq, timestamp, headers, body)

    @property
    def is_command(self) -> bool:
        """A record that no application sees (R-REC-4)."""
        return bool(self.headers) and self.headers[0][0] == ""

    @property
    def metered(self) -> int:
        """Its size as R-REC-7 counts it."""
        return record_bytes(self.headers, self.body)

    def event(self) -> RecordEvent:
        """What it says."""
        control = control_of(self.headers)
        chunk, raw, part = None, None, None
        if control is None:
            chunk, raw, part = _data_of(self.body)
        return RecordEvent(
            self.seq_num, self.timestamp, self.headers, self.body, chunk, control, raw, part
        )


def record_bytes(headers: Headers, body: str) -> int:
    """Metered bytes of a record."""
    named = sum(len(name.encode()) + len(text.encode()) + 2 for name, text in headers)
    return OVERHEAD_BYTES + named + len(body.encode(errors="surrogatepass"))


def batch_of(text: str) -> list[Record]:
    """The records of the data of a `batch` event. Raises MalformedFrame."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise MalformedFrame(f"a batch that is not JSON: {error}") from error
    records = value.get("records") if isinstance(value, dict) else None
    if not isinstance(records, list):
        raise MalformedFrame("a batch without records")
    return [Record.of(record) for record in records]


def control_of(headers: Headers) -> Control | None:
    """What the first `trigger-control` header says, at any position."""
    said: dict[str, str] = {}
    for name, text in headers:
        said.setdefault(name, text)
    kind = said.get("trigger-control")
    if kind is None:
        return None
    return Control(
        kind=kind,
        floor=_number(said.get("session-in-event-id")),
        high_water=_number(said.get("session-in-consumed-id")),
        token=said.get("public-access-token") or None,
        closed=said.get("session-closed") == "true" or kind == "session-closed",
        closed_reason=said.get("session-closed-reason"),
    )


def is_seq(value: object) -> bool:
    """Is it a place in a stream?"""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= SEQ_MAX


def _data_of(body: str) -> tuple[dict[str, Any] | None, str | None, str | None]:
    try:
        envelope = json.loads(body)
    except ValueError:
        return None, body, None
    if not isinstance(envelope, Mapping) or "data" not in envelope:
        return None, body, None
    data, id = envelope["data"], envelope.get("id")
    part = id if isinstance(id, str) and id else None
    if isinstance(data, dict):
        return data, None, part
    return None, data if isinstance(data, str) else body, part


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return int(text)
