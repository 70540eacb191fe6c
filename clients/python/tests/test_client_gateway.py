"""The client against the real gateway, through a relay that cuts."""

import asyncio
import json
from random import Random

import pytest
from harness.gateway import KEY, Gateway
from harness.redis import Redis
from harness.relay import Relay

from tidegate.client import (
    AsyncClient,
    AsyncSession,
    Bounds,
    ConnectionRefused,
    Gap,
    InvalidCursor,
    RecordEvent,
    SessionClosed,
    SessionNotFound,
    Subscription,
    TransportUnavailable,
    Unauthenticated,
    Unauthorized,
)

TRANSPORTS = ["sse", "websocket"]
WORDS = " ".join(f"word-{n}" for n in range(1, 31))


GUARD_S = 60.0


def run(work) -> None:
    """To its end; what hangs fails."""
    asyncio.run(asyncio.wait_for(work, GUARD_S))


async def new(client: AsyncClient, chat: str) -> AsyncSession:
    made = await client.sessions.create("demo", external_id=chat)
    assert made.external_id == chat
    return client.session(chat, token=made.token)


async def take(subscription: Subscription, turns: int = 1) -> list[RecordEvent]:
    """Events up to the end of so many turns."""
    found = []
    while turns:
        event = await anext(subscription)
        assert isinstance(event, RecordEvent), event
        found.append(event)
        turns -= event.control is not None and event.control.is_boundary
    return found


async def log(session: AsyncSession) -> list[RecordEvent]:
    """The settled log, from its start."""
    async with session.subscribe(transport="sse") as subscription:
        return await take(subscription)


def stripped(events: list[RecordEvent]) -> list[tuple]:
    """What is the same for every delivery of a record."""
    return [
        (it.seq_num, it.timestamp, it.body)
        + tuple(header for header in it.headers if header[0] != "public-access-token")
        for it in events
    ]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_answer_is_exact_however_often_it_is_cut(gateway: Gateway, chat, transport, seed):
    async def main():
        random = Random(seed)

        def limit():
            return random.randint(300, 9000)

        async with Relay(gateway.port, limit) as relay:
            async with AsyncClient(relay.url, KEY, transport=transport) as client:
                session = await new(client, chat)
                for _ in range(3):
                    answer = session.answer("/words 30 5")
                    assert await answer.text() == WORDS
                    assert answer.gaps == []
                    assert answer.boundary.floor == answer.seq
                assert relay.cuts > 3

    run(main())


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("round", range(3))
def test_records_come_once_over_cuts_and_turns(gateway: Gateway, chat, transport, round, seed):
    async def main():
        random = Random(seed + round)
        bounds = Bounds(events=random.randint(1, 20), size=random.randint(1, 5000))
        async with Relay(gateway.port, lambda: random.randint(400, 20000)) as relay:
            through = AsyncClient(relay.url, KEY, transport=transport, bounds=bounds)
            async with AsyncClient(gateway.url, KEY) as direct, through:
                session = await new(direct, chat)
                watching = through.session(chat).subscribe()
                watched = asyncio.create_task(take(watching, turns=3))
                for _ in range(3):
                    await session.answer("/words 20 5").text()
                events = await watched
                assert [it.seq_num for it in events] == list(range(len(events)))
                await watching.aclose()
                last = [it for it in events if it.seq_num >= (await log(session))[0].seq_num]
                assert stripped(last) == stripped(await log(session))

    run(main())


@pytest.mark.parametrize("first", TRANSPORTS)
@pytest.mark.parametrize("second", TRANSPORTS)
def test_leaving_one_transport_at_every_record_and_going_on_over_another(
    gateway: Gateway, chat, first, second
):
    async def main():
        async with AsyncClient(gateway.url, KEY) as client:
            session = await new(client, chat)
            await session.answer("/words 5 0").text()
            whole = stripped(await log(session))
            for k in range(len(whole)):
                async with session.subscribe(transport=first) as subscription:
                    events = [await anext(subscription) for _ in range(k)]
                    await subscription.move_to(second)
                    assert subscription.transport == second
                    events += [await anext(subscription) for _ in range(len(whole) - k)]
                    assert stripped(events) == whole
                    assert subscription.transport == second

    run(main())


