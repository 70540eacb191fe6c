"""What a client got, held against what was written."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field


def body(number: int, size: int) -> str:
    """A record: its number, when it was written, and so many bytes of filling."""
    text = f"{number} {time.monotonic()} {'x' * size}"
    return json.dumps({"type": "text-delta", "id": "t", "delta": text})


@dataclass
class Received:
    """The records of all chats. `delays` are (chat, number, written at, seconds)."""

    chats: int
    each: int
    next: dict[int, int] = field(default_factory=dict)
    delays: list[tuple[int, int, float, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def take(self, frame: dict) -> None:
        now = time.monotonic()
        chat = frame.get("id")
        if frame["t"] in ("error", "gap", "goaway"):
            self.wrong.append(f"{frame}")
        if frame["t"] != "batch":
            return
        for record in frame["records"]:
            chunk = json.loads(record["body"])["data"]
            number, written, _ = chunk["delta"].split(" ")
            expected = self.next.get(chat, 0)
            if (record["seq_num"], int(number)) != (expected, expected):
                self.wrong.append(f"chat {chat}: {record['seq_num']} instead of {expected}")
            self.next[chat] = record["seq_num"] + 1
            self.delays.append((chat, int(number), float(written), now - float(written)))

    def complete(self) -> bool:
        return bool(self.wrong) or len(self.delays) >= self.chats * self.each

    def outcome(self) -> dict:
        missing = self.chats * self.each - len(self.delays)
        wrong = self.wrong + ([f"{missing} records did not come"] if missing else [])
        return {"wrong": wrong, "delays": self.delays}


def lines(buffer: bytearray, data: bytes) -> list[dict]:
    """The frames that are whole now; the rest stays in the buffer."""
    buffer += data
    end = buffer.rfind(b"\n") + 1
    found = [json.loads(line) for line in bytes(buffer[:end]).splitlines()]
    del buffer[:end]
    return found
