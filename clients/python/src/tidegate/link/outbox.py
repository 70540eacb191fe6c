"""The frames of one piece of work: numbered, kept until acknowledged, within the window."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from ..errors import ChunkTooLarge
from ..frames import encode

FRAME_TARGET_BYTES = 256 * 1024
"""Chunks that wait are put into frames of about this size."""
FRAME_OVERHEAD_BYTES = 512
"""Room for what stands around the chunks."""


@dataclass
class _Frame:
    seq: int
    text: str
    size: int
    charged: bool = True
    """Does it count for the window? A refused frame does not."""


class Outbox:
    """Pure: gives the texts to send, and is told what was acknowledged."""

    def __init__(self, id: str, window: int, frame_max: int) -> None:
        self.id = id
        self.acked = 0
        """Highest seq that was acknowledged."""
        self.finished = False
        """Was `done` put in?"""
        self.held = False
        """May nothing be sent yet, because the first step is made elsewhere (R-HDS-23)?"""
        self._window = window
        self._frame_max = frame_max
        self._waiting: deque[tuple[str, str, int]] = deque()
        self._waiting_bytes = 0
        self._unacked: deque[_Frame] = deque()
        self._unacked_bytes = 0
        self._sent = 0
        self._last = 0

    @property
    def full(self) -> bool:
        """Should the producer wait? True while a whole frame waits for the window.

        While it is held nothing makes room, and who waited for that would wait for itself.
        """
        return not self.held and self._waiting_bytes >= FRAME_TARGET_BYTES

    @property
    def settled(self) -> bool:
        """Is everything up to `done` acknowledged?"""
        return self.finished and not self._waiting and not self._unacked

    def chunk(self, chunk: dict[str, Any]) -> None:
        """One more chunk of the answer. Raises ChunkTooLarge."""
        text = encode(chunk)
        size = len(text.encode())
        if size + FRAME_OVERHEAD_BYTES > self._frame_max:
            raise ChunkTooLarge(f"a chunk of {size} bytes, {self._frame_max} fit into a frame")
        self._put("out", text, size)

    def injected(self, inputs: list[int]) -> None:
        """These inputs were taken into the answer, after the chunks so far."""
        self._put("injected", f'"inputs":{encode(inputs)}', 0)

    def done(self, error: str | None = None) -> None:
        """The answer is whole, or failed. Nothing follows."""
        if not self.finished:
            self._put("done", "" if error is None else f'"error":{encode(error)}', 0)
            self.finished = True

    def take(self) -> list[str]:
        """What can be sent now, in order."""
        texts = [frame.text for frame in self._unacked if frame.seq > self._sent]
        while self._waiting and not self.held:
            text, count, size = self._next()
            room = self._window - self._unacked_bytes
            # One frame always fits, or a large chunk could never be sent.
            if size > room and self._unacked_bytes > 0:
                break
            for _ in range(count):
                self._waiting_bytes -= self._waiting.popleft()[2]
            self._last += 1
            self._unacked.append(_Frame(self._last, text, size))
            self._unacked_bytes += size
            texts.append(text)
        self._sent = self._last
        return texts

    def ack(self, seq: int) -> None:
        """The gateway has everything up to `seq`."""
        self.acked = max(self.acked, min(seq, self._last))
        while self._unacked and self._unacked[0].seq <= seq:
            frame = self._unacked.popleft()
            self._unacked_bytes -= frame.size if frame.charged else 0

    def refused(self, seq: int) -> None:
        """The frame took no effect. It is kept for a resend, since its number is used up."""
        for frame in self._unacked:
            if frame.seq == seq and frame.charged:
                frame.charged = False
                self._unacked_bytes -= frame.size

    def resume(self, acked: int) -> None:
        """A new connection: what is above `acked` is sent again."""
        self.ack(acked)
        self._sent = self.acked

    def resize(self, window: int, frame_max: int) -> None:
        """The terms of a new connection."""
        self._window = window
        self._frame_max = frame_max

    def _put(self, kind: str, text: str, size: int) -> None:
        if not self.finished:
            self._waiting.append((kind, text, size))
            self._waiting_bytes += size

    def _next(self) -> tuple[str, int, int]:
        """The next frame, how many waiting entries are in it, and its bytes."""
        kind, text, size = self._waiting[0]
        head = f'{{"t":"{kind}","id":{encode(self.id)},"seq":{self._last + 1}'
        if kind != "out":
            frame = f"{head},{text}}}" if text else f"{head}}}"
            return frame, 1, len(frame.encode())
        chunks: list[str] = []
        total = 0
        for other, chunk, bytes_ in self._waiting:
            if other != "out" or (chunks and total + bytes_ > FRAME_TARGET_BYTES):
                break
            chunks.append(chunk)
            total += bytes_ + 1
        frame = f'{head},"chunks":[{",".join(chunks)}]}}'
        return frame, len(chunks), len(frame.encode())
