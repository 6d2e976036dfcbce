"""The demonstration: a portfolio, two days of bars, a venue's own protocol on sockets, and a journal on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mastertrading.app.live_world import Act, World, lived, predicted
from mastertrading.app.messages import tr
from mastertrading.app.parity.bars import NamedBars
from mastertrading.app.parity.prints import Prints
from mastertrading.app.parity.retold import OPEN_AT_END, write_run
from mastertrading.app.state_folder import JOURNAL
from mastertrading.domain.errors import OutputError
from mastertrading.domain.market import HOUR_MS, Market
from mastertrading.journal.opening import open_journal
from mastertrading.settings.schema import Settings
from mastertrading.surfaces.report.page import write_report

RUN, REPORT, SUMMARY = "run", "report.html", "lived.json"
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
    prints: dict[str, Prints]

    @property
    def is_same(self) -> bool:
        """Whether what was lived is what the backtest trades."""
        return len(set(self.prints.values())) == 1

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
            "parity": {"same": self.is_same, **{name: one._asdict() for name, one in self.prints.items()}},
        }


def demo_settings(settings: Settings) -> Settings:
    """The settings with a livelier allocation."""
    return settings.model_copy(update={"allocation": settings.allocation.model_copy(update=LIVELY)})


def demo_bars(symbols: tuple[str, ...], hours: float, seed: int) -> NamedBars:
    """Bars made from a seed."""
    return NamedBars(symbols, days=(hours + HISTORY_HOURS) / 24, seed=seed)


def act_of(market: Market, settings: Settings, venue: str, hours: float, folder: Path | None) -> Act:
    """The last hours of a market."""
    end_ms = int(market.ts_ms[-1]) + market.base_ms
    from_ms = end_ms - round(hours * HOUR_MS) + market.base_ms
    return Act(market, settings, venue, from_ms, end_ms, folder)


def demonstrate(
    act: Act,
    bars: NamedBars,
    folder: Path,
    hours: float,
    *,
    on_bar: Callable[[World], None],
    clock: Callable[[], float],
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
        write_run(journal, act.market, act.settings, folder / RUN)
        write_report(folder / RUN, act.market, notes=[tr(OPEN_AT_END)], translate=tr, out=folder / REPORT)
    finally:
        journal.close()
    bars.write(folder)
    text = json.dumps(shown.as_dict(), indent=1)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8", newline="\n")
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
        {"backtest": predicted(act), act.venue: lived(world)},
    )
