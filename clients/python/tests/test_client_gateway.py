"""The client against the real gateway, through a relay that cuts."""

import asyncio
from random import Random

import pytest
from client_chats import TRANSPORTS, WORDS, log, new, run, stripped, take
from harness.gateway import KEY, Gateway
from harness.relay import Relay

from tidegate.client import (
    AsyncClient,
    AsyncSession,
    Bounds,
    Gap,
    InvalidCursor,
    RecordEvent,
    SessionClosed,
    SessionNotFound,
    Unauthenticated,
    Unauthorized,
)


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
