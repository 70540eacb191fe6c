"""Server-sent events over HTTP/3: one connection for all chats, by aioquic."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset
from events import batches, head, paths
from gateway import PORT
from received import Received


class Reads(QuicConnectionProtocol):
    """A stream of HTTP/3 for each chat."""

    def __init__(self, *args, received: Received, ready, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.received, self.ready = received, ready
        self.chats: dict[int, int] = {}
        self.buffers: dict[int, bytearray] = {}
        self.answered, self.done = 0, asyncio.Event()

    def ask(self, authority: str, frames: list[dict]) -> None:
        for chat, path in paths(frames).items():
            stream = self._quic.get_next_available_stream_id()
            names = [(name.encode(), value.encode()) for name, value in head(authority, path)]
            self.chats[stream], self.buffers[stream] = chat, bytearray()
            self.http.send_headers(stream, names, end_stream=True)
        self.transmit()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, (ConnectionTerminated, StreamReset)) and not self.done.is_set():
            self.received.wrong.append(f"{event}")
        for http_event in self.http.handle_event(event):
            if isinstance(http_event, HeadersReceived):
                self._answer(dict(http_event.headers)[b":status"].decode())
            elif isinstance(http_event, DataReceived):
                stream = http_event.stream_id
                for frame in batches(self.buffers[stream], http_event.data, self.chats[stream]):
                    self.received.take(frame)
        if self.received.complete():
            self.done.set()

    def _answer(self, status: str) -> None:
        if status != "200":
            self.received.wrong.append(f"a read was refused with {status}")
        self.answered += 1
        if self.answered == len(self.chats):
            self.ready()


async def read(host: str, frames: list[dict], received: Received, ready, patience: float) -> None:
    """Asks for all chats, calls `ready` once all were answered, and reads until all has come."""
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE
    )
    make = partial(Reads, received=received, ready=ready)
    async with connect(host, PORT, configuration=configuration, create_protocol=make) as reads:
        reads.ask(f"{host}:{PORT}", frames)
        await asyncio.wait_for(reads.done.wait(), patience)
