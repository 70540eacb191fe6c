#!/usr/bin/env python3
"""Runs spec/v1/suites/clients against client libraries: a row for each case, transport and client.

    tests/conformance/run.py [--client NAME]… [--only TEXT] [--list]

TIDEGATE_BIN names the gateway's binary; TIDEGATE_SEED sets what is random. Clients are those of
clients.json; spec/v1/suites/clients.md says what an adapter does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from harness.adapter import Adapter
from harness.case import Run
from harness.certificate import Certificate
from harness.gateway import KEY
from harness.place import Place
from harness.relay import Relay
from harness.suites import Row, load, rows, vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SEED = int(os.environ.get("TIDEGATE_SEED", "20261127"))
CASE_S = 120.0
SECURE = {"http3", "webtransport"}
"""They need TLS: in their rows the relay's URL is an https one."""


class Runner:
    """All rows of one client, with a place of its own for those that need nothing special."""

    def __init__(self, name: str, command: list[str], certificate: Certificate) -> None:
        self.name = name
        self.passed = 0
        self.failed = 0
        self._adapter = Adapter(command, ROOT, {"TIDEGATE_CA_FILE": str(certificate.cert)})
        self._shared = Place({}, certificate)
        self._certificate = certificate

    async def run(self, suites: list[dict[str, Any]], arguments: argparse.Namespace) -> None:
        """What there is to run, by what the client says it can."""
        try:
            found = rows(suites, await self._adapter.ask("hello"))
            for number, row in enumerate(it for it in found if arguments.only in it.name):
                if arguments.list:
                    print(f"{self.name}  {row.name}")
                else:
                    await self._row(row, number)
            await self._adapter.stop()
        finally:
            await asyncio.to_thread(self._shared.stop)

    async def _row(self, row: Row, number: int) -> None:
        began, problem = time.monotonic(), ""
        own = row.case.get("gateway")
        place = self._shared
        try:
            if own is not None:
                place = await asyncio.to_thread(Place, own, self._certificate)
            async with asyncio.timeout(CASE_S):
                await self._case(row, place, number)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        finally:
            if place is not self._shared:
                await asyncio.to_thread(place.stop)
        self.passed += not problem
        self.failed += bool(problem)
        took = time.monotonic() - began
        print(f"{'FAILED' if problem else 'ok':6}  {self.name:19}  {took:6.2f} s  {row.name}")
        if problem:
            print(f"        {problem}")
        sys.stdout.flush()

    async def _case(self, row: Row, place: Place, number: int) -> None:
        chat = f"{self.name}/{number} ä"
        names = {"chat": chat, "sub": "s", "seed": SEED, "key": KEY, **row.transports}
        secure = not SECURE.isdisjoint(row.transports.values())
        port = place.tls_port if secure else place.port
        async with Relay(port, secure=secure) as relay:
            names["relay"] = relay.url
            try:
                await Run(self._adapter, place, relay, names, SEED).steps(row.case["steps"])
            finally:
                try:
                    await self._adapter.ask("reset")
                except Exception:
                    await self._adapter.kill()


async def main() -> int:
    arguments = parsed()
    clients = json.loads((HERE / "clients.json").read_text())
    suites = [*load(ROOT), vectors(ROOT)]
    certificate = Certificate()
    runners = []
    print(f"TIDEGATE_SEED={SEED}")
    try:
        # They wait more than they work, so they run at once.
        async with asyncio.TaskGroup() as group:
            for name, client in clients.items():
                if not arguments.client or name in arguments.client:
                    runner = Runner(name, client["command"], certificate)
                    runners.append(runner)
                    group.create_task(runner.run(suites, arguments))
    finally:
        certificate.remove()
    for runner in runners:
        print(f"{runner.name:19}  {runner.passed} passed, {runner.failed} failed")
    passed = sum(runner.passed for runner in runners)
    failed = sum(runner.failed for runner in runners)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and (passed > 0 or arguments.list) else 1


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--client", action="append", help="only this client")
    parser.add_argument("--only", default="", help="only rows whose name holds this")
    parser.add_argument("--list", action="store_true", help="show the rows, run none")
    return parser.parse_args()


def terminated(*_: object) -> None:
    """What was started is stopped, as at an interrupt."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, terminated)
    sys.exit(asyncio.run(main()))
