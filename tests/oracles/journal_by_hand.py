"""The journal's money again, naively, with fractions: shares no code with it.

Average cost; a partial close releases its share of the cost rounded half-even to whole units (one tick of one lot);
a fill through zero closes and opens, and its fee is shared half-even in 1e-8.
"""

from __future__ import annotations

from fractions import Fraction


def half_even(value, step):
    return round(Fraction(value) / step) * step


def run(fills, payments, unit):
    """Fills of one instrument as (side, qty, px, fee, ts), payments as (amount, ts); returns (trades, wallet)."""
    done, wallet = [], Fraction(0)
    qty = cost = Fraction(0)
    trade = None
    for side, *amounts, ts in fills:
        size, px, fee = map(Fraction, amounts)
        wallet -= fee
        left, paid = size, fee
        if trade is not None and (qty > 0) != (side > 0):
            taken = min(abs(qty), size)
            released = abs(cost) if taken == abs(qty) else half_even(abs(cost) * taken / abs(qty), unit)
            sign = 1 if qty > 0 else -1
            gain = sign * (taken * px - released)
            part = fee if taken == size else half_even(fee * taken / size, Fraction(1, 10**8))
            wallet += gain
            trade["gross"] += gain
            trade["fees"] += part
            qty, cost = qty - sign * taken, cost - sign * released
            left, paid = size - taken, fee - part
            if qty == 0:
                trade["closed"] = ts
                trade = None
        if left:
            if trade is None:
                trade = {"opened": ts, "closed": 0, "gross": Fraction(0), "fees": Fraction(0)}
                done.append(trade)
            trade["fees"] += paid
            qty, cost = qty + side * left, cost + side * left * px
    for trade in done:
        inside = [amount for amount, ts in payments if trade["opened"] < ts <= (trade["closed"] or ts)]
        trade["funding"] = sum(map(Fraction, inside), Fraction(0))
    wallet -= sum((Fraction(amount) for amount, _ in payments), Fraction(0))
    return done, wallet, qty, cost


def cash(fills, payments):
    """What a flat account has earned: sold less bought, less fees and funding. Needs no idea of a trade."""
    traded = sum(-side * Fraction(size) * Fraction(px) - Fraction(fee) for side, size, px, fee, _ in fills)
    return traded - sum(Fraction(amount) for amount, _ in payments)
