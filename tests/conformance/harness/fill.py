"""Placeholders in the steps of a case."""

from __future__ import annotations

import re
from typing import Any

NAME = re.compile(r"\$\{([a-z_0-9]+)\}")


def fill(value: Any, names: dict[str, Any]) -> Any:
    """`${name}` in any string becomes what was saved; a string that is nothing else takes its type.
    `{"before", "repeat", "times", "after"}` becomes a long text."""
    if isinstance(value, dict):
        if "repeat" in value:
            long = value["repeat"] * value["times"]
            return value.get("before", "") + long + value.get("after", "")
        return {key: fill(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    if not isinstance(value, str):
        return value
    if (whole := NAME.fullmatch(value)) is not None:
        return names[whole[1]]
    return NAME.sub(lambda found: str(names[found[1]]), value)
