"""Features of recorded frames by slow and plain code: decimals, a sorted dict, no streaming, nothing shared."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any


@cache
def frames(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as stream:
        parsed = [json.loads(line.split(" ", 1)[1]) for line in stream]
    return [one.get("data", one) for one in parsed]


def signed_volume(path: Path, length_ms: int) -> dict[int, tuple[Fraction, Fraction, Fraction, int]]:
    """By open time: bought, sold, notional, executions."""
    bars: dict[int, tuple[Fraction, Fraction, Fraction, int]] = {}
    for one in frames(path):
        if one.get("e") == "trade":
            at, qty = one["E"] // length_ms * length_ms, Fraction(one["q"])
            bought, sold, notional, count = bars.get(at, (Fraction(0), Fraction(0), Fraction(0), 0))
            if one["m"]:
                sold += qty
            else:
                bought += qty
            bars[at] = bought, sold, notional + qty * Fraction(one["p"]), count + 1
    return bars


def books_at(
    path: Path, moments: list[int]
) -> dict[int, tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]]:
    """Bids and asks as all depth frames with an event time before each moment leave them."""
    every = frames(path)
    snapshot = next(one for one in every if "lastUpdateId" in one)
    changes = [one for one in every if one.get("e") == "depthUpdate" and one["u"] >= snapshot["lastUpdateId"]]
    assert changes[0]["U"] <= snapshot["lastUpdateId"] <= changes[0]["u"]
    assert all(b["pu"] == a["u"] for a, b in pairwise(changes))
    sides = tuple({Decimal(p): Decimal(q) for p, q in snapshot[name]} for name in ("bids", "asks"))
    found, waiting = {}, sorted(moments)
    for one in changes:
        while waiting and one["E"] >= waiting[0]:
            found[waiting.pop(0)] = (dict(sides[0]), dict(sides[1]))
        for side, name in zip(sides, ("b", "a"), strict=True):
            for price, qty in one[name]:
                side[Decimal(price)] = Decimal(qty)
                if Decimal(qty) == 0:
                    del side[Decimal(price)]
    return found


def imbalance(book: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]], levels: int) -> Fraction:
    bids, asks = book
    bid = sum((Fraction(bids[price]) for price in sorted(bids, reverse=True)[:levels]), Fraction(0))
    ask = sum((Fraction(asks[price]) for price in sorted(asks)[:levels]), Fraction(0))
    return (bid - ask) / (bid + ask)


@cache
def quotes(path: Path) -> list[tuple[int, Fraction, Fraction, Fraction, Fraction]]:
    """Event time, bid, its quantity, ask, its quantity of every best-bid-and-ask frame."""
    rows = (one for one in frames(path) if one.get("e") == "bookTicker")
    return [(one["E"], *(Fraction(one[name]) for name in "bBaA")) for one in rows]


def timed_spread(path: Path, begin: int, end: int) -> tuple[Fraction, Fraction, Fraction]:
    """Mean over time, largest and last spread in bps of the mid within [begin, end)."""
    rows = quotes(path)
    before = [row for row in rows if row[0] < begin][-1:]
    inside = [row for row in rows if begin <= row[0] < end]
    states = [(max(row[0], begin), _bps(row)) for row in before + inside]
    total, most = Fraction(0), Fraction(0)
    for (at, spread), (until, _) in zip(states, [*states[1:], (end, 0)], strict=True):
        total += spread * (until - at)
        most = max(most, spread) if until > at else most
    return total / (end - begin), most, states[-1][1]


def _bps(row: tuple[int, Fraction, Fraction, Fraction, Fraction]) -> Fraction:
    _, bid, _, ask, _ = row
    return (ask - bid) / ((ask + bid) / 2) * 10_000


def microprice_bps(row: tuple[int, Fraction, Fraction, Fraction, Fraction]) -> Fraction:
    _, bid, bid_qty, ask, ask_qty = row
    mid = (bid + ask) / 2
    return ((bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty) - mid) / mid * 10_000
