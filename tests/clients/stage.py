"""What the scripts of this folder share: words aside with the test, an inbox, a clock that is wrong.

The scripts are what users of a client write; whatever differs from that is here.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

KEY, SECRET = "client-key", "client-secret"
SYMBOL = "BTCUSDT"
WAIT_S = 8.0


def ask(**what: Any) -> None:
    """Ask the test for something, and wait until it is done."""
    print(json.dumps(what), flush=True)
    if input() != "done":
        raise SystemExit("the test has ended")


def market_to(price: float) -> None:
    """Let the market's price go there, through all between."""
    ask(market=price)


def only_lots(lots: int | None) -> None:
    """Let no more than so many lots be traded from here on; None: as many as there are orders."""
    ask(lots=lots)


def finish(**facts: Any) -> None:
    """Say that everything held, and with which figures."""
    print(json.dumps({"finished": facts}), flush=True)


class Inbox:
    """Messages of streams, in order of arrival, from any thread."""

    def __init__(self) -> None:
        self._came: list[Any] = []
        self._change = threading.Condition()

    def put(self, message: Any) -> None:
        with self._change:
            self._came.append(message)
            self._change.notify_all()

    def wait(self, wanted: Callable[[Any], Any], what: str) -> Any:
        """The first message that fits, and has not been taken yet."""
        until = time.monotonic() + WAIT_S
        with self._change:
            while True:
                for place, message in enumerate(self._came):
                    if wanted(message):
                        del self._came[place]
                        return message
                if not self._change.wait(until - time.monotonic()):
                    raise AssertionError(f"{what} never came; there were {self._came}")


@contextmanager
def clock_behind(seconds: float) -> Iterator[None]:
    """A machine whose clock is late."""
    real = time.time
    time.time = lambda: real() - seconds
    try:
        yield
    finally:
        time.time = real


class Complaints(logging.Handler):
    """What a client's library logs as a warning or worse: an answer that does not fit its own models, for example."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
