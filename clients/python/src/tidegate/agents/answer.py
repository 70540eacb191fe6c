"""What an agent yields, as chunks. Plain strings become one text part."""

from __future__ import annotations

from .turn import Chunk


class Answer:
    """Pure: keeps which text part is open."""

    def __init__(self) -> None:
        self._parts = 0
        self._open: str | None = None

    def chunks(self, given: str | Chunk) -> list[Chunk]:
        """The chunks for one value that the agent yielded."""
        if isinstance(given, str):
            return self._text(given)
        if not isinstance(given, dict) or not isinstance(given.get("type"), str):
            raise TypeError(f"an agent yields strings and chunks, not {given!r:.80}")
        return [*self.end(), given]

    def end(self) -> list[Chunk]:
        """Closes the text part, if one is open."""
        if self._open is None:
            return []
        id, self._open = self._open, None
        return [{"type": "text-end", "id": id}]

    def _text(self, text: str) -> list[Chunk]:
        if not text:
            return []
        chunks: list[Chunk] = []
        if self._open is None:
            self._parts += 1
            self._open = f"text-{self._parts}"
            chunks.append({"type": "text-start", "id": self._open})
        return [*chunks, {"type": "text-delta", "id": self._open, "delta": text}]
