"""Inputs are checked as far as tools use JSON schema."""

import pytest

from tidegate.agents.json_schema import problem_of

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": ["integer", "null"]},
        "unit": {"enum": ["C", "F", 1]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "when": {"anyOf": [{"const": "now"}, {"type": "object", "required": ["at"]}]},
    },
    "required": ["city"],
    "additionalProperties": False,
}
INPUT = {"city": "Rome", "days": 3.0, "unit": "C", "tags": ["a"], "when": {"at": 1}}


def test_what_fits():
    assert problem_of(SCHEMA, INPUT) is None
    assert problem_of(None, 7) is None
    assert problem_of({"type": "of a later version", "minimum": 7}, 1) is None


@pytest.mark.parametrize(("wrong", "problem"), [
    (7, "input must be object"),
    ({}, "input.city is missing"),
    ({"city": 7}, "input.city must be string"),
    ({**INPUT, "days": 1.5}, "input.days must be integer or null"),
    ({**INPUT, "days": float("inf")}, "input.days must be integer or null"),
    ({**INPUT, "days": True}, "input.days must be integer or null"),
    ({**INPUT, "unit": "K"}, 'input.unit must be one of ["C","F",1]'),
    ({**INPUT, "unit": True}, 'input.unit must be one of ["C","F",1]'),
    ({**INPUT, "tags": ["a", 7]}, "input.tags[1] must be string"),
    ({**INPUT, "when": "later"}, "input.when has none of the forms that it may have"),
    ({**INPUT, "other": 1}, "input.other is not known"),
])
def test_what_does_not(wrong, problem):
    assert problem_of(SCHEMA, wrong) == problem
