"""The funnel of a run or of a part of it, and a window of minutes as stretches with one reason.

The funnel of a whole run was counted while it went (`funnel.parquet`); that of a window is counted from the decisions.
Both give the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.backtest.explain_run import Recorded, readable, stamp
from mastertrading.backtest.fire_rates import ENTRIES, MODULE_GATES
from mastertrading.backtest.texts import moment
from mastertrading.domain.errors import DataMissing
from mastertrading.domain.reasons import Gate, name_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Count:
    """One gate of one instrument: how often it was asked, said yes, and was the first to say no."""

    stage: str
    instrument: str
    gate: str
    asked: int
    passed: int
    refused_first: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The funnel of some instruments over a span of closes, both ends included, ms UTC."""

    run_id: str
    from_ms: int
    to_ms: int
    instruments: tuple[str, ...]
    modules: tuple[str, ...]
    counts: tuple[Count, ...]

    def of(self, stage: str, instrument: str = "") -> tuple[Count, ...]:
        """Gates of a stage, of one instrument or summed over all, in their order."""
        rows = [row for row in self.counts if row.stage == stage and instrument in ("", row.instrument)]
        order = dict.fromkeys(row.gate for row in rows)
        return tuple(_total(stage, instrument, [row for row in rows if row.gate == gate]) for gate in order)

    def gate(self, name: str, instrument: str = "") -> Count:
        """One gate between the wish and an order."""
        return next(row for row in self.of(ENTRIES, instrument) if row.gate == name)

    def decisions(self, instrument: str = "") -> int:
        """Decisions that were taken: the first gate is always asked."""
        return self.gate("holding", instrument).asked

    def wished(self, instrument: str = "") -> int:
        """Decisions in which net reached the threshold."""
        return self.gate("flat", instrument).passed

    def ordered(self, instrument: str = "") -> int:
        """Decisions that nothing refused."""
        rows = self.of(ENTRIES, instrument)
        return self.decisions(instrument) - sum(row.refused_first for row in rows)

    def spoke(self, module: str, instrument: str = "") -> int:
        """Decisions in which a module had a direction."""
        rows = self.of(module, instrument)
        return rows[0].asked - sum(row.refused_first for row in rows) if rows else 0

    def hardest(self, instrument: str = "") -> Count | None:
        """The gate that refused first most often once there was a wish."""
        names = [name_of(gate) for gate in Gate]
        behind = set(names[names.index("flat") + 1 :])
        rows = [row for row in self.of(ENTRIES, instrument) if row.gate in behind and row.refused_first]
        return max(rows, key=lambda row: row.refused_first, default=None)

    def hardest_of(self, module: str) -> Count | None:
        """The gate of a module that refused first most often."""
        rows = [row for row in self.of(module) if row.refused_first]
        return max(rows, key=lambda row: row.refused_first, default=None)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        hardest = self.hardest()
        return {
            "run_id": self.run_id,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "decisions": self.decisions(),
            "wished": self.wished(),
            "ordered": self.ordered(),
            "bottleneck": hardest.gate if hardest else None,
            "spoke": {
                name: {symbol: self.spoke(name, symbol) for symbol in self.instruments}
                for name in self.modules
                if name in MODULE_GATES
            },
            "gates": [asdict(row) for row in self.counts],
        }


def _total(stage: str, instrument: str, rows: Sequence[Count]) -> Count:
    asked, passed, first = (
        sum(getattr(row, name) for row in rows) for name in ("asked", "passed", "refused_first")
    )
    return Count(stage, instrument or "all", rows[0].gate, asked, passed, first)


def summarise(
    run: Recorded, instruments: Sequence[str], from_ms: int | None = None, to_ms: int | None = None
) -> Summary:
    """The funnel of some instruments.

    Parameters
    ----------
    from_ms, to_ms
        Only bars that open in [from_ms, to_ms); None: all.

    Raises
    ------
    DataMissing
        If the window holds no decision.
    """
    first, last = window(run, from_ms, to_ms)
    if (first, last) == (run.first_ms, run.last_ms) and run.has("funnel"):
        found = run.rows("funnel")
        counts = tuple(Count(**row) for row in found if row["instrument"] in instruments)
    else:
        counts = tuple(_counted(run, instruments, first, last))
    return Summary(str(run.run["run_id"]), first, last, tuple(instruments), tuple(run.modules), counts)


