"""The synchronous client against the real gateway: it is the same client."""

import threading

import pytest
from harness.gateway import KEY, Gateway

from tidegate.client import ApiError, Client, SessionClosed


def test_a_chat(gateway: Gateway, chat):
    with Client(gateway.url, KEY) as client:
        made = client.sessions.create("demo", external_id=chat, tags=["a"], metadata={"b": 1})
        assert client.sessions.create("demo", external_id=chat).cached
        session = client.session(chat, token=made.token)
        assert session.answer("/words 3 0").text() == "word-1 word-2 word-3"
        assert "".join(session.answer("/words 2 0").texts()) == "word-1 word-2"
        types = [chunk["type"] for chunk in session.answer("/words 1 0")]
        assert (types[0], types[-1]) == ("start", "finish")
        row = client.sessions.retrieve(made.id)
        assert (row.name, row.tags, row.metadata) == (chat, ("a",), {"b": 1})
        found = client.sessions.list(externalId=chat, page_size=1)
        assert [it.id for it in found] == [made.id]
        page = client.session(chat).transcript(limit=2)
        assert [it["role"] for it in page.messages] == ["user", "assistant"]
        with session.subscribe(after=page.out_cursor) as subscription:
            with pytest.raises(TimeoutError):
                subscription.next(timeout=0.05)
            session.send("/words 1 0")
            assert subscription.next().seq_num == page.out_cursor + 1
        assert client.sessions.close(chat, "done").closed_reason == "done"
        with pytest.raises(SessionClosed) as closed:
            session.send("late")
        assert closed.value.closed_reason == "done"


def test_a_timeout_loses_nothing(gateway: Gateway, chat):
    with Client(gateway.url, KEY) as client:
        client.sessions.create("demo", external_id=chat)
        session = client.session(chat)
        session.send("/words 20 5")
        seqs = []
        with session.subscribe() as subscription:
            while True:
                try:
                    event = subscription.next(timeout=0.002)
                except TimeoutError:
                    continue
                seqs.append(event.seq_num)
                if event.control is not None and event.control.is_boundary:
                    break
        assert seqs == list(range(len(seqs)))


def test_threads_share_a_client(gateway: Gateway, chat):
    with Client(gateway.url, KEY) as client:
        texts: dict[int, str] = {}

        def ask(n: int) -> None:
            client.sessions.create("demo", external_id=f"{chat} {n}")
            texts[n] = client.session(f"{chat} {n}").answer(f"/words {n} 1").text()

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wanted = {n: " ".join(f"word-{i}" for i in range(1, n + 1)) for n in range(1, 9)}
        assert texts == wanted


def test_the_thread_ends_with_the_client(gateway: Gateway):
    before = threading.active_count()
    client = Client(gateway.url, KEY)
    with pytest.raises(ApiError) as refused:
        client.sessions.create("demo", external_id="session_x")
    assert (refused.value.code, refused.value.param) == ("invalid_body", "externalId")
    client.close()
    assert threading.active_count() == before
