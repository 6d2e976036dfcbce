"""How often and how soon something that protects is tried again: after 1, 2 and 4 s, then it is an emergency."""

from __future__ import annotations

from dataclasses import dataclass

DELAYS_MS = (1_000, 2_000, 4_000)
LATER_MS = 60_000
"""After those, what only takes profit or tidies up is tried once a minute."""


@dataclass
class Tries:
    """Tries of one kind of command on one instrument.

    Attributes
    ----------
    failures
        In a row, while the venue could be reached: a request that never left us does not count.
    next_ms
        Not to be tried before.
    urgent
        It protects or closes.
    """

    failures: int = 0
    next_ms: int = 0
    urgent: bool = True

    def may(self, now_ms: int) -> bool:
        """Whether it may be tried now."""
        return now_ms >= self.next_ms

    def failed(self, now_ms: int, *, reached: bool = True) -> None:
        """It did not work, or nobody knows."""
        self.failures += reached
        delay_ms = DELAYS_MS[min(max(self.failures, 1), len(DELAYS_MS)) - 1]
        self.next_ms = now_ms + (delay_ms if self.urgent or not self.is_exhausted else LATER_MS)

    def worked(self) -> None:
        """What was wanted is so."""
        self.failures = self.next_ms = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether the first try and all the others failed."""
        return self.failures > len(DELAYS_MS)
