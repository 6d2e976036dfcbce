"""Seeded markets, since no recorded data is shipped: one that keeps every module busy, and plain random walks.

``synthesize`` makes correlated instruments with regimes, jumps, seasons and funding (see ``paths`` for the model);
``write_synthetic`` writes one as a lake; ``random_walk`` makes ±1-tick walks for honesty tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from mastertrading.domain.errors import UsageError
from mastertrading.domain.instrument import Instrument, canonical_symbol
from mastertrading.domain.market import DAY_MS, F64, HOUR_MS, I64, MINUTE_MS, Bars, Market, Settlements
from mastertrading.lake import paths
from mastertrading.lake.damage import Defects, bad_bars, damaged, spoil
from mastertrading.lake.files import write_json
from mastertrading.lake.identity import market_hash
from mastertrading.lake.lock import Wait, at_once, writing
from mastertrading.lake.names import SeriesId, timeframe_name
from mastertrading.lake.quality import Charges, gap_cap, settlement_intervals, take, worst
from mastertrading.lake.store import Venue
from mastertrading.lake.universe import (
    CATALOGUE,
    DEFAULT_SYMBOLS,
    INSTRUMENTS_FILE,
    describe,
    read_instruments,
)

START_MS = 1_704_067_200_000
"""2024-01-01 00:00 UTC."""
VENUE = "synthetic"
COLUMNS = ("open", "high", "low", "close", "volume")
MARKET_SIGMA = 0.00045
"""Volatility of the market factor per minute."""


@dataclass(frozen=True, slots=True)
class Character:
    """How an instrument behaves.

    Attributes
    ----------
    price
        Where it starts.
    beta
        Its share of the market factor.
    own
        Volatility of its own driver per minute.
    volume
        Usual volume of a minute, base units.
    """

    price: float
    beta: float
    own: float
    volume: float


CHARACTERS = {
    "BTCUSDT": Character(60_000.0, 0.90, 0.00025, 90.0),
    "ETHUSDT": Character(2_400.0, 1.20, 0.00055, 3_000.0),
    "SOLUSDT": Character(145.0, 1.30, 0.00060, 12_000.0),
    "XRPUSDT": Character(2.2, 1.10, 0.00060, 320_000.0),
    "DOGEUSDT": Character(0.18, 1.40, 0.00065, 2_600_000.0),
    "ADAUSDT": Character(0.60, 1.30, 0.00065, 320_000.0),
    "LINKUSDT": Character(14.5, 1.30, 0.00065, 11_000.0),
}
GENERIC = Character(1.0, 1.20, 0.00060, 500_000.0)


@dataclass(frozen=True, slots=True)
class _Raw:
    """Minute bars from the first primed day on, shape (minutes, instruments)."""

    ts_ms: I64
    columns: dict[str, F64]


def synthesize(
    symbols: Sequence[str] = DEFAULT_SYMBOLS,
    days: float = 10,
    seed: int = 1,
    *,
    start_ms: int = START_MS,
    base_minutes: int = 1,
    primer_days: int = 40,
    defects: Defects | None = None,
) -> Market:
    """Make a market; the same arguments give the same bytes.

    Funding is charged every 8 h; for the last of several instruments every 4 h from the middle on.

    Parameters
    ----------
    symbols
        Instruments in column order, by any of their names; unknown ones get a generic character.
    days
        Length of the base series.
    seed
        Of every random draw. More days with the same seed begin with the same bars.
    start_ms
        Open time of the first base bar, a multiple of the base timeframe.
    base_minutes
        Length of a base bar.
    primer_days
        Days of 1 h bars (and funding) before the start.
    defects
        Holes and bad bars; both are NaN with ``valid`` false.

    Raises
    ------
    UsageError
        If the start is not on the grid of the base timeframe, or there is nothing to make.
    """
    names = _names(symbols)
    step_ms = base_minutes * MINUTE_MS
    count = int(days * DAY_MS) // step_ms
    if count < 1 or not names or start_ms % step_ms or primer_days < 0 or DAY_MS % step_ms:
        raise UsageError(
            "no synthetic market can be made of that",
            why=f"{len(names)} instruments, {days} days of {base_minutes} min bars from {start_ms} ms",
            hint="give at least one instrument and one bar; start on a whole base bar",
        )
    instruments = tuple(CATALOGUE.get(name) or _generic(name) for name in names)
    end_ms = start_ms + count * step_ms
    raw = _simulate(instruments, seed, start_ms // DAY_MS * DAY_MS - primer_days * DAY_MS, end_ms)
    base = _aggregate(_cut(raw, start_ms, end_ms), base_minutes)
    hours = _aggregate(_cut(raw, raw.ts_ms[0], start_ms // HOUR_MS * HOUR_MS), 60)
    primer = tuple(
        Bars(hours.ts_ms, *(hours.columns[c][:, k].copy() for c in COLUMNS)) for k in range(len(names))
    )
    settlements = _funding(raw, seed, start_ms, end_ms)
    for column in base.columns.values():
        column[damaged(defects, column.shape, seed)] = np.nan
    return _market(instruments, step_ms, base, settlements, primer)


def write_synthetic(
    root: Path | str,
    symbols: Sequence[str] = DEFAULT_SYMBOLS,
    days: float = 10,
    seed: int = 1,
    *,
    start_ms: int = START_MS,
    base_minutes: int = 1,
    primer_days: int = 40,
    defects: Defects | None = None,
    wait: Wait = at_once,
) -> Market:
    """Make a market, write it as venue ``synthetic`` of a lake, and return it.

    Bad bars are written as bad values, holes are left out, so reading it back must find both. Series that are
    there already are replaced, all of them as one writer: two markets never mix. ``wait`` says how to wait for another.

    Raises
    ------
    OutputError
        If a file can't be written, or another process goes on writing there.
    """
    made = synthesize(
        symbols,
        days,
        seed,
        start_ms=start_ms,
        base_minutes=base_minutes,
        primer_days=primer_days,
        defects=defects,
    )
    whole = (
        made
        if defects is None
        else synthesize(
            symbols, days, seed, start_ms=start_ms, base_minutes=base_minutes, primer_days=primer_days
        )
    )
    with writing(Path(root) / VENUE, wait):
        _write(Venue(Path(root) / VENUE), made, whole, defects, seed)
    return made


def _write(venue: Venue, made: Market, whole: Market, defects: Defects | None, seed: int) -> None:
    source = f"synthetic seed {seed}"
    bad = bad_bars(defects, made.close.shape, seed)
    for k, instrument in enumerate(made.instruments):
        base = SeriesId("bars", instrument.symbol, timeframe_name(made.base_ms))
        bars = Bars(whole.ts_ms, *(getattr(whole, c)[:, k].copy() for c in COLUMNS))
        hours = _hours(whole, k)
        if defects is not None:
            spoil(bars, bad[:, k])
            bars = take(bars, made.valid[:, k] | bad[:, k])
        venue.replace_bars(base, bars, source)
        if made.base_ms < HOUR_MS and len(hours):
            venue.replace_bars(SeriesId("bars", instrument.symbol, "1h"), hours, source)
        charged = made.settlements[k]
        charges = Charges(charged.ts_ms, charged.rate, charged.ts_ms * 0)
        venue.replace_funding(instrument.symbol, charges, source)
    facts = read_instruments(venue.folder) | {i.symbol: i for i in made.instruments}
    write_json(venue.folder / INSTRUMENTS_FILE, {symbol: describe(known) for symbol, known in facts.items()})


def random_walk(
    symbols: Sequence[str] = ("BTCUSDT",),
    bars: int = 14_400,
    seed: int = 1,
    *,
    drift: float = 0.0,
    steps: int = 16,
    start_ticks: int = 10_000,
    primer_days: int = 0,
    start_ms: int = START_MS,
) -> Market:
    """Independent walks of ±1 tick: nothing to be earned in them, or exactly the drift that is planted.

    Each minute is ``steps`` steps, the first of which leaves the last close, so the path passes every price. The
    tick is 0.01: from 10 000 ticks with 16 steps a minute moves 4 bp. There is no funding.

    Parameters
    ----------
    bars
        Minute bars of the base series.
    drift
        Expected ticks per step, −1 … 1: a step goes up with probability (1 + drift)/2.
    primer_days
        Days of 1 h bars before the start, from the same walk.

    Raises
    ------
    UsageError
        If a walk reaches zero (too many bars for ``start_ticks``) or an argument is out of range.
    """
    names = _names(symbols)
    total = bars + primer_days * paths.DAY_MINUTES
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 5))))
    up = random.random((total, steps, len(names))) < 0.5 * (1.0 + drift)
    walk = start_ticks + np.cumsum(np.where(up, 1, -1).reshape(total * steps, -1), axis=0, dtype=np.int64)
    if bars < 1 or abs(drift) > 1 or int(walk.min()) < 1:
        raise UsageError(
            "no random walk can be made of that",
            why=f"{bars} bars from {start_ticks} ticks with drift {drift} come as low as {int(walk.min())} ticks",
            hint="start higher or walk a shorter time",
        )
    ticks = walk.reshape(total, steps, len(names))
    lots = 1_000 + random.integers(0, 9_000, (total, len(names)))
    ts_ms = start_ms - primer_days * DAY_MS + MINUTE_MS * np.arange(total, dtype=np.int64)
    columns = {
        "open": ticks[:, 0] / 100,
        "high": ticks.max(axis=1) / 100,
        "low": ticks.min(axis=1) / 100,
        "close": ticks[:, -1] / 100,
        "volume": lots / 1000,
    }
    raw = _Raw(ts_ms, columns)
    hours = _aggregate(_cut(raw, int(ts_ms[0]), start_ms // HOUR_MS * HOUR_MS), 60)
    primer = tuple(
        Bars(hours.ts_ms, *(hours.columns[c][:, k].copy() for c in COLUMNS)) for k in range(len(names))
    )
    instruments = tuple(Instrument(name, Decimal("0.01"), Decimal("0.001"), Decimal(5)) for name in names)
    none = Settlements(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
    base = _cut(raw, start_ms, start_ms + bars * MINUTE_MS)
    return _market(instruments, MINUTE_MS, base, (none,) * len(names), primer)


# ---------------------------------------------------------------- bars


def _names(symbols: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(canonical_symbol(symbol) for symbol in symbols))


def _generic(symbol: str) -> Instrument:
    return Instrument(symbol, Decimal("0.0001"), Decimal("0.1"), Decimal(5))


def _simulate(instruments: tuple[Instrument, ...], seed: int, first_ms: int, end_ms: int) -> _Raw:
    """Minute bars on the tick and lot grid, whole days from ``first_ms``."""
    characters = [CHARACTERS.get(instrument.symbol, GENERIC) for instrument in instruments]
    prices = np.array([c.price for c in characters])
    sigma = np.array([MARKET_SIGMA, *(c.own for c in characters)])
    beta = np.array([c.beta for c in characters])
    usual = np.array([c.volume for c in characters])
    day_count = -((first_ms - end_ms) // DAY_MS)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 2))))
    shape = (day_count * paths.DAY_MINUTES, len(instruments))
    columns = {name: np.empty(shape) for name in COLUMNS}
    for day, minutes in enumerate(paths.days(prices, beta, sigma, seed, day_count)):
        rows = slice(day * paths.DAY_MINUTES, (day + 1) * paths.DAY_MINUTES)
        for name in ("open", "high", "low", "close"):
            columns[name][rows] = getattr(minutes, name)
        columns["volume"][rows] = usual * _volume(random, minutes)
    for k, instrument in enumerate(instruments):
        for name in COLUMNS:
            step = instrument.lot if name == "volume" else instrument.tick
            columns[name][:, k] = _on_grid(columns[name][:, k], step)
    return _Raw(first_ms + MINUTE_MS * np.arange(shape[0], dtype=np.int64), columns)


def _volume(random: np.random.Generator, minutes: paths.Minutes) -> F64:
    """Volume as a multiple of the usual: more when busy and when the price moves, now and then a spike."""
    noise, spike = random.random(minutes.close.shape), random.random(minutes.close.shape)
    moved = np.abs(minutes.close / minutes.open - 1.0) / 0.0007
    burst = np.where(spike < 0.0025, 3.0 + 2000.0 * spike, 1.0)
    return minutes.activity * (0.7 + 1.4 * moved) * (0.3 + 1.4 * noise * noise) * burst


def _on_grid(values: F64, step: Decimal) -> F64:
    """The nearest multiple of a step (at least one), as the float nearest to that decimal."""
    numerator, denominator = step.as_integer_ratio()
    count = np.maximum(np.rint(values * denominator / numerator), 1.0)
    grid: F64 = count * numerator / denominator
    return grid


def _cut(raw: _Raw, first_ms: int, end_ms: int) -> _Raw:
    first, last = np.searchsorted(raw.ts_ms, [first_ms, end_ms])
    return _Raw(raw.ts_ms[first:last].copy(), {name: c[first:last].copy() for name, c in raw.columns.items()})


def _aggregate(raw: _Raw, minutes: int) -> _Raw:
    """Bars of ``minutes`` minutes; an unfinished last one is left out."""
    count = len(raw.ts_ms) // minutes
    kept = {n: c[: count * minutes].reshape(count, minutes, c.shape[1]) for n, c in raw.columns.items()}
    columns = {
        "open": kept["open"][:, 0].copy(),
        "high": kept["high"].max(axis=1),
        "low": kept["low"].min(axis=1),
        "close": kept["close"][:, -1].copy(),
        "volume": np.cumsum(kept["volume"], axis=1)[:, -1],
    }
    return _Raw(raw.ts_ms[: count * minutes : minutes].copy(), columns)


def _hours(market: Market, k: int) -> Bars:
    """The 1 h bars of a whole market: its primer, and what its base bars add up to."""
    primer = market.primer[k]
    minutes = HOUR_MS // market.base_ms
    ahead = int(-market.ts_ms[0] % HOUR_MS) // market.base_ms
    columns = {name: getattr(market, name)[ahead:, k : k + 1] for name in COLUMNS}
    more = _aggregate(_Raw(market.ts_ms[ahead:], columns), minutes)
    joined = (np.concatenate((getattr(primer, c), more.columns[c][:, 0])) for c in COLUMNS)
    return Bars(np.concatenate((primer.ts_ms, more.ts_ms)), *joined)


def _market(
    instruments: tuple[Instrument, ...],
    step_ms: int,
    base: _Raw,
    settlements: tuple[Settlements, ...],
    primer: tuple[Bars, ...],
) -> Market:
    valid = ~np.isnan(base.columns["close"])
    missing = (~valid).sum(axis=0)
    grades = {
        instrument.symbol: gap_cap(int(missing[k]), 1, len(valid)) for k, instrument in enumerate(instruments)
    }
    return Market(
        instruments=instruments,
        base_ms=step_ms,
        ts_ms=base.ts_ms,
        open=base.columns["open"],
        high=base.columns["high"],
        low=base.columns["low"],
        close=base.columns["close"],
        volume=base.columns["volume"],
        valid=valid,
        settlements=settlements,
        primer=primer,
        data_id=market_hash(instruments, step_ms, base.ts_ms, base.columns, valid, settlements, primer),
        grade=worst(list(grades.values())),
        grades=grades,
        source=VENUE,
    )


# ---------------------------------------------------------------- funding


def _funding(raw: _Raw, seed: int, start_ms: int, end_ms: int) -> tuple[Settlements, ...]:
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 3))))
    count = raw.columns["close"].shape[1]
    middle = (start_ms + end_ms) // 2
    out = []
    for k in range(count):
        changed = middle if count > 1 and k == count - 1 else end_ms
        grid = np.arange(raw.ts_ms[0] + 8 * HOUR_MS, end_ms + 1, 4 * HOUR_MS, dtype=np.int64)
        noise = random.random((len(grid), 2))
        charged = (grid % (8 * HOUR_MS) == 0) | (grid > changed)
        at = (grid[charged] - raw.ts_ms[0]) // MINUTE_MS
        length = settlement_intervals(grid[charged])
        rate = paths.funding_rates(raw.columns["close"][:, k], at, length / (8 * HOUR_MS), noise[charged])
        out.append(Settlements(grid[charged], rate, length))
    return tuple(out)
