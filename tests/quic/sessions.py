"""Sessions, made and filled over HTTP/3."""

from __future__ import annotations

import json

from client import Client
from gateway import KEY

AUTH = {"authorization": f"Bearer {KEY}"}
OUT = "/realtime/v1/sessions/{}/out"


async def create(http: Client, name: str) -> None:
    base = {"trigger": "preload", "chatId": name}
    body = {
        "type": "chat.agent",
        "externalId": name,
        "taskIdentifier": "demo",
        "triggerConfig": {"basePayload": base},
    }
    status, _ = await http.fetch("POST", "/api/v1/sessions", AUTH, json.dumps(body).encode())
    assert status == 201, status


async def emit(http: Client, name: str, text: str) -> None:
    chunk = json.dumps({"type": "text-delta", "id": "t", "delta": text}).encode()
    status, _ = await http.fetch("POST", f"{OUT.format(name)}/append", AUTH, chunk)
    assert status == 200, status
