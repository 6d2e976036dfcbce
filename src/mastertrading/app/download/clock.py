"""The time of this machine, for downloads."""

from __future__ import annotations

import threading
import time

from mastertrading.exchange.pacing import Stopping


class WallClock:
    """The time of this machine; its waits end when ``stop`` is set."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or raise `Stopping`."""
        if self.stop.wait(max(seconds, 0.0)):
            raise Stopping
