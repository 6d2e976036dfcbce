"""Markets for the tests of signals: recorded ones where the data is there, and walks made from a seed."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from mastertrading.backtest.inputs import MinuteWriter
from mastertrading.compiled import records
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import HOUR_MS, MINUTE_MS, Bars, Market, Records, Settlements
from mastertrading.indicators.timeframes import resample
from mastertrading.settings.schema import Settings
from mastertrading.signals.panel import pack
from mastertrading.signals.returns import hourly_returns
from mastertrading.signals.rows import MINUTE

EIGHT_HOURS_MS = 8 * HOUR_MS
START_MS = 1_748_217_600_000
"""2025-05-26 00:00 UTC."""
COLUMNS = ("open", "high", "low", "close", "volume")
_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"
DATA = Path(os.environ.get("MASTERTRADING_SHARED_DATA", _DEFAULT)) / "binance_usdm"


def instrument(symbol: str) -> Instrument:
    return Instrument(symbol, tick=Decimal("0.1"), lot=Decimal("0.001"), min_notional=Decimal(5))


def session_minutes(market: Market) -> Records:
    """MINUTE records by the default sessions; overlap wins."""
    out = records(MINUTE, len(market.ts_ms))
    out.t_ms = market.ts_ms + market.base_ms
    hour = out.t_ms // HOUR_MS % 24
    sessions = Settings().allocation.sessions
    for index, name in enumerate(("asia", "dead", "ny", "london", "overlap")):
        session = getattr(sessions, name)
        inside = (hour >= session.start) & (hour < session.end)
        if session.start > session.end:
            inside = (hour >= session.start) | (hour < session.end)
        out.session_risk[inside] = session.risk
        out.session_floor[inside] = round(session.score_floor * 100)
        out.session[inside] = index
    return out


# ------------------------------------------------------------------ recorded


def _bars(frame: pl.DataFrame) -> Bars:
    return Bars(frame["ts"].to_numpy(), *(frame[name].to_numpy() for name in COLUMNS))


def _column(symbol: str, start: int, stop: int) -> tuple[Bars, Bars, Settlements]:
    base = pl.read_parquet(DATA / "1m" / f"{symbol}-1m.parquet").filter(
        pl.col("ts").is_between(start, stop - 1)
    )
    hours = pl.read_parquet(DATA / "1h" / f"{symbol}-1h.parquet").filter(pl.col("ts") + HOUR_MS <= start)
    paid = pl.read_parquet(DATA / "funding" / f"{symbol}-funding.parquet")
    interval = np.full(len(paid), EIGHT_HOURS_MS)
    return _bars(base), _bars(hours), Settlements(paid["ts"].to_numpy(), paid["rate"].to_numpy(), interval)


def recorded_market(symbols: tuple[str, ...], start: int, minutes: int) -> Market:
    """Binance perpetuals; every symbol must have the whole window."""
    columns = [_column(symbol, start, start + minutes * MINUTE_MS) for symbol in symbols]
    panel = {name: np.column_stack([getattr(base, name) for base, _, _ in columns]) for name in COLUMNS}
    return Market(
        instruments=tuple(map(instrument, symbols)),
        base_ms=MINUTE_MS,
        ts_ms=columns[0][0].ts_ms,
        **panel,
        valid=np.ones((minutes, len(symbols)), np.bool_),
        settlements=tuple(paid for _, _, paid in columns),
        primer=tuple(hours for _, hours, _ in columns),
        data_id="recorded",
        grade="A",
    )


# ------------------------------------------------------------------ made


def walk_market(minutes: int = 2500, count: int = 2, seed: int = 5, primed_hours: int = 300) -> Market:
    """A random walk with slow swings, its own hours before the base, and funding of every size.

    The base begins 35 minutes past an hour, and a few of its bars are missing.
    """
    rng = np.random.default_rng(seed)
    total = primed_hours * 60 + 35 + minutes
    steps = rng.normal(0.0, 0.0006, (total, count)) * (1.0 + np.sin(np.arange(total) / 300.0)[:, None] ** 2)
    drift = 0.00006 * np.sin(np.arange(total) / 200.0)[:, None]
    close = np.round(100.0 * np.exp(np.cumsum(steps + drift, axis=0)), 2)
    open_ = np.vstack([np.full((1, count), 100.0), close[:-1]])
    high = np.round(np.maximum(open_, close) + rng.exponential(0.03, (total, count)), 2)
    low = np.round(np.minimum(open_, close) - rng.exponential(0.03, (total, count)), 2)
    volume = rng.exponential(10.0, (total, count))
    ts = START_MS + np.arange(total, dtype=np.int64) * MINUTE_MS
    everything = Market(
        instruments=tuple(instrument(f"COIN{k}USDT") for k in range(count)),
        base_ms=MINUTE_MS,
        ts_ms=ts,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        valid=np.ones((total, count), np.bool_),
        settlements=tuple(_funding(rng, ts) for _ in range(count)),
        primer=(),
        data_id="walk",
        grade="A",
    )
    primer = tuple(_hours(cut(everything, 0, primed_hours * 60), k) for k in range(count))
    return with_holes(replace(cut(everything, primed_hours * 60 + 35, total), primer=primer), rng)


def _funding(rng: np.random.Generator, ts: np.ndarray) -> Settlements:
    when = np.arange(ts[0] - 40 * EIGHT_HOURS_MS, ts[-1], EIGHT_HOURS_MS)
    rate = rng.normal(0.0, 0.0002, len(when))
    return Settlements(when, rate, np.full(len(when), EIGHT_HOURS_MS))


def _hours(market: Market, column: int) -> Bars:
    one = Bars(market.ts_ms, *(np.ascontiguousarray(getattr(market, name)[:, column]) for name in COLUMNS))
    hours = resample(pack(one, 0, len(one), MINUTE_MS), HOUR_MS)
    return Bars(hours.open_ms.copy(), *(np.ascontiguousarray(hours[name]) for name in COLUMNS))


def cut(market: Market, start: int, stop: int) -> Market:
    """The bars [start, stop) of a market."""
    names = (*COLUMNS, "valid")
    return replace(
        market, ts_ms=market.ts_ms[start:stop], **{name: getattr(market, name)[start:stop] for name in names}
    )


def with_holes(market: Market, rng: np.random.Generator) -> Market:
    """About 1 % of the bars missing, and one gap of 12 minutes."""
    missing = rng.random(market.valid.shape) < 0.01
    missing[0] = False
    missing[900:912] = True
    return without(market, missing)


def without(market: Market, missing: np.ndarray) -> Market:
    """The same market with some bars missing."""
    prices = {name: np.where(missing, np.nan, getattr(market, name)) for name in COLUMNS}
    return replace(market, **prices, valid=market.valid & ~missing)


def returns_and_hours(market):
    """Hourly returns, and how many of them were known at the close of each bar: the numbers that runs are told."""
    returns, first_ms = hourly_returns(market)
    writer = MinuteWriter(market, Settings(), None, (first_ms, len(returns)))
    return returns, writer.write(0, len(market.ts_ms))["hours"]
