"""Events as the protocol of spec/v1/suites/clients.md shows them."""

from __future__ import annotations

from typing import Any

from tidegate.client import Event, Gap


def shown(event: Event) -> dict[str, Any]:
    """A record, or a gap."""
    if isinstance(event, Gap):
        return {"type": "gap", "from": event.from_, "to": event.to, "reason": event.reason}
    found: dict[str, Any] = {
        "type": "record",
        "seq_num": event.seq_num,
        "timestamp": event.timestamp,
        "headers": [list(header) for header in event.headers],
        "body": event.body,
    }
    if event.chunk is not None:
        found["chunk"] = event.chunk
    elif event.control is not None:
        found["control"] = {
            "kind": event.control.kind,
            "floor": event.control.floor,
            "closed_reason": event.control.closed_reason,
        }
    else:
        found["raw"] = event.raw
    return found


def sums_up(
    events: list[dict[str, Any]], count: int | None, boundaries: int | None, chunk: str | None
) -> bool:
    """Is that what was asked for?"""
    if count is not None:
        return len(events) >= count
    if boundaries is not None:
        kinds = [(it.get("control") or {}).get("kind") for it in events]
        return kinds.count("turn-complete") >= boundaries
    return any((it.get("chunk") or {}).get("type") == chunk for it in events)
