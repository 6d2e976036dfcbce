"""The look-ahead sweep of these tests: the project's own causality check, handed functions of plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mastertrading.domain.market import HOUR_MS, MINUTE_MS
from mastertrading.research.causality import (
    BAR_COLUMNS,
    Function,
    Known,
    World,
    cut_points,
    other_future,
    same_bits,
    sweep,
)

__all__ = [
    "BAR_COLUMNS",
    "HOUR_MS",
    "MINUTE_MS",
    "Known",
    "World",
    "cut_points",
    "on_bars",
    "other_future",
    "same_bits",
    "sweep",
]


def on_bars(function: Callable[..., np.ndarray | Mapping[str, np.ndarray]]) -> Function:
    """A function from arrays to arrays as long as the bars: row t is what it says at the close of bar t.

    It is called with the series by name (``open`` … ``volume`` and whatever else the world holds).
    """

    def wrapped(world: World) -> World:
        given = function(**{name: known.rows for name, known in world.items()})
        outputs = given if isinstance(given, Mapping) else {"output": given}
        at_ms = world["close"].at_ms
        return {name: Known(at_ms, np.asarray(rows)) for name, rows in outputs.items()}

    return wrapped
