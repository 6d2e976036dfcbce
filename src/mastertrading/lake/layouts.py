"""What a file of market data holds, told by its content first and its name second.

Known layouts: the lake's own Parquet; Binance's public dumps (CSV or zip, with and without a header, 12 columns, ms
or µs; ``fundingRate``); freqtrade (Feather and JSON); CryptoDataDownload (a line with an address first, newest row
first, seconds or ms); and any table with a time, open, high, low, close and perhaps a volume.

A file whose content contradicts its name is refused: somebody would otherwise trust the name.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.domain.errors import ConfigError, DataUnreadable
from mastertrading.domain.instrument import canonical_symbol
from mastertrading.domain.market import F64, HOUR_MS, I64, MINUTE_MS, Bars
from mastertrading.lake.names import Kind, SeriesId, timeframe_ms, timeframe_name
from mastertrading.lake.open_interest import AMOUNT, VALUE, OpenInterest
from mastertrading.lake.quality import Charges
from mastertrading.lake.universe import INSTRUMENTS_FILE

if TYPE_CHECKING:
    import polars as pl

ENDINGS = {
    ".parquet": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
    ".ipc": "feather",
    ".zip": "zip",
    ".gz": "gzip",
    ".json": "json",
    ".csv": "text",
    ".txt": "text",
}
MAGIC = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "feather"),
    (b"FEA1", "feather-1"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
)

BINANCE = ("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
           "taker_buy_volume", "taker_buy_quote_volume", "ignore")  # fmt: skip
TIME_COLUMNS = ("ts", "timestamp", "unix", "unix_timestamp", "open_time", "opentime", "create_time", "calc_time",
                "fundingtime", "funding_time", "ts_ms", "time", "date", "datetime")  # fmt: skip
INTEREST_COLUMNS = {"sum_open_interest": AMOUNT, "sum_open_interest_value": VALUE}
"""As Binance's dumps call them."""
RATE_COLUMNS = ("rate", "fundingrate", "funding_rate", "last_funding_rate")
NO_SERIES = ("manifest.json", INSTRUMENTS_FILE)
INTERVAL_COLUMNS = {"interval_ms": 1, "funding_interval_hours": HOUR_MS, "fundingintervalhours": HOUR_MS}
SYMBOL = re.compile(r"(?<![A-Z0-9])([A-Z0-9]{1,15}?)[-_/]?(USDT|USDC|USD)(M|[-_]?PERP)?(?![A-Z0-9])")
TIMEFRAME = re.compile(r"(?<![A-Za-z0-9])([1-9]\d{0,3}[smhdw])(?![A-Za-z0-9])")
WORDS = {"minute": "1m", "1min": "1m", "hour": "1h", "1hour": "1h", "daily": "1d", "day": "1d", "d": "1d"}
SURE_ROWS = 10
"""From so many rows on, the distance between rows is believed more than the name."""


@dataclass(frozen=True, slots=True)
class Found:
    """One series read from a file; rows as they stand there. Exactly one of the three is not None."""

    series: SeriesId
    bars: Bars | None = None
    charges: Charges | None = None
    interest: OpenInterest | None = None


@dataclass(frozen=True, slots=True)
class _Name:
    """What a file's name says about its content."""

    symbol: str | None
    timeframe: str | None
    kind: Kind
    told_by: str = "its name"
    """Who says the timeframe."""


def read_file(path: Path, symbol: str | None = None, timeframe: str | None = None) -> list[Found]:
    """Read every series of a file.

    Parameters
    ----------
    path
        Parquet, Feather, CSV or JSON; also gzip or zip of CSV or JSON.
    symbol, timeframe
        What to take where neither name nor content says it.

    Raises
    ------
    DataUnreadable
        If it is no such file, is damaged, or is not what its name says.
    """
    content = _bytes_of(path)
    form = form_of(content)
    check_ending(path, form)
    found = []
    for name, frame in _tables(path, path.name, content, form):
        said = _said_by(name, path)
        if symbol is not None:
            said = _Name(canonical_symbol(symbol), said.timeframe, said.kind)
        if said.timeframe is None:
            said = _Name(said.symbol, timeframe, said.kind, "--timeframe")
        found.append(_recognised(frame, said, path))
    if not found:
        raise _unreadable(path, "there is no table in it")
    return found


