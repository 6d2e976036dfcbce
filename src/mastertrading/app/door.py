"""The Python door: a backtest in a few lines of a notebook (``import mastertrading as mt``).

::

    market = mt.panel("lake", ["BTC", "ETH"])
    run = mt.backtest(market, mt.forecasts(market, my_function, fast=10))
    run.trades, run.equity, run.summary["money"], run.plot()

The names are attributes of the package itself, see ``mastertrading/__init__.py``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import mastertrading.backtest as backtest_room
from mastertrading.app.backtest import macro_events
from mastertrading.app.commands.lookahead import FEW, check
from mastertrading.app.commands.warm import compile_if_needed
from mastertrading.app.lookahead_words import sentences
from mastertrading.app.options import SYNTHETIC_DAYS, moment_ms
from mastertrading.app.played import Played
from mastertrading.backtest.forecasts import on_grid
from mastertrading.backtest.run import Ask
from mastertrading.domain.errors import DataError
from mastertrading.domain.market import F64, Market
from mastertrading.lake.names import timeframe_ms
from mastertrading.lake.panel import load_market
from mastertrading.lake.synthetic import synthesize
from mastertrading.research.examine import Examined
from mastertrading.research.in_memory import market_from_tables
from mastertrading.research.own_signal import OwnSignal, evaluate, load_signal, signal_of
from mastertrading.settings.load import load
from mastertrading.settings.schema import Settings

Given = OwnSignal | Callable[..., Any] | str | Path
"""A signal: loaded, a function, or the name or file of one."""
Chosen = Settings | Mapping[str, Any] | str | Path | None
"""Settings: as they are, ``{"risk.per_trade": 0.01}``, a TOML file, or the defaults."""
Moment = str | int | datetime | None
"""ISO 8601 (UTC), or ms since 1970."""


def panel(
    data: Any = None,
    instruments: Sequence[str] | None = None,
    *,
    venue: str | None = None,
    base: str | None = None,
    end: Moment = None,
    days: float = 10,
    seed: int = 1,
    funding: Mapping[str, Any] | None = None,
    hours: Mapping[str, Any] | None = None,
    settings: Chosen = None,
) -> Market:
    """Bars of several instruments: from a folder, from tables in memory, or made from a seed.

    Parameters
    ----------
    data
        A folder of market data; a data frame (or a dict of them by symbol, or of arrays); None: synthetic.
    instruments
        Which, in which order, by any of their names; None: all.
    venue
        Folder inside the data.
    base
        Timeframe of the bars; None: ``1m``, or for tables what their times say.
    end
        No bar that closes after it is used.
    days, seed
        Of a synthetic market.
    funding
        By symbol a table of ``ts`` and ``rate``, beside tables in memory.
    hours
        By symbol 1 h bars from before the first bar, beside tables in memory: with them, entries need not wait.
    settings
        Contract facts, and the worst data that may be used.

    Raises
    ------
    DataError
        If the data are not there, or cannot be used.
    """
    chosen = _settings(settings, {})
    if data is None:
        made_ms = timeframe_ms(base or "1m")
        return synthesize(
            instruments or tuple(chosen.instruments), days, seed, base_minutes=made_ms // 60_000
        )
    if isinstance(data, (str, Path)):
        until = _ms(end)
        return load_market(
            data, instruments, venue=venue, base=base or "1m", end=until, settings=chosen, notice=_tell
        )
    return market_from_tables(
        data,
        instruments or (),
        base_ms=timeframe_ms(base) if base else None,
        funding=funding,
        hours=hours,
        settings=chosen,
        notice=_tell,
    )


def signal(given: Given, /, **params: Any) -> OwnSignal:
    """A signal with its parameters: of a function, or of a file (``"ema_cross"``, ``"mine.py:ema_cross"``).

    Raises
    ------
    SignalError
        If it cannot be used; it says why, and where.
    """
    if isinstance(given, OwnSignal):
        return given.with_params(**params)
    if isinstance(given, (str, Path)):
        return load_signal(str(given), params)
    return signal_of(given, params)


def forecasts(market: Market, given: Given, /, **params: Any) -> F64:
    """The forecasts of a signal: shape (bars, instruments), in [-1, 1], 0 where it has no opinion.

    Raises
    ------
    SignalError
        If it fails, or returns anything else.
    """
    return evaluate(signal(given, **params), market)


def backtest(
    market: Market,
    forecasts: F64 | Given | None = None,
    settings: Chosen = None,
    *,
    start: Moment = None,
    end: Moment = None,
    all_paths: bool = True,
    **changes: Any,
) -> Played:
    """Trade a market on one account.

    Parameters
    ----------
    forecasts
        Shape (bars, instruments), or (bars,) of a single instrument; or a signal; None: the four modules.
    settings
        Settings, a mapping of some, a TOML file, or None for the defaults.
    start, end
        First and last moment of decision.
    all_paths
        Also replay under the best and the worst path inside a bar.
    **changes
        Single settings, as in ``**{"risk.per_trade": 0.01}`` or ``risk__per_trade=0.01``.

    Raises
    ------
    ConfigError, DataError
        As on the command line.
    """
    chosen = _settings(settings, changes)
    compile_if_needed()
    notes: list[str] = []
    own, values = _forecasts(market, forecasts)
    to_ms = _ms(end)
    macro_ms = macro_events(chosen, market, to_ms, notes.append)
    ask = Ask(_ms(start), to_ms, forecasts=values, macro_ms=macro_ms, all_paths=all_paths)
    return Played(market, chosen, ask, own, notes)


def lookahead(
    given: Given | None = None,
    market: Market | None = None,
    /,
    *,
    cuts: int = 40,
    settings: Chosen = None,
    **params: Any,
) -> Checked:
    """Check whether a signal knows the future; None: the four modules and the indicators.

    Parameters
    ----------
    market
        None: a synthetic one.
    """
    compile_if_needed()
    own = None if given is None else signal(given, **params)
    chosen = _settings(settings, {})
    if market is None:
        few = None if own is not None and own.wants_panel else tuple(chosen.instruments)[:FEW]
        market = panel(instruments=few, days=SYNTHETIC_DAYS, settings=chosen)
    return Checked(check(own, market, chosen, cuts=cuts))


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look-ahead check found: ``biased``, the sentences (its text), and the whole ``report``."""

    report: Examined

    @property
    def biased(self) -> bool:
        """Whether a signal looks ahead or does not repeat itself."""
        return self.report.biased

    def __repr__(self) -> str:
        """One sentence a line."""
        return "\n".join(sentences(self.report))


