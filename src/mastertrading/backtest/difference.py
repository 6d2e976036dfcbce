"""Two runs beside each other: the first moment at which they part, what caused it, and how far they end apart.

Only what both decided is compared: the closes and the instruments that the two have in common. Causes are named in the
order in which they work: configuration, a signal of one's own, data, code; then a module's verdict, the allocation, a
gate, a size, an exit, a fill, a payment, a trade.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mastertrading.backtest.explain_run import Recorded, Row
from mastertrading.backtest.fire_rates import ENTRIES, MODULE_GATES
from mastertrading.domain.errors import DataMissing
from mastertrading.domain.reasons import Gate, name_of

if TYPE_CHECKING:
    import polars as pl

IDENTITY = ("run_id", "config_hash", "data_id", "code_id", "seed", "source", "grade")
ABSENT = "absent"
ROWS_AT_ONCE = 1 << 18
BEFORE, AT, AFTER = -1, 0, 1
"""Where something stands in the minute of a close: what the bar left, what was decided, what fills in the next bar."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """One thing, as the first and as the second run have it."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first moment at which the runs differ.

    Attributes
    ----------
    ts_ms
        Close of the bar that was decided; of a fill or payment, its own time (the open of the next bar).
    kind
        ``module``, ``position``, ``allocation``, ``gate``, ``size``, ``exit``, ``fill``, ``funding``, ``account``
        or ``stop``.
    subject
        The module's name, or the gate that only one of them passed.
    sides
        What differs, side by side.
    """

    ts_ms: int
    instrument: str
    kind: str
    subject: str
    sides: tuple[Contrast, ...]
    decided: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that distinguishes two runs.

    Attributes
    ----------
    identity, settings, signal
        Ids, settings, and parts of a signal of one's own (name, hash of its file, parameters) that differ.
    from_ms, to_ms, instruments, modules
        What both have: the closes, instruments and modules that were compared.
    whole
        Both decided exactly these minutes of these instruments with these modules.
    decisions, decisions_differing
        Rows that were compared, and how many of them differ.
    first
        The first moment at which they part; None: never.
    prices
        The first minute whose closes differ (in ticks, of instruments with the same tick); None: never, or one of the
        runs did not record them.
    first_trade
        The first trade that differs, or that only one of them has.
    outcomes
        Results of the whole runs, equal or not.
    """

    folder_a: str
    folder_b: str
    run_a: str
    run_b: str
    identity: tuple[Contrast, ...]
    settings: tuple[Contrast, ...]
    signal: tuple[Contrast, ...]
    spans: tuple[Contrast, ...]
    from_ms: int
    to_ms: int
    instruments: tuple[str, ...]
    modules: tuple[str, ...]
    whole: bool
    decisions: int
    decisions_differing: int
    first: Divergence | None
    prices: Divergence | None
    first_trade: tuple[Contrast, ...]
    outcomes: tuple[Contrast, ...]

    @property
    def same(self) -> bool:
        """The same decisions, fills, payments and trades, over the same minutes of the same instruments."""
        return self.whole and self.first is None and not self.first_trade

    def causes(self) -> list[str]:
        """What lies behind a difference, deepest first: ``configuration, signal, span, data, code, forecasts``.

        The id of the data covers window and instruments: where those differ, only closes tell of the bars. Forecasts
        that were given as a file are in the id of the run alone: it is they where nothing else differs.
        """
        ids = {pair.name for pair in self.identity}
        known = {
            "configuration": bool(self.settings),
            "signal": bool(self.signal),
            "span": bool(self.spans),
            "data": self.prices is not None or ("data_id" in ids and not self.spans),
            "code": "code_id" in ids,
            "forecasts": ids == {"run_id"} and not (self.settings or self.signal or self.spans),
        }
        return [name for name, is_so in known.items() if is_so]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"same": self.same, "causes": self.causes(), **asdict(self)}


