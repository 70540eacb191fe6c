"""What the link tells the one who runs the agents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Welcomed:
    """The gateway took the registration."""


@dataclass(frozen=True)
class TurnAsked:
    """One answer is wanted. `frame` is the `turn` frame."""

    id: str
    frame: dict[str, Any]


@dataclass(frozen=True)
class InputCame:
    """Records of `.in` arrived while the turn runs (steering)."""

    id: str
    records: list[dict[str, Any]]


@dataclass(frozen=True)
class HandedOver:
    """What became of the step that was made elsewhere. `frame` is the `handover` frame."""

    id: str
    frame: dict[str, Any]


@dataclass(frozen=True)
class Settled:
    """The gateway has everything up to `done`: the answer is stored."""

    id: str


@dataclass(frozen=True)
class Ended:
    """The turn is not ours any more; nothing of it is taken. Stop working on it.

    `reason` is that of `cancel`, the code of an `error`, or `not_held` after a reconnect.
    """

    id: str
    reason: str


@dataclass(frozen=True)
class FrameRefused:
    """A frame took no effect (R-LNK-22); the turn goes on."""

    id: str
    code: str
    message: str


Event = Welcomed | TurnAsked | InputCame | HandedOver | Settled | Ended | FrameRefused
