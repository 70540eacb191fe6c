"""The suites of `spec/v1/suites/clients`: read, checked for form, laid out over transports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CASE_KEYS = {"name", "rules", "over", "gateway", "steps", "needs"}
OVER = ("each", "pairs", "once")


@dataclass(frozen=True)
class Row:
    """A case over given transports: a row of the report."""

    name: str
    case: dict[str, Any]
    transports: dict[str, str]


def load(root: Path) -> list[dict[str, Any]]:
    """All suites. Raises ValueError where one is not of the form."""
    folder = root / "spec/v1/suites/clients"
    defined = _rules(root / "spec/v1")
    suites = []
    for path in sorted(folder.glob("*.json")):
        suite = json.loads(path.read_text())
        problems = list(_problems(path.stem, suite, defined))
        if problems:
            raise ValueError(f"{path.name}: {'; '.join(problems)}")
        suites.append(suite)
    return suites


def vectors(root: Path) -> dict[str, Any]:
    """The vectors that a client library decides, as a suite: a case for each file, a step for each
    of its cases."""

    def read(name: str) -> list[dict[str, Any]]:
        return json.loads((root / f"spec/v1/vectors/{name}.json").read_text())["cases"]

    cases = []
    for cut in ("whole", "in bytes", "in threes"):
        steps = [_sse_step(case, cut) for case in read("sse-decode")]
        cases.append({"name": f"event streams, {cut}", "over": "once", "steps": steps})
    steps = [_cursor_step(case) for case in read("cursors")]
    cases.append({"name": "cursors", "over": "once", "steps": steps})
    return {"suite": "vectors", "cases": cases}


def _sse_step(case: dict[str, Any], cut: str) -> dict[str, Any]:
    body = case["body"].encode()
    size = {"whole": max(1, len(body)), "in bytes": 1, "in threes": 3}[cut]
    pieces = [list(body[at : at + size]) for at in range(0, len(body), size)]
    decision = {"events": case["events"]}
    if "error" in case:
        decision["error"] = case["error"]
    else:
        decision["cut"] = case["cut"]
    asked = {"pieces": pieces, "max_event_bytes": case.get("max_event_bytes")}
    return _decide("sse-decode", asked, decision)


def _cursor_step(case: dict[str, Any]) -> dict[str, Any]:
    decision = {key: case[key] for key in ("after", "error") if key in case}
    return _decide("cursor", {"last_event_id": case["last_event_id"]}, decision)


def _decide(name: str, case: dict[str, Any], decision: dict[str, Any]) -> dict[str, Any]:
    return {"do": "decide", "name": name, "case": case, "expect": {"decision": decision}}


def rows(suites: list[dict[str, Any]], hello: dict[str, Any]) -> Iterator[Row]:
    """The rows for a client, by what its `hello` says."""
    transports = hello["transports"]
    for suite in suites:
        for case in suite["cases"]:
            name = f"{suite['suite']}: {case['name']}"
            if "needs" in case and case["needs"] not in transports:
                continue
            asked = {step["name"] for step in case["steps"] if step.get("do") == "decide"}
            if not asked <= set(hello["decisions"]):
                continue
            over = case.get("over", "each")
            if over == "once":
                yield Row(name, case, {"t": "auto"})
            elif over == "each":
                for one in transports:
                    yield Row(f"{name} [{one}]", case, {"t": one})
            else:
                for one in transports:
                    for other in transports:
                        both = {"t": one, "a": one, "b": other}
                        yield Row(f"{name} [{one} to {other}]", case, both)


def _problems(stem: str, suite: dict[str, Any], defined: set[str]) -> Iterator[str]:
    if set(suite) != {"suite", "about", "cases"} or suite["suite"] != stem:
        yield "a suite has its file's name, about and cases"
    names = [case["name"] for case in suite["cases"]]
    if len(set(names)) != len(names):
        yield "case names repeat"
    for case in suite["cases"]:
        if unknown := set(case) - CASE_KEYS:
            yield f"{case['name']}: unknown keys {unknown}"
        if case.get("over", "each") not in OVER:
            yield f"{case['name']}: over is one of {OVER}"
        if not case.get("rules") or not set(case["rules"]) <= defined:
            yield f"{case['name']}: {set(case.get('rules', ())) - defined} are no rules"


def _rules(spec: Path) -> set[str]:
    found: set[str] = set()
    for path in spec.glob("*.md"):
        found |= set(re.findall(r"^- \*\*(R-[A-Z0-9]+-\d+)\*\*", path.read_text(), re.M))
    return found
