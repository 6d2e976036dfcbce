"""Windows of the recorded market that several tests replay, each only once a session."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from command_runs import SHARED, VENUE, needs_data
from mastertrading.app.options import utc_ms
from mastertrading.backtest.result import Result
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.market import Market, Records
from mastertrading.lake.panel import load_market
from mastertrading.settings.schema import MODULES, Settings

__all__ = ["MODULES", "SEVEN", "SEVEN_LOOSE", "SIX", "WINDOWS", "Replayed", "needs_data", "replay"]


class Window(NamedTuple):
    """Instruments, first and last moment, and what of the allocation is not the default."""

    instruments: tuple[str, ...]
    begin: str
    end: str
    allocation: tuple[tuple[str, Any], ...] = ()


NAMES = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT")
SEVEN = Window(NAMES, "2025-05-25T10:35", "2025-06-03T15:33")
SIX = Window(NAMES[:-1], "2025-05-25T10:35", "2025-06-24T00:00")
SEVEN_LOOSE = Window(*SEVEN[:3], (("min_modules", 1), ("threshold", 0.10)))
WINDOWS = {"seven": SEVEN, "six": SIX, "seven_loose": SEVEN_LOOSE}


class Replayed(NamedTuple):
    """A run and its decisions, DECISION (bars, instruments)."""

    result: Result
    decisions: Records

    @property
    def votes(self) -> dict[str, int]:
        """Entries that each module voted for."""
        ordered = self.decisions[self.decisions["lots"] != 0]
        mask = np.where(ordered["lots"] > 0, ordered["votes_long"], ordered["votes_short"])
        return {name: int((mask >> bit & 1).sum()) for bit, name in enumerate(MODULES)}


@cache
def recorded(window: Window) -> Market:
    begin, end = utc_ms(window.begin), utc_ms(window.end)
    return load_market(
        SHARED, window.instruments, venue=VENUE.name, start=begin, end=end, notice=lambda sentence: None
    )


@cache
def replay(window: Window, without: str | None = None) -> Replayed:
    """Replay a window, one module switched off if so asked."""
    decisions: list[Records] = []
    result = run(
        recorded(window),
        settings_of(window, without),
        Ask(utc_ms(window.begin), utc_ms(window.end), all_paths=False),
        on_decisions=lambda _t, _verdicts, made, _rows: decisions.append(made.copy()),
    )
    return Replayed(result, np.concatenate(decisions).view(np.recarray))


def settings_of(window: Window, without: str | None) -> Settings:
    tree: dict[str, Any] = {"allocation": dict(window.allocation)}
    if without is not None:
        rest = [name for name in MODULES if name != without]
        tree["instruments"] = {
            symbol: without_nulls(own) | {"modules": rest}
            for symbol, own in Settings().model_dump()["instruments"].items()
        }
    return Settings.model_validate(tree)


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
