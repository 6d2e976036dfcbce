"""Where forecasts come from: the four modules, or a user's own numbers in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from mastertrading.backtest.chunk import Said
from mastertrading.compiled import records
from mastertrading.domain.errors import DataError
from mastertrading.domain.market import F64, I64, Market, Records
from mastertrading.settings.schema import MODULES, Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.panel import Panel
from mastertrading.signals.rows import CONTEXT, VERDICT

USER_MODULE = "user"


class Forecasts(Protocol):
    """A source of verdicts, evaluated in consecutive chunks."""

    modules: tuple[str, ...]

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Said, Records]:
        """What is said in the bars [start, stop), and CONTEXT (bars, instruments).

        Contexts have no rows where no rule reads what the signals know of the market. The room of verdicts may be used
        again for the next chunk.
        """
        ...


class ModuleForecasts:
    """SIG-TREND, SIG-MEANREV, SIG-CARRY and SIG-SMC."""

    modules: tuple[str, ...] = MODULES

    def __init__(self, market: Market, settings: Settings, minutes: Records) -> None:
        self._panel = Panel(market, signal_rules(settings), minutes)

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Said, Records]:
        """Verdicts and contexts of the bars [start, stop)."""
        verdicts, contexts = self._panel.evaluate_chunk(start, stop)
        return Said(loudest(verdicts), verdicts), contexts


def loudest(verdicts: Records) -> F64:
    """The strongest forecast of each bar and instrument without its sign, from VERDICT (bars, instruments, modules)."""
    strength = np.abs(verdicts["forecast"])
    out = strength[:, :, 0].copy()
    for m in range(1, strength.shape[2]):
        np.maximum(out, strength[:, :, m], out=out)
    return out


Given = Mapping[str, tuple[I64, F64]] | F64
"""A user's own forecasts: by canonical symbol the ascending open times of their bars in ms and the values; or one
array on the market's grid, shape (bars, instruments), 0 or NaN where there is no opinion."""


class UserForecasts:
    """A user's own forecasts in [-1, 1], each known at the close of the bar it was computed from.

    Parameters
    ----------
    minutes
        MINUTE records of every bar, for what the signals know of the market; None: no rule reads that.
    written
        Whether VERDICT records are made of them, for those who keep or count them.
    """

    modules: tuple[str, ...] = (USER_MODULE,)

    def __init__(
        self, market: Market, settings: Settings, minutes: Records | None, given: Given, written: bool = True
    ) -> None:
        self._values = on_grid(market, given)
        self._written = written
        self._room = records(VERDICT, (0, self._values.shape[1], 1))
        self._panel = None if minutes is None else Panel(market, signal_rules(settings), minutes)

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Said, Records]:
        """Verdicts and contexts of the bars [start, stop)."""
        values = self._values[start:stop]
        if self._written and len(self._room) < len(values):
            self._room = records(VERDICT, (*values.shape, 1))
        verdicts = self._room[: len(values)]
        if self._written:
            verdicts["forecast"][:, :, 0] = values
        if self._panel is None:
            return Said(values, verdicts), records(CONTEXT, (0, values.shape[1]))
        return Said(values, verdicts), self._panel.evaluate_chunk(start, stop)[1]


def on_grid(market: Market, given: Given) -> F64:
    """Forecasts as one array, shape (bars, instruments), in [-1, 1], 0 where there is no opinion.

    An array that is already so is not copied.

    Raises
    ------
    DataError
        If an array has not the market's shape, or a forecast is not within [-1, 1].
    """
    values = given if isinstance(given, np.ndarray) else _placed(market, given)
    if values.shape != market.close.shape:
        raise DataError(
            f"forecasts of shape {values.shape} do not fit a market of {market.close.shape}",
            why="they are one number a bar and instrument; 0 or NaN is no opinion",
            hint="mt.forecasts(market, function)",
        )
    values = np.require(values, np.float64, ("C", "W"))  # what kernels read; as a rule it is so already
    lowest, highest = values.min(initial=0.0), values.max(initial=0.0)
    if np.isnan(highest):
        values = np.where(np.isnan(values), 0.0, values)
        lowest, highest = values.min(initial=0.0), values.max(initial=0.0)
    if lowest < -1.0 or highest > 1.0:
        t, i = np.argwhere(np.abs(values) > 1.0)[0]
        opened = np.datetime64(int(market.ts_ms[t]), "ms")
        raise DataError(
            f"a forecast of {market.symbols[i]} is {values[t, i]:g}, which is not within [-1, 1]",
            where=f"the bar that opens at {opened}Z",
            hint="np.clip(forecasts, -1, 1)",
        )
    return values


def _placed(market: Market, given: Mapping[str, tuple[I64, F64]]) -> F64:
    values = np.zeros(market.close.shape)
    end_ms = market.ts_ms[-1] + market.base_ms
    for i, symbol in enumerate(market.symbols):
        if symbol in given:
            ts_ms, said = given[symbol]
            inside = (ts_ms >= market.ts_ms[0]) & (ts_ms < end_ms)
            at = np.searchsorted(market.ts_ms, ts_ms[inside], side="right") - 1
            values[at, i] = said[inside]
    return values
