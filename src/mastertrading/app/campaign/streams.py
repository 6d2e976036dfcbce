"""A trader of the campaign that lives by its streams, as one at work does: collector, runner, and nothing of the tape.

What reaches it are frames, through ccxt and whatever the weather makes of them. Only how often it looks without being
told to is the campaign's, and that it is over when the market is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.ports import Clock
from mastertrading.live.collector import Collector
from mastertrading.live.runner import Pace, Runner
from mastertrading.live.trader import Trader

FOREVER_MS = 10**12
LAST_BAR_S = 30.0
"""How long after the market's end its last bar is waited for."""


async def lived(
    trader: Trader,
    clock: Clock,
    next_ms: int,
    ends_ms: int,
    is_over: Callable[[], bool],
    pause_s: Callable[[], float],
) -> None:
    """Trade until the market is over and its last bar was heard.

    Parameters
    ----------
    next_ms
        Open of the first bar that the trader has not heard.
    ends_ms
        Close of the market's last bar.
    pause_s
        The longest time until the next look.

    Raises
    ------
    ExchangeUnavailable
        If a stream ended for good.
    """
    symbols = tuple(one.symbol for one in trader.instruments)
    collector = Collector(symbols, MINUTE_MS, next_ms)
    runner = Runner(trader, collector, clock, pace=Pace(lease_ms=FOREVER_MS))
    await runner.listen()
    over_s: float | None = None
    try:
        while True:
            if is_over():
                over_s = clock.monotonic() if over_s is None else over_s
                if collector.next_ms >= ends_ms or clock.monotonic() - over_s > LAST_BAR_S:
                    return
            runner.pace = replace(runner.pace, heartbeat_s=pause_s())
            if not await runner.turn():
                await runner.wait()
    finally:
        await runner.close()
