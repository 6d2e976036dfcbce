"""Counting what was used of a limit within a window of time, per key (an address, an account, an endpoint)."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Used:
    """What a window holds after a request: its weight so far, and when it empties."""

    weight: int
    resets_ms: int


class FixedWindow:
    """Weights in windows that begin at whole multiples of their length since 1970."""

    def __init__(self, length_ms: int) -> None:
        self._length = length_ms
        self._window = -1
        self._weights: dict[Hashable, int] = {}

    def add(self, key: Hashable, now_ms: int, weight: int = 1) -> Used:
        """Count a request, whatever the limit; the caller compares."""
        window = now_ms // self._length
        if window != self._window:
            self._window = window
            self._weights.clear()
        used = self._weights.get(key, 0) + weight
        self._weights[key] = used
        return Used(used, (window + 1) * self._length)


class RollingWindow:
    """Requests in the last so many milliseconds."""

    def __init__(self, length_ms: int) -> None:
        self._length = length_ms
        self._times: dict[Hashable, deque[int]] = {}

    def add(self, key: Hashable, now_ms: int, limit: int, weight: int = 1) -> Used:
        """Count a request if it stays within the limit; one that exceeds it is told by its weight and not counted."""
        times = self._times.setdefault(key, deque())
        oldest = now_ms - self._length
        while times and times[0] <= oldest:
            times.popleft()
        used = len(times) + weight
        if used <= limit:
            times.extend([now_ms] * weight)
            return Used(used, now_ms)
        return Used(used, (times[0] if times else now_ms) + self._length)
