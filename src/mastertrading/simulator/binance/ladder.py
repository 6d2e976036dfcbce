"""The margin ladder as the venue writes it, and what it allows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from mastertrading.simulator.listing import Listing


def brackets_of(listing: Listing) -> list[dict[str, Any]]:
    """The margin ladder as the venue writes it: leverage, bounds, rate, and the sum that makes it continuous."""
    tiers, rows, taken = listing.instrument.tiers, [], Decimal(0)
    for place, tier in enumerate(tiers):
        if place:
            taken += tier.floor * (tier.maintenance_rate - tiers[place - 1].maintenance_rate)
        cap = tiers[place + 1].floor if place + 1 < len(tiers) else max(tier.floor * 2, Decimal(10**9))
        rows.append(
            {
                "bracket": place + 1,
                "initialLeverage": _tier_leverage(listing, tier.maintenance_rate, place),
                "notionalCap": int(cap),
                "notionalFloor": int(tier.floor),
                "maintMarginRatio": float(tier.maintenance_rate),
                "cum": float(taken),
            }
        )
    return rows


def _tier_leverage(listing: Listing, rate: Decimal, place: int) -> int:
    if place == 0:
        return listing.max_leverage
    return max(min(listing.max_leverage, int(1 / (2 * rate))) if rate else listing.max_leverage, 1)


def largest_notional(listing: Listing, leverage: int) -> Decimal:
    """The largest position that a leverage allows."""
    rows = brackets_of(listing)
    fitting = [row["notionalCap"] for row in rows if row["initialLeverage"] >= leverage]
    return Decimal(max(fitting, default=rows[0]["notionalCap"]))
