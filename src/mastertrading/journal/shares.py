"""Which trade each fill belongs to. A fill that goes through zero is shared: it closes one trade and opens the next."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

from mastertrading.domain.facts import ZERO, BookedFill, Trade
from mastertrading.journal.books import Movement, fee_share
from mastertrading.journal.store import Store
from mastertrading.journal.translate import EXACT, plain


def shares_of_fills(store: Store, since_ms: int) -> tuple[BookedFill, ...]:
    """The fills of trades that are open or closed from a moment on, by trade and time."""
    wanted: dict[str, list[Trade]] = {}
    for trade in store.trades(None, since_ms):
        wanted.setdefault(trade.symbol, []).append(trade)
    found = [share for trades in wanted.values() for share in _of_instrument(store, trades)]
    return tuple(sorted(found, key=lambda one: one.trade))


def _of_instrument(store: Store, trades: list[Trade]) -> Iterator[BookedFill]:
    numbers, symbol = {one.number for one in trades}, trades[0].symbol
    trades = _from_flat(store, trades)
    since_ms = trades[0].opened_ms
    movements = sorted(store.movements(symbol, since_ms), key=lambda one: one.key)
    fills = {f"fill:{symbol}:{one.fill_id}": one for one in store.fills(symbol, since_ms)}
    with localcontext(EXACT):
        for trade, movement, qty, fee in _shares(trades, movements):
            if trade.number in numbers and movement.ref in fills:
                yield BookedFill(trade.number, fills[movement.ref], plain(qty), plain(fee), movement.reason)


def _from_flat(store: Store, trades: list[Trade]) -> list[Trade]:
    """The same trades from one on that began at flat, in the order of their beginning."""
    found = sorted(trades, key=lambda one: (one.first_key, one.number))
    while found[0].from_flip:
        every = store.trades(found[0].symbol, found[0].opened_ms)
        before = [
            one for one in every if one.last_key == found[0].first_key and one.number != found[0].number
        ]
        if not before:
            break
        found = before + found
    return found


def _shares(
    trades: list[Trade], movements: list[Movement]
) -> Iterator[tuple[Trade, Movement, Decimal, Decimal]]:
    """Trade, movement, and the share of its quantity and fee."""
    left: tuple[Decimal, Decimal] | None = None
    for trade in trades:
        held = ZERO
        for movement in movements:
            if not trade.first_key <= movement.key <= trade.last_key:
                continue
            qty, fee = left if left is not None and not held else (movement.qty, movement.fee)
            left = None
            if held and (qty > 0) != (held > 0) and abs(qty) > abs(held):
                taken = fee_share(fee, abs(held), abs(qty))
                left = (qty + held, fee - taken)
                qty, fee = -held, taken
            held += qty
            yield trade, movement, qty, fee
