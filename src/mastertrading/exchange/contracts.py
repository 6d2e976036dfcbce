"""Contracts as an exchange lists them, by any of their names, and the facts that trading them needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from mastertrading.domain.errors import ConfigError, UsageError
from mastertrading.domain.instrument import Instrument, MarginTier, canonical_symbol

Market = Mapping[str, Any]
"""A market as ccxt describes it."""


def by_symbol(markets: Iterable[Market]) -> dict[str, Market]:
    """Linear perpetuals by canonical name; where an exchange has none, its spot markets."""
    listed = list(markets)
    swaps = [m for m in listed if m.get("swap") and m.get("linear")]
    chosen = swaps or [m for m in listed if m.get("spot")]
    chosen = sorted(chosen, key=lambda m: m.get("active") is False)
    found: dict[str, Market] = {}
    for key in ("symbol", "id"):  # Bybit calls its BTC/USDC:USDC "BTCPERP", which alone would read as BTCUSDT
        for market in chosen:
            symbol = _canonical(str(market[key]))
            if symbol is not None:
                found.setdefault(symbol, market)
    return found


def chosen_markets(markets: Mapping[str, Market], symbols: Sequence[str], exchange: str) -> dict[str, Market]:
    """The markets of some instruments.

    Raises
    ------
    UsageError
        If the exchange does not list one of them; it says which come near.
    """
    for symbol in symbols:
        if symbol not in markets:
            near = get_close_matches(symbol, markets, n=3, cutoff=0.6)
            raise UsageError(
                f"{exchange} lists no {symbol}",
                why=f"did you mean {' or '.join(near)}?" if near else f"it lists {len(markets)} instruments",
                where="--instruments",
            )
    return {symbol: markets[symbol] for symbol in symbols}


def facts_of(symbol: str, market: Market, tiers: Sequence[Mapping[str, Any]] = ()) -> Instrument | None:
    """Tick, lot, smallest order, multiplier and margin ladder; None where the exchange does not state them exactly.

    Parameters
    ----------
    tiers
        The margin ladder as ccxt gives it; empty where it is not public.
    """
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    tick, lot = _decimal(precision.get("price")), _decimal(precision.get("amount"))
    if tick is None or lot is None:
        return None
    fewest = _decimal((limits.get("amount") or {}).get("min")) or lot
    known = Instrument(
        symbol,
        tick,
        lot,
        _decimal((limits.get("cost") or {}).get("min")) or Decimal(0),
        multiplier=_decimal(market.get("contractSize")) or Decimal(1),
        min_lots=max(1, int(-(-fewest // lot))),
    )
    try:
        _ = known.atoms_per_tick_lot
    except ConfigError:
        return None
    ladder = _ladder(tiers)
    return replace(known, tiers=ladder) if ladder else known


def _ladder(tiers: Sequence[Mapping[str, Any]]) -> tuple[MarginTier, ...]:
    steps = [
        (_decimal(t.get("minNotional"), zero=True), _decimal(t.get("maintenanceMarginRate"))) for t in tiers
    ]
    known = sorted({floor: rate for floor, rate in steps if floor is not None and rate is not None}.items())
    whole = len(known) == len(tiers) and bool(known) and known[0][0] == 0
    return tuple(MarginTier(floor, rate) for floor, rate in known) if whole else ()


def _decimal(value: object, *, zero: bool = False) -> Decimal | None:
    """A number of ccxt's as it was written; None unless it is positive."""
    if value is None:
        return None
    number = Decimal(str(value)).normalize()
    number = number.quantize(Decimal(1)) if number == number.to_integral_value() else number
    return number if number > 0 or (zero and number == 0) else None


def _canonical(name: str) -> str | None:
    try:
        return canonical_symbol(name)
    except ConfigError:
        return None
