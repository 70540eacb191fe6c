"""The link's state machine against frames as spec/v1/agent-link.md shows them."""

import json

import pytest

from tidegate.errors import LinkRefused, MalformedFrame
from tidegate.link import Agent, Link
from tidegate.link.events import (
    Ended,
    FrameRefused,
    HandedOver,
    InputCame,
    Settled,
    TurnAsked,
    Welcomed,
)

WELCOME = {
    "t": "welcome",
    "heartbeat_ms": 3000,
    "lease_ms": 9000,
    "resume_ms": 600,
    "window_bytes": 4194304,
    "frame_max_bytes": 33554432,
    "work": [],
}
TURN = {"t": "turn", "id": "t_1", "session": "session_1", "chat": "c1", "agent": "my-chat"}
DELTA = {"type": "text-delta", "id": "t", "delta": "x"}


def link() -> Link:
    agent = Agent("my-chat", "2026-11-27.1", steering=True, actions=True)
    return Link(worker="w_5f3c", capacity=8, agents=[agent])


def sent(machine: Link, now: float = 0.0) -> list[dict]:
    return [json.loads(text) for text in machine.outgoing(now)]


def say(machine: Link, frame: dict, now: float = 0.0) -> list:
    return machine.receive(json.dumps(frame), now)


def up(machine: Link, work: list | None = None) -> list:
    machine.opened(0.0)
    sent(machine)
    return say(machine, {**WELCOME, "work": work or []})


def test_hello_is_the_first_frame():
    machine = link()
    machine.opened(0.0)
    entry = {"id": "my-chat", "version": "2026-11-27.1", "mode": "turns", "handover": "calls"}
    assert sent(machine) == [
        {
            "t": "hello",
            "worker": "w_5f3c",
            "epoch": 1,
            "capacity": 8,
            "agents": [{**entry, "steering": True, "actions": True}],
            "work": [],
        }
    ]
    assert say(machine, WELCOME) == [Welcomed()]


def test_the_epoch_grows_with_every_connection():
    machine = link()
    for epoch in (1, 2, 3):
        machine.opened(0.0)
        assert sent(machine)[0]["epoch"] == epoch
        machine.closed(1006, "")


def test_a_turn_is_answered():
    machine = link()
    up(machine)
    assert say(machine, TURN) == [TurnAsked("t_1", TURN)]
    machine.chunk("t_1", DELTA)
    machine.done("t_1")
    assert sent(machine) == [
        {"t": "out", "id": "t_1", "seq": 1, "chunks": [DELTA]},
        {"t": "done", "id": "t_1", "seq": 2},
    ]
    assert not machine.idle
    assert say(machine, {"t": "ack", "id": "t_1", "seq": 1}) == []
    assert say(machine, {"t": "ack", "id": "t_1", "seq": 2}) == [Settled("t_1")]
    assert machine.idle


def test_nothing_is_sent_for_work_before_the_welcome():
    machine = link()
    up(machine)
    say(machine, TURN)
    machine.closed(1006, "")
    machine.opened(1.0)
    machine.chunk("t_1", DELTA)
    assert [frame["t"] for frame in sent(machine)] == ["hello"]


def test_a_cut_is_resumed_without_loss_or_repeat():
    machine = link()
    up(machine)
    say(machine, TURN)
    for _ in range(3):
        machine.chunk("t_1", DELTA)
        sent(machine)
    say(machine, {"t": "ack", "id": "t_1", "seq": 1})
    say(machine, {"t": "in", "id": "t_1", "records": [{"seq_num": 5, "body": ""}]})
    assert machine.closed(1006, "") == 0.0
    machine.chunk("t_1", DELTA)
    machine.opened(1.0)
    hello = sent(machine)[0]
    assert hello["work"] == [{"id": "t_1", "acked": 1, "seen": 5}]
    say(machine, {**WELCOME, "work": [{"id": "t_1", "held": True, "acked": 2}]})
    assert [frame["seq"] for frame in sent(machine)] == [3, 4]
    again = say(machine, {"t": "in", "id": "t_1", "records": [{"seq_num": 5}, {"seq_num": 6}]})
    assert again == [InputCame("t_1", [{"seq_num": 6}])]


@pytest.mark.parametrize("work", [[], [{"id": "t_1", "held": False}]])
def test_what_is_not_held_any_more_ends(work):
    machine = link()
    up(machine)
    say(machine, TURN)
    machine.chunk("t_1", DELTA)
    machine.closed(1006, "")
    assert up(machine, work) == [Welcomed(), Ended("t_1", "not_held")]
    machine.chunk("t_1", DELTA)
    machine.done("t_1")
    assert sent(machine) == []
    assert machine.idle


def test_done_whose_ack_was_lost_is_settled_by_the_welcome():
    machine = link()
    up(machine)
    say(machine, TURN)
    machine.done("t_1")
    sent(machine)
    machine.closed(1006, "")
    settled = up(machine, [{"id": "t_1", "held": True, "acked": 1}])
    assert settled == [Welcomed(), Settled("t_1")]
    assert machine.idle


def test_nothing_of_a_head_start_is_sent_before_the_hand_over_which_counts_once():
    machine = link()
    up(machine)
    say(machine, {**TURN, "head_start": True})
    for _ in range(3):
        machine.chunk("t_1", {"type": "data-x", "data": "x" * 100_000})
    assert sent(machine) == []
    assert not machine.must_wait("t_1"), "nothing would ever make room"
    machine.closed(1006, "")
    up(machine, [{"id": "t_1", "held": True, "acked": 0}])
    handover = {"t": "handover", "id": "t_1", "outcome": "skip"}
    assert say(machine, handover) == [HandedOver("t_1", handover)]
    assert [len(frame["chunks"]) for frame in sent(machine)] == [2, 1]
    assert say(machine, handover) == []
    assert say(machine, {**handover, "id": "t_9"}) == []


