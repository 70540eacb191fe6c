"""Is what came what was expected?"""

from __future__ import annotations

from typing import Any

TOKEN = "public-access-token"


class Mismatch(Exception):
    """It is not."""


def same(wanted: Any, found: Any, where: str = "") -> None:
    """Every key that is wanted is there and equal; arrays are whole; `any` is anything but null."""
    if wanted == "any":
        if found is None:
            raise Mismatch(f"{where}: nothing is there")
    elif isinstance(wanted, dict):
        if not isinstance(found, dict):
            raise Mismatch(f"{where}: {short(found)} is no object")
        for key, value in wanted.items():
            same(value, found.get(key), f"{where}/{key}")
    elif isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            raise Mismatch(f"{where}: {short(found)} instead of {short(wanted)}")
        for at, (one, other) in enumerate(zip(wanted, found, strict=True)):
            same(one, other, f"{where}/{at}")
    elif wanted != found or isinstance(wanted, bool) != isinstance(found, bool):
        raise Mismatch(f"{where}: {short(found)} instead of {short(wanted)}")


def stripped(record: dict[str, Any]) -> tuple[Any, ...]:
    """What is the same for every reader of a record (R-INV-1)."""
    headers = [list(header) for header in record["headers"] if header[0] != TOKEN]
    return record["seq_num"], record["timestamp"], record["body"], headers


def whole(events: list[dict[str, Any]], log: list[dict[str, Any]]) -> None:
    """The events are exactly these records."""
    wanted = [stripped(record) for record in log]
    for at, event in enumerate(events):
        if event["type"] != "record":
            raise Mismatch(f"event {at} is {short(event)}")
        if at >= len(wanted):
            raise Mismatch(f"{len(events) - len(wanted)} records too many: {short(events[at:])}")
        if stripped(event) != wanted[at]:
            raise Mismatch(f"event {at}: {short(stripped(event))} instead of {short(wanted[at])}")
    if len(events) < len(wanted):
        raise Mismatch(f"{len(events)} records instead of {len(wanted)}")


def adjoin(events: list[dict[str, Any]]) -> None:
    """Each event begins where the one before it ended: nothing is missing, nothing came twice."""
    after: int | None = None
    for event in events:
        first = event["seq_num"] if event["type"] == "record" else event["from"]
        if after is not None and first != after:
            raise Mismatch(f"{first} comes where {after} should: {short(event)}")
        after = first + 1 if event["type"] == "record" else event["to"]


def text_of(events: list[dict[str, Any]]) -> str:
    """All text deltas, joined."""
    chunks = (event.get("chunk") or {} for event in events)
    return "".join(it.get("delta", "") for it in chunks if it.get("type") == "text-delta")


def short(value: Any) -> str:
    """For a message."""
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
