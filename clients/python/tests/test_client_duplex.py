"""The duplex machine against frames as spec/v1/duplex.md shows them."""

import json
from random import Random

import pytest

from tidegate.client.duplex import (
    Answered,
    BatchCame,
    Complained,
    Duplex,
    Ended,
    GapCame,
    GoingAway,
    Refused,
    Welcomed,
)
from tidegate.client.errors import Unauthenticated
from tidegate.client.records import Gap, Record
from tidegate.errors import MalformedFrame

WELCOME = {
    "t": "welcome",
    "connection": "c_1",
    "protocol": 1,
    "now": 1795804109208,
    "expires_at": 1795807709000,
    "ping_ms": 10000,
    "silence_ms": 30000,
    "subscriptions": 256,
    "frame_bytes": 3145728,
}
RECORD = {"seq_num": 42, "timestamp": 5, "body": "x", "headers": [["a", "b"]]}


def sent(machine: Duplex) -> list[dict]:
    return [json.loads(text) for text in machine.outgoing()]


def say(machine: Duplex, frame: dict, now: float = 0.0) -> list:
    return machine.receive(json.dumps(frame), now)


def up() -> Duplex:
    machine = Duplex()
    machine.opened("t", 0.0)
    sent(machine)
    say(machine, WELCOME)
    return machine


def test_hello_is_first_and_others_need_not_wait():
    machine = Duplex()
    machine.opened("tok", 0.0)
    id = machine.subscribe("chat-1", window=10, channel="out", after=41, side=None)
    assert sent(machine) == [
        {"t": "hello", "token": "tok"},
        {
            "t": "subscribe",
            "id": id,
            "session": "chat-1",
            "channel": "out",
            "after": 41,
            "window": 10,
        },
    ]
    whole = machine.subscribe("chat-1", window=10, channel="out", from_=0)
    keys = {"t": "subscribe", "session": "chat-1", "channel": "out", "window": 10}
    assert sent(machine) == [keys | {"id": whole, "from": 0}]
    assert say(machine, WELCOME) == [Welcomed("c_1", 1795804109.208, 1795807709.0)]
    machine = Duplex()
    machine.opened(None, 0.0)
    assert sent(machine) == [{"t": "hello"}]


def test_a_subscription_from_its_answer_to_its_end():
    machine = up()
    id = machine.subscribe("s", window=10)
    answer = {"t": "ack", "id": id, "from": 42, "tail": 57, "epoch": 0}
    assert say(machine, answer) == [Answered(id, answer)]
    gap = {"t": "gap", "id": id, "from": 42, "to": 50, "reason": "retention"}
    assert say(machine, gap) == [GapCame(id, Gap(42, 50, "retention"))]
    batch = {"t": "batch", "id": id, "records": [RECORD]}
    assert say(machine, batch) == [BatchCame(id, (Record(42, 5, (("a", "b"),), "x"),))]
    sent(machine)
    machine.ack(id, 42)
    assert sent(machine) == [{"t": "ack", "id": id, "seq": 42}]
    assert machine.unsubscribe(id)
    machine.ack(id, 43)
    assert sent(machine) == [{"t": "unsubscribe", "id": id}], "no ack after the end was asked for"
    assert say(machine, {"t": "ack", "id": id}) == [Answered(id, {"t": "ack", "id": id})]
    assert say(machine, batch) == []
    assert not machine.unsubscribe(id)


def test_an_error_is_an_answer_an_end_or_a_complaint():
    machine = up()
    refused = machine.append("s", part="p", body="b")
    open_ = machine.subscribe("s", window=10)
    say(machine, {"t": "ack", "id": open_, "from": 0, "tail": 0, "epoch": 0})
    said = {"t": "error", "code": "unauthenticated", "message": "m", "retry": False}
    [first] = say(machine, {**said, "id": refused, "param": "token"})
    assert isinstance(first, Refused) and isinstance(first.error, Unauthenticated)
    assert (first.error.param, first.error.retry) == ("token", False)
    [second] = say(machine, {**said, "id": open_})
    assert isinstance(second, Ended) and second.id == open_
    [third] = say(machine, said)
    assert isinstance(third, Complained)
    assert say(machine, {**said, "id": open_}) == []


