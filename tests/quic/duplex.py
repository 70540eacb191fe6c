"""`/v1/connect` over WebTransport, spoken by aioquic alone: see spec/v1/duplex.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aioquic.asyncio.client import connect
from aioquic.buffer import Buffer
from aioquic.h3.events import DataReceived
from gateway import KEY
from webtransport import TIMEOUT_S, Session, configuration

CLOSE_SESSION = 0x2843


class Duplex(Session):
    """Frames, each where it came. A stream that is in `unread` gets no further credit of QUIC."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.control_stream = -1
        self.lines: dict[int, bytearray] = {}
        # What came on the control stream, and the frames of each stream of a subscription.
        self.said: list[dict] = []
        self.heard: dict[int, list[dict]] = {}
        self.carrier: dict[int, int] = {}
        self.stalled: set[int] = set()
        self.unread: set[int] = set()
        raise_limit = self._quic._write_stream_limits

        def limits(builder, space, stream) -> None:
            if stream.stream_id not in self.unread:
                raise_limit(builder, space, stream)

        self._quic._write_stream_limits = limits

    def _take(self, stream: int, data: bytes, ended: bool) -> None:
        buffer = self.lines.setdefault(stream, bytearray())
        buffer += data
        *whole, rest = bytes(buffer).split(b"\n")
        buffer[:] = rest
        for line in whole:
            self._frame(stream, json.loads(line))
        if ended:
            self.ended.add(stream)
        self._tell()

    def _frame(self, stream: int, frame: dict) -> None:
        if stream == self.control_stream:
            self.said.append(frame)
            if frame["t"] == "ping":
                self.send({"t": "pong", "n": frame["n"]})
            return
        if stream not in self.heard:
            assert frame["t"] == "stream", f"the first line of a stream is {frame}"
            self.carrier[frame["id"]] = stream
            self.heard[stream] = []
            if frame["id"] in self.stalled:
                self.unread.add(stream)
            return
        assert frame["t"] in ("batch", "gap"), f"{frame} on a subscription's stream"
        assert self.carrier[frame["id"]] == stream, f"{frame} on another one's stream"
        self.heard[stream].append(frame)

    def send(self, frame: dict) -> None:
        self.say(self.control_stream, json.dumps(frame) + "\n")

    async def request(self, frame: dict) -> dict:
        """Sends it; the `ack` or `error` that answers it."""
        known = len(self.said)

        def answer() -> dict | None:
            later = self.said[known:]
            return next((f for f in later if f.get("id") == frame["id"]), None)

        self.send(frame)
        await self.until(lambda: answer() is not None)
        return answer()

    async def append(self, number: int, session: str, body: dict, channel: str = "in") -> int:
        """The seq of what was appended."""
        frame = {"t": "append", "id": number, "session": session, "channel": channel}
        answer = await self.request(frame | {"body": json.dumps(body)})
        assert answer["t"] == "ack", answer
        return answer["seq"]

    def batches(self, subscription: int) -> list[list[dict]]:
        """What came for it, on its newest stream."""
        frames = self.heard.get(self.carrier.get(subscription, -1), [])
        return [frame.get("records", []) for frame in frames]

    def records(self, subscription: int) -> list[dict]:
        return [record for batch in self.batches(subscription) for record in batch]

    async def until_records(self, subscription: int, count: int) -> list[dict]:
        await self.until(lambda: len(self.records(subscription)) >= count)
        return self.records(subscription)

    async def closed(self) -> int:
        """Waits for the end of the session; its code."""
        while True:
            event = await asyncio.wait_for(self.answer.get(), TIMEOUT_S)
            if isinstance(event, DataReceived) and event.data:
                capsule = Buffer(data=event.data)
                assert capsule.pull_uint_var() == CLOSE_SESSION, event.data
                capsule.pull_uint_var()
                return capsule.pull_uint32()


@asynccontextmanager
async def session(
    port: int, hello: dict | None = None, headers: dict[str, str] | None = None, **more
) -> AsyncIterator[Duplex]:
    """One with its control stream; `hello` says what is in that frame, by default the key."""
    async with connect(
        "127.0.0.1", port, configuration=configuration(**more), create_protocol=Duplex
    ) as duplex:
        status = await duplex.open("/v1/connect", headers)
        assert status == "200", status
        duplex.control_stream = duplex.control()
        duplex.send({"t": "hello"} | ({"token": KEY} if hello is None else hello))
        yield duplex
