"""How long to wait before the next try. Pure: the randomness is given."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

FIRST_S = 0.1
CAP_S = 5.0


@dataclass
class Backoff:
    """Full jitter: anything from nothing to a bound that doubles with each failure."""

    random: Random
    first: float = FIRST_S
    cap: float = CAP_S
    failures: int = 0

    def failed(self) -> float:
        """Seconds to wait now."""
        bound = min(self.cap, self.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return self.random.uniform(0.0, bound)

    def worked(self) -> None:
        """Something came: the next failure is the first one."""
        self.failures = 0
