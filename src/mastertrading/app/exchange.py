"""Composition root of the local exchange: bars of a lake or of a seed, on a clock, served on loopback.

=========  ==================================================================
bars       ``lake.load_market``, or ``lake.synthesize``, moved to the present
contracts  of the market; fees and fills of the settings
serving    ``simulator.local``
=========  ==================================================================
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

import numpy as np

from mastertrading.app.backtest import Wanted, market_of
from mastertrading.app.local_place import write_local
from mastertrading.domain.errors import DataMissing, OutputError, UsageError
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import HOUR_MS, Market
from mastertrading.settings.records import rate_e8
from mastertrading.settings.schema import Settings
from mastertrading.simulator import lead
from mastertrading.simulator.binance.rules import BinanceRules
from mastertrading.simulator.bybit.rules import BybitRules
from mastertrading.simulator.clock import VirtualClock, WallClock
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.faults.fault import Fault
from mastertrading.simulator.faults.plan import drawn, read_script
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import FACADES, LocalExchange, Served
from mastertrading.simulator.script import read_script as read_acts
from mastertrading.simulator.tape import BarTape

Notice = Callable[[str], None]
ALL = "all"
HISTORY_BARS = 1_500
"""How many bars clients can ask for before the first that is played."""
SETTLING_MS = 8 * HOUR_MS
"""Bars are moved in time by whole multiples of this, so that funding keeps its hours."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What a user asked for.

    Attributes
    ----------
    venues
        Whose protocols are spoken.
    market
        Where the bars come from.
    speed
        Seconds of the exchange in one of the wall's.
    lockstep
        Time stands still until every client has said that it is idle.
    as_recorded
        The bars keep their own times; otherwise they are moved so that the present is among them.
    folder
        For the certificate, and what else clients need.
    faults, faults_seed, acts
        What goes wrong; what else happens.
    """

    venues: tuple[str, ...]
    market: Wanted
    speed: float = 1.0
    lockstep: bool = False
    as_recorded: bool = False
    port: int = 0
    control_port: int = 0
    folder: Path = Path()
    key: str = ""
    secret: str = ""
    faults: Path | None = None
    faults_seed: int | None = None
    acts: Path | None = None


@dataclass(slots=True)
class Stage:
    """A local exchange about to be served."""

    local: LocalExchange
    serving: Serving
    begin_ms: int
    end_ms: int
    served: Served | None = None
    books: dict[str, Any] = field(default_factory=dict)

    @property
    def refused_acts(self) -> list[str]:
        """Acts of the script that the exchange refused, and why."""
        return [
            f"{done.do}: {done.refused}"
            for place in self.local.places.values()
            if place.conductor is not None
            for done in place.conductor.script.log
            if done.refused
        ]

    @property
    def authority(self) -> Path:
        """What clients are told to trust."""
        return self.serving.folder / "ca.pem"

    @property
    def launcher(self) -> Path:
        """What leads a Python program here."""
        return self.serving.folder / "lead.py"


def venues_named(name: str) -> tuple[str, ...]:
    """The venues of ``--venue``. Raises ``UsageError`` for one that is not spoken."""
    if name == ALL:
        return tuple(FACADES)
    if name not in FACADES:
        raise UsageError(
            f"the local exchange does not speak {name!r}",
            where="--venue",
            hint=f"--venue {' or --venue '.join([*FACADES, ALL])}",
        )
    return (name,)


def listing_of(instrument: Instrument, settings: Settings) -> Listing:
    """A contract as the exchange lists it: fees and fills of the settings."""
    costs = settings.costs
    return Listing(
        instrument,
        taker_e8=rate_e8(costs.taker_fee),
        maker_e8=rate_e8(costs.maker_fee),
        liquidation_e8=rate_e8(costs.liquidation_fee),
        slippage_e8=rate_e8(costs.slippage),
        through_ticks=settings.fills.through_ticks,
    )


def moved(market: Market, by_ms: int) -> Market:
    """The same bars and charges, at another time."""
    shifted = tuple(replace(one, ts_ms=one.ts_ms + by_ms) for one in market.settlements)
    return replace(market, ts_ms=market.ts_ms + by_ms, settlements=shifted)


def first_bar(market: Market, from_ms: int | None) -> int:
    """The first bar that is played: where one asked for, else where enough history is before it."""
    if from_ms is None:
        return min(HISTORY_BARS, len(market.ts_ms) // 3)
    return int(np.searchsorted(market.ts_ms, from_ms))


def to_the_present(market: Market, now_ms: int, from_ms: int | None) -> tuple[Market, int]:
    """The market moved so that the present is among its bars, with the first bar that is played."""
    first = first_bar(market, from_ms)
    step = SETTLING_MS if len(market.ts_ms) * market.base_ms >= 3 * SETTLING_MS else market.base_ms
    away = now_ms - int(market.ts_ms[first])
    by_ms = away // step * step
    return moved(market, by_ms), first + (away - by_ms) // market.base_ms


def staged(serving: Serving, settings: Settings, notice: Notice) -> Stage:
    """Everything but the sockets.

    Raises
    ------
    DataMissing
        If there is nothing to play.
    """
    market = market_of(serving.market, settings, notice)
    from_ms = serving.market.from_ms
    present = not (serving.as_recorded or serving.lockstep)
    if present:
        market, first = to_the_present(market, time.time_ns() // 1_000_000, from_ms)
    else:
        first = first_bar(market, from_ms)
    if first >= len(market.ts_ms):
        raise DataMissing(
            "there is no bar to play after --from", hint="choose an earlier --from, or more --days"
        )
    begin_ms = int(market.ts_ms[first])
    clock = (
        VirtualClock(begin_ms) if serving.lockstep else _wall(serving.speed, None if present else begin_ms)
    )
    local = LocalExchange(
        [listing_of(instrument, settings) for instrument in market.instruments],
        venues=serving.venues,
        clock=clock,
        tape=BarTape(market, first),
        pace=Pace.LOCKSTEP if serving.lockstep else Pace.CLOCK,
        script=read_acts(serving.acts) if serving.acts else None,
        rules=_rules(serving),
        seed=settings.seed,
    )
    deposit = Decimal(repr(settings.account.initial_equity))
    local.open_account(
        deposit=deposit, api_key=serving.key or token_hex(32), secret=serving.secret or token_hex(32)
    )
    for place in local.places.values():
        if place.conductor is not None:
            place.conductor.script.check(place.exchange)
    for fault in _faults(serving, clock.now_ms(), int(market.ts_ms[-1])):
        local.plan.add(fault)
    return Stage(local, serving, begin_ms, int(market.ts_ms[-1]) + market.base_ms)


def _rules(serving: Serving) -> dict[str, Any]:
    """Of a time of its own a client can't know: then any timestamp will do."""
    near = not (serving.as_recorded or serving.lockstep) and serving.speed == 1.0
    return {
        "binance_usdm": BinanceRules(checks_time=near),
        "bybit_linear": BybitRules(checks_time=near),
    }


