"""What an agent is given: one turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .inputs import Message, Pending, text_of

Chunk = dict[str, Any]
"""A UI message chunk: an object with a string `type`."""


@dataclass(frozen=True)
class Turn:
    """One answer is wanted.

    `messages` is the whole history, ending with the message to answer, or with the one to continue.
    `trigger` is `submit-message`, `regenerate-message` or `action`; `action` is the action's body.
    `continues`: the answer continues the last, assistant, message: a tool's result or an approval
    came, or a head start was handed over. `attempt` counts from 1, and `cause` says why an earlier
    one was lost. `token` is a credential for the session's environment. `rest` has the keys that
    the application added.
    """

    id: str
    agent: str
    version: str
    chat_id: str
    session_id: str
    run_id: str
    turn: int
    attempt: int
    cause: str | None
    trigger: str
    messages: Sequence[Message]
    answer_id: str
    continues: bool
    message_id: str | None
    metadata: Any
    action: Any
    rest: dict[str, Any]
    token: str
    pending: Pending = field(repr=False)
    """Messages that arrived while this turn runs, for agents with `steering`."""
    write: Callable[[Chunk], None] = field(repr=False)
    """Writes a chunk beside what the agent yields, from a hook or a tool for example."""

    @property
    def text(self) -> str:
        """The text of the last message of the user."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                return text_of(message)
        return ""

    @classmethod
    def of(
        cls, frame: dict[str, Any], pending: Pending, write: Callable[[Chunk], None]
    ) -> Turn:
        """Reads a `turn` frame."""
        return cls(
            id=str(frame.get("id")),
            agent=str(frame.get("agent")),
            version=frame.get("version", "1"),
            chat_id=frame.get("chat", ""),
            session_id=frame.get("session", ""),
            run_id=frame.get("run", ""),
            turn=frame.get("turn", 0),
            attempt=frame.get("attempt", 1),
            cause=frame.get("cause"),
            trigger=frame.get("trigger", "submit-message"),
            messages=frame.get("messages", []),
            answer_id=frame.get("answer_id", ""),
            continues=bool(frame.get("continues")),
            message_id=frame.get("message_id"),
            metadata=frame.get("metadata"),
            action=frame.get("action"),
            rest=frame.get("rest") or {},
            token=frame.get("token", ""),
            pending=pending,
            write=write,
        )
