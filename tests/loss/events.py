"""Server-sent events of a channel, as frames like those of the duplex binding."""

from __future__ import annotations

import json

from gateway import KEY


def paths(frames: list[dict]) -> dict[int, str]:
    """Where the channels are that these frames would subscribe to, by the id of each."""
    asked = [frame for frame in frames if frame["t"] == "subscribe"]
    return {frame["id"]: f"/realtime/v1/sessions/{frame['session']}/out" for frame in asked}


def head(authority: str, path: str) -> list[tuple[str, str]]:
    """What asks for one of them over HTTP/2 or HTTP/3."""
    names = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", path)]
    return [*names, ("authorization", f"Bearer {KEY}"), ("accept", "text/event-stream")]


def batches(buffer: bytearray, data: bytes, chat: int) -> list[dict]:
    """The batches of the events that are whole now; the rest stays in the buffer."""
    buffer += data
    end = buffer.rfind(b"\n\n") + 2
    if end < 2:
        return []
    found = []
    for event in bytes(buffer[:end]).decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in event.splitlines() if ": " in line)
        if fields.get("event") == "batch":
            records = json.loads(fields["data"])["records"]
            found.append({"t": "batch", "id": chat, "records": records})
        elif fields.get("event") not in (None, "ping"):
            found.append({"t": "error", "id": chat, "event": event})
    del buffer[:end]
    return found
