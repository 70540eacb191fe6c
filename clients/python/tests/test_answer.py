"""Strings and chunks that an agent yields."""

import pytest

from tidegate.agents.answer import Answer


def test_strings_become_one_text_part():
    answer = Answer()
    chunks = [*answer.chunks("a"), *answer.chunks(""), *answer.chunks("b"), *answer.end()]
    assert chunks == [
        {"type": "text-start", "id": "text-1"},
        {"type": "text-delta", "id": "text-1", "delta": "a"},
        {"type": "text-delta", "id": "text-1", "delta": "b"},
        {"type": "text-end", "id": "text-1"},
    ]
    assert answer.end() == []


def test_a_chunk_ends_the_text_before_it():
    answer = Answer()
    answer.chunks("a")
    data = {"type": "data-note", "data": 1}
    assert answer.chunks(data) == [{"type": "text-end", "id": "text-1"}, data]
    assert answer.chunks("b")[0] == {"type": "text-start", "id": "text-2"}


@pytest.mark.parametrize("given", [None, 7, b"x", {}, {"type": 1}, ["a"]])
def test_other_values_are_a_typed_error(given):
    with pytest.raises(TypeError, match="strings and chunks"):
        Answer().chunks(given)
