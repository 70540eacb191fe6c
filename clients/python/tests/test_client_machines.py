"""The client's pure parts, driven at random where that shows more."""

import base64
import json
from random import Random

import pytest

from tidegate.client.answer import AnswerState
from tidegate.client.backoff import CAP_S, FIRST_S, Backoff
from tidegate.client.choice import AGAIN_S, Choice
from tidegate.client.credentials import expires_at, refresh_at
from tidegate.client.errors import ApiError, SessionClosed, Unauthenticated, of_answer
from tidegate.client.follower import EPOCH_SEQ_STRIDE, NOTHING, Doubt, Follower
from tidegate.client.records import Control, Gap, Record, batch_of, control_of
from tidegate.errors import MalformedFrame

COMMAND = (("", "trim"),)


def record(seq: int, headers=(), body: str = "") -> Record:
    return Record(seq, 1000 + seq, headers, body)


def chunk(seq: int, **keys) -> Record:
    return record(seq, body=json.dumps({"data": keys, "id": f"p{seq}"}))


def boundary(seq: int, floor: int | None = None, **headers) -> Record:
    said = [("trigger-control", "turn-complete")]
    if floor is not None:
        said.append(("session-in-event-id", str(floor)))
    return record(seq, headers=(*said, *headers.items()))


@pytest.mark.parametrize("round", range(50))
def test_whatever_is_cut_and_repeated_the_log_comes_once(round, seed):
    """Connections begin at the cursor or before it, overlap, and end anywhere."""
    random = Random(seed * 1000 + round)
    log = [
        record(seq, headers=COMMAND if random.random() < 0.1 else ())
        for seq in range(random.randint(1, 60))
    ]
    follower = Follower()
    seen: list[Record] = []
    while follower.cursor is None or follower.cursor < log[-1].seq_num:
        follower.opened()
        at = 0 if follower.cursor is None else max(0, follower.cursor + 1 - random.randint(0, 3))
        for _ in range(random.randint(1, 4)):
            size = random.randint(0, 5)
            batch, at = log[at : at + size], at + size
            if random.random() < 0.2:
                at = max(0, at - 2)
            visible = [it for it in batch if not it.is_command or random.random() < 0.5]
            seen += [it for it in follower.records(visible) if isinstance(it, Record)]
    assert seen == [it for it in log if not it.is_command]


def test_what_is_missing_is_lost_or_doubtful():
    follower = Follower(4)
    assert follower.records([record(9), record(11)]) == [Doubt(5, 9), record(9), record(11)]
    assert Doubt(5, 9).gap() == Gap(5, 9, "retention")
    far = 11 + EPOCH_SEQ_STRIDE
    assert follower.records([record(far)]) == [Gap(12, far, "epoch"), record(far)]
    assert Follower().records([record(7)]) == [record(7)], "no cursor: nothing was promised"
    assert Follower(NOTHING).records([record(0), record(1)]) == [record(0), record(1)]
    assert Follower(NOTHING).records([record(7)]) == [Doubt(0, 7), record(7)]


def test_a_gap_that_the_gateway_says_comes_once():
    follower = Follower(4)
    assert follower.gap(Gap(5, 9, "retention")) == [Gap(5, 9, "retention")]
    assert follower.gap(Gap(5, 9, "retention")) == []
    assert follower.gap(Gap(3, 12, "retention")) == [Gap(9, 12, "retention")]
    assert follower.records([record(8), record(12)]) == [record(12)]


def test_an_answer_ends_at_the_boundary_that_covers_its_input():
    state = AnswerState(7)
    assert state.take(chunk(1, type="text-delta", delta="of before").event()) is not None
    assert state.take(boundary(2, floor=6).event()) is None
    assert (state.done, state.text) == (False, "")
    state.take(chunk(3, type="text-delta", delta="a").event())
    state.take(Gap(4, 6, "retention"))
    state.take(chunk(6, type="text-delta", delta="b").event())
    state.take(record(7, headers=(("trigger-control", "keep-alive"),)).event())
    assert not state.done
    state.take(boundary(8, floor=7).event())
    assert (state.done, state.text, state.gaps) == (True, "ab", [Gap(4, 6, "retention")])


