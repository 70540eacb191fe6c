"""Which transport a subscription uses. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Transport = Literal["sse", "websocket"]
Wanted = Literal["sse", "websocket", "auto"]

AGAIN_S = 60.0
"""How long `auto` stays away from WebSocket where it did not work."""
FAILURES_MAX = 2
"""Connections in a row that `auto` tries over WebSocket before it takes SSE."""


@dataclass
class Choice:
    """What works here, as far as is known; one for all subscriptions of a client."""

    _failures: int = 0
    _refused_until: float = 0.0

    def next(self, wanted: Wanted, now: float) -> Transport:
        """What to try now."""
        if wanted != "auto":
            return wanted
        return "sse" if now < self._refused_until else "websocket"

    def unavailable(self, now: float) -> None:
        """WebSocket is not spoken: an answer that is no upgrade, or no welcome."""
        self._failures = 0
        self._refused_until = now + AGAIN_S

    def failed(self, now: float) -> None:
        """A WebSocket could not be opened: the gateway is away, or something swallows upgrades."""
        self._failures += 1
        if self._failures >= FAILURES_MAX:
            self.unavailable(now)

    def worked(self) -> None:
        """A WebSocket was welcomed."""
        self._failures = 0
        self._refused_until = 0.0
