"""The WebSocket side: one connection for everything, by the Python package `websockets`."""

from __future__ import annotations

import asyncio
import json
import ssl

from gateway import PORT
from received import Received
from websockets.asyncio.client import ClientConnection, connect


def connected(host: str) -> connect:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return connect(
        f"wss://{host}:{PORT}/v1/connect",
        ssl=context,
        subprotocols=["tidegate.v1"],
        compression=None,
        ping_interval=None,
        max_size=None,
    )


async def read(host: str, frames: list[dict], received: Received, ready, patience: float) -> None:
    """Sends the frames, calls `ready` once all were answered, and reads until all has come."""
    async with connected(host) as socket:
        for frame in frames:
            await socket.send(json.dumps(frame))
        await asyncio.wait_for(take(socket, len(frames), received, ready), patience)


async def take(socket: ClientConnection, answers: int, received: Received, ready) -> None:
    async for message in socket:
        frame = json.loads(message)
        if frame["t"] in ("welcome", "ack"):
            answers -= 1
            if answers == 0:
                ready()
        if frame["t"] == "ping":
            await socket.send(json.dumps({"t": "pong", "n": frame["n"]}))
        received.take(frame)
        if received.complete():
            return