def compare(a: Recorded, b: Recorded) -> Difference:
    """Compare two runs.

    Raises
    ------
    DataMissing
        If they have no minute or no instrument in common.
    """
    instruments = tuple(name for name in a.instruments if name in b.instruments)
    first_ms, last_ms = max(a.first_ms, b.first_ms), min(a.last_ms, b.last_ms)
    _check_overlap(a, b, instruments, first_ms, last_ms)
    overlap = (instruments, first_ms, last_ms)
    compared, differing, decision, prices = _decisions(a, b, overlap)
    trade = _first_trade(a, b, overlap)
    spans = tuple(_spans(a, b))
    return Difference(
        folder_a=str(a.files.folder),
        folder_b=str(b.files.folder),
        run_a=str(a.run["run_id"]),
        run_b=str(b.run["run_id"]),
        identity=tuple(_pairs(IDENTITY, a.run, b.run)),
        settings=tuple(changed_settings(a.settings, b.settings)),
        signal=tuple(_signal(a, b)),
        spans=spans,
        from_ms=first_ms,
        to_ms=last_ms,
        instruments=instruments,
        modules=tuple(name for name in a.modules if name in b.modules),
        whole=not spans,
        decisions=compared,
        decisions_differing=differing,
        first=_earliest(decision, a, b, overlap),
        prices=prices,
        first_trade=trade,
        outcomes=tuple(_outcomes(a, b)),
    )


def _check_overlap(a: Recorded, b: Recorded, instruments: Sequence[str], first: int, last: int) -> None:
    why = ""
    if not instruments:
        why = f"one traded {', '.join(a.instruments)}, the other {', '.join(b.instruments)}"
    elif first > last:
        why = "one ends before the other begins"
    elif a.base_ms != b.base_ms:
        why = f"one decides every {a.base_ms // 60_000} minutes, the other every {b.base_ms // 60_000}"
    if why:
        what = "the two runs have no decision in common"
        raise DataMissing(what, why=why, where=f"{a.files.folder}, {b.files.folder}")


def _spans(a: Recorded, b: Recorded) -> Iterator[Contrast]:
    """Windows, instruments and modules where the runs do not have the same."""
    yield from _pairs(("from_ms", "to_ms", "base_ms"), a.run, b.run)
    for name in ("instruments", "modules"):
        mine, other = list(a.run[name]), list(b.run[name])
        if mine != other:
            yield Contrast(name, mine, other)


def _signal(a: Recorded, b: Recorded) -> Iterator[Contrast]:
    """What differs in the signals that were traded: name, hash of the source, parameters; not where it lay."""
    for pair in changed_settings(*(run.files.summary.get("signal") or {} for run in (a, b))):
        if pair.name != "file":
            yield Contrast(pair.name.removeprefix("params."), pair.a, pair.b)


def _pairs(names: Iterable[str], a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Contrast]:
    for name in names:
        if a.get(name) != b.get(name):
            yield Contrast(name, a.get(name), b.get(name))


def changed_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Contrast]:
    """Dotted settings whose values differ, in the order of the first file; ``absent`` where one has none."""
    mine, other = dict(_flat(a)), dict(_flat(b))
    for key in dict.fromkeys((*mine, *other)):
        if mine.get(key, ABSENT) != other.get(key, ABSENT):
            yield Contrast(key, mine.get(key, ABSENT), other.get(key, ABSENT))


