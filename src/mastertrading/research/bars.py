"""What a user's signal is given: the bars of one instrument, or of all at once. None of it can be changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from mastertrading.domain.market import F64, I64, Bool, Market

Array = TypeVar("Array", bound=npt.NDArray[Any])
COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class InstrumentBars:
    """The bars of one instrument, ascending, without those that are missing.

    Attributes
    ----------
    ts_ms
        Open times, shape (bars,), ms UTC. A bar is known at ``close_ms``.
    open, high, low, close, volume
        Shape (bars,).
    base_ms
        Length of a bar.
    symbol
        Canonical name of the instrument.
    """

    ts_ms: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    base_ms: int
    symbol: str

    def __len__(self) -> int:
        """Count the bars."""
        return int(self.ts_ms.shape[0])

    @property
    def close_ms(self) -> I64:
        """When each bar is known, shape (bars,)."""
        return self.ts_ms + self.base_ms


@dataclass(frozen=True, slots=True)
class PanelBars:
    """The bars of all instruments on one grid.

    Attributes
    ----------
    ts_ms
        Open times, shape (bars,), evenly spaced.
    open, high, low, close, volume
        Shape (bars, instruments); NaN where a bar is missing.
    valid
        Whether it is there, same shape.
    base_ms
        Length of a bar.
    symbols
        Canonical names, in the order of the columns.
    """

    ts_ms: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    valid: Bool
    base_ms: int
    symbols: tuple[str, ...]

    def __len__(self) -> int:
        """Count the bars."""
        return int(self.ts_ms.shape[0])

    @property
    def close_ms(self) -> I64:
        """When each bar is known, shape (bars,)."""
        return self.ts_ms + self.base_ms


def bars_of(market: Market, instrument: int) -> InstrumentBars:
    """The valid bars of one column, read-only."""
    valid = market.valid[:, instrument]
    whole = bool(valid.all())

    def column(values: F64) -> F64:
        mine = values[:, instrument]
        return _sealed(np.ascontiguousarray(mine) if whole else mine[valid])

    prices: dict[str, Any] = {name: column(getattr(market, name)) for name in COLUMNS}
    ts_ms = _sealed(market.ts_ms if whole else market.ts_ms[valid])
    return InstrumentBars(ts_ms=ts_ms, **prices, base_ms=market.base_ms, symbol=market.symbols[instrument])


def panel_of(market: Market) -> PanelBars:
    """All columns, read-only."""
    prices: dict[str, Any] = {name: _sealed(getattr(market, name)) for name in COLUMNS}
    return PanelBars(
        ts_ms=_sealed(market.ts_ms),
        **prices,
        valid=_sealed(market.valid),
        base_ms=market.base_ms,
        symbols=market.symbols,
    )


def _sealed(array: Array) -> Array:
    """The same numbers under a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