def joined_bars(parts: list[Found]) -> Bars:
    """The bars of several parts of one series, one after the other."""
    all_bars = [part.bars for part in parts if part.bars is not None]
    return Bars(*(np.concatenate([getattr(b, n) for b in all_bars]) for n in Bars.__dataclass_fields__))


def joined_charges(parts: list[Found]) -> Charges:
    """The funding of several parts of one series, one after the other."""
    charges = [part.charges for part in parts if part.charges is not None]
    return Charges(*(np.concatenate([getattr(c, n) for c in charges]) for n in Charges.__dataclass_fields__))


def is_candidate(path: Path) -> bool:
    """Whether a file found in a folder could be market data, by its ending."""
    listed = path.suffix.lower() in ENDINGS and path.suffix.lower() != ".txt"
    return listed and path.is_file() and not path.name.startswith(".") and path.name not in NO_SERIES


# ---------------------------------------------------------------- bytes to tables


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, str(error)) from error


def form_of(content: bytes) -> str:
    """The format, by the first bytes."""
    for magic, form in MAGIC:
        if content.startswith(magic):
            return form
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"[", b"{"):
        return "json"
    try:
        text = start.decode("utf-8", errors="strict" if len(start) < 4000 else "ignore")
    except UnicodeDecodeError:
        return "unknown"
    return "text" if text and all(c.isprintable() or c in "\r\n\t" for c in text) else "unknown"


def check_ending(path: Path, form: str) -> None:
    """Refuse a file whose content is not what its name says."""
    claimed = ENDINGS.get(path.suffix.lower())
    if form == "feather-1":
        raise _unreadable(
            path, "it is Feather version 1", "write it as Feather version 2 (Arrow IPC) or Parquet"
        )
    if form == "unknown":
        raise _unreadable(path, "its content is no Parquet, Feather, zip, gzip, JSON or CSV")
    if claimed is not None and claimed != form:
        raise _unreadable(
            path, f"its name says {claimed} but its content is {form}", "give the file its right ending"
        )


