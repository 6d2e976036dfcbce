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
REST, PRO = f"{PACKAGE}.async_support", f"{PACKAGE}.pro"
PARENTS = {"binanceusdm": ("binance",), "kucoinfutures": ("kucoin",)}
"""Classes that a class is made of."""


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
def streaming_class(exchange_id: str) -> Any:
    """The class of one exchange that also speaks WebSocket (ccxt.pro).

    ``import ccxt.pro`` reads every exchange twice. Below three packages that hold only what was asked for, one
    class takes a third of the memory.

    Raises
    ------
    UsageError
        If ccxt knows no such exchange, or cannot speak WebSocket with it.
    ConfigError
        If ccxt is not installed.
    """
    ids = exchange_ids()
    if exchange_id not in ids or not (_folder() / "pro" / f"{exchange_id}.py").is_file():
        raise _unknown(exchange_id, ids)
    if PRO in sys.modules:
        return getattr(import_module(f"{PRO}.{exchange_id}"), exchange_id)
    whole = {name: sys.modules.pop(name) for name in (PACKAGE, REST, PRO) if name in sys.modules}
    try:
        return _below_bare_packages(exchange_id)
    finally:
        for name in (PACKAGE, REST, PRO):
            sys.modules.pop(name, None)
        sys.modules.update(whole)


def _below_bare_packages(exchange_id: str) -> Any:
    """Import one class below packages whose own text is not run, but which name what that text would name."""
    top, rest, pro = (_bare(name) for name in (PACKAGE, REST, PRO))
    vars(top).update(async_support=rest, pro=pro)
    vars(top).update(vars(import_module(f"{PACKAGE}.base.errors")))
    vars(top)["Exchange"] = import_module(f"{PACKAGE}.base.exchange").Exchange
    vars(rest)["Exchange"] = import_module(f"{REST}.base.exchange").Exchange
    for name in (*PARENTS.get(exchange_id, ()), exchange_id):
        vars(rest)[name] = getattr(import_module(f"{REST}.{name}"), name)
    return getattr(import_module(f"{PRO}.{exchange_id}"), exchange_id)


def _bare(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = [str(_folder().joinpath(*name.split(".")[1:]))]
    sys.modules[name] = module
    return module


@cache
def exchange_ids() -> tuple[str, ...]:
    """Every exchange that ccxt knows, by its id."""
    folder = _folder()
    names = sorted(path.stem for path in folder.glob("[a-z0-9]*.py"))
    return tuple(name for name in names if (folder / "abstract" / f"{name}.py").is_file())


@cache
def errors() -> Any:
    """The exceptions of ccxt, as a module."""
    name = f"{PACKAGE}.base.errors"
    if PACKAGE in sys.modules:
        return import_module(name)
    if name not in sys.modules:
        exchange_class("bybit")
    return sys.modules[name]


@cache
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
