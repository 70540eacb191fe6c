"""The numbered frames of one piece of work (R-LNK-19, R-LNK-20, R-LNK-22)."""

import json

import pytest

from tidegate.errors import ChunkTooLarge
from tidegate.link.outbox import Outbox

WINDOW = 4_194_304
FRAME_MAX = 33_554_432


def outbox(window: int = WINDOW, frame_max: int = FRAME_MAX) -> Outbox:
    return Outbox("t_1", window, frame_max)


def delta(text: str) -> dict[str, str]:
    return {"type": "text-delta", "id": "t", "delta": text}


def frames(texts: list[str]) -> list[dict]:
    return [json.loads(text) for text in texts]


def test_what_waits_goes_out_as_one_frame_in_order():
    box = outbox()
    for text in "abc":
        box.chunk(delta(text))
    box.injected([4, 5])
    box.chunk(delta("d"))
    box.done()
    assert frames(box.take()) == [
        {"t": "out", "id": "t_1", "seq": 1, "chunks": [delta("a"), delta("b"), delta("c")]},
        {"t": "injected", "id": "t_1", "seq": 2, "inputs": [4, 5]},
        {"t": "out", "id": "t_1", "seq": 3, "chunks": [delta("d")]},
        {"t": "done", "id": "t_1", "seq": 4},
    ]
    assert box.take() == []


def test_done_carries_the_error_and_ends_it():
    box = outbox()
    box.done("out of order")
    box.chunk(delta("late"))
    box.done()
    done = {"t": "done", "id": "t_1", "seq": 1, "error": "out of order"}
    assert frames(box.take()) == [done]
    assert not box.settled
    box.ack(1)
    assert box.settled


def test_a_resume_sends_again_what_is_above_acked_with_its_numbers():
    box = outbox()
    for text in "abc":
        box.chunk(delta(text))
        box.take()
    box.ack(1)
    box.chunk(delta("d"))
    box.resume(2)
    assert [(f["seq"], f["chunks"]) for f in frames(box.take())] == [
        (3, [delta("c")]),
        (4, [delta("d")]),
    ]
    assert box.acked == 2


def test_the_window_holds_back_and_an_ack_opens_it():
    box = outbox(window=1_000)
    for text in "abcdef":
        box.chunk(delta(text * 300))
        box.done() if text == "f" else None
    sent = box.take()
    assert len(sent) == 1, "chunks that wait share a frame, and one frame always fits"
    box = outbox(window=1_000)
    texts = []
    for text in "abcdef":
        box.chunk(delta(text * 300))
        texts += box.take()
    assert [f["seq"] for f in frames(texts)] == [1, 2]
    box.ack(2)
    assert [f["seq"] for f in frames(box.take())] == [3]


def test_the_window_counts_bytes_not_characters():
    box = outbox(window=1_000)
    texts = []
    for _ in range(3):
        box.chunk(delta("ü" * 250))
        texts += box.take()
    assert len(texts) == 1


def test_a_producer_is_told_to_wait():
    box = outbox(window=100_000)
    box.chunk(delta("a" * 90_000))
    assert not box.full
    box.take()
    for _ in range(3):
        box.chunk(delta("b" * 90_000))
    assert box.full
    assert box.take() == []
    box.ack(1)
    box.take()
    assert not box.full


def test_large_waits_are_split_into_frames():
    box = outbox()
    for _ in range(5):
        box.chunk(delta("x" * 100_000))
    sizes = [len(text) for text in box.take()]
    assert len(sizes) == 3
    assert max(sizes) < 300_000


def test_a_chunk_over_the_frame_limit_is_a_typed_error():
    box = outbox(frame_max=10_000)
    with pytest.raises(ChunkTooLarge):
        box.chunk(delta("x" * 10_000))
    box.chunk(delta("fits"))
    assert len(box.take()) == 1


def test_a_refused_frame_frees_the_window_but_keeps_its_number():
    box = outbox(window=1_000)
    texts = []
    for text in "abc":
        box.chunk(delta(text * 300))
        texts += box.take()
    assert len(texts) == 2
    box.refused(2)
    assert [f["seq"] for f in frames(box.take())] == [3]
    box.resume(1)
    assert [f["seq"] for f in frames(box.take())] == [2, 3]
    box.ack(3)
    box.done()
    box.take()
    box.ack(4)
    assert box.settled


def test_what_json_does_not_know_is_refused():
    box = outbox()
    with pytest.raises(ValueError):
        box.chunk({"type": "data-x", "data": float("nan")})
    with pytest.raises(TypeError):
        box.chunk({"type": "data-x", "data": object()})
    assert box.take() == []
