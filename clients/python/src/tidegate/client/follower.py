"""Where a reader is in a stream, what it delivers next, and what it missed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .errors import InvalidCursor
from .records import SEQ_MAX, Gap, Record, is_seq

EPOCH_SEQ_STRIDE = 2**32
"""The first `seq_num` of an epoch is at least so far beyond those of the one before it."""

NOTHING = -1
"""Instead of a cursor: the reader has no record yet, and wants everything (R-CUR-7)."""


@dataclass(frozen=True)
class Doubt:
    """Records `from_` to `to` - 1 did not come. They were command records, which nobody gets, or
    retention took them: whether the record before them is still there decides."""

    from_: int
    to: int

    def gap(self) -> Gap:
        """What it is, if retention took them."""
        return Gap(self.from_, self.to, "retention")


@dataclass
class Follower:
    """The cursor of one subscription, over all of its connections. It never goes back."""

    cursor: int | None = None
    _fresh: bool = True
    """Did nothing come on this connection yet?"""

    def opened(self) -> None:
        """A connection was made."""
        self._fresh = True

    def records(self, records: Iterable[Record]) -> list[Record | Gap | Doubt]:
        """What of a batch is new, in order. Where the gateway says what is lost (`gap`), that has
        moved the cursor, and what is missing otherwise are command records."""
        found: list[Record | Gap | Doubt] = []
        for record in records:
            if self.cursor is not None and record.seq_num <= self.cursor:
                continue
            missing = self._missing(record.seq_num)
            if missing is not None:
                found.append(missing)
            self.cursor, self._fresh = record.seq_num, False
            if not record.is_command:
                found.append(record)
        return found

    def gap(self, gap: Gap) -> list[Gap]:
        """The gateway says that records are lost: what of it is news."""
        start = gap.from_ if self.cursor is None else max(gap.from_, self.cursor + 1)
        if start >= gap.to:
            return []
        self.cursor, self._fresh = gap.to - 1, False
        return [Gap(start, gap.to, gap.reason)]

    def _missing(self, seq: int) -> Gap | Doubt | None:
        if self.cursor is None or seq == self.cursor + 1:
            return None
        if seq - self.cursor >= EPOCH_SEQ_STRIDE // 2:
            return Gap(self.cursor + 1, seq, "epoch")
        # Within one connection batches are consecutive (R-SSE-3).
        return Doubt(self.cursor + 1, seq) if self._fresh else None


def cursor_of(text: str) -> int | None:
    """A cursor as text (R-CUR-2): white space around it is nothing, nothing is no cursor."""
    digits = text.strip(" \t\r\n")
    if digits == "":
        return None
    if not (digits.isascii() and digits.isdigit()) or int(digits[:20]) > SEQ_MAX:
        raise InvalidCursor("invalid_cursor", f"not a cursor: {text[:40]!r}", param="after")
    return checked(int(digits))


def checked(after: int | None) -> int | None:
    """A cursor that a stream can have. Raises InvalidCursor."""
    if after is not None and not is_seq(after):
        message = f"a cursor is a whole number from 0 to 2^53 - 1, not {after!r}"
        raise InvalidCursor("invalid_cursor", message, param="after")
    return after
