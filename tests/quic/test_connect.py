"""What a client does with its sessions over WebTransport, by aioquic."""

from __future__ import annotations

import json
import signal
import unittest

from client import client
from duplex import Duplex, session
from gateway import gateway
from sessions import create, emit


def message(chat: str, number: int, text: str) -> dict:
    said = {"id": f"u{number}", "role": "user", "parts": [{"type": "text", "text": text}]}
    payload = {"chatId": chat, "trigger": "submit-message", "message": said}
    return {"kind": "message", "payload": payload}


def boundary_of(records: list[dict], seq: int) -> bool:
    """Is the turn that answers this input over?"""
    for record in records:
        headers = dict(record.get("headers", []))
        if headers.get("trigger-control") == "turn-complete":
            if int(headers["session-in-event-id"]) >= seq:
                return True
    return False


def text(records: list[dict]) -> str:
    chunks = [json.loads(record["body"]).get("data") for record in records if record["body"]]
    return "".join(c["delta"] for c in chunks if isinstance(c, dict) and c["type"] == "text-delta")


async def hello(duplex: Duplex) -> dict:
    await duplex.until(lambda: duplex.said)
    return duplex.said[0]


class Connect(unittest.IsolatedAsyncioTestCase):
    async def test_a_chat_its_stop_and_its_cursors(self) -> None:
        with gateway() as (port, _):
            async with client(port) as http, session(port) as duplex:
                await create(http, "chat")
                welcome = await hello(duplex)
                self.assertEqual((welcome["t"], welcome["protocol"]), ("welcome", 1))
                ack = await duplex.request({"t": "subscribe", "id": 1, "session": "chat"})
                self.assertEqual((ack["t"], ack["from"]), ("ack", 0))
                seq = await duplex.append(2, "chat", message("chat", 1, "hi"))
                await duplex.until(lambda: boundary_of(duplex.records(1), seq))
                self.assertIn("You said: “hi”.", text(duplex.records(1)))
                log = duplex.records(1)
                numbers = [record["seq_num"] for record in log]
                self.assertEqual(numbers, list(range(len(log))))
                # Every cursor, each on a stream of its own.
                for after in range(len(log) - 1):
                    frame = {"t": "subscribe", "id": 100 + after, "session": "chat"}
                    duplex.send(frame | {"after": after})
                for after in range(len(log) - 1):
                    wanted = log[after + 1 :]
                    self.assertEqual(await duplex.until_records(100 + after, len(wanted)), wanted)
                self.assertEqual(len(set(duplex.carrier.values())), len(log))
                for after in range(len(log) - 1):
                    duplex.send({"t": "unsubscribe", "id": 100 + after})
                # A stop ends the turn that runs, and no later one.
                long = await duplex.append(3, "chat", message("chat", 2, "/words 3000 20"))
                await duplex.until_records(1, len(log) + 10)
                await duplex.append(4, "chat", {"kind": "stop"})
                await duplex.until(lambda: boundary_of(duplex.records(1), long))
                self.assertNotIn("word-3000", text(duplex.records(1)))
                after_stop = await duplex.append(5, "chat", message("chat", 3, "next"))
                await duplex.until(lambda: boundary_of(duplex.records(1), after_stop))
                self.assertTrue(text(duplex.records(1)).endswith("the tide is listening."))
                log = duplex.records(1)
                self.assertEqual([r["seq_num"] for r in log], list(range(len(log))))

    async def test_credits(self) -> None:
        with gateway() as (port, _):
            async with client(port) as http, session(port) as duplex:
                await create(http, "chat")
                narrow = {"t": "subscribe", "id": 1, "session": "chat", "window": 1}
                await duplex.request(narrow)
                await duplex.request({"t": "subscribe", "id": 2, "session": "chat"})
                for at in range(10):
                    await emit(http, "chat", str(at))
                    # The other one has it; this one has one batch, whatever it did not take in.
                    await duplex.until_records(2, at + 1)
                await duplex.until_records(1, 1)
                batches = 1
                while len(duplex.records(1)) < 10:
                    self.assertEqual(len(duplex.batches(1)), batches)
                    known = duplex.records(1)
                    duplex.send({"t": "ack", "id": 1, "seq": known[-1]["seq_num"]})
                    await duplex.until_records(1, len(known) + 1)
                    batches += 1
                self.assertGreater(batches, 1)
                self.assertEqual(duplex.records(1), duplex.records(2))
                duplex.send({"t": "ack", "id": 1, "seq": 10})
                self.assertEqual(await duplex.closed(), 4506)

    async def test_a_subscription_ends_alone(self) -> None:
        with gateway() as (port, _):
            async with client(port) as http, session(port) as duplex:
                await create(http, "chat")
                await emit(http, "chat", "0")
                for number in (1, 2, 3):
                    await duplex.request({"t": "subscribe", "id": number, "session": "chat"})
                    await duplex.until_records(number, 1)
                # One is unsubscribed, of one the stream is stopped, the third goes on.
                self.assertEqual(
                    await duplex.request({"t": "unsubscribe", "id": 1}), {"t": "ack", "id": 1}
                )
                stopped = duplex.carrier[2]
                duplex._quic.stop_stream(stopped, 0)
                duplex.transmit()
                await duplex.until(lambda: duplex.carrier[1] in duplex.ended)
                # It has ended when there is a record for it, at the latest.
                await emit(http, "chat", "1")
                await duplex.until_records(3, 2)
                await duplex.until(lambda: stopped in duplex.ended)
                self.assertEqual([len(duplex.records(number)) for number in (1, 2, 3)], [1, 1, 2])
                # Both ids are free again.
                for number in (1, 2):
                    frame = {"t": "subscribe", "id": number, "session": "chat", "after": 0}
                    duplex.carrier.pop(number)
                    self.assertEqual((await duplex.request(frame))["t"], "ack")
                    await duplex.until(lambda n=number: len(duplex.records(n)) == 1)
                    self.assertEqual(duplex.records(number), duplex.records(3)[1:])
                answer = await duplex.request({"t": "auth", "id": 9, "token": "nobody's"})
                self.assertEqual((answer["t"], answer["code"]), ("error", "unauthenticated"))
                await emit(http, "chat", "2")
                await duplex.until_records(3, 3)

    async def test_a_drain_says_where_to_go(self) -> None:
        with gateway() as (port, process):
            async with client(port) as http, session(port) as duplex:
                await create(http, "chat")
                await emit(http, "chat", "0")
                await duplex.request({"t": "subscribe", "id": 1, "session": "chat"})
                await duplex.until_records(1, 1)
                process.send_signal(signal.SIGTERM)
                await duplex.until(lambda: any(f["t"] == "goaway" for f in duplex.said))
                self.assertEqual(await duplex.closed(), 4003)


if __name__ == "__main__":
    unittest.main()
