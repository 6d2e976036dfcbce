"""mastertrading: one set of trading rules for backtest, paper and live.

In a notebook, ``import mastertrading as mt`` gives ``mt.panel``, ``mt.signal``, ``mt.forecasts``, ``mt.backtest`` and
``mt.lookahead``, and the functions of ``research.arrays`` (``mt.ema`` …): see ``docs/python.md``. They are imported
when they are first asked for, so that the command line starts without them.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_DOOR = ("panel", "signal", "forecasts", "backtest", "lookahead")
_ARRAYS = (
    "adx",
    "atr",
    "bollinger",
    "change",
    "coarse",
    "crossed",
    "ema",
    "emas",
    "held",
    "highest",
    "lag",
    "lowest",
    "ranked",
    "rsi",
    "sma",
    "std",
    "zscore",
)
_PLACES = dict.fromkeys(_DOOR, "mastertrading.app.door") | dict.fromkeys(
    _ARRAYS, "mastertrading.research.arrays"
)

__all__ = ["__version__", *_PLACES]  # noqa: PLE0604  # names that __getattr__ finds


def __getattr__(name: str) -> Any:
    """What the package offers, imported when it is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'mastertrading' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """Names for completion."""
    return sorted(__all__)
