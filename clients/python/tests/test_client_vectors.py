"""spec/v1/vectors against what the client decodes."""

import json
from pathlib import Path
from random import Random

import pytest

from tidegate.client.errors import InvalidCursor
from tidegate.client.follower import cursor_of
from tidegate.client.sse import EventTooLarge, SseDecoder

VECTORS = Path(__file__).resolve().parents[3] / "spec/v1/vectors"
SEED = 20261127


def cases(name: str) -> list[dict]:
    return json.loads((VECTORS / f"{name}.json").read_text())["cases"]


def decode(case: dict, pieces: list[bytes]) -> dict:
    decoder = SseDecoder(case.get("max_event_bytes"))
    events, error = [], None
    try:
        for piece in pieces:
            decoder.feed_into(piece, events)
    except EventTooLarge:
        error = "too_large"
    shown = [
        {key: value for key, value in vars(event).items() if value is not None}
        for event in events
    ]
    return {"events": shown, "error": error, **({} if error else {"cut": decoder.cut})}


@pytest.mark.parametrize("case", cases("sse-decode"), ids=lambda case: case["name"])
def test_event_streams_however_they_are_cut(case):
    body = case["body"].encode()
    wanted = {"events": case["events"], "error": case.get("error")}
    if wanted["error"] is None:
        wanted["cut"] = case["cut"]
    random = Random(SEED)
    assert decode(case, [body]) == wanted
    assert decode(case, [bytes([byte]) for byte in body]) == wanted
    for _ in range(20):
        cuts = sorted(random.randint(0, len(body)) for _ in range(random.randint(1, 6)))
        pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        assert decode(case, pieces) == wanted, f"seed {SEED}, cuts {cuts}"


@pytest.mark.parametrize("case", cases("cursors"), ids=lambda case: case["last_event_id"])
def test_cursors(case):
    if "error" in case:
        with pytest.raises(InvalidCursor) as refused:
            cursor_of(case["last_event_id"])
        assert refused.value.code == case["error"]
    else:
        assert cursor_of(case["last_event_id"]) == case["after"]
