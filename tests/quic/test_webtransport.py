"""WebTransport by aioquic, against the service of `tests/examples/webtransport_echo.rs`."""

from __future__ import annotations

import asyncio
import unittest

from aioquic.asyncio.client import connect
from gateway import echo
from webtransport import TIMEOUT_S, Session, configuration


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
