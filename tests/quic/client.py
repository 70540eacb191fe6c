"""An HTTP/3 client made of aioquic alone: requests, and answers as they come."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset

TIMEOUT_S = 20


@dataclass
class Exchange:
    """One request and what came back."""

    events: asyncio.Queue[H3Event | StreamReset | ConnectionTerminated] = field(
        default_factory=asyncio.Queue
    )
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    async def head(self) -> int:
        """Waits for the answer's status."""
        event = await asyncio.wait_for(self.events.get(), TIMEOUT_S)
        if not isinstance(event, HeadersReceived):
            raise ConnectionError(f"no answer: {event}")
        self.headers = {name.decode(): value.decode() for name, value in event.headers}
        self.status = int(self.headers[":status"])
        if event.stream_ended:
            self.events.put_nowait(DataReceived(data=b"", stream_id=0, stream_ended=True))
        return self.status

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while True:
            event = await asyncio.wait_for(self.events.get(), TIMEOUT_S)
            if not isinstance(event, DataReceived):
                raise ConnectionError(f"cut off: {event}")
            if event.data:
                yield event.data
            if event.stream_ended:
                return

    async def body(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])


class Client(QuicConnectionProtocol):
    """One connection."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.exchanges: dict[int, Exchange] = {}
        self.terminated: ConnectionTerminated | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated):
            self.terminated = event
            for exchange in self.exchanges.values():
                exchange.events.put_nowait(event)
        if isinstance(event, StreamReset) and event.stream_id in self.exchanges:
            self.exchanges[event.stream_id].events.put_nowait(event)
        for http_event in self.http.handle_event(event):
            exchange = self.exchanges.get(getattr(http_event, "stream_id", -1))
            if exchange is not None:
                exchange.events.put_nowait(http_event)

    def begin(self, method: str, path: str, headers: dict[str, str], ended: bool) -> int:
        """Sends a head; answers the stream's id."""
        stream = self._quic.get_next_available_stream_id()
        self.exchanges[stream] = Exchange()
        pairs = {":method": method, ":scheme": "https", ":authority": "localhost", ":path": path}
        pairs |= headers
        encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
        self.http.send_headers(stream, encoded, end_stream=ended)
        self.transmit()
        return stream

    def open(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Exchange:
        stream = self.begin(method, path, headers, ended=not body)
        if body:
            self.http.send_data(stream, body, end_stream=True)
            self.transmit()
        return self.exchanges[stream]

    async def fetch(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, bytes]:
        exchange = self.open(method, path, headers or {}, body)
        return await exchange.head(), await exchange.body()


def configuration(**more) -> QuicConfiguration:
    return QuicConfiguration(
        is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE, **more
    )


@asynccontextmanager
async def client(port: int, **more) -> AsyncIterator[Client]:
    """A connection to the gateway on this port."""
    async with connect(
        "127.0.0.1", port, configuration=configuration(**more), create_protocol=Client
    ) as protocol:
        yield protocol