def test_an_answer_ends_at_a_boundary_that_says_nothing_and_at_the_close():
    state = AnswerState(7)
    state.take(boundary(1).event())
    assert state.done
    state = AnswerState(7)
    closed = (("trigger-control", "session-closed"), ("session-closed-reason", "bye"))
    state.take(record(1, headers=closed).event())
    assert state.boundary == Control("session-closed", closed=True, closed_reason="bye")


def test_what_records_say():
    assert chunk(1, type="finish").event().chunk == {"type": "finish"}
    assert chunk(1, type="finish").event().part_id == "p1"
    assert record(1, body='{"data":"hi","id":"a"}').event().raw == "hi"
    assert record(1, body="plain").event().raw == "plain"
    assert record(1, body='{"data":[1],"id":""}').event().raw == '{"data":[1],"id":""}'
    said = control_of((("x", "y"), ("trigger-control", "a"), ("trigger-control", "b")))
    assert said == Control("a")
    assert control_of((("trigger-control", "a"), ("session-in-event-id", "٣"))) == Control("a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"records":{}}',
        '{"records":[1]}',
        '{"records":[{"seq_num":-1,"timestamp":1,"body":"","headers":[]}]}',
        '{"records":[{"seq_num":true,"timestamp":1,"body":"","headers":[]}]}',
        '{"records":[{"seq_num":1,"timestamp":1,"body":"","headers":{"a":"b"}}]}',
        '{"records":[{"seq_num":9007199254740992,"timestamp":1,"body":"","headers":[]}]}',
    ],
)
def test_batches_that_are_none(text):
    with pytest.raises(MalformedFrame):
        batch_of(text)


def test_backoff_is_spread_over_all_of_its_bound_and_bounded(seed):
    waits = []
    for step in range(200):
        backoff = Backoff(Random(seed + step))
        waits.append([backoff.failed() for _ in range(12)])
        assert all(0 <= wait <= CAP_S for wait in waits[-1])
        assert waits[-1][0] <= FIRST_S
    late = [wait[11] for wait in waits]
    assert min(late) < CAP_S / 10 and max(late) > CAP_S * 0.9
    backoff.worked()
    assert backoff.failed() <= FIRST_S


def test_auto_takes_sse_where_websocket_does_not_work_and_tries_again():
    choice = Choice()
    assert choice.next("auto", 0) == "websocket"
    choice.failed(0)
    assert choice.next("auto", 0) == "websocket"
    choice.failed(0)
    assert choice.next("auto", 1) == "sse"
    assert choice.next("websocket", 1) == "websocket"
    assert choice.next("auto", AGAIN_S + 1) == "websocket"
    choice.unavailable(100)
    assert choice.next("auto", 101) == "sse"
    choice.worked()
    assert choice.next("auto", 101) == "websocket"


def test_when_a_token_is_refreshed():
    def token(**claims) -> str:
        part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return f"e30.{part}.sig"

    assert expires_at(token(exp=1000)) == 1000
    assert refresh_at(token(iat=0, exp=1000)) == 970
    assert refresh_at(token(iat=995, exp=1000)) == 999.5
    assert refresh_at("tr_dev_sk_0123456789abcdefghijABCD") is None
    assert expires_at("a.b.c") is None


def test_refusals_as_types():
    body = b'{"error":"no","code":"session_closed","param":"x","closedReason":"bye"}'
    closed = of_answer(409, {"x-should-retry": "false"}, body)
    assert isinstance(closed, SessionClosed)
    assert (closed.code, closed.message, closed.param) == ("session_closed", "no", "x")
    assert (closed.retry, closed.closed_reason, closed.status) == (False, "bye", 409)
    proxy = of_answer(502, {}, b"<html>")
    assert (type(proxy), proxy.retry, proxy.code) == (ApiError, True, "internal")
    assert isinstance(of_answer(401, {}, b""), Unauthenticated)
    assert of_answer(429, {}, b"[]").retry
    assert not of_answer(418, {}, b"{}").retry
