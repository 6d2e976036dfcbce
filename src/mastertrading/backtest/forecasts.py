"""Where forecasts come from: the four modules, or a user's own numbers in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.market import F64, I64, Market, Records
from mastertrading.settings.schema import MODULES, Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.panel import Panel
from mastertrading.signals.rows import VERDICT

USER_MODULE = "user"


class Forecasts(Protocol):
    """A source of verdicts, evaluated in consecutive chunks."""

    modules: tuple[str, ...]

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Records, Records]:
        """VERDICT (bars, instruments, modules) and CONTEXT (bars, instruments) of the bars [start, stop)."""
        ...


class ModuleForecasts:
    """SIG-TREND, SIG-MEANREV, SIG-CARRY and SIG-SMC."""

    modules: tuple[str, ...] = MODULES

    def __init__(self, market: Market, settings: Settings, minutes: Records) -> None:
        self._panel = Panel(market, signal_rules(settings), minutes)

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Records, Records]:
        """Verdicts and contexts of the bars [start, stop)."""
        return self._panel.evaluate_chunk(start, stop)


class UserForecasts:
    """A user's own forecasts in [-1, 1], each known at the close of the bar it was computed from.

    Parameters
    ----------
    given
        By canonical symbol: ascending open times of those bars in ms, and the forecasts.
    """

    modules: tuple[str, ...] = (USER_MODULE,)

    def __init__(
        self, market: Market, settings: Settings, minutes: Records, given: Mapping[str, tuple[I64, F64]]
    ) -> None:
        self._panel = Panel(market, signal_rules(settings), minutes)
        self._values = np.zeros((len(minutes), len(market.symbols)))
        end_ms = market.ts_ms[-1] + market.base_ms
        for i, symbol in enumerate(market.symbols):
            if symbol in given:
                ts_ms, values = given[symbol]
                inside = (ts_ms >= market.ts_ms[0]) & (ts_ms < end_ms)
                at = np.searchsorted(market.ts_ms, ts_ms[inside], side="right") - 1
                self._values[at, i] = values[inside]

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Records, Records]:
        """Verdicts and contexts of the bars [start, stop)."""
        _, contexts = self._panel.evaluate_chunk(start, stop)
        verdicts = records(VERDICT, (stop - start, self._values.shape[1], 1))
        verdicts["forecast"][:, :, 0] = self._values[start:stop]
        return verdicts, contexts