def test_a_live_answer_moves_back_and_forth(gateway: Gateway, chat, seed):
    async def main():
        random = Random(seed)
        async with AsyncClient(gateway.url, KEY) as client:
            session = await new(client, chat)
            async with session.subscribe(transport="sse") as subscription:
                await session.send("/words 60 5")
                over, text, seqs = "sse", "", []
                while True:
                    event = await anext(subscription)
                    seqs.append(event.seq_num)
                    if event.control is not None and event.control.is_boundary:
                        break
                    text += (event.chunk or {}).get("delta", "")
                    if random.random() < 0.2:
                        over = "sse" if over == "websocket" else "websocket"
                        await subscription.move_to(over)
            assert text == " ".join(f"word-{n}" for n in range(1, 61))
            assert seqs == list(range(len(seqs)))

    run(main())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_start_and_cursors(gateway: Gateway, chat, transport):
    async def main():
        async with AsyncClient(gateway.url, KEY, transport=transport) as client:
            session = await new(client, chat)
            await session.answer("/words 3 0").text()
            whole = await log(session)
            async with session.subscribe(start="latest") as late:
                await late.attached()
                await session.send("/words 1 0")
                assert (await anext(late)).seq_num == whole[-1].seq_num + 1
            async with session.subscribe(after=whole[2].seq_num) as later:
                assert stripped([await anext(later)]) == stripped(whole[3:4])
            with pytest.raises(InvalidCursor):
                session.subscribe(after=-1)

    run(main())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_retention_took_is_a_gap(chat, transport):
    async def main(gateway: Gateway):
        async with AsyncClient(gateway.url, KEY, transport=transport) as client:
            session = await new(client, chat)
            for _ in range(3):
                await session.answer("/words 20 0").text()
            await asyncio.to_thread(gateway.kill)
            # Retention is enforced when a gateway starts.
            await asyncio.to_thread(gateway.start)
            while (await session.records(after=3, limit=1))[0].seq_num == 4:
                await asyncio.sleep(0.01)
            async with session.subscribe(after=3) as subscription:
                gap, first = await anext(subscription), await anext(subscription)
            assert isinstance(gap, Gap) and isinstance(first, RecordEvent)
            assert (gap.from_, gap.to, gap.reason) == (4, first.seq_num, "retention")

    started = Gateway("[retention]\nrecords = 30\n", store="disk:{folder}/data")
    try:
        run(main(started))
    finally:
        started.stop()


def test_command_records_are_no_gap(gateway: Gateway, chat):
    """Over SSE nothing tells them from what retention took, but that the record before is there."""

    async def main():
        async with AsyncClient(gateway.url, KEY, transport="sse") as client:
            session = await new(client, chat)
            await session.answer("/words 3 0").text()
            whole = await log(session)
            held = [it.seq_num for it in whole]
            assert await session._is_there(_out(session), held[3])
            assert not await session._is_there(_out(session), held[-1] + 5)

    run(main())


def _out(session: AsyncSession):
    from tidegate.client.sources import Stream

    return Stream(session.name)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_append_whose_answer_is_lost_is_written_once(gateway: Gateway, chat, transport, seed):
    async def main():
        random = Random(seed)
        async with Relay(gateway.port, lambda: random.randint(0, 1500)) as relay:
            cut = AsyncClient(relay.url, KEY, transport=transport)
            async with AsyncClient(gateway.url, KEY) as direct, cut:
                await new(direct, chat)
                seqs, parts = [], []
                for n in range(10):
                    sent = await cut.session(chat).append(f"raw {n}", part_id=f"part-{n}")
                    seqs.append(sent.seq)
                    parts.append(sent.part_id)
                assert seqs == list(range(10))
                page = await direct.session(chat).records(channel="in")
                assert [it.data for it in page] == [f"raw {n}" for n in range(10)]
                again = await direct.session(chat).append("other", part_id="part-3")
                assert again.seq == 3
                assert relay.cuts > 0

    run(main())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stop_action_and_refusals(gateway: Gateway, chat, transport):
    async def main():
        async with AsyncClient(gateway.url, KEY, transport=transport) as client:
            session = await new(client, chat)
            answer = session.answer("/hang")
            async for chunk in answer:
                if chunk["type"] == "text-delta":
                    break
            stopped = await session.stop()
            async for _ in answer:
                pass
            assert answer.boundary.floor == stopped.seq
            other = client.session("another", token=client_token(session))
            with pytest.raises(Unauthorized) as refused:
                await other.send("x")
            assert (refused.value.code, refused.value.retry) == ("unauthorized", False)
            with pytest.raises(Unauthenticated):
                await client.session(chat, token="nonsense").send("x")
            with pytest.raises(Unauthenticated):
                await anext(client.session(chat, token="nonsense").subscribe())
            with pytest.raises(SessionNotFound):
                await client.session(f"{chat}-never").send("x")
            await client.sessions.close(chat, "done")
            with pytest.raises(SessionClosed) as closed:
                await session.send("late")
            assert not closed.value.retry

    run(main())


def client_token(session: AsyncSession) -> str:
    assert session._credentials._token is not None
    return session._credentials._token


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_fresh_token_is_asked_for_once_by_whoever_needs_it(gateway: Gateway, chat, transport):
    async def main():
        async with AsyncClient(gateway.url, KEY) as server:
            made = await server.sessions.create("demo", external_id=chat)
            asked = 0

            async def token() -> str:
                nonlocal asked
                asked += 1
                await asyncio.sleep(0.05)
                return "stale" if asked == 1 else made.token

            async with AsyncClient(gateway.url, token, transport=transport) as client:
                session = client.session(chat)
                sends = (session.append(f"raw {n}") for n in range(5))
                sent = await asyncio.gather(*sends)
                assert sorted(it.seq for it in sent) == list(range(5))
                assert await session.answer("/words 2 0").text() == "word-1 word-2"
                assert asked == 2

    run(main())


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


