"""Runs the turns that the link hands over, each in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Any

from ..errors import TurnError
from ..link.driver import Driver
from ..link.events import (
    Ended,
    Event,
    FrameRefused,
    HandedOver,
    InputCame,
    Settled,
    TurnAsked,
    Welcomed,
)
from .answer import Answer
from .definition import Definition, Outcome
from .inputs import Message, Pending, marker
from .tools import Calls
from .turn import Chunk, Turn

log = logging.getLogger("tidegate")

HIDDEN_ERROR = "The agent failed."
"""What the user sees of an exception that is no TurnError."""
STOPS = frozenset({"stopped", "cancelled"})
"""Reasons with which the gateway wants no answer any more, from anybody."""


@dataclass
class _Running:
    turn: Turn
    handover: asyncio.Future[dict[str, Any]] | None
    """Of a head start: what became of it."""
    stored: asyncio.Future[None]
    task: asyncio.Task[None] | None = None
    refused: str | None = None
    ended: str | None = None
    answered: bool = False

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


class Runner:
    """One for each worker. `driver` is set before the first event comes."""

    driver: Driver

    def __init__(self, agents: dict[str, Definition]) -> None:
        self._agents = agents
        self._turns: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, event: Event) -> None:
        """Takes an event of the link."""
        if isinstance(event, Welcomed):
            log.info("linked to the gateway")
        elif isinstance(event, TurnAsked):
            self._start(event.id, event.frame)
        elif running := self._turns.get(event.id):
            self._told(running, event)

    async def stop(self) -> None:
        """Cancels what still runs."""
        for task in self._tasks:
            task.cancel()
        await self.finished()

    async def finished(self) -> None:
        """Waits for what runs; hooks run on after an answer is stored."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _told(self, running: _Running, event: Event) -> None:
        match event:
            case InputCame(_, records):
                running.turn.pending.add(records)
            case HandedOver(_, frame):
                if running.handover is not None and not running.handover.done():
                    running.handover.set_result(frame)
            case Settled():
                if not running.stored.done():
                    running.stored.set_result(None)
            case Ended(id, reason):
                log.debug("turn %s ended: %s", id, reason)
                running.ended = reason
                running.cancel()
            case FrameRefused(_, code, message):
                if not running.answered:
                    running.refused = f"{code}: {message}"
                    running.cancel()

    def _start(self, id: str, frame: dict[str, Any]) -> None:
        pending = Pending(lambda seqs, messages: self._injected(id, seqs, messages))
        turn = Turn.of(frame, pending, lambda chunk: self._write(id, chunk))
        loop = asyncio.get_running_loop()
        handover = loop.create_future() if frame.get("head_start") is True else None
        running = self._turns[id] = _Running(turn, handover, loop.create_future())
        running.task = asyncio.create_task(self._run(running), name=f"turn {id}")
        self._tasks.add(running.task)
        running.task.add_done_callback(self._tasks.discard)

    def _injected(self, id: str, seqs: list[int], messages: list[Message]) -> None:
        self.driver.link.injected(id, seqs)
        self._write(id, marker(seqs, messages))

    def _write(self, id: str, chunk: Chunk) -> None:
        self.driver.link.chunk(id, chunk)
        self.driver.changed()

    async def _run(self, running: _Running) -> None:
        definition, id = self._agents[running.turn.agent], running.turn.id
        try:
            outcome = await self._outcome(definition, running)
        finally:
            self._turns.pop(id, None)
        if definition.turn_completed is None:
            return
        try:
            await definition.turn_completed(running.turn, outcome)
        except Exception:
            log.exception("on_turn_complete of turn %s of %s failed", id, definition.id)

    async def _outcome(self, definition: Definition, running: _Running) -> Outcome:
        id, error = running.turn.id, None
        try:
            try:
                await self._answer(definition, running)
            except asyncio.CancelledError:
                if running.ended is not None or running.refused is None:
                    raise
                log.error("turn %s of %s: %s", id, definition.id, running.refused)
                error = HIDDEN_ERROR
            except TurnError as failed:
                error = str(failed) or HIDDEN_ERROR
            except Exception:
                log.exception("turn %s of %s failed", id, definition.id)
                error = HIDDEN_ERROR
            running.answered = True
            self.driver.link.done(id, error)
            self.driver.changed()
            await running.stored
        except asyncio.CancelledError:
            if running.ended is None:
                raise
            return Outcome("stopped" if running.ended in STOPS else "lost")
        return Outcome("done") if error is None else Outcome("failed", error)

    async def _answer(self, definition: Definition, running: _Running) -> None:
        if running.turn.turn == 1 and definition.started is not None:
            await definition.started(running.turn)
        if definition.turn_started is not None:
            await definition.turn_started(running.turn)
        if not await self._take_over(definition, running):
            return
        id, answer = running.turn.id, Answer()
        given = definition(running.turn)
        try:
            async for value in given:
                await self._give(id, answer.chunks(value))
        finally:
            await given.aclose()
        await self._give(id, answer.end())

    async def _take_over(self, definition: Definition, running: _Running) -> bool:
        """Waits for what became of a head start, and gives whether the agent is to answer."""
        if running.handover is None:
            return True
        frame = await running.handover
        outcome, message = frame.get("outcome"), frame.get("message")
        if outcome == "skip" or message is None:
            return True
        turn = running.turn
        calls = Calls(definition.tools, turn, turn.write)
        settled = outcome != "calls" or await calls.settle(message)
        goes_on = settled and outcome != "final"
        running.turn = replace(turn, messages=[*turn.messages, message], continues=goes_on)
        return goes_on

    async def _give(self, id: str, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            self.driver.link.chunk(id, chunk)
        self.driver.changed()
        # A generator that never waits must not keep the link from being served.
        await asyncio.sleep(0)
        await self.driver.room(id)
