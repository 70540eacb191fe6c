"""A stalled chat never blocks another: aioquic gives one stream no credit while others go on."""

from __future__ import annotations

import asyncio
import unittest

from client import client
from duplex import session
from gateway import gateway
from sessions import create, emit

STREAM_BYTES = 32 * 1024
RECORDS, SIZE = 60, 8 * 1024


class Stalled(unittest.IsolatedAsyncioTestCase):
    async def test_one_stream_is_not_read(self) -> None:
        with gateway() as (port, _):
            async with client(port) as http, session(port, max_stream_data=STREAM_BYTES) as duplex:
                for name in ("stalled", "lively"):
                    await create(http, name)
                duplex.stalled.add(1)
                await duplex.request({"t": "subscribe", "id": 1, "session": "stalled"})
                await duplex.request({"t": "subscribe", "id": 2, "session": "lively"})
                filling = "x" * SIZE
                for at in range(RECORDS):
                    await emit(http, "stalled", f"{at} {filling}")
                    await emit(http, "lively", f"{at} {filling}")
                    await duplex.until_records(2, at + 1)
                self.assertLess(len(duplex.records(1)) * SIZE, STREAM_BYTES)
                # A chat that is asked for now, and the control stream, do not wait for it either.
                await duplex.request({"t": "subscribe", "id": 3, "session": "lively", "from": 0})
                self.assertEqual(await duplex.until_records(3, RECORDS), duplex.records(2))
                # Read at last, it has everything once and in order.
                duplex.unread.clear()
                duplex.transmit()
                log = await duplex.until_records(1, RECORDS)
                self.assertEqual([record["seq_num"] for record in log], list(range(RECORDS)))

    async def test_one_connection_is_not_read(self) -> None:
        """Nor does a connection whose client takes nothing at all disturb another one."""
        with gateway() as (port, _):
            async with client(port) as http, session(port) as lively:
                await create(http, "chat")
                async with session(port, max_stream_data=STREAM_BYTES) as stalled:
                    stalled.stalled.update(range(1, 9))
                    for number in range(1, 9):
                        frame = {"t": "subscribe", "id": number, "session": "chat"}
                        await stalled.request(frame)
                    await lively.request({"t": "subscribe", "id": 1, "session": "chat"})
                    filling = "x" * SIZE
                    for at in range(RECORDS):
                        await emit(http, "chat", f"{at} {filling}")
                        await lively.until_records(1, at + 1)
                    for number in range(1, 9):
                        self.assertLess(len(stalled.records(number)) * SIZE, STREAM_BYTES)
                    stalled.unread.clear()
                    stalled.transmit()
                    read = [stalled.until_records(number, RECORDS) for number in range(1, 9)]
                    for log in await asyncio.gather(*read):
                        self.assertEqual(log, lively.records(1))


if __name__ == "__main__":
    unittest.main()
