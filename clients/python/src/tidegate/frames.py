"""Frames of the agent link and of the duplex binding as text."""

from __future__ import annotations

import json
from typing import Any

from .errors import MalformedFrame


def encode(value: Any) -> str:
    """Compact JSON. Text is kept as it is, so that bytes are counted as they are sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def decode(text: str | bytes) -> dict[str, Any]:
    """The frame that a message holds. Raises MalformedFrame."""
    if isinstance(text, bytes):
        raise MalformedFrame("a binary message")
    try:
        frame = json.loads(text)
    except ValueError as error:
        raise MalformedFrame(f"not JSON: {error}") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
        raise MalformedFrame("not an object with a type")
    return frame
