"""The WebTransport side: one session, by aioquic."""

from __future__ import annotations

import asyncio
import json
import ssl
from functools import partial

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamDataReceived
from gateway import PORT
from received import Received, lines


class Session(QuicConnectionProtocol):
    """`received` takes what comes on any stream."""

    def __init__(self, *args, received: Received, ready, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic, enable_webtransport=True)
        self.received, self.ready = received, ready
        self.status: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.done = asyncio.Event()
        self.buffers: dict[int, bytearray] = {}
        self.control, self.answers = -1, 0

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated) and not self.done.is_set():
            self.received.wrong.append(f"{event}")
            self.done.set()
        # aioquic takes what comes back on the client's own stream for frames of HTTP/3.
        if isinstance(event, StreamDataReceived) and event.stream_id == self.control:
            self._take(event.stream_id, event.data)
            return
        for http_event in self.http.handle_event(event):
            if isinstance(http_event, WebTransportStreamDataReceived):
                self._take(http_event.stream_id, http_event.data)
            elif isinstance(http_event, HeadersReceived) and not self.status.done():
                self.status.set_result(dict(http_event.headers)[b":status"].decode())

    def _take(self, stream: int, data: bytes) -> None:
        for frame in lines(self.buffers.setdefault(stream, bytearray()), data):
            if frame["t"] in ("welcome", "ack"):
                self.answers -= 1
                if self.answers == 0:
                    self.ready()
            if frame["t"] == "ping":
                self.say({"t": "pong", "n": frame["n"]})
            self.received.take(frame)
        if self.received.complete():
            self.done.set()

    async def open(self, authority: str) -> None:
        stream = self._quic.get_next_available_stream_id()
        head = {":method": "CONNECT", ":protocol": "webtransport", ":scheme": "https"}
        head |= {":authority": authority, ":path": "/v1/connect"}
        self.http.send_headers(stream, [(k.encode(), v.encode()) for k, v in head.items()])
        self.transmit()
        status = await self.status
        if status != "200":
            raise ConnectionError(f"the session was refused with {status}")
        self.control = self.http.create_webtransport_stream(stream)

    def say(self, frame: dict) -> None:
        self._quic.send_stream_data(self.control, json.dumps(frame).encode() + b"\n")
        self.transmit()


async def read(host: str, frames: list[dict], received: Received, ready, patience: float) -> None:
    """Sends the frames, calls `ready` once all were answered, and reads until all has come."""
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=H3_ALPN,
        verify_mode=ssl.CERT_NONE,
        max_datagram_frame_size=65536,
    )
    make = partial(Session, received=received, ready=ready)
    async with connect(host, PORT, configuration=configuration, create_protocol=make) as session:
        session.answers = len(frames)
        await asyncio.wait_for(session.open(f"{host}:{PORT}"), patience)
        for frame in frames:
            session.say(frame)
        await asyncio.wait_for(session.done.wait(), patience)