def _tables(path: Path, name: str, content: bytes, form: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each table in a file with the name it goes by."""
    import polars as pl

    try:
        if form == "zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for member in archive.namelist():
                    inner = archive.read(member)
                    yield from _tables(path, Path(member).name, inner, form_of(inner)) if inner else ()
        elif form == "gzip":
            inner = gzip.decompress(content)
            yield from _tables(path, name.removesuffix(".gz"), inner, form_of(inner))
        elif form == "parquet":
            yield name, pl.read_parquet(io.BytesIO(content))
        elif form == "feather":
            yield name, pl.read_ipc(io.BytesIO(content))
        elif form == "json":
            yield name, _json_table(content)
        elif form == "text":
            yield name, _csv_table(content)
        else:
            raise _unreadable(path, f"{name} inside it is no table")
    except (
        pl.exceptions.PolarsError,
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        ValueError,
        TypeError,
    ) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _unreadable(path, f"damaged, or no {form}: {why}") from error


def _json_table(content: bytes) -> pl.DataFrame:
    """Freqtrade's list of rows, or a list of objects."""
    import polars as pl

    rows = json.loads(content)
    if not isinstance(rows, list) or not rows:
        raise ValueError("not a list of rows")
    if isinstance(rows[0], dict):
        return pl.DataFrame(rows, infer_schema_length=None)
    width = len(rows[0])
    if not 6 <= width <= len(BINANCE) or any(len(row) != width for row in rows):
        raise ValueError("rows are not time, open, high, low, close, volume")
    return pl.DataFrame(rows, schema=list(BINANCE[:width]), orient="row", infer_schema_length=None)


def _csv_table(content: bytes) -> pl.DataFrame:
    """A CSV as texts: an address line skipped, a missing header supplied in Binance's order."""
    import polars as pl

    text = content.decode("utf-8-sig")
    first, _, rest = text.partition("\n")
    if "://" in first or "cryptodatadownload" in first.lower():
        text, first = rest, rest.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    cells = [cell.strip().strip('"') for cell in first.split(separator)]
    if len(cells) < 2:
        raise ValueError("its lines have no columns")
    headed = not _is_number(cells[0])
    if not headed and not 6 <= len(cells) <= len(BINANCE):
        raise ValueError(
            f"{len(cells)} columns without a header are not time, open, high, low, close, volume"
        )
    frame = pl.read_csv(io.BytesIO(text.encode()), has_header=headed, separator=separator, infer_schema=False)
    return frame if headed else frame.rename(dict(zip(frame.columns, BINANCE, strict=False)))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# ---------------------------------------------------------------- names


def _said_by(name: str, path: Path) -> _Name:
    """Instrument, timeframe and kind, as far as a name tells them."""
    stem = re.sub(r"(\.(parquet|feather|arrow|ipc|zip|gz|json|csv|txt))+$", "", name, flags=re.IGNORECASE)
    match = SYMBOL.search(stem.upper())
    length = TIMEFRAME.search(stem)
    words = (WORDS.get(word) for word in re.split(r"[-_. ]", stem.lower()))
    timeframe = length[1] if length else next((word for word in words if word), None)
    low = stem.lower()
    kind: Kind = "bars"
    if "funding" in low:
        kind = "funding"
    elif "open-interest" in low or re.search(r"(?<![a-z])oi(?![a-z])", low):
        kind = "open-interest"
    elif re.search(r"(?<![a-z])mark(?![a-z])", low) or "markPriceKlines" in path.parts:
        kind = "mark"
    return _Name(canonical_symbol(match[1] + match[2]) if match else None, timeframe, kind)


# ---------------------------------------------------------------- tables to series


def _recognised(frame: pl.DataFrame, said: _Name, path: Path) -> Found:
    """The series that a table is."""
    frame = frame.rename(
        {name: re.sub(r"[\s()]+", "_", name.strip().lower()).strip("_") for name in frame.columns}
    )
    symbol = said.symbol or _symbol_inside(frame)
    if symbol is None:
        raise _unreadable(
            path, "neither its name nor its content says which instrument it is", "--symbol BTCUSDT"
        )
    ts_ms = _times(frame, path)
    rate = next((name for name in RATE_COLUMNS if name in frame.columns), None)
    if rate is not None and "close" not in frame.columns:
        return Found(SeriesId("funding", symbol), charges=_charges(frame, ts_ms, rate, path))
    frame = frame.rename(INTEREST_COLUMNS, strict=False)
    if AMOUNT in frame.columns and "close" not in frame.columns:
        series = SeriesId("open-interest", symbol, _timeframe(ts_ms, said, path))
        return Found(series, interest=_interest(frame, ts_ms, path))
    absent = [name for name in ("open", "high", "low", "close") if name not in frame.columns]
    if absent:
        raise _unreadable(path, f"it has no {', '.join(absent)}; its columns are {', '.join(frame.columns)}")
    if said.kind == "funding":  # freqtrade keeps the rate in the column "open"
        return Found(SeriesId("funding", symbol), charges=_charges(frame, ts_ms, "open", path))
    open_, high, low, close = (_numbers(frame, name, path) for name in ("open", "high", "low", "close"))
    kind: Kind = "mark" if said.kind == "mark" else "bars"
    column = None if kind == "mark" else _volume_column(frame)
    volume = np.zeros(len(ts_ms)) if column is None else _numbers(frame, column, path)
    bars = Bars(ts_ms, open_, high, low, close, volume)
    return Found(SeriesId(kind, symbol, _timeframe(ts_ms, said, path)), bars)


def _symbol_inside(frame: pl.DataFrame) -> str | None:
    if "symbol" not in frame.columns or not len(frame):
        return None
    try:
        return canonical_symbol(str(frame["symbol"][0]))
    except ConfigError:
        return None


def _charges(frame: pl.DataFrame, ts_ms: I64, rate: str, path: Path) -> Charges:
    """Funding; stamps go to the nearest whole minute, because venues stamp it some milliseconds late."""
    unit = next(((name, ms) for name, ms in INTERVAL_COLUMNS.items() if name in frame.columns), None)
    stated = np.zeros(len(ts_ms), np.int64)
    if unit is not None:
        hours = _numbers(frame, unit[0], path) * unit[1]
        stated = np.where(np.isfinite(hours), hours, 0).astype(np.int64)
    whole = (ts_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS
    return Charges(whole, _numbers(frame, rate, path), stated)


def _interest(frame: pl.DataFrame, ts_ms: I64, path: Path) -> OpenInterest:
    value = _numbers(frame, VALUE, path) if VALUE in frame.columns else np.full(len(ts_ms), np.nan)
    return OpenInterest(ts_ms, _numbers(frame, AMOUNT, path), value)


def _volume_column(frame: pl.DataFrame) -> str | None:
    """``volume``, or CryptoDataDownload's ``Volume BTC`` (not ``Volume USDT``, which is money)."""
    names = [name for name in frame.columns if name == "volume" or name.startswith("volume_")]
    in_base = [name for name in names if not name.endswith(("usdt", "usdc", "usd"))]
    return next(iter(in_base or names), None)


def _timeframe(ts_ms: I64, name: _Name, path: Path) -> str:
    """The timeframe by the commonest distance between times, which must be what the name says."""
    said = name.timeframe
    length_ms = None if said is None else timeframe_ms(said)
    steps = np.diff(np.unique(ts_ms))
    if not steps.size:
        if said is None:
            raise _unreadable(path, "one row doesn't show its timeframe, nor does the name", "--timeframe 1m")
        return said
    lengths, counts = np.unique(steps, return_counts=True)
    common = int(lengths[np.argmax(counts)])
    if said is None:
        return timeframe_name(common // 1000 * 1000) if common >= 1000 else "1s"
    if common != length_ms and len(steps) >= SURE_ROWS:
        apart = f"its rows are {common / MINUTE_MS:g} minutes apart"
        raise _unreadable(path, f"{name.told_by} says {said} but {apart}")
    return said


def _times(frame: pl.DataFrame, path: Path) -> I64:
    """Times in ms, from s, ms, µs, ns, datetimes or ISO texts."""
    import polars as pl

    name = next((name for name in TIME_COLUMNS if name in frame.columns), None)
    if name is None:
        raise _unreadable(path, f"it has no column of times; its columns are {', '.join(frame.columns)}")
    column = frame[name]
    if column.dtype.is_temporal():
        column = column.cast(pl.Datetime("ms", getattr(column.dtype, "time_zone", None))).cast(pl.Int64)
    if column.dtype == pl.String:
        whole = column.str.strip_chars().cast(pl.Int64, strict=False)
        as_float = column.cast(pl.Float64, strict=False) if whole.null_count() else whole
        column = (
            as_float.cast(pl.Int64, strict=False) if as_float.null_count() == column.null_count() else column
        )
    if column.dtype == pl.String:
        return _parsed_times(column.to_list(), path)
    if not column.dtype.is_numeric() or column.null_count():
        raise _unreadable(path, f"column {name} has {column.null_count()} rows without a time")
    return _to_ms(column.cast(pl.Int64).to_numpy())


def _parsed_times(texts: list[Any], path: Path) -> I64:
    out = np.empty(len(texts), np.int64)
    for row, text in enumerate(texts):
        try:
            time = datetime.fromisoformat(str(text).strip())
        except ValueError as error:
            raise _unreadable(path, f"row {row + 1}: {text!r} is no time") from error
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        out[row] = round(aware.timestamp() * 1000)
    return out


def _to_ms(values: I64) -> I64:
    """Seconds, ms, µs or ns by their size: 1e11 s is the year 5138, 1e11 ms is 1973."""
    if not len(values):
        return values
    typical = float(np.median(np.abs(values)))
    if typical < 1e11:
        return values * 1000
    return values if typical < 1e14 else values // (1000 if typical < 1e17 else 1_000_000)


def _numbers(frame: pl.DataFrame, name: str, path: Path) -> F64:
    """A column of floats; what is no number becomes NaN, and a column of nothing else is refused."""
    import polars as pl

    column = frame[name]
    if column.dtype == pl.String:
        column = column.str.strip_chars().cast(pl.Float64, strict=False)
    if not column.dtype.is_numeric() or (len(column) and column.null_count() == len(column)):
        raise _unreadable(path, f"column {name} holds no numbers")
    return column.cast(pl.Float64).to_numpy().astype(np.float64, copy=True)


def _unreadable(path: Path, why: str, hint: str = "") -> DataUnreadable:
    return DataUnreadable(
        f"{path.name} can't be read as market data",
        why=why,
        where=str(path),
        hint=hint
        or "known: the lake's Parquet, Binance dumps, freqtrade Feather or JSON, CryptoDataDownload CSV",
    )
