"""Checks a value against the part of JSON schema that tools use. What it does not know holds."""

from __future__ import annotations

from typing import Any

from ..frames import encode

TYPES: dict[str, type | tuple[type, ...]] = {
    "null": type(None),
    "boolean": bool,
    "string": str,
    "array": list,
    "object": dict,
    "number": (int, float),
}


def problem_of(schema: Any, value: Any, at: str = "input") -> str | None:
    """What is wrong with `value`; None if nothing is."""
    if not isinstance(schema, dict):
        return None
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_is_of(type, value) for type in types):
        return f"{at} must be {' or '.join(types)}"
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(allowed, list) and not any(_same(one, value) for one in allowed):
        return f"{at} must be one of {encode(allowed)}"
    forms = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(forms, list) and all(problem_of(one, value, at) for one in forms):
        return f"{at} has none of the forms that it may have"
    if isinstance(value, list):
        return _in_items(schema, value, at)
    return _in_members(schema, value, at) if isinstance(value, dict) else None


def _in_items(schema: dict[str, Any], values: list[Any], at: str) -> str | None:
    for index, value in enumerate(values):
        if problem := problem_of(schema.get("items"), value, f"{at}[{index}]"):
            return problem
    return None


def _in_members(schema: dict[str, Any], value: dict[str, Any], at: str) -> str | None:
    for key in schema.get("required", []):
        if key not in value:
            return f"{at}.{key} is missing"
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for key, member in value.items():
        if key not in known and others is False:
            return f"{at}.{key} is not known"
        if problem := problem_of(known.get(key, others), member, f"{at}.{key}"):
            return problem
    return None


def _is_of(type: str, value: Any) -> bool:
    if type == "integer":
        return _is_of("number", value) and (isinstance(value, int) or value.is_integer())
    # True and False are ints to Python, and to nobody else.
    if type == "number" and isinstance(value, bool):
        return False
    return isinstance(value, TYPES.get(type, object))


def _same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)
