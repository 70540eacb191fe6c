"""What a client must not say, over WebTransport and over HTTP/3: a typed end, for it alone."""

from __future__ import annotations

import asyncio
import random
import unittest
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import encode_uint_var
from aioquic.quic.events import ConnectionTerminated, QuicEvent
from client import client
from duplex import Duplex, session
from gateway import gateway
from sessions import create, emit
from webtransport import TIMEOUT_S, configuration

SEED = 0x7469_6465

# What is written to streams of one direction, and the code of HTTP/3 that must come of it.
CONTROL, PUSH, ENCODER, DECODER = b"\0", b"\1", b"\2", b"\3"
FORBIDDEN = {
    "two control streams": ([CONTROL + b"\4\0", CONTROL + b"\4\0"], 0x103),
    "no settings": ([CONTROL + b"\0\1\7"], 0x10A),
    "settings twice": ([CONTROL + b"\4\0\4\0"], 0x105),
    "data between settings": ([CONTROL + b"\4\0\0\1x"], 0x105),
    "a setting of HTTP/2": ([CONTROL + b"\4\2\2\0"], 0x109),
    # RFC 9114 has H3_FRAME_ERROR for it, the library H3_SETTINGS_ERROR.
    "a setting cut off": ([CONTROL + b"\4\1\6"], 0x109),
    "two encoder streams": ([CONTROL + b"\4\0", ENCODER, ENCODER], 0x103),
    "two decoder streams": ([CONTROL + b"\4\0", DECODER, DECODER], 0x103),
}


class Raw(QuicConnectionProtocol):
    """A connection without HTTP/3."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated) and not self.end.done():
            self.end.set_result(event.error_code)

    def say(self, data: bytes, ended: bool = False) -> None:
        stream = self._quic.get_next_available_stream_id(is_unidirectional=True)
        self._quic.send_stream_data(stream, data, ended)
        self.transmit()


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Raw]:
    async with connect(
        "127.0.0.1", port, configuration=configuration(), create_protocol=Raw
    ) as protocol:
        yield protocol


class Bystander:
    """A subscription beside all that, which must get each record."""

    def __init__(self, http, duplex: Duplex) -> None:
        self.http, self.duplex, self.count = http, duplex, 0

    async def check(self) -> None:
        await emit(self.http, "chat", str(self.count))
        self.count += 1
        log = await self.duplex.until_records(1, self.count)
        assert [record["seq_num"] for record in log] == list(range(self.count)), log


@asynccontextmanager
async def place() -> AsyncIterator[tuple[int, Bystander]]:
    with gateway() as (port, _):
        async with client(port) as http, session(port) as duplex:
            await create(http, "chat")
            await duplex.request({"t": "subscribe", "id": 1, "session": "chat"})
            yield port, Bystander(http, duplex)


class Forbidden(unittest.IsolatedAsyncioTestCase):
    async def test_frames(self) -> None:
        good, large = {"t": "hello"}, "x" * 40_000
        version = {"tidegate-protocol-version": "99"}
        cases = [
            ("a wrong key", {"token": "nobody's"}, [], 4500),
            ("no hello", good | {"t": "subscribe", "id": 1, "session": "chat"}, [], 4400),
            ("a large hello", good | {"token": large}, [], 4503),
            ("no JSON", None, ["x\n"], 4400),
            ("no frame", None, ["[]\n"], 4400),
            ("no UTF-8", None, [b'{"t":"ping","n":1,"x":"\xff"}\n'], 4400),
            ("an unknown type", None, ['{"t":"dance"}\n'], 4400),
            ("no id", None, ['{"t":"subscribe","session":"chat"}\n'], 4400),
            ("a large frame", None, ["x" * 1_000_000] * 4, 4503),
            # R-DPX-3: the end of the control stream is that of the connection.
            ("within a frame", None, ['{"t":"pi'], 0),
        ]
        async with place() as (port, bystander):
            for name, hello, said, code in cases:
                with self.subTest(name):
                    async with session(port, hello) as duplex:
                        for text in said:
                            data = text if isinstance(text, bytes) else text.encode()
                            duplex._quic.send_stream_data(
                                duplex.control_stream, data, name == "within a frame"
                            )
                            duplex.transmit()
                        self.assertEqual(await duplex.closed(), code)
                await bystander.check()
            with self.subTest("an unknown version"):
                with self.assertRaisesRegex(AssertionError, "400"):
                    async with session(port, headers=version):
                        pass
            await bystander.check()

    async def test_settings_and_streams(self) -> None:
        async with place() as (port, bystander):
            for name, (streams, code) in FORBIDDEN.items():
                with self.subTest(name):
                    async with raw(port) as quic:
                        for data in streams:
                            quic.say(data)
                        self.assertEqual(await asyncio.wait_for(quic.end, TIMEOUT_S), code)
                await bystander.check()

    async def test_noise(self) -> None:
        numbers = random.Random(SEED)
        print(f"seed {SEED:#x}")
        async with place() as (port, bystander):
            for _ in range(40):
                async with raw(port) as quic:
                    kind = numbers.choice([CONTROL, PUSH, ENCODER, DECODER, b""])
                    quic.say(kind + numbers.randbytes(numbers.randrange(1, 500)), ended=True)
                    # What is wrong with it ends it; what happens to be right does not.
                    with suppress(ConnectionError):
                        await quic.ping()
                    if quic.end.done():
                        code = quic.end.result()
                        self.assertTrue(0x100 <= code <= 0x110 or 0x200 <= code <= 0x202, code)
                await bystander.check()

    async def test_streams_that_mean_nothing(self) -> None:
        """They are refused, or dropped, and the session goes on (R-DPX-3)."""
        async with place() as (port, bystander):
            async with session(port) as duplex:
                await duplex.until(lambda: duplex.said)
                quic = duplex._quic
                # A second stream of the session and one of a session that is none; and of one
                # direction: of the session, of another one, of a type that nobody knows, a push
                # (for which RFC 9114 would have the connection closed; the library stops it).
                second = duplex.control()
                duplex.say(second, '{"t":"ping","n":1}\n')
                other = quic.get_next_available_stream_id()
                duplex.own.add(other)
                quic.send_stream_data(other, encode_uint_var(0x41) + encode_uint_var(400) + b"x\n")
                for kind, more in ((0x54, duplex.id), (0x54, 400), (0x21, 0), (1, 0)):
                    stream = quic.get_next_available_stream_id(is_unidirectional=True)
                    data = encode_uint_var(kind) + encode_uint_var(more) + b"x\n"
                    quic.send_stream_data(stream, data, end_stream=True)
                quic.send_datagram_frame(b"\0x")
                duplex.transmit()
                await duplex.until(lambda: {second, other} <= duplex.ended)
                frame = {"t": "subscribe", "id": 1, "session": "chat", "from": 0}
                self.assertEqual((await duplex.request(frame))["t"], "ack")
                await bystander.check()
                self.assertEqual(len(await duplex.until_records(1, 1)), 1)
                self.assertFalse(any("n" in said and said["t"] == "pong" for said in duplex.said))
            await bystander.check()


if __name__ == "__main__":
    unittest.main()
