"""What an account holds now, and what protects it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from mastertrading.app.lived.books import Books
from mastertrading.backtest import texts
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Column, Table, plain, signed
from mastertrading.domain.facts import Trade
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.intents import Purpose
from mastertrading.domain.orders import Order
from mastertrading.domain.ports import Journal

TITLE, NOTHING = "Open positions", "Nothing is open."
NAKED = "none"
HEADERS = {
    "id": "#",
    "instrument": "Instrument",
    "side": "Side",
    "opened": "Opened (UTC)",
    "qty": "Qty",
    "entry": "Entry",
    "price": "Last close",
    "stop": "Stop at the venue",
    "fees": "Fees",
    "funding": "Funding",
    "open": "Unrealised USDT",
}


@dataclass(frozen=True, slots=True)
class Open:
    """One position.

    Attributes
    ----------
    price
        Close of the newest bar that was decided on; None where it is not known.
    stops
        Trigger prices of the stops that rest at the venue, as it told last.
    unrealised
        At that price, in the quote currency, without what the close would cost.
    """

    trade_id: int
    instrument: str
    side: str
    opened_ms: int
    qty: str
    entry_px: str
    price: str | None
    stops: tuple[str, ...]
    fees: str
    funding: str
    realised: str
    unrealised: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def open_positions(books: Books) -> list[Open]:
    """Every open trade of an account."""
    journal = books.account.journal
    return [_open(journal, one, books) for one in books.trades if one.is_open]


def _open(journal: Journal, trade: Trade, books: Books) -> Open:
    last_ms = books.account.span[1]
    decided = journal.decisions(trade.symbol, last_ms, last_ms + 1)
    price = decided[0].close if decided else None
    worth = None if price is None else price * trade.qty - trade.cost
    resting = [one for one in journal.venue_orders(trade.symbol) if _protects(journal, one, trade)]
    return Open(
        trade.number,
        trade.symbol,
        "long" if trade.side > 0 else "short",
        trade.opened_ms,
        f"{abs(trade.qty):f}",
        f"{trade.entry_px:f}",
        None if price is None else f"{price.normalize():f}",
        tuple(f"{one.trigger.px:f}" for one in resting if one.trigger is not None),
        f"{trade.fees:f}",
        f"{trade.funding:f}",
        f"{trade.net:f}",
        None if worth is None else f"{worth:f}",
    )


def _protects(journal: Journal, order: Order, trade: Trade) -> bool:
    """Whether an order closes a position at a loss that is bounded: a stop of the other side."""
    if order.trigger is None or order.order_side == trade.side:
        return False
    command = journal.command(order.client_id) if order.client_id else None
    return command is None or command.intent.purpose in (Purpose.STOP, Purpose.ENTRY)


def positions_table(found: Sequence[Open], tr: Translate = as_written) -> Table:
    """One row a position."""
    drops = {"fees": 3, "funding": 4, "price": 2, "opened": 1}
    columns = tuple(Column(tr(text), drops.get(name, 0)) for name, text in HEADERS.items())
    return Table(tr(TITLE), columns, tuple(_cells(one, tr) for one in found))


def _cells(one: Open, tr: Translate) -> tuple[Cell, ...]:
    unrealised = None if one.unrealised is None else int(Decimal(one.unrealised) * ATOMS_PER_UNIT)
    return (
        plain(str(one.trade_id)),
        plain(one.instrument),
        plain(tr(texts.HEADERS[one.side])),
        plain(texts.moment(one.opened_ms)),
        plain(one.qty),
        plain(one.entry_px),
        plain(one.price or texts.NONE),
        plain(", ".join(one.stops)) if one.stops else Cell(tr(NAKED), "bad"),
        plain(_money(one.fees)),
        plain(_money(one.funding)),
        plain(texts.NONE) if unrealised is None else signed(texts.money(unrealised), unrealised),
    )


def _money(amount: str) -> str:
    return texts.money(int(Decimal(amount) * ATOMS_PER_UNIT))
