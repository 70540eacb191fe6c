"""Connections that end or never begin: drains, kills, close codes, ways that are shut."""

import asyncio
import json

import pytest
from client_chats import TRANSPORTS, new, run, take
from harness.gateway import KEY, Gateway
from harness.redis import Redis
from harness.relay import Relay

from tidegate.client import (
    AsyncClient,
    Bounds,
    ConnectionRefused,
    TransportUnavailable,
)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_live_answer_goes_over_to_another_gateway_when_the_first_drains(chat, transport):
    async def main(first: Gateway, second: Gateway):
        async with Relay(first.port) as relay:
            async with AsyncClient(relay.url, KEY, transport=transport) as client:
                session = await new(client, chat)
                async with session.subscribe() as subscription:
                    await session.send("/words 100 10")
                    events = [await anext(subscription) for _ in range(5)]
                    relay.target = second.port
                    drained = asyncio.create_task(asyncio.to_thread(first.drain))
                    events += await take(subscription)
                    assert [it.seq_num for it in events] == list(range(len(events)))
                    deltas = [(it.chunk or {}).get("delta", "") for it in events]
                    assert "".join(deltas) == " ".join(f"word-{n}" for n in range(1, 101))
                    await drained
                    assert first.process.returncode == 0
                    assert await session.answer("/words 1 0").text() == "word-1"

    redis = Redis()
    gateways = [Gateway(store=redis.url) for _ in range(2)]
    try:
        run(main(*gateways))
    finally:
        for started in gateways:
            started.stop()
        redis.stop()


def test_close_codes_say_whether_to_come_back(gateway: Gateway, chat):
    async def main():
        async with AsyncClient(gateway.url, KEY, transport="websocket") as client:
            session = await new(client, chat)
            async with session.subscribe() as subscription:
                await subscription.attached()
                first = client._hub.at_hand
                await first._socket.send("not a frame")  # 4400
                await session.send("/words 1 0")
                assert await take(subscription)
                second = client._hub.at_hand
                assert second is not first
                await second._socket.send('{"t":"ping","n":"%s"}' % ("x" * 3_200_000))  # 4503
                with pytest.raises(ConnectionRefused) as refused:
                    await take(subscription)
                assert refused.value.code == 4503

    run(main())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_a_slow_reader_holds_is_bounded(gateway: Gateway, chat, transport):
    async def main():
        bounds = Bounds(events=4, size=2000)
        async with AsyncClient(gateway.url, KEY, transport=transport, bounds=bounds) as client:
            session = await new(client, chat)
            async with session.subscribe() as subscription:
                await session.send("/words 2000 0")
                while (await session.tail()) is None or (await session.tail()) < 2000:
                    await asyncio.sleep(0.01)
                most, seqs = 0, []
                for _ in range(2000):
                    seqs.append((await anext(subscription)).seq_num)
                    most = max(most, len(subscription._inbox._held))
                assert seqs == list(range(2000))
                assert 0 < most <= bounds.events

    run(main())


def test_auto_falls_back_where_websockets_are_not_spoken(gateway: Gateway, chat):
    async def main():
        async with AsyncClient(f"{gateway.url}/prefix-that-is-not-served", KEY) as lost:
            with pytest.raises(TransportUnavailable):
                await anext(lost.session(chat, transport="websocket").subscribe())
        async with AsyncClient(gateway.url, KEY) as client:
            client._hub._url = f"{gateway.url}/prefix-that-is-not-served"
            session = await new(client, chat)
            async with session.subscribe() as subscription:
                await session.send("/words 1 0")
                assert (await anext(subscription)).seq_num == 0
                assert subscription.transport == "sse"

    run(main())


def test_auto_falls_back_where_websockets_are_swallowed(gateway: Gateway, chat):
    """Also in the middle of an answer."""

    async def main():
        async with Relay(gateway.port) as relay:
            async with AsyncClient(relay.url, KEY) as client:
                session = await new(client, chat)
                async with session.subscribe() as subscription:
                    await session.send("/words 30 5")
                    events = [await anext(subscription) for _ in range(5)]
                    assert subscription.transport == "websocket"
                    relay.swallowed = b"GET /v1/connect"
                    relay.cut()
                    events += await take(subscription)
                    assert [it.seq_num for it in events] == list(range(len(events)))
                    assert subscription.transport == "sse"

    run(main())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_gateway_may_be_killed_and_come_back(chat, transport):
    async def main(gateway: Gateway):
        async with AsyncClient(gateway.url, KEY, transport=transport) as client:
            session = await new(client, chat)
            async with session.subscribe() as subscription:
                for _ in range(2):
                    await session.send("/words 3 0")
                    await take(subscription)
                    await asyncio.to_thread(gateway.kill)
                    await asyncio.to_thread(gateway.start)
                await session.send(json.loads('{"id":"m","role":"user","parts":[]}'))
                assert await take(subscription)

    started = Gateway(store="disk:{folder}/data")
    try:
        run(main(started))
    finally:
        started.stop()
