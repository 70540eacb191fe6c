"""HTTP/3 by aioquic: routes, a turn, a read resumed from every cursor, the goodbye of a drain."""

from __future__ import annotations

import asyncio
import signal
import unittest

from client import Client, client
from curl import complete, records
from gateway import gateway
from sessions import AUTH, OUT, create, emit


async def read(http: Client, name: str, count: int, cursor: int | None = None) -> list[dict]:
    """So many records behind the cursor."""
    headers = AUTH if cursor is None else AUTH | {"last-event-id": str(cursor)}
    exchange = http.open("GET", OUT.format(name), headers)
    assert await exchange.head() == 200, exchange.headers
    body = b""
    async for piece in exchange.pieces():
        body += piece
        if len(complete(body)) >= count:
            return complete(body)[:count]
    raise AssertionError(f"{len(records(body))} of {count}")


class Http3(unittest.IsolatedAsyncioTestCase):
    async def test_requests(self) -> None:
        with gateway() as (port, _):
            async with client(port) as http:
                self.assertEqual(await http.fetch("GET", "/live"), (200, b'{"status":"live"}'))
                self.assertEqual((await http.fetch("HEAD", "/live"))[1], b"")
                self.assertEqual((await http.fetch("GET", "/nothing"))[0], 404)
                self.assertEqual((await http.fetch("OPTIONS", "/api/v1/sessions"))[0], 204)
                large = b" " * 1_048_577
                await create(http, "a")
                path = "/realtime/v1/sessions/a/in/append"
                self.assertEqual((await http.fetch("POST", path, AUTH, large))[0], 413)
                many = [http.fetch("GET", "/live") for _ in range(200)]
                self.assertEqual({status for status, _ in await asyncio.gather(*many)}, {200})

    async def test_every_cursor_resumes(self) -> None:
        with gateway() as (port, _):
            async with client(port) as http, client(port) as other:
                await create(http, "a")
                for at in range(30):
                    await emit(http, "a", f"word {at}")
                log = await read(http, "a", 30)
                self.assertEqual([record["seq_num"] for record in log], list(range(30)))
                for cursor in range(29):
                    rest = await read(other, "a", 29 - cursor, cursor)
                    self.assertEqual(rest, log[cursor + 1 :], cursor)

    async def test_a_drain_says_goodbye(self) -> None:
        with gateway() as (port, process):
            async with client(port) as http:
                await create(http, "a")
                await emit(http, "a", "word")
                # One without it is broken off (R-DRN-10).
                patient = {**AUTH, "timeout-seconds": "60"}
                exchange = http.open("GET", OUT.format("a"), patient)
                self.assertEqual(await exchange.head(), 200)
                process.send_signal(signal.SIGTERM)
                body = await exchange.body()
                self.assertEqual(len(records(body)), 1)
                self.assertTrue(body.endswith(b"data: [DONE]\n\n"), body)
                await asyncio.wait_for(http.wait_closed(), 20)
                self.assertEqual(http.terminated.error_code, 0x100)
            self.assertEqual(await asyncio.to_thread(process.wait, 20), 0)


if __name__ == "__main__":
    unittest.main()
