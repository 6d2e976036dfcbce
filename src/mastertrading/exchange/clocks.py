"""The venue's clock, as well as it is known from here, and how wrong that may be.

The time of a venue is counted on from its last word by this machine's *monotonic* clock, so that somebody who sets
the wall clock moves nothing. What is told is bounded: the answer was made somewhere between question and reply.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mastertrading.domain.ports import Clock

KEPT = 8
DRIFT = 100e-6
"""What two quartz clocks may drift apart: 100 ppm."""
JUMP_MS = 2_000
"""A new sample that differs by more than this from what was believed makes the old ones worthless."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: at ``mono`` s the venue's clock showed ``venue_ms``, give or take ``error_ms``."""

    mono: float
    wall_ms: int
    venue_ms: float
    error_ms: float


class VenueClock:
    """The venue's time.

    Parameters
    ----------
    clock
        This machine's.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.jumped_ms = 0.0
        """How far the last answer was from what was expected."""
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._best: Sample | None = None
        """The answer that is sharpest: all of them lose sharpness alike, so it stays so until the next one."""

    @property
    def known(self) -> bool:
        """Whether the venue was asked yet."""
        return bool(self._samples)

    @property
    def age_s(self) -> float:
        """Time since the last answer; infinite before the first."""
        return self.clock.monotonic() - self._samples[-1].mono if self._samples else float("inf")

    @property
    def error_ms(self) -> float:
        """How far ``now_ms`` may be from the truth; infinite before the first answer.

        A wall clock that went another way than the monotonic one (a suspended machine stops the latter) counts as
        an error too.
        """
        best = self._best
        if best is None:
            return float("inf")
        passed_ms = (self.clock.monotonic() - best.mono) * 1000
        apart_ms = abs((self.clock.now_ms() - best.wall_ms) - passed_ms)
        return best.error_ms + passed_ms * DRIFT + (apart_ms if apart_ms > 1.0 else 0.0)

    def now_ms(self) -> int:
        """The venue's time; this machine's before the first answer."""
        best = self._best
        if best is None:
            return self.clock.now_ms()
        return int(best.venue_ms + (self.clock.monotonic() - best.mono) * 1000)

    def heard(self, venue_ms: int, asked_mono: float) -> None:
        """Take an answer to a question that was asked at ``asked_mono`` and has just come back."""
        mono = self.clock.monotonic()
        half_ms = (mono - asked_mono) * 1000 / 2
        sample = Sample(mono, self.clock.now_ms(), venue_ms + half_ms, half_ms)
        if self._samples:
            self.jumped_ms = sample.venue_ms - self.now_ms()
            if abs(self.jumped_ms) > max(self.error_ms + half_ms, JUMP_MS):
                self._samples.clear()
        self._samples.append(sample)
        self._best = min(self._samples, key=lambda one: one.error_ms - one.mono * 1000 * DRIFT)

    def forget(self) -> None:
        """What was believed is worthless (the venue refused our time)."""
        self._samples.clear()
        self._best = None
