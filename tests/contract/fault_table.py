"""What ccxt makes of every fault, as a page: ``PYTHONPATH=src:tests python -m contract.fault_table``."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ccxt

from contract.fault_probes import PROBES
from contract.fault_scene import CCXT, Probe, play
from mastertrading.simulator.faults.catalogue import CATALOGUE, ELSEWHERE, make

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
COMMAND = "PYTHONPATH=src:tests python -m contract.fault_table"
UNSEEN = {
    ("X06", "bybit_linear"): "there a client id can never be used again anyway",
    ("D04", "binance_usdm"): "ccxt sorts the rows of a reply",
    ("D04", "bybit_linear"): "ccxt sorts the rows of a reply",
}
"""Faults that ccxt hides from its user, and why."""


class Row(NamedTuple):
    """One run of a fault."""

    key: str
    venue: str
    probe: Probe
    given: dict[str, Any]
    without: str
    seen: str
    hits: int
    bugs: list[str]
    total: int


@cache
def control(probe: Probe, venue: str) -> str:
    """What the probe tells where nothing goes wrong."""
    return play(venue, probe)[0]


def run(key: str, probe: Probe, given: dict[str, Any], venue: str) -> Row:
    """Run a fault."""
    fault = make(key, seed=1, **given)
    seen, local = play(venue, probe, fault)
    books = local.exchange(venue).books()
    return Row(key, venue, probe, given, control(probe, venue), seen, fault.hits, local.bugs(), books.total)


@cache
def rows_of(key: str) -> tuple[Row, ...]:
    """Every run of a fault, on every venue."""
    return tuple(run(key, probe, given, venue) for probe, given in PROBES[key] for venue in CCXT)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_catalogue(), "", *_elsewhere(), "", TABLE_HEAD, *_table(), ""])


HEAD = """# Faults of the local exchange
What can be made to go wrong, and what an unmodified ccxt tells its user then. A plan is a file for
`mastertrading exchange serve --faults FILE`, or drawn by `--faults-seed N`:

    [[fault]]
    id = "N06"             # the reply to the second order is lost
    kinds = ["place"]
    nth = [2]

    [[fault]]
    id = "X07"             # a minute in, for thirty seconds, reads are behind
    after_s = 60
    for_s = 30
    orders_ms = 4000

Every fault takes `kinds` (of requests or frames), `venue`, `from_ms`/`until_ms` or `after_s`/`for_s`, `nth`, `chance`
and `most`, besides its own parameters. Faults combine; each has its own dice, so that one never changes what another
draws; each counts its hits (`GET /faults` of the control port).

| word | what it means |
|---|---|
| `kinds` | what it is aimed at, any of them (table below); without it, what the fault is usually aimed at |
| `venue` | `binance_usdm` or `bybit_linear` only |
| `from_ms`, `until_ms` | in the exchange's time, milliseconds since 1970 |
| `after_s`, `for_s` | the same, in seconds of the exchange from its start (from now, where the control port adds one) |
| `nth` | only these of the matching occasions, counted from 1 |
| `chance` | of each occasion, above 0 and at most 1 |
| `most` | not after so many hits |

| kinds | of |
|---|---|
| `place` `amend` `cancel` `cancel_all`; all: `command`; with `conditional`, `reduce` where it is one | commands |
| `order` `open_orders` `order_history` `fills` `positions` `balance` `income`; all: `read` | signed reads |
| `settings` `account` `listen_key` | the account |
| `time` `markets` `bars` `mark_bars` `book` `ticker` `trades` `funding` `funding_history` | market data, streamed too |
| `order_news` `account_news`; all frames of data: `data`; answers to a client's frames: `answer` | streams |
| `dial` `stream` | a connection that begins; one that stands |
| `private` `public` `other` | any of the above by who may see it; what is in no row |

## The catalogue
| id | what | where it acts | parameters |
|---|---|---|---|"""


def _catalogue() -> list[str]:
    lines = []
    for key, entry in CATALOGUE.items():
        first = " ".join((entry.make.__doc__ or "").split("\n\n")[0].split()).partition(": ")[2]
        own = [
            f"`{one.name} = {one.default!r}`".replace("'", '"')
            for one in fields(entry.make)
            if one.init and one.name not in ("when", "seed")
        ]
        lines.append(f"| {key} | {first.strip('.')} | {entry.where} | {' '.join(own)} |")
    return lines


def _elsewhere() -> list[str]:
    return ["What is not here:", "", *(f"- {ids}: {why}." for ids, why in ELSEWHERE.items())]


TABLE_HEAD = f"""## What ccxt {ccxt.__version__} makes of it
*failed*: a class below `OperationFailed`; *refused*: one below `ExchangeError`; *accepted*: what the exchange has.
Made by `{COMMAND}`; a test compares.

| id | parameters | what is done | without the fault | Binance USDⓈ-M | Bybit V5 |
|---|---|---|---|---|---|"""


def _table() -> list[str]:
    lines = []
    for key in PROBES:
        rows = rows_of(key)
        for here, there in zip(rows[::2], rows[1::2], strict=True):
            given = " ".join(f"`{name} = {value}`" for name, value in here.given.items())
            doing = (here.probe.__doc__ or "").strip().rstrip(".")
            without = here.without if here.without == there.without else f"{here.without} / {there.without}"
            lines.append(f"| {key} | {given} | {doing} | {without} | {_cell(here)} | {_cell(there)} |")
    return lines


def _cell(row: Row) -> str:
    return f"as without: {UNSEEN.get((row.key, row.venue), '?')}" if row.seen == row.without else row.seen


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE} is written")
