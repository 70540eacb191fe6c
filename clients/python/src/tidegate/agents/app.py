"""The front: agents are declared on an App, which then serves them."""

from __future__ import annotations

import asyncio
import inspect
import os
import secrets
import signal
from collections.abc import Callable
from typing import Any

from ..link.driver import Driver
from ..link.frames import Agent
from ..link.machine import Link
from .runner import Handler, Runner


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
        self._agents: dict[str, Agent] = {}
        self._handlers: dict[str, Handler] = {}
        self._driver: Driver | None = None

    def agent(
        self,
        id: str,
        *,
        actions: bool = False,
        steering: bool = False,
        tools: list[dict[str, Any]] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declares an async generator function as an agent.

        `actions`: it answers turns whose trigger is `action`. `steering`: it takes messages that
        arrive while a turn runs, from `turn.pending`. `tools` are shown to operators.
        """

        def declare(handler: Handler) -> Handler:
            if not inspect.isasyncgenfunction(handler):
                raise TypeError(f"agent {id!r} must be an async generator function")
            if id in self._agents:
                raise ValueError(f"agent {id!r} is declared twice")
            self._agents[id] = Agent(id, self.version, steering, actions, tools or [])
            self._handlers[id] = handler
            return handler

        return declare

    async def serve(self) -> None:
        """Serves until `drain` is done. Raises LinkRefused if the gateway does not want us."""
        if not self._agents:
            raise ValueError("no agent is declared")
        worker = f"w_{secrets.token_hex(8)}"
        link = Link(worker, self.capacity, list(self._agents.values()))
        runner = Runner(self._handlers)
        runner.driver = self._driver = Driver(link, self.url, self.key, runner.handle)
        try:
            await self._driver.run()
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
