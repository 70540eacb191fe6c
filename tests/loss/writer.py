"""Writes to all chats, over loopback in the gateway's namespace: `go` on its input begins."""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import ssl
import sys

from gateway import KEY, PORT
from received import body
from websocket import connected


def create(prefix: str, chats: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", PORT, context=context)
    for chat in range(chats):
        name = f"{prefix}-{chat}"
        session = {"type": "chat.agent", "externalId": name, "taskIdentifier": "demo"}
        session["triggerConfig"] = {"basePayload": {"trigger": "preload", "chatId": name}}
        headers = {"authorization": f"Bearer {KEY}"}
        connection.request("POST", "/api/v1/sessions", json.dumps(session), headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status}: {said}")
    connection.close()


async def answers(socket, count: int) -> None:
    got = 0
    async for message in socket:
        frame = json.loads(message)
        if frame["t"] == "error":
            raise RuntimeError(message)
        got += frame["t"] == "ack"
        if got == count:
            return


async def write(args: argparse.Namespace) -> None:
    async with connected("127.0.0.1") as socket:
        await socket.send(json.dumps({"t": "hello", "token": KEY}))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        total = args.chats * args.each
        done = asyncio.create_task(answers(socket, total))
        clock = asyncio.get_running_loop()
        began, gap = clock.time(), 1 / (args.rate * args.chats)
        for at in range(total):
            await asyncio.sleep(max(0.0, began + at * gap - clock.time()))
            number, chat = divmod(at, args.chats)
            size = args.first_size if chat == 0 and number % args.first_every == 0 else args.size
            frame = {"t": "append", "id": at, "session": f"{args.prefix}-{chat}"}
            frame |= {"channel": "out", "body": body(number, size)}
            await socket.send(json.dumps(frame))
        await asyncio.wait_for(done, 60)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("prefix")
    parser.add_argument("--chats", type=int, required=True)
    parser.add_argument("--each", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--size", type=int, default=20)
    parser.add_argument("--first-size", type=int, default=20)
    parser.add_argument("--first-every", type=int, default=1)
    args = parser.parse_args()
    create(args.prefix, args.chats)
    asyncio.run(write(args))


if __name__ == "__main__":
    main()
