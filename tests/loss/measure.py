"""One measurement: a relay, a reader on one transport, a writer; and the report's arithmetic."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from link import Link

HERE = Path(__file__).parent
PATIENCE_S = 60.0


@dataclass
class Load:
    """What is written: so many chats, records a second in each, for so many seconds."""

    chats: int
    rate: float
    seconds: float

    @property
    def each(self) -> int:
        return max(1, round(self.rate * self.seconds))


@dataclass
class Outcome:
    """`delays` are (chat, number, written at, seconds), `relay` is what the relay says it did."""

    delays: list[tuple[int, int, float, float]]
    wrong: list[str]
    cpu: float
    relay: dict

    def row(self, name: str) -> str:
        figures = percentiles([delay for *_, delay in self.delays])
        down, up = self.relay["down"], self.relay["up"]
        return (
            f"{name:<29} {figures} {down['dropped']:>5}/{down['packets']:<6} "
            f"{up['dropped']:>4}/{up['packets']:<6} {self.cpu:5.1f}"
        )


HEADER = (
    f"{'':<29} {'p50':>6} {'p95':>6} {'p99':>6} {'max':>6}   lost down      lost up   CPU s\n"
    f"{'':<29} {'ms':>6} {'ms':>6} {'ms':>6} {'ms':>6}   of packets   of packets  (client)"
)


def percentile(delays: list[float], share: float) -> float:
    """Milliseconds, by nearest rank."""
    ordered = sorted(delays)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def percentiles(delays: list[float]) -> str:
    return " ".join(f"{percentile(delays, share):6.1f}" for share in (0.5, 0.95, 0.99, 1.0))


def started(stack: ExitStack, command: list[str], namespace: str = "", **more) -> subprocess.Popen:
    inside = ["ip", "netns", "exec", namespace] if namespace else []
    process = subprocess.Popen(
        [*inside, sys.executable, *command], stdout=subprocess.PIPE, text=True, **more
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def heard(process: subprocess.Popen, what: str) -> None:
    line = process.stdout.readline().strip()
    if line != what:
        raise RuntimeError(f"{process.args}: {line or 'it ended'}")


def measure(
    link: Link, load: Load, transport: str, prefix: str, relayed: list[str], written: list[str]
) -> Outcome:
    """`relayed` and `written` are further arguments of the relay and of the writer."""
    shape = [prefix, "--chats", str(load.chats), "--each", str(load.each)]
    patience = str(load.seconds + PATIENCE_S)
    with ExitStack() as stack:
        files = (link.server_file, link.client_file)
        command = [str(HERE / "relay.py"), *map(str, files), *relayed]
        relay = started(stack, command, pass_fds=files)
        writing = [str(HERE / "writer.py"), *shape, "--rate", str(load.rate), *written]
        writer = started(stack, writing, link.server, stdin=subprocess.PIPE)
        heard(writer, "ready")
        reading = [str(HERE / "reader.py"), transport, *shape, "--patience", patience]
        reader = started(stack, reading, link.client)
        heard(reader, "ready")
        writer.stdin.write("go\n")
        writer.stdin.flush()
        outcome = json.loads(reader.communicate()[0])
        if writer.wait(PATIENCE_S) != 0:
            outcome["wrong"].append("the writer failed")
        relay.terminate()
        did = json.loads(relay.communicate()[0])
    return Outcome(outcome["delays"], outcome["wrong"], outcome["cpu"], did)
