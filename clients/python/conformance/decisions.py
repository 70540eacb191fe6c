"""The client's pure decisions, as `decide` asks for them."""

from __future__ import annotations

from typing import Any

from tidegate.client.answer import AnswerState
from tidegate.client.duplex import BatchCame, Duplex, GapCame
from tidegate.client.errors import InvalidCursor, of_answer
from tidegate.client.follower import Doubt, Follower, cursor_of
from tidegate.client.records import Gap, Record
from tidegate.client.sse import EventTooLarge, SseDecoder


def sse_decode(case: dict[str, Any]) -> dict[str, Any]:
    decoder = SseDecoder(case.get("max_event_bytes"))
    events: list[Any] = []
    try:
        for piece in case["pieces"]:
            decoder.feed_into(bytes(piece), events)
    except EventTooLarge:
        return {"events": [_given(vars(it)) for it in events], "error": "too_large"}
    return {"events": [_given(vars(it)) for it in events], "cut": decoder.cut}


def cursor(case: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"after": cursor_of(case["last_event_id"])}
    except InvalidCursor as error:
        return {"error": error.code}


def follow(case: dict[str, Any]) -> dict[str, Any]:
    follower, found = Follower(case["after"]), []
    for step in case["steps"]:
        if "gap" in step:
            start, end, reason = step["gap"]
            found += follower.gap(Gap(start, end, reason))
        elif "batch" in step:
            found += follower.records([_record(it) for it in step["batch"]])
        else:
            follower.opened()
    # The gateway says gaps in these cases: what is missing otherwise was nobody's.
    told = [it for it in found if not isinstance(it, Doubt)]
    delivered = [
        it.seq_num if isinstance(it, Record) else [it.from_, it.to, it.reason] for it in told
    ]
    return {"delivered": delivered, "cursor": follower.cursor}


def answer(case: dict[str, Any]) -> dict[str, Any]:
    state, read = AnswerState(case["seq"]), 0
    for record in case["records"]:
        if state.done:
            break
        state.take(Record.of(record).event())
        read += 1
    return {"done": state.done, "read": read, "text": state.text}


def frame(case: dict[str, Any]) -> dict[str, Any]:
    machine = Duplex()
    machine.opened(None, 0.0)
    id = machine.subscribe("s", window=1)
    machine.outgoing()
    try:
        happened = machine.receive(case["text"].replace("$ID", str(id)), 0.0)
    except Exception:
        return {"error": "malformed"}
    found: list[Any] = []
    for it in happened:
        if isinstance(it, BatchCame):
            found += [record.seq_num for record in it.records]
        elif isinstance(it, GapCame):
            found.append([it.gap.from_, it.gap.to, it.gap.reason])
    return {"delivered": found, "sent": machine.outgoing()}


def refusal(case: dict[str, Any]) -> dict[str, Any]:
    error = of_answer(case["status"], case["headers"], case["body"].encode())
    return {"code": error.code, "retry": error.retry, "param": error.param}


def _record(seq: int | list[Any]) -> Record:
    """A seq, or one in an array: a command record."""
    if isinstance(seq, list):
        return Record(seq[0], 0, (("", "trim"),), "")
    return Record(seq, 0, (), "")


def _given(keys: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value is not None}


DECISIONS = {
    "sse-decode": sse_decode,
    "cursor": cursor,
    "follow": follow,
    "answer": answer,
    "frame": frame,
    "refusal": refusal,
}
