"""Turns whose first step is made elsewhere, against frames of a gateway."""

import asyncio
import json
from copy import deepcopy

import pytest

from tidegate import App, Tool, TurnError
from tidegate.agents.runner import Runner
from tidegate.link import Link

WELCOME = {"t": "welcome", "heartbeat_ms": 3000, "lease_ms": 9000, "resume_ms": 600,
           "window_bytes": 1 << 20, "frame_max_bytes": 1 << 20, "work": []}
QUESTION = {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
TURN = {"t": "turn", "id": "t_1", "run": "r", "session": "s", "chat": "c", "agent": "a",
        "version": "1", "turn": 1, "attempt": 1, "trigger": "submit-message",
        "messages": [QUESTION], "answer_id": "m1", "continues": False, "head_start": True}
STOP = {"t": "cancel", "id": "t_1", "reason": "stopped"}
RAN = [{"type": "text-start", "id": "text-1"},
       {"type": "text-delta", "id": "text-1", "delta": "ran"},
       {"type": "text-end", "id": "text-1"}]
HELLO = {"type": "text", "text": "Hello.", "state": "done"}


def asked(name: str, call: str, **input: object) -> dict:
    return {"type": f"tool-{name}", "toolCallId": call, "state": "input-available", "input": input}


def answer(*parts: dict) -> dict:
    return {"id": "m1", "role": "assistant", "parts": list(parts)}


def handover(outcome: str, *parts: dict) -> dict:
    message = {"message": answer(*deepcopy(parts))} if parts else {}
    return {"t": "handover", "id": "t_1", "outcome": outcome, **message}


def available(call: str, output: object, **more: object) -> dict:
    return {"type": "tool-output-available", "output": output, **more, "toolCallId": call}


def failed(call: str, text: str) -> dict:
    return {"type": "tool-output-error", "errorText": text, "toolCallId": call}


class Played:
    """One head start of the agent `a`, which says `ran` where it runs."""

    def __init__(self) -> None:
        self.app = App("http://127.0.0.1:1", "k")
        self.chunks: list[dict] = []
        self.turns: list[tuple] = []
        self.outcomes: list = []
        self.completed = None
        self.done: dict | None = None
        self.calls: list = []

        @self.app.agent("a")
        async def agent(turn):
            self.turns.append((deepcopy(turn.messages), turn.continues))
            yield "ran"

        @agent.on_turn_complete
        async def complete(turn, outcome):
            self.outcomes.append(outcome.status)
            self.completed = turn

        self.agent = agent

    def play(self, *frames: dict) -> "Played":
        asyncio.run(self._play(frames))
        return self

    async def _play(self, frames: tuple) -> None:
        self.link = Link("w", 8, [self.agent.registration("1")])
        runner = Runner({"a": self.agent})
        runner.driver = self
        self.link.opened(0.0)
        for frame in (WELCOME, TURN):
            self._say(runner, frame)
        await self._settle(runner)
        assert self.chunks == [], "nothing is sent before the hand-over"
        for frame in frames:
            self._say(runner, frame)
            await self._settle(runner)
        await runner.stop()

    async def _settle(self, runner: Runner) -> None:
        for _ in range(50):
            await asyncio.sleep(0.001)
            for text in self.link.outgoing(0.0):
                frame = json.loads(text)
                self.chunks += frame.get("chunks", [])
                if frame["t"] == "done":
                    self.done = frame
                if "seq" in frame:
                    self._say(runner, {"t": "ack", "id": "t_1", "seq": frame["seq"]})

    def _say(self, runner: Runner, frame: dict) -> None:
        for event in self.link.receive(json.dumps(frame), 0.0):
            runner.handle(event)

    def changed(self) -> None:
        pass

    async def room(self, id: str) -> None:
        pass


@pytest.fixture
def played() -> Played:
    return Played()


def test_skip_the_agent_answers_as_if_there_had_been_none(played):
    played.play(handover("skip"))
    assert played.turns == [([QUESTION], False)]
    assert played.chunks == RAN


def test_final_no_model_is_asked_and_the_hooks_have_the_answer(played):
    played.play(handover("final", HELLO))
    assert (played.turns, played.chunks, played.outcomes) == ([], [], ["done"])
    assert played.completed.messages == [QUESTION, answer(HELLO)]
    assert "error" not in played.done


def test_text_the_message_is_continued(played):
    played.play(handover("text", HELLO))
    assert played.turns == [([QUESTION, answer(HELLO)], True)]
    assert played.chunks == RAN


def test_calls_are_executed_at_once_and_each_end_is_written_as_it_comes(played):
    both = {"slow": asyncio.Event(), "quick": asyncio.Event()}

    @played.agent.tool()
    async def slow(input, call):
        played.calls.append((call.tool_call_id, call.turn.chat_id, input))
        both["slow"].set()
        await both["quick"].wait()
        await asyncio.sleep(0.02)
        return {"city": input["city"]}

    @played.agent.tool()
    async def quick(input, call):
        both["quick"].set()
        await both["slow"].wait()

    @played.agent.tool()
    async def steps(input, call):
        yield 1
        yield 2

    @played.agent.tool()
    def plain(input, call):
        return "plain"

    dynamic = {**asked("quick", "c2"), "type": "dynamic-tool", "toolName": "quick"}
    parts = [{"type": "step-start"}, asked("slow", "c0"), {"type": "step-start"}, HELLO,
             asked("slow", "c1", city="Rome"), dynamic, asked("steps", "c3"), asked("plain", "c4")]
    played.play(handover("calls", *parts))
    ends = played.chunks[:-3]
    assert [end for end in ends if end["toolCallId"] == "c3"] == [
        available("c3", 1, preliminary=True), available("c3", 2, preliminary=True),
        available("c3", 2)]
    assert [end for end in ends if end["toolCallId"] != "c3"] == [
        {**available("c2", None), "dynamic": True}, available("c4", "plain"),
        available("c1", {"city": "Rome"})]
    assert played.calls == [("c1", "c", {"city": "Rome"})]
    [(messages, continues)] = played.turns
    assert continues
    states = [(part.get("state"), part.get("output")) for part in messages[-1]["parts"]]
    assert states == [(None, None), ("input-available", None), (None, None), ("done", None),
                      ("output-available", {"city": "Rome"}), ("output-available", None),
                      ("output-available", 2), ("output-available", "plain")]
    assert played.chunks[-3:] == RAN


def test_calls_that_fail_have_ended_too(played, caplog):
    @played.agent.tool(input_schema={"type": "object", "required": ["city"]})
    def weather(input, call):
        return "never"

    @played.agent.tool()
    async def says(input, call):
        raise TurnError("no such city")

    @played.agent.tool()
    async def breaks(input, call):
        raise RuntimeError("a secret")

    @played.agent.tool()
    def unwritable(input, call):
        return {1, 2}

    names = ["weather", "nothing", "says", "breaks", "unwritable"]
    played.play(handover("calls", *(asked(name, name) for name in names)))
    texts = ['invalid input for tool "weather": input.city is missing',
             'this agent has no tool "nothing"', "no such city", "The tool failed.",
             "The tool failed."]
    expected = [failed(name, text) for name, text in zip(names, texts, strict=True)]
    assert sorted(played.chunks[:-3], key=json.dumps) == sorted(expected, key=json.dumps)
    parts = played.turns[0][0][-1]["parts"]
    assert [part["errorText"] for part in parts] == texts
    assert "a secret" in caplog.text
    assert "tool breaks failed in turn t_1 of a" in caplog.text


def test_an_approval_is_asked_for_and_the_turn_ends_after_the_others(played):
    @played.agent.tool(needs_approval=lambda input, call: input["path"] != "/tmp")
    async def remove(input, call):
        played.calls.append(input["path"])

    @played.agent.tool(needs_approval=True)
    async def always(input, call):
        played.calls.append("always")

    played.play(handover("calls", asked("remove", "c1", path="/"),
                         asked("remove", "c2", path="/tmp"), asked("always", "c3")))
    assert (played.turns, played.outcomes, played.calls) == ([], ["done"], ["/tmp"])
    asks = [chunk for chunk in played.chunks if chunk["type"] == "tool-approval-request"]
    assert [ask["toolCallId"] for ask in asks] == ["c1", "c3"]
    assert [chunk for chunk in played.chunks if chunk not in asks] == [available("c2", None)]
    parts = played.completed.messages[-1]["parts"]
    assert [(part["state"], part.get("approval", {}).get("id")) for part in parts] == [
        ("approval-requested", asks[0]["approvalId"]), ("output-available", None),
        ("approval-requested", asks[1]["approvalId"])]


def test_a_tool_without_code_runs_in_the_client(played):
    played.agent.add(Tool("map"))
    played.agent.tool(name="here")(lambda input, call: "here")
    played.play(handover("calls", asked("map", "c1"), asked("here", "c2")))
    assert (played.turns, played.outcomes) == ([], ["done"])
    assert played.chunks == [available("c2", "here")]
    assert played.completed.messages[-1]["parts"][0]["state"] == "input-available"


def test_what_is_written_before_is_held_back(played):
    note = {"type": "data-note", "data": 1}

    @played.agent.on_start
    async def start(turn):
        turn.write(note)

    @played.agent.on_turn_start
    async def turn_start(turn):
        turn.write(note)

    played.play(handover("skip"))
    assert played.chunks == [note, note, *RAN]


def test_a_hand_over_that_is_repeated_changes_nothing(played):
    @played.agent.tool()
    async def count(input, call):
        played.calls.append(1)
        await asyncio.sleep(0.1)
        return len(played.calls)

    calls = handover("calls", asked("count", "c1"))
    played.play(calls, calls, handover("skip"))
    assert played.chunks == [available("c1", 1), *RAN]


def test_a_hook_that_fails_says_so_behind_the_step(played):
    @played.agent.on_turn_start
    async def turn_start(turn):
        raise TurnError("not today")

    played.play(handover("final", HELLO))
    assert (played.turns, played.outcomes) == ([], ["failed"])
    assert played.done["error"] == "not today"


def test_a_stop_while_it_waits(played):
    played.play(STOP)
    assert (played.turns, played.chunks, played.outcomes) == ([], [], ["stopped"])
    assert played.done is None


def test_a_stop_while_a_hook_or_a_tool_runs(played):
    ended = []

    async def hangs(*_):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    played.agent.tool(name="hangs")(hangs)
    played.play(handover("calls", asked("hangs", "c1")), STOP)
    played.agent.on_turn_start(hangs)
    played.play(STOP)
    assert (played.turns, played.chunks, played.outcomes) == ([], [], ["stopped", "stopped"])
    assert ended == [True, True]
