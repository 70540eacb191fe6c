"""Declarations, turns and what arrives while one runs."""

import json

import pytest

from tidegate import App, Tool, Turn
from tidegate.agents.inputs import Pending, marker
from tidegate.link.driver import address

FRAME = {
    "t": "turn",
    "id": "t_1",
    "run": "run_1",
    "session": "session_1",
    "chat": "c1",
    "agent": "my-chat",
    "version": "2",
    "turn": 3,
    "attempt": 2,
    "cause": "worker_lost",
    "trigger": "submit-message",
    "messages": [
        {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "one "}, {"type": "file"},
                                               {"type": "text", "text": "two"}]},
        {"id": "m2", "role": "assistant", "parts": [{"type": "text", "text": "three"}]},
    ],
    "answer_id": "m2",
    "continues": True,
    "message_id": None,
    "metadata": {"user": "u"},
    "action": None,
    "rest": {"model": "x"},
    "token": "tok",
}


def record(seq: int, said: object) -> dict:
    body = json.dumps({"data": json.dumps(said), "id": f"p{seq}"})
    return {"seq_num": seq, "timestamp": 0, "headers": [], "body": body}


def message(text: str) -> dict:
    return {"id": text, "role": "user", "parts": [{"type": "text", "text": text}]}


def test_a_turn_frame_is_read():
    written = []
    turn = Turn.of(FRAME, Pending(lambda seqs, messages: None), written.append)
    assert (turn.chat_id, turn.session_id, turn.run_id) == ("c1", "session_1", "run_1")
    assert (turn.turn, turn.attempt, turn.cause) == (3, 2, "worker_lost")
    assert (turn.continues, turn.answer_id) == (True, "m2")
    assert (turn.metadata, turn.rest, turn.token) == ({"user": "u"}, {"model": "x"}, "tok")
    assert turn.text == "one two"
    turn.write({"type": "data-x", "data": 1})
    assert written == [{"type": "data-x", "data": 1}]


def test_pending_messages_are_taken_once_and_reported():
    reported = []
    pending = Pending(lambda seqs, messages: reported.append(seqs))
    payload = {"trigger": "submit-message", "message": message("b")}
    pending.add([
        record(3, {"kind": "message", "payload": {"message": message("a")}}),
        record(4, {"kind": "stop"}),
        record(5, {"kind": "message", "payload": payload}),
        record(6, {"kind": "message", "payload": {**payload, "trigger": "regenerate-message"}}),
        record(7, "text"),
        {"seq_num": 8, "body": "no envelope"},
    ])
    assert len(pending) == 2
    assert pending.take() == [message("a"), message("b")]
    assert reported == [[3, 5]]
    assert pending.take() == []
    assert reported == [[3, 5]]


def test_what_was_taken_is_shown_as_the_published_sdk_shows_it():
    shown = marker([3, 5], [message("a"), message("b")])
    assert shown == {
        "type": "data-pending-message-injected",
        "id": "injected-3",
        "data": {
            "messageIds": ["a", "b"],
            "messages": [{"id": "a", "text": "a"}, {"id": "b", "text": "b"}],
        },
    }


def test_wrong_declarations_are_typed_errors():
    app = App("http://127.0.0.1:1", "k")

    with pytest.raises(TypeError, match="async generator"):
        @app.agent("a")
        async def no_generator(turn):
            return "x"

    @app.agent("b")
    async def fine(turn):
        yield "x"

    with pytest.raises(ValueError, match="twice"):
        app.agent("b")(fine)

    fine.tool(name="t")(lambda input, call: None)
    with pytest.raises(ValueError, match="tool 't' of agent 'b' is declared twice"):
        fine.add(Tool("t"))


def test_tools_are_registered():
    app = App("http://127.0.0.1:1", "k")
    schema = {"type": "object"}

    @app.agent("shop", tools=[Tool("map", input_schema=schema)])
    async def shop(turn):
        yield "x"

    @shop.tool(input_schema=schema, needs_approval=lambda input, call: False)
    async def search(input, call):
        """Finds things."""

    @shop.tool(name="other", description="Does", needs_approval=True)
    def some(input, call):
        """Not said."""

    entry = shop.registration("2").registration()
    assert (entry["version"], entry["handover"]) == ("2", "calls")
    assert entry["tools"] == [
        {"name": "map", "input_schema": schema},
        {
            "name": "search",
            "description": "Finds things.",
            "input_schema": schema,
            "needs_approval": True,
        },
        {"name": "other", "description": "Does", "needs_approval": True},
    ]
    assert search.name == "search"


def test_addresses():
    assert address("http://a:1", "w") == "ws://a:1/v1/agents/link?worker=w"
    assert address("https://a/base/", "w") == "wss://a/base/v1/agents/link?worker=w"
    for wrong in ("a:1", "ftp://a", "/path", ""):
        with pytest.raises(ValueError, match="not the URL of a gateway"):
            address(wrong, "w")
