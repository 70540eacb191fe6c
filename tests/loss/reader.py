"""Follows all chats on one connection, in the client's namespace; says `ready`, then what came."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource

import sse_http2
import sse_http3
import websocket
import webtransport
from gateway import KEY
from link import SERVER_IP
from received import Received

READS = {
    "WebSocket": websocket.read,
    "WebTransport": webtransport.read,
    "SSE/HTTP2": sse_http2.read,
    "SSE/HTTP3": sse_http3.read,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=READS)
    parser.add_argument("prefix")
    parser.add_argument("--chats", type=int, required=True)
    parser.add_argument("--each", type=int, required=True)
    parser.add_argument("--patience", type=float, required=True, help="seconds")
    args = parser.parse_args()
    received = Received(args.chats, args.each)
    frames: list[dict] = [{"t": "hello", "token": KEY}]
    for chat in range(args.chats):
        frames.append({"t": "subscribe", "id": chat, "session": f"{args.prefix}-{chat}"})

    def ready() -> None:
        print("ready", flush=True)

    read = READS[args.transport](SERVER_IP, frames, received, ready, args.patience)
    try:
        asyncio.run(read)
    except TimeoutError:
        received.wrong.append("gave up waiting")
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps(received.outcome() | {"cpu": used.ru_utime + used.ru_stime}))


if __name__ == "__main__":
    main()