def test_an_end_that_crosses_an_unsubscribe_is_acknowledged_once():
    machine = up()
    id = machine.subscribe("s", window=10)
    say(machine, {"t": "ack", "id": id, "from": 0, "tail": 0, "epoch": 0})
    machine.unsubscribe(id)
    assert say(machine, {"t": "error", "id": id, "code": "x", "message": "", "retry": True}) == []
    assert say(machine, {"t": "ack", "id": id}) == [Answered(id, {"t": "ack", "id": id})]


def test_pings_are_answered_and_silence_is_noticed():
    machine = up()
    assert say(machine, {"t": "ping", "n": 5, "now": 1, "tails": {"2": 58}}, now=29.0) == []
    assert sent(machine) == [{"t": "pong", "n": 5}]
    assert not machine.silent(59.0)
    assert machine.silent(59.1)


def test_what_is_unknown_is_nothing():
    machine = up()
    assert say(machine, {"t": "news", "x": 1}) == []
    assert say(machine, {"t": "ack", "id": 99}) == []
    assert say(machine, {"t": "batch", "id": 99, "records": [RECORD]}) == []
    assert say(machine, {"t": "goaway", "reconnect_ms": 250}) == [GoingAway(0.25)]


def test_an_append_over_the_frame_goes_another_way():
    machine = up()
    assert machine.append("s", part="p", body="\\" * 2_000_000) is None
    assert machine.append("s", part="p", body="x" * 2_000_000) is not None
    assert len(sent(machine)) == 1


def test_room_for_subscriptions_is_counted():
    machine = up()
    ids = [machine.subscribe("s", window=1) for _ in range(256)]
    assert not machine.room
    say(machine, {"t": "error", "id": ids[0], "code": "overloaded", "message": "", "retry": True})
    assert machine.room


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        "",
        "[]",
        '{"t":1}',
        '{"t":"batch","id":1,"records":[{}]}',
        '{"t":"gap","id":1,"from":-1,"to":2,"reason":"epoch"}',
        '{"t":"welcome","now":"soon"}',
        '{"t":"ping"}',
        '{"t":"ack","id":[]}',
    ],
)
def test_what_is_no_frame(text):
    machine = up()
    assert machine.subscribe("s", window=1) == 1
    with pytest.raises(MalformedFrame):
        machine.receive(text, 0.0)


@pytest.mark.parametrize("round", range(30))
def test_every_request_is_answered_once_in_whatever_order(round, seed):
    random = Random(seed * 1000 + round)
    machine, waiting, opened, outcomes = up(), set(), set(), {}
    for _ in range(200):
        act = random.choice(["append", "subscribe", "auth", "answer", "answer", "end", "leave"])
        if act == "append":
            waiting.add(machine.append("s", part="p", body="b"))
        elif act == "subscribe":
            id = machine.subscribe("s", window=1)
            waiting.add(id)
            opened.add(id)
        elif act == "auth":
            waiting.add(machine.auth("t"))
        elif act == "leave" and (open_ := sorted(opened - waiting)):
            id = random.choice(open_)
            opened.discard(id)
            assert machine.unsubscribe(id)
            assert [type(it) for it in say(machine, {"t": "ack", "id": id})] == [Answered]
        elif act == "end" and (open_ := sorted(opened - waiting)):
            id = random.choice(open_)
            opened.discard(id)
            error = {"t": "error", "id": id, "code": "c", "message": "", "retry": True}
            assert [type(it) for it in say(machine, error)] == [Ended]
        elif act == "answer" and waiting:
            id = random.choice(sorted(waiting))
            waiting.discard(id)
            fine = random.random() < 0.5
            said = {"t": "ack"} if fine else {"t": "error", "code": "c", "message": ""}
            [happened] = say(machine, {**said, "id": id})
            assert type(happened) is (Answered if fine else Refused)
            assert id not in outcomes
            outcomes[id] = fine
            if not fine:
                opened.discard(id)
    frames = sent(machine)
    asked = [it["id"] for it in frames if it["t"] not in ("unsubscribe", "ack")]
    assert len(set(asked)) == len(asked), f"an id was used twice (seed {seed})"
