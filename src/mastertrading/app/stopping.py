"""Ctrl-C and ``kill``: both stop a command kindly, wherever it is, and leave nothing half-written.

The first signal raises `Stopped` in the main thread, so that every ``with`` and ``finally`` on the way out tidies
up; more signals right after it are the same wish and do not disturb the tidying.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

AGAIN_S = 3.0
"""A signal so soon after another one is the same wish."""
RETRY_S = 0.05
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """Somebody asked this process to stop.

    Parameters
    ----------
    number
        The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @property
    def exit_code(self) -> int:
        """As shells have it: 130 for Ctrl-C, 143 for ``kill``."""
        return 128 + self.number


class _Listener:
    """Turns signals into `Stopped`, again if a library's callback has swallowed it."""

    def __init__(self) -> None:
        self._raised_at = -AGAIN_S
        self._usual_hook = sys.unraisablehook

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        now = time.monotonic()
        if now - self._raised_at >= AGAIN_S:
            self._raised_at = now
            raise Stopped(number)

    def swallowed(self, lost: Any) -> None:
        """Where Python cannot raise (a finaliser, a callback from C) it tells this hook and goes on."""
        if isinstance(lost.exc_value, Stopped):
            self._raised_at = -AGAIN_S
            threading.Timer(RETRY_S, _to_main_thread, (lost.exc_value.number,)).start()
        else:
            self._usual_hook(lost)


def _to_main_thread(number: int) -> None:
    """Send a signal to the main thread, which it wakes even where it waits for the system."""
    if sys.platform == "win32":
        signal.raise_signal(number)
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, number)


@contextmanager
def stopped_kindly(leaving: bool) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise `Stopped` inside this block. Outside the main thread it changes nothing.

    Parameters
    ----------
    leaving
        The process ends after this block: a Ctrl-C on the way out changes nothing and is no error.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    listener, hook = _Listener(), sys.unraisablehook
    # a shell's background job ignores Ctrl-C on purpose, and that stays so
    before = {n: signal.getsignal(n) for n in SIGNALS if signal.getsignal(n) not in (signal.SIG_IGN, None)}
    try:
        for number in before:
            signal.signal(number, listener.stop)
        sys.unraisablehook = listener.swallowed
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if leaving else handler)