def window(run: Recorded, from_ms: int | None, to_ms: int | None) -> tuple[int, int]:
    """First and last close of the bars that open in [from_ms, to_ms).

    Raises
    ------
    DataMissing
    """
    first, last, step = run.first_ms, run.last_ms, run.base_ms
    if from_ms is not None:
        first = max(first, first + -(-(from_ms + step - first) // step) * step)
    if to_ms is not None:
        last = min(last, last - -(-(last - step - to_ms + 1) // step) * step)
    if first > last:
        raise DataMissing(
            "the run decided nothing in this window",
            why=f"it decides from {moment(run.first_ms)} to {moment(run.last_ms)} UTC",
            where=str(run.files.folder),
            hint=f"--from {stamp(run.first_ms)} --to {stamp(run.last_ms)}",
        )
    return first, last


def _counted(run: Recorded, instruments: Sequence[str], first: int, last: int) -> Iterator[Count]:
    """Count every gate from the bits of the decisions."""
    import polars as pl

    gates: list[tuple[str, IntEnum]] = [(ENTRIES, gate) for gate in Gate]
    gates += [(name, gate) for name in run.modules for gate in MODULE_GATES.get(name, ())]
    wanted = []
    for k, (stage, gate) in enumerate(gates):
        prefix = "" if stage == ENTRIES else f"{stage}_"
        bit = 1 << (int(gate) - 1)
        asked = (pl.col(f"{prefix}evaluated") & bit) != 0
        yes = asked & ((pl.col(f"{prefix}passed") & bit) != 0)
        refused = pl.col("first_refusal" if stage == ENTRIES else f"{stage}_refusal") == name_of(gate)
        wanted += [asked.sum().alias(f"a{k}"), yes.sum().alias(f"p{k}"), refused.sum().alias(f"r{k}")]
    with readable(Path(run.files.folder) / "decisions.parquet"):
        found = run.files.decisions(instruments, first, last).group_by("instrument").agg(wanted).collect()
    rows = {str(row["instrument"]): row for row in found.to_dicts()}
    for name in instruments:
        for k, (stage, gate) in enumerate(gates):
            row = rows[name]
            yield Count(stage, name, name_of(gate), *(int(row[f"{kind}{k}"]) for kind in "apr"))


# ---------------------------------------------------------------- stretches


@dataclass(frozen=True, slots=True)
class Stretch:
    """Minutes in a row with one reason.

    Attributes
    ----------
    from_ms, to_ms
        Open of the first bar, close of the last.
    kind
        ``refused``, ``holding``, ``entry``, ``exit``, or ``mixed`` where short ones were joined.
    net
        The strongest net forecast of them, signed.
    counts
        Minutes of each first refusal.
    """

    from_ms: int
    to_ms: int
    minutes: int
    kind: str
    gate: str | None
    side: str | None
    trade_id: int | None
    exit_reason: str | None
    net: float
    lots: int
    counts: dict[str, int] = field(default_factory=dict)


def stretches(run: Recorded, instrument: str, from_ms: int | None, to_ms: int | None) -> list[Stretch]:
    """The minutes of an instrument whose bars open in [from_ms, to_ms), run-length coded by what was said."""
    first, last = window(run, from_ms, to_ms)
    columns = ("ts_ms", "first_refusal", "side", "lots", "exit_reason", "net")
    table = _run_lengths(run.decisions([instrument], first, last, columns))
    trades = [trade for trade in run.rows("trades") if trade["instrument"] == instrument]
    return [_stretch(row, trades, run.base_ms) for row in table.to_dicts()]


def _run_lengths(decisions: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    said = (
        pl.when(pl.col("lots") != 0)
        .then(pl.lit("entry"))
        .when(pl.col("exit_reason").is_not_null())
        .then(pl.lit("exit"))
        .when(pl.col("side") != 0)
        .then(pl.lit("holding"))
        .otherwise(pl.col("first_refusal").cast(pl.String))
    )
    key = pl.struct("said", "side").rle_id()
    rows = decisions.with_columns(said=said).with_columns(key=key)
    return rows.group_by("key", maintain_order=True).agg(
        pl.col("ts_ms").first().alias("first"),
        pl.col("ts_ms").last().alias("last"),
        pl.len().alias("minutes"),
        pl.col("said", "side", "exit_reason", "lots").first(),
        pl.col("net").get(pl.col("net").abs().arg_max()),
    )


def _stretch(row: dict[str, Any], trades: Sequence[dict[str, Any]], step: int) -> Stretch:
    said, side = str(row["said"]), int(row["side"])
    kind = said if said in ("entry", "exit", "holding") else "refused"
    held = [trade for trade in trades if side and trade["opened_ms"] < row["first"] <= trade["closed_ms"]]
    lots = int(row["lots"])
    wanted = lots if kind == "entry" else side
    return Stretch(
        from_ms=int(row["first"]) - step,
        to_ms=int(row["last"]),
        minutes=int(row["minutes"]),
        kind=kind,
        gate=said if kind == "refused" else None,
        side="long" if wanted > 0 else "short" if wanted < 0 else None,
        trade_id=int(held[-1]["trade_id"]) if held else None,
        exit_reason=row["exit_reason"],
        net=float(row["net"]),
        lots=lots,
        counts={said: int(row["minutes"])} if kind == "refused" else {},
    )


STEPS = (2, 5, 10, 15, 30, 60)


def joined(found: Sequence[Stretch], most: int) -> tuple[list[Stretch], int]:
    """Join short neighbours without an entry or a position until ``most`` stretches are left, or no short ones.

    Returns
    -------
    The stretches, and under how many minutes they were joined (0: not at all).
    """
    lines, minutes = list(found), 0
    for step in STEPS:
        if len(lines) <= most:
            break
        minutes, lines = step, _join(found, step)
    return lines, minutes


def _join(found: Sequence[Stretch], minutes: int) -> list[Stretch]:
    lines: list[Stretch] = []
    for stretch in found:
        last = lines[-1] if lines else None
        if (
            last is not None
            and last.counts
            and stretch.counts
            and min(last.minutes, stretch.minutes) < minutes
        ):
            lines[-1] = _both(last, stretch)
        else:
            lines.append(stretch)
    return lines


def _both(one: Stretch, two: Stretch) -> Stretch:
    counts = dict(one.counts)
    for gate, count in two.counts.items():
        counts[gate] = counts.get(gate, 0) + count
    return Stretch(
        one.from_ms,
        two.to_ms,
        one.minutes + two.minutes,
        "mixed",
        max(counts, key=lambda gate: counts[gate]),
        None,
        None,
        None,
        max(one.net, two.net, key=abs),
        0,
        counts,
    )
