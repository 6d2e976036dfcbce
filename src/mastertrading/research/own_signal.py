"""A user's own signal: one function in one file, found by its name, evaluated over a market.

::

    def ema_cross(bars, fast: int = 20, slow: int = 50):
        ...
        return forecast                       # float64 in [-1, 1], shape (bars,); 0 or NaN: no opinion

Element t of what it returns may use the bars up to t only, and counts from that bar's close. If its first
parameter is called ``panel``, it gets all instruments at once, shape (bars, instruments), and returns that shape.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mastertrading.domain.errors import MastertradingError, SignalError
from mastertrading.domain.market import F64, Market
from mastertrading.research.bars import InstrumentBars, PanelBars, bars_of, panel_of
from mastertrading.research.parameters import (
    EXAMPLE,
    Parameter,
    Scalar,
    parameters_of,
    read_values,
    text_of,
)

FOLDER = Path("signals")
PANEL = "panel"


@dataclass(frozen=True, slots=True)
class OwnSignal:
    """A user's function, with values for its parameters.

    Attributes
    ----------
    name
        Of the function.
    file
        Where it stands; None: made in memory.
    wants_panel
        It takes all instruments at once.
    parameters
        What a sweep can vary.
    params
        The value of each.
    sha256
        Of the file's bytes (in memory: of the function's source where it can be had, else empty).
    """

    name: str
    function: Callable[..., Any]
    file: Path | None
    wants_panel: bool
    parameters: tuple[Parameter, ...]
    params: Mapping[str, Scalar] = field(default_factory=dict)
    sha256: str = ""

    @property
    def key(self) -> str:
        """Identity of source and parameters, for caches and a run's id; empty where there is no source."""
        if not self.sha256:
            return ""
        text = json.dumps([self.sha256, self.name, dict(self.params)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def where(self) -> str:
        """Its place, for errors."""
        return str(self.file) if self.file is not None else f"{self.name}()"

    def with_params(self, **given: object) -> OwnSignal:
        """The same signal with other values; those not given stay.

        Raises
        ------
        SignalError
            If a name is unknown, or a value of the wrong kind.
        """
        values = read_values(self.name, self.parameters, {**self.params, **given}, self.where)
        return replace(self, params=values)

    def as_dict(self) -> dict[str, Any]:
        """What a run's summary records of it."""
        file = self.file.name if self.file is not None else None
        return {"name": self.name, "file": file, "sha256": self.sha256, "params": dict(self.params)}

    def __str__(self) -> str:
        """As in ``ema_cross(fast=20, slow=50)``."""
        return f"{self.name}({', '.join(f'{k}={text_of(v)}' for k, v in self.params.items())})"


# ---------------------------------------------------------------- finding it


def load_signal(text: str, params: Mapping[str, object] | None = None, folder: Path = FOLDER) -> OwnSignal:
    """Load a signal.

    Parameters
    ----------
    text
        ``NAME`` (``signals/NAME.py``, function NAME), ``path/file.py`` or ``path/file.py:function``.
    params
        Values by name; texts are read as on the command line.
    folder
        Where names are looked up.

    Raises
    ------
    SignalError
        If there is no such file or function, it is no signal, or a parameter is wrong.
    """
    place, wanted = _split(text)
    file = _find(place, folder)
    source = _read(file)
    module = _execute(file, source)
    name = _choose(module, file, wanted)
    return _signal(name, getattr(module, name), file, hashlib.sha256(source).hexdigest(), params or {})


def signal_of(function: Callable[..., Any], params: Mapping[str, object] | None = None) -> OwnSignal:
    """A signal of a function in memory (a notebook's).

    Raises
    ------
    SignalError
        If its signature is not that of a signal, or a parameter is wrong.
    """
    name = getattr(function, "__name__", "signal")
    try:
        digest = hashlib.sha256(inspect.getsource(function).encode()).hexdigest()
    except (OSError, TypeError):
        digest = ""
    return _signal(name, function, None, digest, params or {})


def _signal(
    name: str, function: Callable[..., Any], file: Path | None, sha256: str, params: Mapping[str, object]
) -> OwnSignal:
    where = f"{file}, function {name}" if file is not None else f"{name}()"
    first, parameters = parameters_of(function, where)
    values = read_values(name, parameters, params, where)
    return OwnSignal(name, function, file, first == PANEL, parameters, values, sha256)


def _split(text: str) -> tuple[str, str]:
    """The place and the function's name (or nothing) of ``place:function``; ``C:`` is a place, too."""
    head, mark, tail = text.strip().rpartition(":")
    if mark and tail.isidentifier() and len(head) > 1:
        return head, tail
    return text.strip(), ""


def _find(place: str, folder: Path) -> Path:
    by_name = place.isidentifier()
    file = folder / f"{place}.py" if by_name else Path(place)
    if file.is_file():
        return file
    stem = Path(place).stem
    there = sorted(one.stem for one in folder.glob("*.py") if one.is_file() and not one.stem.startswith("_"))
    meant = get_close_matches(stem, there, n=1)
    what = f"there is no signal {place!r}" if by_name else f"there is no file {place!r}"
    listed = f"{folder} has {', '.join(there)}" if there else f"there is no signal in the folder {folder}"
    beside = Path(f"{place}.py")
    if beside.is_file():
        hint = f"--signal {beside}"
    elif meant:
        hint = f"--signal {meant[0]}"
    elif there and by_name:
        hint = f"--signal {there[0]}, or write it into {file}"
    else:
        hint = f"write it into {file if file.suffix == '.py' else folder / 'NAME.py'}"
    sentence = what + (f"; did you mean {meant[0]}?" if meant else "")
    why = f"{file} is a folder; {listed}" if file.is_dir() else listed
    raise SignalError(sentence, why=why, where=str(file), hint=hint)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SignalError(
            f"{file} cannot be read", why=error.strerror or str(error), where=str(file)
        ) from error


def _execute(file: Path, source: bytes) -> ModuleType:
    """Run a file as a module of its own. Nothing is written beside it."""
    module = ModuleType(f"mastertrading_signal_{hashlib.sha256(source).hexdigest()[:16]}")
    module.__file__ = str(file)
    try:
        code = compile(source, str(file), "exec")
    except SyntaxError as error:
        text = (error.text or "").strip()
        why = f"{error.msg}: {text}" if text else error.msg
        raise SignalError(
            f"{file.name} is not Python", why=why, where=f"{file}:{error.lineno or 1}"
        ) from None
    except ValueError as error:  # a zero byte
        raise SignalError(f"{file.name} is not Python", why=str(error), where=str(file)) from None
    sys.modules[module.__name__] = module  # dataclasses look their module up
    with _told(f"{file.name} cannot be loaded", file):
        exec(code, module.__dict__)
    return module


def _choose(module: ModuleType, file: Path, wanted: str) -> str:
    """The function's name: the one asked for, else the file's, else the only one there is."""
    names = [
        name
        for name, value in vars(module).items()
        if callable(value)
        and not isinstance(value, type)
        and not name.startswith("_")
        and getattr(value, "__module__", "") == module.__name__
    ]
    name = wanted or (file.stem if file.stem in names else names[0] if len(names) == 1 else "")
    if name in names:
        return name
    meant = get_close_matches(wanted, names, n=1) or names[:1]
    what = f"{file.name} has no function {wanted}" if wanted else f"{file.name} does not say which function"
    raise SignalError(
        what + (f"; did you mean {meant[0]}?" if wanted and meant else ""),
        why=f"it has {', '.join(names)}" if names else "it defines no function",
        where=str(file),
        hint=f"--signal {file}:{meant[0]}" if meant else EXAMPLE,
    )


# ---------------------------------------------------------------- evaluating it


def evaluate(signal: OwnSignal, market: Market, *, backwards: bool = False) -> F64:
    """The forecasts of a signal over a market.

    Parameters
    ----------
    backwards
        Take the instruments in the other order; a signal worth its name gives the same.

    Returns
    -------
    Shape (bars, instruments), float64, C order, in [-1, 1], 0 where it has no opinion. Without ``panel`` the
    function sees each instrument by itself, without the bars that are missing; those get 0.

    Raises
    ------
    SignalError
        If the function fails, or returns anything but forecasts.
    """
    if signal.wants_panel:
        panel = panel_of(market)
        values = checked(signal, call(signal, panel), market.valid.shape, panel, market.symbols)
        return np.where(market.valid, values, 0.0)
    out = np.zeros(market.valid.shape)
    columns = range(len(market.instruments))
    for n in reversed(columns) if backwards else columns:
        bars = bars_of(market, n)
        if len(bars):
            said = checked(signal, call(signal, bars), (len(bars),), bars, (bars.symbol,))
            rows = slice(None) if len(bars) == len(out) else market.valid[:, n]
            out[rows, n] = said
    return out


def call(signal: OwnSignal, bars: InstrumentBars | PanelBars) -> Any:
    """What the function returns; what it prints goes to stderr, so that ``--json`` stays JSON."""
    with _told(f"{signal.name} failed", signal.file), np.errstate(all="ignore"), redirect_stdout(sys.stderr):
        return signal.function(bars, **signal.params)


def checked(
    signal: OwnSignal,
    returned: Any,
    shape: tuple[int, ...],
    bars: InstrumentBars | PanelBars,
    symbols: tuple[str, ...],
) -> F64:
    """Forecasts as float64 without NaN.

    Raises
    ------
    SignalError
        If the shape, the kind or a value is wrong.
    """
    name, where = signal.name, signal.where
    if returned is None:
        raise SignalError(f"{name} returned nothing", why="it ends without return", where=where)
    try:
        values = np.asarray(returned)
    except (TypeError, ValueError) as error:
        raise SignalError(f"{name} did not return an array", why=str(error), where=where) from None
    if values.dtype.kind not in "fiub":
        why = f"it returned {type(returned).__name__} of {values.dtype}"
        raise SignalError(f"{name} did not return numbers", why=why, where=where, hint="return float64")
    if values.shape != shape:
        why = f"it returned shape {values.shape} for bars of shape {shape}"
        hint = "one number a bar; NaN or 0 where there is no opinion"
        raise SignalError(f"{name} returned the wrong shape", why=why, where=where, hint=hint)
    forecasts = np.array(values, np.float64) + 0.0  # + 0.0: no -0.0
    if np.isnan(forecasts).any():
        forecasts[np.isnan(forecasts)] = 0.0
    if forecasts.size and max(forecasts.max(), -forecasts.min()) > 1.0:
        raise _out_of_range(name, where, forecasts, bars, symbols)
    return forecasts


def _out_of_range(
    name: str, where: str, forecasts: F64, bars: InstrumentBars | PanelBars, symbols: tuple[str, ...]
) -> SignalError:
    wrong = np.argwhere(np.abs(forecasts) > 1.0)
    at = tuple(wrong[0])
    moment = np.datetime64(int(bars.ts_ms[at[0]]), "ms").astype("datetime64[m]")
    return SignalError(
        f"{name} returned {forecasts[at]:g}, which is not within [-1, 1]",
        why=f"at the bar that opens {moment} UTC of {symbols[at[-1] if len(at) > 1 else 0]}; "
        f"{len(wrong):,} of {forecasts.size:,} values are outside",
        where=where,
        hint="np.clip(forecast, -1, 1)",
    )


@contextmanager
def _told(what: str, file: Path | None) -> Iterator[None]:
    """Tell whatever the user's code raises, with the line of the user's file."""
    try:
        yield
    except MastertradingError as error:
        error.where = error.where or _line(error, file)
        raise
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}".strip(": ")
        raise SignalError(what, why=why, where=_line(error, file), hint=_hint(error)) from error


def _line(error: BaseException, file: Path | None) -> str:
    """The newest line of the user's own code in a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    here = str(Path(__file__).parent.parent)
    mine = [f for f in frames if (f.filename == str(file) if file else not f.filename.startswith(here))]
    if not mine:
        return str(file or "")
    return f"{mine[-1].filename}:{mine[-1].lineno}" + (f": {mine[-1].line}" if mine[-1].line else "")


def _hint(error: BaseException) -> str:
    if isinstance(error, ValueError) and "read-only" in str(error):
        return "the bars are not yours to change: work on a copy, as in close = bars.close.copy()"
    if isinstance(error, AttributeError) and isinstance(error.obj, InstrumentBars | PanelBars):
        name = "panel" if isinstance(error.obj, PanelBars) else "bars"
        return f"{name} has {', '.join(one.name for one in fields(error.obj))} and close_ms"
    if isinstance(error, ModuleNotFoundError):
        return "a signal is one file: put what it needs into it, or install the library"
    return ""
