"""The front: agents are declared on an App, which then serves them."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Sequence

from ..link.driver import Driver
from ..link.machine import Link
from .definition import Definition, Handler
from .runner import Runner
from .tools import Tool


class App:
    """A worker: it links itself to a gateway and answers turns.

    `url` is the gateway's base URL (default: TIDEGATE_URL, else http://127.0.0.1:8787), `key` a
    secret key of an environment (default: TIDEGATE_KEY). `version` names what is deployed: the
    newest version gets the new turns. `capacity` is how many turns run at once.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        version: str = "1",
        capacity: int = 64,
    ) -> None:
        self.url = url or os.environ.get("TIDEGATE_URL", "http://127.0.0.1:8787")
        self.key = key or os.environ.get("TIDEGATE_KEY", "")
        if not self.key:
            raise ValueError("App needs a key, or TIDEGATE_KEY")
        self.version = version
        self.capacity = capacity
        self._agents: dict[str, Definition] = {}
        self._driver: Driver | None = None

    def agent(
        self,
        id: str,
        *,
        actions: bool = False,
        steering: bool = False,
        tools: Sequence[Tool] = (),
    ) -> Callable[[Handler], Definition]:
        """Declares an async generator function as an agent.

        `actions`: it answers turns whose trigger is `action`. `steering`: it takes messages that
        arrive while a turn runs, from `turn.pending`. `tools`: what the model of a head start may
        call; the decorator `tool` of what this gives adds others.
        """

        def declare(handler: Handler) -> Definition:
            if id in self._agents:
                raise ValueError(f"agent {id!r} is declared twice")
            definition = Definition(id, handler, actions, steering)
            for tool in tools:
                definition.add(tool)
            self._agents[id] = definition
            return definition

        return declare

    async def serve(self) -> None:
        """Serves until `drain` is done. Raises LinkRefused if the gateway does not want us."""
        if not self._agents:
            raise ValueError("no agent is declared")
        worker = f"w_{secrets.token_hex(8)}"
        agents = [agent.registration(self.version) for agent in self._agents.values()]
        link = Link(worker, self.capacity, agents)
        runner = Runner(self._agents)
        runner.driver = self._driver = Driver(link, self.url, self.key, runner.handle)
        try:
            await self._driver.run()
            await runner.finished()
        finally:
            self._driver = None
            await runner.stop()

    def drain(self) -> None:
        """Takes no new turns; `serve` returns when the running ones are answered."""
        if self._driver is not None:
            self._driver.link.drain()
            self._driver.changed()

    def run(self) -> None:
        """Serves, in an event loop of its own, until SIGTERM or SIGINT drains it."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        serving = asyncio.ensure_future(self.serve())

        def stop() -> None:
            # The second signal does not wait for running turns.
            if self._driver is None or self._driver.link.draining:
                serving.cancel()
            else:
                self.drain()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            await serving
        except asyncio.CancelledError:
            pass