# ---------------------------------------------------------------- parts


def _settings(chosen: Chosen, changes: Mapping[str, Any]) -> Settings:
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    if isinstance(chosen, Settings):
        return _changed(chosen, changed) if changed else chosen
    texts = [f"{key}={_toml(value)}" for key, value in changed.items()]
    if isinstance(chosen, Mapping):
        return load(overrides=[*(f"{key}={_toml(value)}" for key, value in _flat(chosen)), *texts]).settings
    return load(Path(chosen) if chosen is not None else None, overrides=texts).settings


def _changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with other values: those that differ from the defaults are handed over again, then the changes."""
    mine, usual = dict(_flat(settings.resolved())), dict(_flat(Settings().resolved()))
    kept = {key: value for key, value in mine.items() if value is not None and usual.get(key) != value}
    return load(overrides=[f"{key}={_toml(value)}" for key, value in {**kept, **changes}.items()]).settings


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Nested tables as dotted keys."""
    out: list[tuple[str, Any]] = []
    for key, value in values.items():
        whole = f"{before}{key}"
        out += _flat(value, f"{whole}.") if isinstance(value, Mapping) else [(whole, value)]
    return out


def _toml(value: Any) -> str:
    """A value as ``--set`` reads it."""
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        value = value.item()
    return json.dumps(list(value) if isinstance(value, tuple) else value, default=str)


def _forecasts(market: Market, given: Any) -> tuple[OwnSignal | None, F64 | None]:
    """Whose forecasts, and what they are."""
    if given is None:
        return None, None
    if isinstance(given, (OwnSignal, str, Path)) or (callable(given) and not isinstance(given, np.ndarray)):
        own = signal(given)
        return own, evaluate(own, market)
    try:
        values = np.array(given, np.float64)  # a copy: the run is replayed when more of it is asked for
    except (TypeError, ValueError) as error:
        raise DataError("the forecasts are not numbers", why=str(error)) from None
    if values.ndim == 1 and len(market.instruments) == 1:
        values = values[:, None]
    return None, on_grid(market, values)


def _ms(moment: Moment) -> int | None:
    return None if moment is None else moment_ms(moment)


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


class _CallableRoom(ModuleType):
    """The room ``backtest/`` and the door's function share one name: calling the room runs a backtest."""

    def __call__(self, *given: Any, **named: Any) -> Played:
        """See `backtest`."""
        return backtest(*given, **named)


backtest_room.__class__ = _CallableRoom
