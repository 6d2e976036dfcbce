"""The one way to compile: ``@kernel`` for a rule, ``@kernel(entry=True)`` for an entry point.

A rule is a small function without hidden state; it is compiled into whatever calls it and is never cached by
itself. An entry point (``step``, ``run``: one or two a room) is cached on disk. Numba keys that cache by the
entry point's own file only, so a rule edited in another file would go on running in its *old* text. The cache
folder is therefore named by a hash of every kernel room's source: one changed character is a new folder.

``NUMBA_DISABLE_JIT=1`` turns every kernel back into the Python function it is written as.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, overload

import numba
import numpy as np
import numpy.typing as npt

P = ParamSpec("P")
R = TypeVar("R")

KERNEL_SOURCES = (
    "domain/instrument.py",
    "domain/market.py",
    "domain/reasons.py",
    "compiled",
    "indicators",
    "signals",
    "rules",
    "engine",
    "backtest/replay.py",
    "backtest/funnel.py",
)
"""Rooms and files that hold kernels, or constants that kernels swallow."""
KEPT_CACHES = 3
PACKAGE = Path(__file__).resolve().parent.parent

ENTRY_POINTS: list[Any] = []
"""Every entry point imported so far, so that set-up can say which of them are compiled."""

# The same machine code on every x86-64 (or every arm64), so that a run's bytes do not depend on the CPU.
numba.config.CPU_NAME = "generic"  # type: ignore[attr-defined]


@overload
def kernel(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def kernel(*, entry: bool = ..., inline: bool = ...) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def kernel(function: Callable[P, R] | None = None, /, *, entry: bool = False, inline: bool = False) -> Any:
    """Compile a function, strictly typed and without fast-math.

    Parameters
    ----------
    entry
        True for an entry point, which is cached on disk. An entry point is called from Python or from another
        entry point, and never takes a function as an argument.
    inline
        True for a function of the bar loop that takes arrays: they are many words each, and handing them over costs
        more than most rules do. Rules take records, which are one word.

    Returns
    -------
    The compiled function; to a type checker it keeps the signature it was written with.
    """

    def compile_(body: Callable[P, R]) -> Callable[P, R]:
        cached = entry and cache_folder() is not None
        compiled = numba.njit(
            error_model="numpy", cache=cached, nogil=entry, inline="always" if inline else "never"
        )(body)
        if entry:
            ENTRY_POINTS.append(compiled)
        return compiled

    return compile_ if function is None else compile_(function)


def records(dtype: np.dtype[Any], count: int | tuple[int, ...]) -> npt.NDArray[Any]:
    """Zeroed records that kernels change in place, compiled or interpreted.

    ``array[i]`` is a record whose fields are attributes in both worlds, nested records included.
    """
    return np.zeros(count, _record_dtype(dtype)).view(np.recarray)


@cache
def _record_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same fields, with attributes; made once, since a view would make it every time."""
    return np.dtype((np.record, dtype))


@cache
def source_key() -> str:
    """Hash of every source file that a compiled function may have swallowed, and the compiler version."""
    return _hash_of(kernel_files())


@cache
def code_key() -> str:
    """Hash of the whole package's source, and the compiler version: the code part of a run's identity."""
    return _hash_of(sorted(PACKAGE.rglob("*.py")))


def kernel_files() -> list[Path]:
    """Every file of ``KERNEL_SOURCES``."""
    places = [PACKAGE / source for source in KERNEL_SOURCES]
    return sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*.py")))


def _hash_of(files: list[Path]) -> str:
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__} {sys.version_info[:2]}".encode())
    for path in files:
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def cache_folder() -> Path | None:
    """The folder for compiled entry points, made if need be; None where no folder can be written."""
    root = _cache_root()
    folder = root / source_key()
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            _prune(root, keep=folder)
        probe = folder / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return None
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return folder


def _cache_root() -> Path:
    given = os.environ.get("MASTERTRADING_CACHE")
    if given:
        return Path(given) / "kernels"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "mastertrading" / "kernels"


def _prune(root: Path, keep: Path) -> None:
    """Forget the caches of old source texts, newest last."""
    folders = sorted((p for p in root.iterdir() if p.is_dir() and p != keep), key=lambda p: p.stat().st_mtime)
    for old in folders[: max(0, len(folders) - (KEPT_CACHES - 1))]:
        shutil.rmtree(old, ignore_errors=True)