def _flat(table: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{head}{name}.")
        else:
            yield f"{head}{name}", value


# ---------------------------------------------------------------- decisions

KEYS = ("ts_ms", "instrument")
INPUTS = ("close_ticks", "htf_adx", "volatility")
"""Columns of what was compared, not decided. Runs of earlier versions do not have them."""
Overlap = tuple[tuple[str, ...], int, int]


def _decisions(
    a: Recorded, b: Recorded, overlap: Overlap
) -> tuple[int, int, Divergence | None, Divergence | None]:
    """Rows compared, rows that differ, the first of them, and the first whose closes differ."""
    instruments, first, last = overlap
    ticks = [name for name in instruments if a.price(name, 1) == b.price(name, 1)]
    step = max(1, ROWS_AT_ONCE // len(instruments)) * a.base_ms
    compared = differing = 0
    found: Divergence | None = None
    prices: Divergence | None = None
    for start in range(first, last + 1, step):
        rows = _side_by_side(a, b, instruments, start, min(start + step - a.base_ms, last))
        compared += rows.height
        different = _differing(rows)
        differing += different.height
        if found is None and different.height:
            found = _divergence(different, a.modules)
        prices = prices or _other_prices(rows, ticks)
    return compared, differing, found, prices


def _other_prices(rows: pl.DataFrame, instruments: Sequence[str]) -> Divergence | None:
    """The first close that differs, of instruments whose ticks are the same."""
    import polars as pl

    name = INPUTS[0]
    if name not in _names(rows):
        return None
    unequal = pl.col(name).ne_missing(pl.col(f"{name}_b")) & pl.col("instrument").is_in(list(instruments))
    for row in rows.filter(unequal).head(1).to_dicts():
        sides = (Contrast(name, row[name], row[f"{name}_b"]),)
        return Divergence(int(row["ts_ms"]), str(row["instrument"]), "prices", "", sides, True)
    return None


def _side_by_side(
    a: Recorded, b: Recorded, instruments: Sequence[str], first: int, last: int
) -> pl.DataFrame:
    """Rows of both, the columns of the second with ``_b``; a row that only one has is null on the other side."""
    import polars as pl

    left, right = (_texts(run.decisions(instruments, first, last)) for run in (a, b))
    common = [name for name in left.columns if name in right.columns and name not in KEYS]
    left, right = left.select(*KEYS, *common), right.select(*KEYS, *common)
    renamed = right.rename({name: f"{name}_b" for name in common})
    if left.select(KEYS).equals(right.select(KEYS)):
        return pl.concat([left, renamed.drop(KEYS)], how="horizontal")
    joined = left.join(renamed, on=KEYS, how="full", coalesce=True, maintain_order="left")
    return joined.sort("ts_ms", maintain_order=True)


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Names as plain text: two runs may number them differently."""
    import polars as pl

    return rows.with_columns(pl.col(pl.Enum).cast(pl.String))


def _names(rows: pl.DataFrame) -> list[str]:
    return [name for name in rows.columns if f"{name}_b" in rows.columns]


def _differing(rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    names = [name for name in _names(rows) if name not in INPUTS]
    unequal = [pl.col(name).ne_missing(pl.col(f"{name}_b")) for name in names]
    return rows.filter(pl.any_horizontal(unequal))


ALLOCATION = ("net", "agreeing", "votes_long", "votes_short")
GATES = ("evaluated", "passed", "unknown", "first_refusal")
RANKS = ("module", "position", "allocation", "gate", "size", "exit")


def _divergence(different: pl.DataFrame, modules: Sequence[str]) -> Divergence:
    """Of the rows of the first moment that differ, the one whose cause lies deepest."""
    import polars as pl

    rows = different.filter(pl.col("ts_ms") == different["ts_ms"][0])
    names = _names(rows)
    found = []
    for row in rows.to_dicts():
        unequal = [name for name in names if row[name] != row[f"{name}_b"]]
        decided = [name for name in unequal if name not in INPUTS]
        kind, subject = min((_kind(name, modules) for name in decided), key=lambda one: RANKS.index(one[0]))
        if kind == "gate":
            subject = str(row["first_refusal"] or row["first_refusal_b"] or "")
        sides = tuple(_sides(row, names, unequal, modules))
        found.append(Divergence(int(row["ts_ms"]), str(row["instrument"]), kind, subject, sides, True))
    return min(found, key=lambda one: RANKS.index(one.kind))


BITS = ("evaluated", "passed", "unknown")
ALWAYS = ("net", "first_refusal", "lots", "side")


def _sides(
    row: Row, names: Sequence[str], unequal: Sequence[str], modules: Sequence[str]
) -> Iterator[Contrast]:
    """What a person wants to see of a minute: forecasts, net, refusal, lots, whatever differs, and gates by name."""
    shown = {*modules, *ALWAYS, *unequal}
    for name in names:
        if name in shown and name.rsplit("_", 1)[-1] not in BITS:
            yield Contrast(name, row[name], row[f"{name}_b"])
    for stage in (*modules, ENTRIES):
        yield from _gate_pairs(row, stage)


def _gate_pairs(row: Row, stage: str) -> Iterator[Contrast]:
    """Gates of a stage that answered differently, as ``smc.adx``: ``passed``, ``refused``."""
    for gate in Gate if stage == ENTRIES else MODULE_GATES.get(stage, ()):
        mine, other = (_verdict(row, stage, int(gate), side) for side in ("", "_b"))
        if mine != other:
            yield Contrast(f"{stage}.{name_of(gate)}", mine, other)


def _verdict(row: Row, stage: str, gate: int, side: str) -> str:
    prefix = "" if stage == ENTRIES else f"{stage}_"
    asked, passed, unknown = ((int(row.get(f"{prefix}{name}{side}") or 0) >> (gate - 1)) & 1 for name in BITS)
    return "not_asked" if not asked else "refused" if not passed else "unknown" if unknown else "passed"


def _kind(column: str, modules: Sequence[str]) -> tuple[str, str]:
    """What a column of the decisions speaks of."""
    for module in modules:
        if column == module or column.startswith(f"{module}_"):
            return "module", module
    if column in ALLOCATION:
        return "allocation", ""
    if column in GATES:
        return "gate", ""
    return {"side": "position", "exit_reason": "exit"}.get(column, "size"), ""


# ---------------------------------------------------------------- what happened

FILL = ("order_side", "lots", "px_ticks", "fee_atoms", "reason")
STOP = ("stop_px", "reason")
TRADE = (
    "side",
    "opened_ms",
    "closed_ms",
    "entry_px",
    "exit_px",
    "lots",
    "gross_atoms",
    "fees_atoms",
    "funding_atoms",
    "net_atoms",
    "exit_reason",
    "modules",
)


def _earliest(decision: Divergence | None, a: Recorded, b: Recorded, overlap: Overlap) -> Divergence | None:
    """The first of all moments at which something differs; of one moment, what comes first in a bar."""
    found: list[tuple[int, int, int, Divergence]] = []
    if decision is not None:
        found.append((decision.ts_ms, AT, 0, decision))
    lists = (
        ("account", BEFORE, _equity(a, b, overlap)),
        ("funding", AFTER, _events(a, b, overlap, "funding")),
    )
    fills = (
        ("fill", AFTER, _events(a, b, overlap, "fills")),
        ("stop", AFTER, _events(a, b, overlap, "stops")),
    )
    for rank, (kind, place, sides) in enumerate((*lists, *fills)):
        if sides is not None:
            ts_ms, instrument, pairs = sides
            found.append((ts_ms, place, rank, Divergence(ts_ms, instrument, kind, "", pairs, False)))
    return min(found, key=lambda one: one[:3])[3] if found else None


Sides = tuple[int, str, tuple[Contrast, ...]]


def _events(a: Recorded, b: Recorded, overlap: Overlap, name: str) -> Sides | None:
    """The first row of a table of things that happened that only one of the runs has so."""
    columns = {"fills": FILL, "funding": ("atoms",), "stops": STOP}[name]
    if name == "stops" and not (a.has(name) and b.has(name)):
        return None
    rows_a, rows_b = (_shared(run, overlap, name, "ts_ms") for run in (a, b))
    for mine, other in _paired(rows_a, rows_b, "ts_ms"):
        row = mine or other or {}
        if any(_row_pairs(columns, mine, other)):
            return int(row["ts_ms"]), str(row["instrument"]), _whole_row(columns, mine, other)
    return None


def _whole_row(columns: Iterable[str], mine: Row | None, other: Row | None) -> tuple[Contrast, ...]:
    return tuple(
        Contrast(name, *(row.get(name) if row is not None else ABSENT for row in (mine, other)))
        for name in columns
    )


def _shared(run: Recorded, overlap: Overlap, name: str, time: str) -> list[Row]:
    """Rows of the common instruments in the common window, by time and instrument."""
    instruments, first, last = overlap
    start = first if first > run.first_ms else first - run.base_ms
    rows = [row for row in run.rows(name) if row["instrument"] in instruments and start <= row[time] <= last]
    return sorted(rows, key=lambda row: (row[time], instruments.index(row["instrument"])))


def _paired(a: Sequence[Row], b: Sequence[Row], time: str) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of one moment and instrument beside each other; what only one has stands alone."""
    i = j = 0
    while i < len(a) or j < len(b):
        mine, other = (a[i] if i < len(a) else None), (b[j] if j < len(b) else None)
        if mine is not None and other is not None and mine[time] != other[time]:
            mine, other = (mine, None) if mine[time] < other[time] else (None, other)
        elif mine is not None and other is not None and mine["instrument"] != other["instrument"]:
            other = None
        i, j = i + (mine is not None), j + (other is not None)
        yield mine, other


def _row_pairs(columns: Iterable[str], mine: Row | None, other: Row | None) -> Iterator[Contrast]:
    for name in columns:
        a, b = (row.get(name) if row is not None else ABSENT for row in (mine, other))
        if a != b:
            yield Contrast(name, a, b)


def _equity(a: Recorded, b: Recorded, overlap: Overlap) -> Sides | None:
    """The first close at which equity differs; only where both have the same instruments."""
    import polars as pl

    _, first, last = overlap
    if set(a.instruments) != set(b.instruments):
        return None
    left, right = (
        run.files.scan("equity")
        .filter(pl.col("ts_ms").is_between(first, last))
        .select("ts_ms", "equity_atoms")
        for run in (a, b)
    )
    both = left.join(right, on="ts_ms", suffix="_b", maintain_order="left")
    row = both.filter(pl.col("equity_atoms") != pl.col("equity_atoms_b")).head(1).collect()
    if not row.height:
        return None
    pair = Contrast("equity_atoms", row["equity_atoms"][0], row["equity_atoms_b"][0])
    return int(row["ts_ms"][0]), "", (pair,)


def _first_trade(a: Recorded, b: Recorded, overlap: Overlap) -> tuple[Contrast, ...]:
    """The first trade that differs, with its instrument, its ids and everything that is not equal in it."""
    rows_a, rows_b = (_shared(run, overlap, "trades", "opened_ms") for run in (a, b))
    for mine, other in _paired(rows_a, rows_b, "opened_ms"):
        pairs = tuple(_row_pairs(TRADE, mine, other))
        if pairs:
            head = tuple(
                Contrast(name, mine[name] if mine else ABSENT, other[name] if other else ABSENT)
                for name in ("trade_id", "instrument")
            )
            return (*head, *pairs)
    return ()


OUTCOMES = (
    ("net_atoms", "money", "net_atoms"),
    ("trades", "trades", "trades"),
    ("win_rate", "trades", "win_rate"),
    ("gross_atoms", "costs", "gross_atoms"),
    ("fees_atoms", "costs", "fees_atoms"),
    ("funding_atoms", "costs", "funding_atoms"),
    ("final_atoms", "money", "final_atoms"),
    ("drawdown", "drawdown", "frac"),
    ("sharpe", "returns", "sharpe"),
)


def _outcomes(a: Recorded, b: Recorded) -> Iterator[Contrast]:
    """Results of the whole runs, from their summaries."""
    for name, group, key in OUTCOMES:
        one, two = (run.files.summary.get(group, {}).get(key) for run in (a, b))
        yield Contrast(name, one, two)
