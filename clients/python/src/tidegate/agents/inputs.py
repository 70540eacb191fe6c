"""Messages that arrive while a turn runs (steering)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..link.machine import seq_of

Message = dict[str, Any]
"""A UIMessage: `id`, `role`, `parts`, and maybe `metadata`."""


class Pending:
    """What waits. What is not taken is answered by a turn of its own."""

    def __init__(self, injected: Callable[[list[int], list[Message]], None]) -> None:
        self._injected = injected
        self._waiting: list[tuple[int, Message]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> list[Message]:
        """Takes the messages into the running answer, oldest first."""
        taken, self._waiting = self._waiting, []
        if taken:
            self._injected([seq for seq, _ in taken], [message for _, message in taken])
        return [message for _, message in taken]

    def add(self, records: list[dict[str, Any]]) -> None:
        """Records of `.in` came."""
        for record in records:
            message = message_of(record)
            if message is not None:
                self._waiting.append((seq_of(record), message))


def message_of(record: dict[str, Any]) -> Message | None:
    """The message that a record submits; None if it is another kind of input."""
    try:
        said = json.loads(json.loads(record["body"])["data"])
    except (KeyError, TypeError, ValueError):
        return None
    payload = said.get("payload") if isinstance(said, dict) else None
    if not isinstance(payload, dict) or said.get("kind") != "message":
        return None
    message = payload.get("message")
    submits = payload.get("trigger", "submit-message") == "submit-message"
    return message if submits and isinstance(message, dict) else None


def marker(seqs: list[int], messages: list[Message]) -> dict[str, Any]:
    """The chunk by which pages built with the published SDK show what was taken in, and where."""
    texts = [{"id": message.get("id"), "text": text_of(message)} for message in messages]
    data = {"messageIds": [message.get("id") for message in messages], "messages": texts}
    return {"type": "data-pending-message-injected", "id": f"injected-{seqs[0]}", "data": data}


def text_of(message: Message) -> str:
    """The text parts of a message, joined."""
    parts = message.get("parts", [])
    return "".join(part.get("text", "") for part in parts if part.get("type") == "text")
