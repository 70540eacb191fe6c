"""Runs the turns that the link hands over, each in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from ..errors import TurnError
from ..link.driver import Driver
from ..link.events import Ended, Event, FrameRefused, InputCame, TurnAsked, Welcomed
from .answer import Answer
from .inputs import Message, Pending, marker
from .turn import Chunk, Turn

log = logging.getLogger("tidegate")

Handler = Callable[[Turn], AsyncGenerator[str | Chunk, None]]
"""An async generator function: it yields the answer to a turn."""

HIDDEN_ERROR = "The agent failed."
"""What the user sees of an exception that is no TurnError."""


@dataclass
class _Running:
    task: asyncio.Task[None]
    pending: Pending
    refused: str | None = None


class Runner:
    """One for each worker. `driver` is set before the first event comes."""

    driver: Driver

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers
        self._turns: dict[str, _Running] = {}

    def handle(self, event: Event) -> None:
        """Takes an event of the link."""
        match event:
            case Welcomed():
                log.info("linked to the gateway")
            case TurnAsked(id, frame):
                pending = Pending(lambda seqs, messages: self._injected(id, seqs, messages))
                self._start(id, Turn.of(frame, pending))
            case InputCame(id, records):
                if running := self._turns.get(id):
                    running.pending.add(records)
            case Ended(id, reason):
                if running := self._turns.pop(id, None):
                    log.debug("turn %s ended: %s", id, reason)
                    running.task.cancel()
            case FrameRefused(id, code, message):
                if running := self._turns.get(id):
                    running.refused = f"{code}: {message}"
                    running.task.cancel()

    async def stop(self) -> None:
        """Cancels what still runs."""
        tasks = [running.task for running in self._turns.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, id: str, turn: Turn) -> None:
        task = asyncio.create_task(self._run(id, turn), name=f"turn {id}")
        self._turns[id] = _Running(task, turn.pending)

    def _injected(self, id: str, seqs: list[int], messages: list[Message]) -> None:
        self.driver.link.injected(id, seqs)
        self.driver.link.chunk(id, marker(seqs, messages))
        self.driver.changed()

    async def _run(self, id: str, turn: Turn) -> None:
        error: str | None = None
        try:
            await self._answer(id, turn)
        except asyncio.CancelledError:
            running = self._turns.get(id)
            if running is None or running.refused is None:
                raise
            log.error("turn %s of %s: %s", id, turn.agent, running.refused)
            error = HIDDEN_ERROR
        except TurnError as failed:
            error = str(failed) or HIDDEN_ERROR
        except Exception:
            log.exception("turn %s of %s failed", id, turn.agent)
            error = HIDDEN_ERROR
        self._turns.pop(id, None)
        self.driver.link.done(id, error)
        self.driver.changed()

    async def _answer(self, id: str, turn: Turn) -> None:
        answer = Answer()
        given = self._handlers[turn.agent](turn)
        try:
            async for value in given:
                await self._give(id, answer.chunks(value))
        finally:
            await given.aclose()
        await self._give(id, answer.end())

    async def _give(self, id: str, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            self.driver.link.chunk(id, chunk)
        self.driver.changed()
        # A generator that never waits must not keep the link from being served.
        await asyncio.sleep(0)
        await self.driver.room(id)
