"""Markets as worlds of known things for the causality check, and worlds as markets again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mastertrading.domain.market import HOUR_MS, I64, Bars, Market, Settlements
from mastertrading.research.bars import COLUMNS
from mastertrading.research.causality import (
    Future,
    Known,
    World,
    chance,
    cut_points,
    other_future,
)

MISSING_AFTER = 0.03
"""Share of the bars of another future that are missing."""


def world_of(market: Market) -> dict[str, Known]:
    """Everything a market holds, each with the moment it is known."""
    closes = market.ts_ms + market.base_ms
    world = {name: Known(closes, getattr(market, name)) for name in COLUMNS}
    for n, (paid, hours) in enumerate(zip(market.settlements, market.primer, strict=True)):
        world[f"rate {n}"] = Known(paid.ts_ms, paid.rate)
        world[f"interval {n}"] = Known(paid.ts_ms, paid.interval_ms)
        prices = np.column_stack([getattr(hours, name) for name in COLUMNS])
        world[f"primer {n}"] = Known(hours.ts_ms + HOUR_MS, prices)
    return world


def market_of(world: World, like: Market) -> Market:
    """The market of a world; what is not in a world (names, contract facts) is taken from ``like``."""
    columns: dict[str, Any] = {name: np.ascontiguousarray(world[name].rows) for name in COLUMNS}
    count = range(len(like.instruments))
    ts_ms = world["close"].at_ms - like.base_ms
    return replace(
        like,
        ts_ms=ts_ms,
        **columns,
        valid=~np.isnan(columns["close"]),
        settlements=tuple(_settlements(world, n) for n in count),
        primer=tuple(_primer(world[f"primer {n}"]) for n in count),
        mark_close=None if like.mark_close is None else like.mark_close[: len(ts_ms)],
    )


def _settlements(world: World, n: int) -> Settlements:
    at_ms, rates = world[f"rate {n}"]
    return Settlements(at_ms, rates, world[f"interval {n}"].rows)


def _primer(hours: Known) -> Bars:
    return Bars(hours.at_ms - HOUR_MS, *(np.ascontiguousarray(column) for column in hours.rows.T))


def another_future(market: Market) -> Future:
    """Bars on the tick grid, some missing; wild rates; primed hours after the cut are other hours."""
    ticks = np.array([float(one.tick) for one in market.instruments])
    future = other_future(ticks, missing=MISSING_AFTER)

    def another(world: World, cut_ms: int, rng: np.random.Generator) -> World:
        out = dict(future(world, cut_ms, rng))
        for name in (name for name in world if name.startswith("primer")):
            known = world[name]
            rows = known.rows.copy()
            rows[len(known.until(cut_ms).at_ms) :] *= np.exp(rng.normal(0.0, 0.02))
            out[name] = Known(known.at_ms, rows)
        return out

    return another


def cuts_of(market: Market, seed: int, count: int) -> list[int]:
    """About ``count`` cut points of a market: bars, ends of coarse bars and days, some settlements and holes."""
    begin = market.ts_ms[0] if market.common_from_ms is None else market.common_from_ms
    closes = market.ts_ms[market.ts_ms >= begin] + market.base_ms
    due = np.unique(np.concatenate([np.zeros(0, np.int64), *(paid.ts_ms for paid in market.settlements)]))
    inside = due[(due > closes[0]) & (due < closes[-1])]
    holes = closes[1:-1][~market.valid[-len(closes) :][1:-1].all(axis=1)]
    few, rng = max(1, count // 12), chance(seed, 1)
    some = {*rng.permutation(inside)[:few].tolist(), *rng.permutation(holes)[:few].tolist()}
    return cut_points(closes, seed, count, sorted(some))


def between(market: Market, start: int, stop: int) -> Market:
    """The bars [start, stop) of a market, as if the data began there: primed hours go if any bar before goes."""
    if start == 0 and stop >= len(market.ts_ms):
        return market
    columns: dict[str, Any] = {name: getattr(market, name)[start:stop] for name in (*COLUMNS, "valid")}
    end_ms = int(market.ts_ms[min(stop, len(market.ts_ms)) - 1]) + market.base_ms
    common = market.common_from_ms
    return replace(
        market,
        ts_ms=market.ts_ms[start:stop],
        **columns,
        settlements=tuple(_paid_until(paid, end_ms) for paid in market.settlements),
        primer=market.primer if start == 0 else tuple(_no_bars() for _ in market.primer),
        mark_close=None if market.mark_close is None else market.mark_close[start:stop],
        common_from_ms=None if common is None else max(common, int(market.ts_ms[start])),
    )


def _paid_until(paid: Settlements, end_ms: int) -> Settlements:
    stop = int(np.searchsorted(paid.ts_ms, end_ms, side="right"))
    return Settlements(paid.ts_ms[:stop], paid.rate[:stop], paid.interval_ms[:stop])


def _no_bars() -> Bars:
    none = np.zeros(0)
    times: I64 = np.zeros(0, np.int64)
    return Bars(times, none, none, none, none, none)
