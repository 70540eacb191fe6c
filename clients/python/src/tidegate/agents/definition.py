"""An agent as it is declared."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ..link.frames import Agent
from .tools import Tool, ToolCall
from .turn import Chunk, Turn

Handler = Callable[[Turn], AsyncGenerator[str | Chunk, None]]
"""An async generator function: it yields the answer to a turn."""

Hook = Callable[[Turn], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """How a turn ended.

    `done`: the answer is stored. `failed`: the user sees `text`. `stopped`: by the user; what was
    sent until then is kept. `lost`: it was taken from this worker; another may be asked.
    """

    status: Literal["done", "failed", "stopped", "lost"]
    text: str | None = None


@dataclass
class Definition:
    """What `app.agent` makes of an async generator function. Calling it calls the function."""

    id: str
    handler: Handler
    actions: bool = False
    steering: bool = False
    tools: dict[str, Tool] = field(default_factory=dict)
    started: Hook | None = None
    turn_started: Hook | None = None
    turn_completed: Callable[[Turn, Outcome], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        if not inspect.isasyncgenfunction(self.handler):
            raise TypeError(f"agent {self.id!r} must be an async generator function")

    def __call__(self, turn: Turn) -> AsyncGenerator[str | Chunk, None]:
        return self.handler(turn)

    def tool(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        input_schema: dict[str, Any] | None = None,
        needs_approval: bool | Callable[[Any, ToolCall], Any] = False,
    ) -> Callable[[Callable[[Any, ToolCall], Any]], Tool]:
        """Declares a function as a tool; its name and its docstring say what is not said here."""

        def declare(handler: Callable[[Any, ToolCall], Any]) -> Tool:
            said = description or inspect.getdoc(handler)
            called = name or handler.__name__
            tool = Tool(called, said, input_schema, handler, needs_approval)
            self.add(tool)
            return tool

        return declare

    def add(self, tool: Tool) -> None:
        """Adds a tool, such as one that runs in the client."""
        if tool.name in self.tools:
            raise ValueError(f"tool {tool.name!r} of agent {self.id!r} is declared twice")
        self.tools[tool.name] = tool

    def on_start(self, hook: Hook) -> Hook:
        """Calls `hook(turn)` before the first turn of a chat."""
        self.started = hook
        return hook

    def on_turn_start(self, hook: Hook) -> Hook:
        """Calls `hook(turn)` before each turn."""
        self.turn_started = hook
        return hook

    def on_turn_complete(
        self, hook: Callable[[Turn, Outcome], Awaitable[None]]
    ) -> Callable[[Turn, Outcome], Awaitable[None]]:
        """Calls `hook(turn, outcome)` after each turn; the chat's next may be running already."""
        self.turn_completed = hook
        return hook

    def registration(self, version: str) -> Agent:
        """How it is registered."""
        tools = [tool.registration() for tool in self.tools.values()]
        return Agent(self.id, version, self.steering, self.actions, tools)
