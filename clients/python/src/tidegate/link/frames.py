"""What frames of the agent link say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import MalformedFrame

SUBPROTOCOL = "tidegate.agent.v1"
PATH = "/v1/agents/link"
"""Appended to the gateway's base URL."""


@dataclass(frozen=True)
class Agent:
    """How an agent is registered (R-LNK-7)."""

    id: str
    version: str = "1"
    steering: bool = False
    actions: bool = False
    tools: list[dict[str, Any]] = field(default_factory=list)

    def registration(self) -> dict[str, Any]:
        """Its entry in `hello`."""
        entry: dict[str, Any] = {
            "id": self.id,
            "version": self.version,
            "mode": "turns",
            "steering": self.steering,
            "actions": self.actions,
            "handover": "calls",
        }
        if self.tools:
            entry["tools"] = self.tools
        return entry


@dataclass(frozen=True)
class Terms:
    """What `welcome` says about the link. Times in seconds, sizes in bytes."""

    heartbeat: float
    lease: float
    window: int
    frame_max: int

    @classmethod
    def of(cls, frame: dict[str, Any]) -> Terms:
        """Reads them. Raises MalformedFrame."""
        try:
            return cls(
                heartbeat=frame["heartbeat_ms"] / 1000,
                lease=frame["lease_ms"] / 1000,
                window=int(frame["window_bytes"]),
                frame_max=int(frame["frame_max_bytes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedFrame(f"welcome lacks {error}") from error
