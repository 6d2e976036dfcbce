"""The bars before a trader's first: what its signals hear at a start, the same after a restart as if it had run on.

Everything is folded from one *anchor* on, which is written down with the run. A restart keeps it, so that signals say
to the last bit what they would have said without the pause; only an anchor that is long ago, or other settings, make a
new one. Of minutes that were decided on, the journal holds what was heard; the others are asked of the venue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mastertrading.app.bar_inputs import Inputs, primer_of
from mastertrading.domain.errors import DataUnreadable
from mastertrading.domain.feed import Bar, Settlement
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import DAY_MS, F64, HOUR_MS, MINUTE_MS, Bars, Market, Settlements
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.lake.names import timeframe_name
from mastertrading.lake.quality import settlement_intervals
from mastertrading.live.ear import BarInputs, Ear
from mastertrading.live.heard import unpacked
from mastertrading.settings.schema import Settings

STEPS = 1_000
"""Bars of a timeframe after which its averages agree to the bit with those of any longer past (50 bars: 918)."""
OLDEST_ANCHOR_MS = 14 * DAY_MS
"""A restart does not begin with bars that are older: so long the journal holds whole what was heard."""
CHARGES_MS = 45 * DAY_MS
"""How far back funding is asked for: the usual rate is that of the newest 90 settlements."""
AT_ONCE = 4
"""Questions on their way together."""


def new_anchor(settings: Settings, now_ms: int) -> int:
    """Open of the first base bar that is heard at a first start: a whole hour."""
    reach_ms = STEPS * settings.data.ltf_minutes * MINUTE_MS
    return (now_ms - reach_ms) // HOUR_MS * HOUR_MS


def primer_ms(settings: Settings) -> int:
    """How long before the anchor hours are heard."""
    return STEPS * settings.data.htf2_minutes * MINUTE_MS if settings.data.prime else 0


@dataclass(frozen=True, slots=True)
class Past:
    """Bars from the anchor up to the first that is still to come.

    Attributes
    ----------
    market
        As the venue tells it, with the hours before the anchor.
    recorded
        What was heard, by the bar's open.
    """

    market: Market
    recorded: Mapping[int, BarInputs]

    @property
    def next_ms(self) -> int:
        """Open of the first bar that is not in it."""
        return int(self.market.ts_ms[-1]) + self.market.base_ms

    @property
    def missing(self) -> int:
        """Bars that neither the venue nor the journal has, over all instruments."""
        asked = [int(at) not in self.recorded for at in self.market.ts_ms]
        heard = sum(int((~one.valid).sum()) for one in self.recorded.values())
        return int((~self.market.valid[asked]).sum()) + heard

    def ear(self, settings: Settings) -> Ear:
        """Signals that have heard the hours before, and none of the bars."""
        market = self.market
        return Ear(settings, market.instruments, primer_of(market), int(market.ts_ms[0]))

    def told(self) -> Iterator[BarInputs]:
        """Bar by bar, in order."""
        inputs = Inputs(self.market)
        for t in range(len(self.market.ts_ms)):
            told = inputs.of(t)
            yield self.recorded.get(told.open_ms, told)


async def past_of(
    gateway: Gateway,
    journal: Journal,
    instruments: Sequence[Instrument],
    settings: Settings,
    anchor_ms: int,
    until_ms: int,
) -> Past:
    """Ask the venue for everything that closed before a moment, and the journal for what was heard.

    Raises
    ------
    ExchangeUnavailable, ExchangeRefused
        As reads do.
    """
    base_ms = settings.data.base_minutes * MINUTE_MS
    stop_ms = until_ms // base_ms * base_ms
    recorded = recorded_of(journal, len(instruments), anchor_ms, stop_ms)
    grid = np.arange(anchor_ms, stop_ms, base_ms, dtype=np.int64)
    gate = asyncio.Semaphore(AT_ONCE)

    async def of(one: Instrument) -> tuple[Sequence[Bar], Sequence[Bar], Sequence[Settlement]]:
        async with gate:
            found: list[Bar] = []
            for first, last in _stretches(grid, base_ms, recorded):
                found += await gateway.bars(one.symbol, timeframe_name(base_ms), first, last)
            hours = await gateway.bars(one.symbol, "1h", anchor_ms - primer_ms(settings), stop_ms)
            charged = await gateway.settlements(one.symbol, anchor_ms - CHARGES_MS)
            return found, hours, charged

    parts = await asyncio.gather(*(of(one) for one in instruments))
    grid = grid[grid >= min([stop_ms - base_ms, *recorded, *(bars[0].ts_ms for bars, _, _ in parts if bars)])]
    (opened, high, low, close, volume), valid = _panel([bars for bars, _, _ in parts], grid, base_ms)
    market = Market(
        tuple(instruments),
        base_ms,
        grid,
        opened,
        high,
        low,
        close,
        volume,
        valid=valid,
        settlements=tuple(_charges(charged) for _, _, charged in parts),
        primer=tuple(_hours(hours, int(grid[0])) for _, hours, _ in parts),
        data_id="",
        grade="",
        source=gateway.venue,
    )
    return Past(market, recorded)


def recorded_of(journal: Journal, columns: int, since_ms: int, until_ms: int) -> dict[int, BarInputs]:
    """What decisions were told, by the bar's open; what is kept in another version's words is left out."""
    found: dict[int, BarInputs] = {}
    for kept in journal.inputs(since_ms + 1, until_ms + 1):
        try:
            told = unpacked(kept.inputs)
        except DataUnreadable:
            continue
        if len(told.valid) == columns:
            found[told.open_ms] = told
    return found


def _stretches(
    grid: np.ndarray, base_ms: int, recorded: Mapping[int, BarInputs]
) -> Iterator[tuple[int, int]]:
    """Parts of the grid that were not recorded, as [first open, last close)."""
    wanted = [int(at) for at in grid if int(at) not in recorded]
    first = 0
    for n, at in enumerate(wanted):
        if n + 1 == len(wanted) or wanted[n + 1] != at + base_ms:
            yield wanted[first], at + base_ms
            first = n + 1


def _panel(told: Sequence[Sequence[Bar]], grid: np.ndarray, base_ms: int) -> tuple[list[F64], np.ndarray]:
    """Open, high, low, close and volume, shape (bars, instruments), and which are there."""
    panel: list[F64] = [np.full((len(grid), len(told)), np.nan) for _ in range(5)]
    valid = np.zeros((len(grid), len(told)), np.bool_)
    for n, bars in enumerate(told):
        for bar in bars:
            t = (bar.ts_ms - int(grid[0])) // base_ms
            values = bar.open, bar.high, bar.low, bar.close, bar.volume
            for column, value in zip(panel, values, strict=True):
                column[t, n] = float(value)
            valid[t, n] = True
    return panel, valid


def _hours(bars: Sequence[Bar], base_ms: int) -> Bars:
    """The unbroken hours that end where the base begins; none if they do not reach it."""
    run: list[Bar] = []
    for bar in reversed([one for one in bars if one.ts_ms + HOUR_MS <= base_ms]):
        if run and bar.ts_ms != run[-1].ts_ms - HOUR_MS:
            break
        run.append(bar)
    run.reverse()
    names = "open", "high", "low", "close", "volume"
    opened, high, low, close, volume = (
        np.array([float(getattr(bar, name)) for bar in run], np.float64) for name in names
    )
    return Bars(np.array([bar.ts_ms for bar in run], np.int64), opened, high, low, close, volume)


def _charges(told: Sequence[Settlement]) -> Settlements:
    """Charges as the signals hear them; how long each interval was follows from the one before."""
    ts_ms = np.array([one.ts_ms for one in told], np.int64)
    return Settlements(ts_ms, np.array([float(one.rate) for one in told]), settlement_intervals(ts_ms))
