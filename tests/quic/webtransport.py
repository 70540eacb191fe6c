"""One WebTransport session on a connection of its own, made of aioquic alone."""

from __future__ import annotations

import asyncio
import ssl

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived, StreamReset

TIMEOUT_S = 20


class Session(QuicConnectionProtocol):
    """One session on a connection of its own."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic, enable_webtransport=True)
        self.id = -1
        self.answer: asyncio.Queue[H3Event] = asyncio.Queue()
        self.streams: dict[int, bytes] = {}
        self.ended: set[int] = set()
        # aioquic takes what comes back on these for frames of HTTP/3.
        self.own: set[int] = set()
        self.changed = asyncio.Condition()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived) and event.stream_id in self.own:
            self._take(event.stream_id, event.data, event.end_stream)
            return
        if isinstance(event, StreamReset):
            self.ended.add(event.stream_id)
            self._tell()
        for http_event in self.http.handle_event(event):
            if isinstance(http_event, WebTransportStreamDataReceived):
                self._take(http_event.stream_id, http_event.data, http_event.stream_ended)
            elif isinstance(http_event, (HeadersReceived, DataReceived)):
                self.answer.put_nowait(http_event)

    def _take(self, stream: int, data: bytes, ended: bool) -> None:
        self.streams[stream] = self.streams.get(stream, b"") + data
        if ended:
            self.ended.add(stream)
        self._tell()

    def _tell(self) -> None:
        async def tell() -> None:
            async with self.changed:
                self.changed.notify_all()

        asyncio.ensure_future(tell())

    async def open(self, path: str, headers: dict[str, str] | None = None) -> str:
        """Asks for the session; its status."""
        self.id = self._quic.get_next_available_stream_id()
        head = {":method": "CONNECT", ":protocol": "webtransport", ":scheme": "https"}
        head |= {":authority": "localhost", ":path": path} | (headers or {})
        pairs = [(name.encode(), value.encode()) for name, value in head.items()]
        self.http.send_headers(self.id, pairs)
        self.transmit()
        event = await asyncio.wait_for(self.answer.get(), TIMEOUT_S)
        return dict(event.headers)[b":status"].decode()

    def control(self) -> int:
        stream = self.http.create_webtransport_stream(self.id)
        self.own.add(stream)
        return stream

    def say(self, stream: int, text: str) -> None:
        self._quic.send_stream_data(stream, text.encode())
        self.transmit()

    async def until(self, condition) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(condition), TIMEOUT_S)


def configuration(**more) -> QuicConfiguration:
    return QuicConfiguration(
        is_client=True,
        alpn_protocols=H3_ALPN,
        verify_mode=ssl.CERT_NONE,
        max_datagram_frame_size=65536,
        **more,
    )
