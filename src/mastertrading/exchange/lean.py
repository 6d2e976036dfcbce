"""ccxt, without the hundred exchanges that were not asked for.

``import ccxt`` reads every exchange it knows. One class needs a dozen modules, a third of the time and half the
memory; it is found by importing its own module below a package that is empty for that moment.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from mastertrading.domain.errors import ConfigError, UsageError

PACKAGE = "ccxt"


def exchange_class(exchange_id: str) -> Any:
    """The class of one exchange, for example ``binanceusdm``.

    Raises
    ------
    UsageError
        If ccxt knows no such exchange.
    ConfigError
        If ccxt is not installed.
    """
    ids = exchange_ids()
    if exchange_id not in ids:
        raise _unknown(exchange_id, ids)
    if PACKAGE in sys.modules:
        return getattr(import_module(f"{PACKAGE}.{exchange_id}"), exchange_id)
    empty = ModuleType(PACKAGE)
    empty.__path__ = [str(_folder())]
    sys.modules[PACKAGE] = empty
    try:
        return getattr(import_module(f"{PACKAGE}.{exchange_id}"), exchange_id)
    finally:
        del sys.modules[PACKAGE]  # whoever imports ccxt later gets the whole of it


@cache
def exchange_ids() -> tuple[str, ...]:
    """Every exchange that ccxt knows, by its id."""
    folder = _folder()
    names = sorted(path.stem for path in folder.glob("[a-z0-9]*.py"))
    return tuple(name for name in names if (folder / "abstract" / f"{name}.py").is_file())


@cache
def errors() -> Any:
    """The exceptions of ccxt, as a module."""
    if PACKAGE in sys.modules:
        return import_module(f"{PACKAGE}.base.errors")
    exchange_class("bybit")
    return sys.modules[f"{PACKAGE}.base.errors"]


def _folder() -> Path:
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            "ccxt is not installed", why="exchanges are spoken to by it", hint="python3 scripts/setup.py"
        )
    return Path(found.submodule_search_locations[0])


def _unknown(exchange_id: str, ids: tuple[str, ...]) -> UsageError:
    meant = get_close_matches(exchange_id.lower(), ids, n=3, cutoff=0.5)
    return UsageError(
        f"there is no exchange {exchange_id!r}",
        why=f"did you mean {' or '.join(meant)}?" if meant else f"{len(ids)} are known by their ccxt id",
        where="--exchange",
        hint="--exchange binanceusdm (or bybit, kucoinfutures, bingx, any id of ccxt)",
    )
