"""How movements become trades: a pure fold, the same for every kind of journal.

A movement is a fill or an adjustment. Trades run from flat to flat; a movement that crosses zero closes one and opens
the next, and its fee is split in proportion. A partial close releases its share of the cost by the engine's own rule,
so that the last lot uses the cost up exactly.

The order of movements is told by their keys (time, then the order in which our commands were prepared, then the
venue's id) and not by when we heard of them: the books are the same however fills arrive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from mastertrading.domain.facts import ZERO, Trade
from mastertrading.journal.translate import EXACT, plain, share_of

FOREIGN = 9_999_999_999
"""Place of an order that no command of ours prepared: after all of ours of the same millisecond."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of a position.

    Attributes
    ----------
    key
        Sorts movements of one instrument (``movement_key``).
    ref
        ``fill:…`` or ``adjustment:…``, unique.
    qty
        Signed base units.
    fee
        In the quote currency, + = paid; a fee in another currency is in the ledger only.
    grain
        Quote units of one tick of one lot: what a share of the cost is rounded to.
    reason
        Why a trade that it closes was closed.
    """

    key: str
    ref: str
    symbol: str
    ts_ms: int
    qty: Decimal
    px: Decimal
    fee: Decimal
    grain: Decimal
    reason: str
    client_id: str = ""
    is_adjustment: bool = False


@dataclass(frozen=True, slots=True)
class Booking:
    """What a movement did to the money: the change of cost, and what was realised, in the quote currency."""

    movement: Movement
    cost: Decimal
    realised: Decimal


def movement_key(ts_ms: int, number: int, ref: str) -> str:
    """A key that sorts by time, then by the place of the command, then by the venue's id as it counts."""
    tail = f"0{int(ref):030d}" if ref.isascii() and ref.isdigit() else f"1{ref}"
    return f"{ts_ms:015d}.{number:010d}.{tail}"


def play(trade: Trade | None, movement: Movement, number: int) -> tuple[tuple[Trade, ...], Booking]:
    """Apply one movement to the open trade of its instrument (None: flat).

    Returns
    -------
    The trades that changed, oldest first (two at a flip), and what happened to the money. ``number`` is given to a
    trade that opens.
    """
    with localcontext(EXACT):
        if trade is None or not trade.is_open:
            opened = _opened(movement, movement.qty, movement.fee, number, from_flip=False)
            return (opened,), Booking(movement, opened.cost, ZERO)
        if (trade.qty > 0) == (movement.qty > 0):
            grown = _grown(trade, movement)
            return (grown,), Booking(movement, grown.cost - trade.cost, ZERO)
        return _reduced(trade, movement, number)


def fold(
    trades: Sequence[Trade], movements: Iterable[Movement], numbers: Iterable[int]
) -> tuple[list[Trade], list[Booking]]:
    """Play movements in order from where ``trades`` (none, or one open) leaves off."""
    done, bookings = list(trades), []
    supply = iter(numbers)
    number = next(supply)
    for movement in movements:
        changed, booking = play(done[-1] if done else None, movement, number)
        bookings.append(booking)
        for one in changed:
            if done and done[-1].number == one.number:
                done[-1] = one
            else:
                done.append(one)
                number = next(supply)
    return done, bookings


def _opened(movement: Movement, qty: Decimal, fee: Decimal, number: int, *, from_flip: bool) -> Trade:
    return Trade(
        number=number,
        symbol=movement.symbol,
        side=1 if qty > 0 else -1,
        opened_ms=movement.ts_ms,
        qty=qty,
        cost=plain(qty * movement.px),
        max_qty=abs(qty),
        entry_px=movement.px,
        exit_px=movement.px,
        fees=fee,
        opened_by=movement.client_id,
        first_key=movement.key,
        last_key=movement.key,
        movements=1,
        from_flip=from_flip,
        adjusted=movement.is_adjustment,
    )


def _grown(trade: Trade, movement: Movement) -> Trade:
    qty = trade.qty + movement.qty
    return replace(
        trade,
        qty=plain(qty),
        cost=plain(trade.cost + movement.qty * movement.px),
        max_qty=max(trade.max_qty, abs(plain(qty))),
        fees=plain(trade.fees + movement.fee),
        last_key=movement.key,
        movements=trade.movements + 1,
        adjusted=trade.adjusted or movement.is_adjustment,
    )


def _reduced(trade: Trade, movement: Movement, number: int) -> tuple[tuple[Trade, ...], Booking]:
    held, asked = abs(trade.qty), abs(movement.qty)
    taken = min(held, asked)
    released = trade.side * share_of(abs(trade.cost), taken, held, movement.grain)
    realised = plain(trade.side * taken * movement.px - released)
    over = asked - taken
    fee = movement.fee if not over else fee_share(movement.fee, taken, asked)
    left = replace(
        trade,
        qty=plain(trade.qty - trade.side * taken),
        cost=plain(trade.cost - released),
        exit_px=movement.px,
        gross=plain(trade.gross + realised),
        fees=plain(trade.fees + fee),
        last_key=movement.key,
        movements=trade.movements + 1,
        adjusted=trade.adjusted or movement.is_adjustment,
    )
    if left.qty:
        return (left,), Booking(movement, plain(-released), realised)
    closed = replace(
        left, closed_ms=movement.ts_ms, close_reason=movement.reason, closed_by=movement.client_id
    )
    if not over:
        return (closed,), Booking(movement, plain(-released), realised)
    rest = plain(-trade.side * over)
    opened = _opened(movement, rest, plain(movement.fee - fee), number, from_flip=True)
    return (closed, opened), Booking(movement, plain(opened.cost - released), realised)


def fee_share(fee: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The closing part's share of a fee, in whole atoms."""
    size = share_of(abs(fee), part, whole, Decimal("1e-8"))
    return size if fee >= 0 else -size
