"""WebTransport by aioquic, against the service of `tests/examples/webtransport_echo.rs`."""

from __future__ import annotations

import asyncio
import ssl
import unittest

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived, StreamReset
from gateway import echo

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

    async def open(self, path: str) -> str:
        """Asks for the session; its status."""
        self.id = self._quic.get_next_available_stream_id()
        head = {":method": "CONNECT", ":protocol": "webtransport", ":scheme": "https"}
        head |= {":authority": "localhost", ":path": path}
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


def configuration() -> QuicConfiguration:
    return QuicConfiguration(
        is_client=True,
        alpn_protocols=H3_ALPN,
        verify_mode=ssl.CERT_NONE,
        max_datagram_frame_size=65536,
    )


class WebTransport(unittest.IsolatedAsyncioTestCase):
    async def test_a_session(self) -> None:
        with echo() as port:
            async with connect(
                "127.0.0.1", port, configuration=configuration(), create_protocol=Session
            ) as session:
                self.assertEqual(await session.open("/echo"), "200")
                control = session.control()
                session.say(control, '{"t":"hello"}\n')
                await session.until(lambda: session.streams.get(control) == b'{"t":"hello"}\n')
                for number in range(2, 12):
                    session.say(control, f"open {number} 50 1000\n")
                await session.until(lambda: len(session.ended) == 10)
                alone = {text for stream, text in session.streams.items() if stream != control}
                first = {text.split(b"\n", 1)[0] for text in alone}
                expected = {b'{"t":"stream","id":%d}' % number for number in range(2, 12)}
                self.assertEqual(first, expected)
                self.assertEqual({text.count(b"\n") for text in alone}, {51})
                # A second stream of the client is refused, and the session goes on.
                further = session.control()
                session.say(further, "x\n")
                await session.until(lambda: further in session.ended)
                session.say(control, "still\n")
                await session.until(lambda: session.streams[control].endswith(b"still\n"))
                session.say(control, "close 4003 bye\n")
                event = await asyncio.wait_for(session.answer.get(), TIMEOUT_S)
                self.assertEqual(event.data, b"\x68\x43\x07" + (4003).to_bytes(4) + b"bye")

    async def test_where_there_is_none(self) -> None:
        with echo() as port:
            async with connect(
                "127.0.0.1", port, configuration=configuration(), create_protocol=Session
            ) as session:
                self.assertEqual(await session.open("/nowhere"), "404")


if __name__ == "__main__":
    unittest.main()
