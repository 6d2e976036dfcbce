"""A trader as a process: its pid file, its log, and the signals that end it.

The first Ctrl-C or SIGTERM lets the cycle end that is under way; the next ends it at once. What is in the journal is
right either way: each of its writes is whole or not there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from mastertrading.app.logs import Logs, secrets_in
from mastertrading.app.stopping import Stopped
from mastertrading.app.trading.diary import Diary
from mastertrading.app.trading.trading import Trading
from mastertrading.app.trading.wish import Wish
from mastertrading.domain.errors import MastertradingError

LOG = logging.getLogger("mastertrading.trade")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def trade(wish: Wish, environ: Mapping[str, str], *, shows: bool = True) -> None:
    """Trade until somebody stops it.

    Raises
    ------
    Stopped
        If it was ended at once.
    MastertradingError
        As in ``Trading.live``.
    """
    secrets = secrets_in(dict(environ))
    if wish.local is not None:
        secrets += [wish.local.api_key, wish.local.secret]
    pid, diary, began_ms = wish.folder.pid, Diary(), time.time_ns() // 1_000_000

    def tell(phase: str) -> None:
        pid.claim({"account": str(wish.account), "began_ms": began_ms, "phase": phase})

    tell("opening")
    wish.folder.tell_about(wish.account, wish.url)
    try:
        with Logs(wish.folder.log, secrets, shows=shows):
            try:
                asyncio.run(_trade(Trading(wish, environ, diary, on_phase=tell)))
            except MastertradingError as error:
                diary.fails(error)
                raise
            except Exception:  # a bug of ours: its traceback is in the log, the sentence on the terminal
                LOG.exception("something unexpected went wrong")
                raise
    finally:
        pid.release()


async def _trade(trading: Trading) -> None:
    task = asyncio.ensure_future(trading.live())
    wishes = 0
    number = 0

    def asked(which: int) -> None:
        nonlocal wishes, number
        wishes, number = wishes + 1, which
        if wishes > 1 or not trading.is_begun:
            task.cancel()
        else:
            trading.diary.note("stopping after this cycle; once more ends it at once")
            trading.stop()

    with _heard(asked):
        try:
            await task
        except asyncio.CancelledError:
            if wishes:
                raise Stopped(number) from None
            raise


@contextmanager
def _heard(asked: Callable[[int], None]) -> Iterator[None]:
    """Let signals be heard by the loop, and put back what was there."""
    loop, before = asyncio.get_running_loop(), {number: signal.getsignal(number) for number in SIGNALS}
    wanted = [number for number in SIGNALS if before[number] is not signal.SIG_IGN]
    for number in wanted:
        if os.name == "nt":
            signal.signal(number, lambda which, frame: loop.call_soon_threadsafe(asked, which))
        else:
            loop.add_signal_handler(number, asked, number)
    try:
        yield
    finally:
        for number in wanted:
            if os.name != "nt":
                loop.remove_signal_handler(number)
            signal.signal(number, before[number])
