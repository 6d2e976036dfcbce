"""A download in a process of its own, from the peer on a port, for tests that kill it.

``python download_process.py PORT LAKE NOW_MS [REPLACES]``: with REPLACES it kills itself when a file is about to be
put in place for that time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from exchange_peer import DAY, START, FakeClock, session_to
from mastertrading.app.download import work
from mastertrading.app.download.plan import Wish


def wish_for(lake: Path) -> Wish:
    """What the killed and the undisturbed download ask for."""
    return Wish(
        exchange="binanceusdm",
        symbols=("BTCUSDT",),
        kinds=("candles", "mark", "funding", "open-interest"),
        timeframes=("1m",),
        from_ms=START,
        to_ms=START + 2 * DAY,
        lake=lake,
        venue="binance_usdm",
        jobs=2,
    )


def download(port: int, lake: Path, now_ms: int) -> None:
    """Download everything, in no time."""
    desk = work.Desk(FakeClock(now_ms), threading.Event(), session=lambda: session_to(port))
    work.download(wish_for(lake), desk)


def die_at(replaces: int) -> None:
    """Kill this process when it is about to put a file in place for the n-th time."""
    real, left = os.replace, [replaces]

    def replace(*arguments):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        real(*arguments)

    os.replace = replace


if __name__ == "__main__":
    if len(sys.argv) > 4:
        die_at(int(sys.argv[4]))
    download(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