def _wall(speed: float, start_ms: int | None) -> WallClock:
    return WallClock(speed, start_ms)


def _faults(serving: Serving, now_ms: int, end_ms: int) -> Sequence[Fault]:
    made: list[Fault] = []
    if serving.faults is not None:
        made += read_script(serving.faults, now_ms=now_ms)
    if serving.faults_seed is not None:
        span_ms = min(max(end_ms - now_ms, 1), 24 * HOUR_MS)
        made += drawn(serving.faults_seed, start_ms=now_ms, span_ms=span_ms, count=12)
    return made


def serve(stage: Stage, on_served: Callable[[Stage], None]) -> None:
    """Serve until the tape is over, or somebody stops it; then ``stage.books`` are the exchange's.

    Raises
    ------
    UsageError
        If a port is taken.
    OutputError
        If the folder for clients can't be written.
    """
    try:
        asyncio.run(_serve(stage, on_served))
    finally:
        stage.books = {name: place.exchange.books() for name, place in stage.local.places.items()}


async def _serve(stage: Stage, on_served: Callable[[Stage], None]) -> None:
    serving = stage.serving
    try:
        stage.served = await stage.local.serve(
            serving.folder, port=serving.port, control_port=serving.control_port, token=token_urlsafe(24)
        )
    except OSError as error:
        where = f"--port {serving.port}, --control-port {serving.control_port}"
        raise UsageError(
            "the exchange can't listen", why=error.strerror or str(error), where=where
        ) from error
    try:
        _place_launcher(stage)
        _tell_traders(stage)
        on_served(stage)
        await stage.local.run()
    finally:
        await stage.served.close()


def _tell_traders(stage: Stage) -> None:
    """Say to ``trade --local`` where we are, and what time we have. In lockstep only clients move the time."""
    if stage.served is None or stage.serving.lockstep:
        return
    keys = stage.local.keys()
    write_local(
        stage.serving.folder,
        {
            "port": stage.served.port,
            "key": keys["apiKey"],
            "secret": keys["secret"],
            "speed": stage.serving.speed,
            "now_ms": stage.local.clock.now_ms(),
            "at_ms": time.time_ns() // 1_000_000,
        },
    )


def _place_launcher(stage: Stage) -> None:
    try:
        shutil.copyfile(lead.__file__, stage.launcher)
    except OSError as error:
        raise OutputError(
            "the launcher of clients can't be written",
            why=error.strerror or str(error),
            where=str(stage.launcher),
        ) from error