def test_cancel_ends_the_turn_and_nothing_more_is_sent():
    machine = link()
    up(machine)
    say(machine, TURN)
    machine.chunk("t_1", DELTA)
    assert say(machine, {"t": "cancel", "id": "t_1", "reason": "stopped"}) == [
        Ended("t_1", "stopped")
    ]
    assert sent(machine) == []


@pytest.mark.parametrize("code", ["seq_gap", "window_exceeded", "not_held"])
def test_errors_that_lose_the_work(code):
    machine = link()
    up(machine)
    say(machine, TURN)
    assert say(machine, {"t": "error", "id": "t_1", "code": code}) == [Ended("t_1", code)]
    assert say(machine, {"t": "error", "id": "t_1", "code": code}) == []


def test_a_refused_frame_leaves_the_turn():
    machine = link()
    up(machine)
    say(machine, TURN)
    machine.chunk("t_1", DELTA)
    sent(machine)
    error = {"t": "error", "id": "t_1", "seq": 1, "code": "record_too_large", "message": "big"}
    assert say(machine, error) == [FrameRefused("t_1", "record_too_large", "big")]
    machine.done("t_1", "failed")
    assert sent(machine) == [{"t": "done", "id": "t_1", "seq": 2, "error": "failed"}]


def test_injected_inputs_are_reported():
    machine = link()
    up(machine)
    say(machine, TURN)
    machine.injected("t_1", [7])
    assert sent(machine) == [{"t": "injected", "id": "t_1", "seq": 1, "inputs": [7]}]


def test_a_quiet_link_pings_and_a_silent_gateway_is_left():
    machine = link()
    up(machine)
    assert machine.next_tick() == 1.5
    assert machine.tick(1.0)
    assert sent(machine, 1.0) == []
    assert machine.tick(1.5)
    assert sent(machine, 1.5) == [{"t": "ping"}]
    say(machine, {"t": "pong"}, 1.6)
    assert machine.tick(10.5)
    assert not machine.tick(10.6)


def test_draining_is_said_on_every_connection():
    machine = link()
    up(machine)
    machine.drain()
    machine.drain()
    assert sent(machine) == [{"t": "drain"}]
    machine.closed(1006, "")
    up(machine)
    assert sent(machine) == [{"t": "drain"}]
    machine.bye()
    assert sent(machine) == [{"t": "bye"}]


def test_goaway_says_when_to_come_back():
    machine = link()
    up(machine)
    say(machine, {"t": "goaway", "reconnect_ms": 750})
    assert machine.closed(4003, "draining") == 0.75
    assert machine.closed(None, "refused") == 0.0


def test_tries_slow_down_until_one_succeeds():
    machine = link()
    delays = [machine.closed(None, "refused") for _ in range(12)]
    assert delays[:4] == [0.0, 0.1, 0.2, 0.4]
    assert delays[-1] == 5.0
    up(machine)
    assert machine.closed(1006, "") == 0.0


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4400, 1006, None])
def test_codes_with_which_it_comes_back(code):
    machine = link()
    up(machine)
    assert machine.closed(code, "") >= 0


def test_a_refused_registration_is_final_and_says_why():
    machine = link()
    machine.opened(0.0)
    say(machine, {"t": "error", "code": "agent_conflict", "message": "my-chat is openai's"})
    with pytest.raises(LinkRefused, match="agent_conflict: my-chat is openai's") as refused:
        machine.closed(4500, "registration refused")
    assert refused.value.code == 4500


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"t":1}', b"\x00"])
def test_what_is_no_frame_is_a_typed_error(text):
    machine = link()
    up(machine)
    with pytest.raises(MalformedFrame):
        machine.receive(text, 0.0)


@pytest.mark.parametrize("frame", [
    {"t": "in", "id": "t_1", "records": [{}]},
    {"t": "in", "id": "t_1", "records": [7]},
    {"t": "ack", "id": "t_1", "seq": "x"},
    {"t": "goaway", "reconnect_ms": None},
])
def test_frames_with_wrong_members_are_malformed(frame):
    machine = link()
    up(machine)
    say(machine, TURN)
    with pytest.raises(MalformedFrame):
        say(machine, frame)


@pytest.mark.parametrize("key", ["heartbeat_ms", "lease_ms", "window_bytes", "frame_max_bytes"])
def test_a_welcome_that_lacks_something_is_malformed(key):
    machine = link()
    machine.opened(0.0)
    frame = {name: value for name, value in WELCOME.items() if name != key}
    with pytest.raises(MalformedFrame, match=key):
        say(machine, frame)


def test_frames_of_unknown_types_and_ids_are_ignored():
    machine = link()
    up(machine)
    assert say(machine, {"t": "surprise", "x": 1}) == []
    assert say(machine, {"t": "ack", "id": "t_9", "seq": 4}) == []
    assert say(machine, {"t": "in", "id": "t_9", "records": []}) == []
    assert say(machine, {"t": "cancel", "id": "t_9", "reason": "lost"}) == []


def test_a_turn_that_comes_twice_is_run_once():
    machine = link()
    up(machine)
    assert len(say(machine, TURN)) == 1
    assert say(machine, TURN) == []
