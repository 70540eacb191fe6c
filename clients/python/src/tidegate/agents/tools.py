"""Tools of an agent, and the calls that a head start hands over (R-HDS-14, R-HDS-25)."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import TurnError
from ..frames import encode
from .inputs import Message
from .json_schema import problem_of
from .turn import Chunk, Turn

log = logging.getLogger("tidegate")

HIDDEN_TOOL_ERROR = "The tool failed."
"""What the user sees of a tool's exception that is no TurnError."""


@dataclass(frozen=True)
class ToolCall:
    """How a tool is called. The task that runs it is cancelled when the turn is stopped."""

    turn: Turn
    tool_call_id: str


@dataclass(frozen=True)
class Tool:
    """What the model of a head start may call.

    `handler(input, call)`, plain or async, gives the output; an async generator gives one after
    another, of which the last counts. A tool without it runs in the client. With
    `needs_approval`, or where such a function of input and call says so, the user is asked before.
    """

    name: str
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    handler: Callable[[Any, ToolCall], Any] | None = None
    needs_approval: bool | Callable[[Any, ToolCall], Any] = False

    def registration(self) -> dict[str, Any]:
        """Its entry in `hello`."""
        entry: dict[str, Any] = {"name": self.name}
        if self.description is not None:
            entry["description"] = self.description
        if self.input_schema is not None:
            entry["input_schema"] = self.input_schema
        # Whether a function would ask depends on an input that nobody has yet.
        if self.needs_approval is not False:
            entry["needs_approval"] = True
        return entry


@dataclass(frozen=True)
class Calls:
    """Where calls come from, and where their ends go."""

    tools: dict[str, Tool]
    turn: Turn
    write: Callable[[Chunk], None]

    async def settle(self, message: Message) -> bool:
        """Executes the calls of the message's last step, all at once.

        Each end is written as it comes, and is put into the message. Gives whether all have an
        output; without that nothing can go on.
        """
        ends = await asyncio.gather(*(self._settle(part) for part in open_calls(message)))
        return all(ends)

    async def _settle(self, part: dict[str, Any]) -> bool:
        name = part.get("toolName") or part["type"].removeprefix("tool-")
        tool = self.tools.get(name)
        if tool is None:
            return self._failed(part, f'this agent has no tool "{name}"')
        if problem := problem_of(tool.input_schema, part.get("input")):
            return self._failed(part, f'invalid input for tool "{name}": {problem}')
        try:
            return await self._call(part, tool)
        except TurnError as error:
            return self._failed(part, str(error) or HIDDEN_TOOL_ERROR)
        except Exception:
            log.exception("tool %s failed in turn %s of %s", name, self.turn.id, self.turn.agent)
            return self._failed(part, HIDDEN_TOOL_ERROR)

    async def _call(self, part: dict[str, Any], tool: Tool) -> bool:
        id, input = part["toolCallId"], part.get("input")
        call = ToolCall(self.turn, id)
        asks = tool.needs_approval
        if callable(asks):
            asks = await _awaited(asks(input, call))
        if asks:
            approval = f"approval-{secrets.token_hex(12)}"
            part.update(state="approval-requested", approval={"id": approval})
            self.write({"type": "tool-approval-request", "approvalId": approval, "toolCallId": id})
            return False
        if tool.handler is None:
            # It runs in the client, which answers the call.
            return False
        output = await self._output(part, tool.handler(input, call))
        self._write(part, {"type": "tool-output-available", "output": output})
        part.update(state="output-available", output=output)
        return True

    async def _output(self, part: dict[str, Any], given: Any) -> Any:
        """As everybody else will see it. Raises where that can't be written."""
        if not inspect.isasyncgen(given):
            return json.loads(encode(await _awaited(given)))
        output = None
        async for one in given:
            output = json.loads(encode(one))
            chunk = {"type": "tool-output-available", "output": output, "preliminary": True}
            self._write(part, chunk)
        return output

    def _failed(self, part: dict[str, Any], text: str) -> bool:
        """A call that failed has ended as well: the model is told, and goes on."""
        self._write(part, {"type": "tool-output-error", "errorText": text})
        part.update(state="output-error", errorText=text)
        return True

    def _write(self, part: dict[str, Any], chunk: Chunk) -> None:
        dynamic = {"dynamic": True} if part["type"] == "dynamic-tool" else {}
        self.write({**chunk, "toolCallId": part["toolCallId"], **dynamic})


def open_calls(message: Message) -> list[dict[str, Any]]:
    """The calls of the last step that wait for us."""
    step: list[dict[str, Any]] = []
    for part in message.get("parts", []):
        if part.get("type") == "step-start":
            step = []
        elif part.get("state") == "input-available" and "toolCallId" in part:
            step.append(part)
    return [part for part in step if not part.get("providerExecuted")]


async def _awaited(given: Any) -> Any:
    return await given if inspect.isawaitable(given) else given
