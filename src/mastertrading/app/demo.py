"""The demonstration: a portfolio, two days of bars, a venue's own protocol on sockets, and a journal on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mastertrading.app.live_world import Act, World, backtested, booked, trade_hash
from mastertrading.app.state_folder import JOURNAL
from mastertrading.domain.errors import OutputError
from mastertrading.domain.market import F64, HOUR_MS, Market
from mastertrading.journal.opening import open_journal
from mastertrading.lake.synthetic import synthesize
from mastertrading.settings.schema import Settings

REPORT = "report.json"
HISTORY_HOURS = 12
"""Bars before the first decision: the signals hear them first."""
LIVELY: dict[str, Any] = {"min_modules": 1, "threshold": 0.10}
"""Allocation under which two days hold enough trades to look at."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a demonstration left behind."""

    folder: Path
    venue: str
    hours: float
    bars: int
    seconds: float
    ms_a_bar: tuple[float, float]
    """p50 and p99: from the last frame of a bar to everything that follows being sent."""
    trades: list[dict[str, Any]]
    equity: list[tuple[int, str]]
    hashes: dict[str, str]

    @property
    def is_same(self) -> bool:
        """Whether what was lived is what the backtest trades."""
        return len(set(self.hashes.values())) == 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "folder": str(self.folder),
            "venue": self.venue,
            "hours": self.hours,
            "bars": self.bars,
            "seconds": round(self.seconds, 2),
            "ms_a_bar": {"p50": self.ms_a_bar[0], "p99": self.ms_a_bar[1]},
            "trades": self.trades,
            "equity": self.equity,
            "parity": {"same": self.is_same, **self.hashes},
        }


def demo_settings(settings: Settings) -> Settings:
    """The settings with a livelier allocation."""
    return settings.model_copy(update={"allocation": settings.allocation.model_copy(update=LIVELY)})


def demo_market(symbols: tuple[str, ...], hours: float, seed: int) -> Market:
    """Bars made from a seed, sizes in whole lots as a venue tells them."""
    return in_lots(synthesize(symbols, (hours + HISTORY_HOURS) / 24, seed))


def in_lots(market: Market) -> Market:
    """The same bars with volumes that a venue could tell."""
    lots: F64 = np.array([float(one.lot * one.multiplier) for one in market.instruments])
    counts = np.rint(market.volume / lots)
    digits = [max(0, -int(one.lot.normalize().as_tuple().exponent)) for one in market.instruments]
    volume = np.stack([np.round(counts[:, n] * lots[n], digits[n]) for n in range(len(lots))], axis=1)
    return replace(market, volume=np.ascontiguousarray(volume))


def act_of(market: Market, settings: Settings, venue: str, hours: float, folder: Path | None) -> Act:
    """The last hours of a market."""
    end_ms = int(market.ts_ms[-1]) + market.base_ms
    from_ms = end_ms - round(hours * HOUR_MS) + market.base_ms
    return Act(market, settings, venue, from_ms, end_ms, folder)


def demonstrate(
    act: Act, folder: Path, hours: float, *, on_bar: Callable[[World], None], clock: Callable[[], float]
) -> Shown:
    """Live the act with its journal in a folder, and compare it with the backtest.

    Raises
    ------
    OutputError
        If the folder holds a journal already.
    """
    path = folder / JOURNAL
    if path.exists():
        raise OutputError("this folder holds a journal already", where=str(path), hint="--out another folder")
    folder.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{path}"
    began = clock()
    journal = open_journal(
        url, account=act.account, durable=False, create=True, now_ms=int(act.market.ts_ms[0])
    )
    try:
        world = World(act, journal, on_bar=on_bar).run()
        seconds = clock() - began
        shown = _shown(world, folder, hours, seconds)
    finally:
        journal.close()
    text = json.dumps(shown.as_dict(), indent=1)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8", newline="\n")
    return shown


def _shown(world: World, folder: Path, hours: float, seconds: float) -> Shown:
    took = sorted(world.milliseconds)
    middle, worst = (took[int(share * (len(took) - 1))] for share in (0.5, 0.99))
    act = world.act
    trades = [
        {
            "number": one.number,
            "symbol": one.symbol,
            "side": one.side,
            "opened_ms": one.opened_ms,
            "closed_ms": one.closed_ms,
            "entry": str(one.entry_px),
            "exit": str(one.exit_px),
            "net": str(one.net),
            "why": one.close_reason or "open",
        }
        for one in world.journal.trades()
    ]
    return Shown(
        folder,
        act.venue,
        hours,
        len(act.bars),
        seconds,
        (round(middle, 2), round(worst, 2)),
        trades,
        [(one.ts_ms, str(one.equity)) for one in world.journal.equity()][:: max(1, len(act.bars) // 200)],
        {"backtest": trade_hash(backtested(act)), act.venue: trade_hash(booked(world))},
    )
