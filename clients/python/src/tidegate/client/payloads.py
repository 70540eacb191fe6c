"""What is appended to `.in` (spec/v1/records.md, R-IN). Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

Message = Mapping[str, Any]
"""A UIMessage."""


def new_id() -> str:
    """For messages and part ids."""
    return uuid.uuid4().hex


def user_message(text: str) -> dict[str, Any]:
    """A user's message with one text."""
    return {"id": new_id(), "role": "user", "parts": [{"type": "text", "text": text}]}


def submit(chat: str, message: Message | str, metadata: Any = None, rest: Any = None) -> str:
    """A message to answer, or to take up into the answer that runs."""
    said = user_message(message) if isinstance(message, str) else dict(message)
    return _message(chat, "submit-message", metadata, rest, message=said)


def regenerate(chat: str, message_id: str | None, metadata: Any = None) -> str:
    """The last answer again."""
    keys = {} if message_id is None else {"messageId": message_id}
    return _message(chat, "regenerate-message", metadata, None, **keys)


def action(chat: str, value: Any, metadata: Any = None) -> str:
    """An action of the application."""
    return _message(chat, "action", metadata, None, action=value)


def stop() -> str:
    """Ends the turn that runs."""
    return encode({"kind": "stop"})


def encode(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _message(chat: str, trigger: str, metadata: Any, rest: Any, **keys: Any) -> str:
    payload = {**(rest or {}), **keys, "chatId": chat, "trigger": trigger}
    if metadata is not None:
        payload["metadata"] = metadata
    return encode({"kind": "message", "payload": payload})
