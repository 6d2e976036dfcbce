"""The list of trades, in the column order of ``trades.parquet``, of a run or of an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mastertrading.backtest import texts
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Column, Table, plain, signed

Row = Mapping[str, Any]
HEADERS = {
    "id": "#",
    "instrument": "Instrument",
    "side": "Side",
    "opened": "Opened (UTC)",
    "closed": "Closed (UTC)",
    "entry": "Entry",
    "exit": "Exit",
    "qty": "Qty",
    "gross": "Gross",
    "fees": "Fees",
    "funding": "Funding",
    "net": "Net USDT",
    "reason": "Closed by",
    "modules": "Modules",
    "r": "R",
}
FIRST_OUT = "funding", "fees", "gross", "qty", "closed", "modules", "exit", "entry", "r"
"""What is left out on a narrow terminal, the first first."""
WORDS = {"open": "open"}
MONEY = "gross", "fees", "funding", "net"


def trades_table(rows: Sequence[Row], tr: Translate = as_written) -> Table:
    """One row a trade, then the sums."""
    ranks = {name: len(FIRST_OUT) - n for n, name in enumerate(FIRST_OUT)}
    columns = tuple(Column(tr(text), ranks.get(name, 0)) for name, text in HEADERS.items())
    sums = {name: sum(int(row[f"{name}_atoms"]) for row in rows) for name in MONEY}
    total = {
        **dict.fromkeys(HEADERS, plain("")),
        "id": plain(texts.count(len(rows))),
        "instrument": plain(tr(texts.HEADERS["total"])),
        **{name: _money(name, atoms) for name, atoms in sums.items()},
    }
    return Table(
        tr(texts.TITLES["trades"]),
        columns,
        tuple(_cells(row, tr) for row in rows),
        tuple(total.values()) if rows else None,
    )


def _cells(row: Row, tr: Translate) -> tuple[Cell, ...]:
    is_open, r = row["exit_reason"] is None, row["r"]
    cells = {
        "id": plain(str(row["trade_id"])),
        "instrument": plain(str(row["instrument"])),
        "side": plain(tr(texts.HEADERS[str(row["side"])])),
        "opened": plain(texts.moment(row["opened_ms"])),
        "closed": plain(texts.NONE if is_open else texts.moment(row["closed_ms"])),
        "entry": plain(f"{row['entry_px']:.10g}"),
        "exit": plain(texts.NONE if is_open else f"{row['exit_px']:.10g}"),
        "qty": plain(f"{row['qty']:.10g}"),
        **{name: _money(name, int(row[f"{name}_atoms"])) for name in MONEY},
        "reason": plain(tr(WORDS["open"]) if is_open else str(row["exit_reason"])),
        "modules": plain(str(row["modules"])),
        "r": plain(texts.NONE) if is_open or r is None else signed(texts.number(r), r),
    }
    return tuple(cells.values())


def _money(name: str, atoms: int) -> Cell:
    text = texts.money(atoms)
    return signed(text, atoms) if name in ("gross", "net") else plain(text)
