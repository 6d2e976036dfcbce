"""What each exchange publishes of its past, how much at once, and since when.

Page sizes and horizons are those of the exchanges' documents; what stands in `USUAL` serves every other exchange
that ccxt knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mastertrading.domain.market import DAY_MS, HOUR_MS

Kind = Literal["candles", "mark", "funding", "open-interest"]
KINDS: tuple[Kind, ...] = ("candles", "mark", "funding", "open-interest")

COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "candles": ("open", "high", "low", "close", "volume"),
    "mark": ("open", "high", "low", "close", "volume"),
    "funding": ("rate", "interval_ms"),
    "open-interest": ("open_interest", "open_interest_value"),
}
"""What a row holds besides its time."""

METHODS: Mapping[Kind, str] = {
    "candles": "fetchOHLCV",
    "mark": "fetchMarkOHLCV",
    "funding": "fetchFundingRateHistory",
    "open-interest": "fetchOpenInterestHistory",
}
SHORTEST_FUNDING_MS = HOUR_MS
"""No exchange settles more often: pages of funding are as long as so many of these."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One exchange.

    Attributes
    ----------
    venue
        Name of its folder in a lake.
    rows
        Rows of one answer by kind. Binance weighs 499 candles as 2 and 1000 as 5: less at once is faster.
    horizon_ms
        Kinds of which only the newest part is published, and how long it is.
    open_interest
        Timeframes of open interest.
    sparse
        Minutes without a trade have no candle, so that a hole in an answer means nothing.
    counts_contracts
        The volume of candles is in contracts, not in base units.
    weight_limit
        Weight a minute that the header ``x-mbx-used-weight-1m`` counts towards; 0: no such header.
    until
        Whether the end of a page may be said.
    weights
        Weight of one page by kind, to predict how long a download takes.
    options, start
        What ccxt is told, so that loading the markets asks for nothing else and needs no key.
    """

    venue: str
    rows: Mapping[Kind, int]
    horizon_ms: Mapping[Kind, int] = field(default_factory=dict)
    open_interest: tuple[str, ...] = ("5m", "15m", "30m", "1h", "4h", "1d")
    sparse: bool = False
    counts_contracts: bool = False
    weight_limit: int = 0
    until: bool = True
    weights: Mapping[Kind, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, Any] = field(default_factory=dict)


USUAL: Mapping[Kind, int] = {"candles": 200, "mark": 100, "funding": 100, "open-interest": 100}

OFFERS: Mapping[str, Offer] = {
    "binanceusdm": Offer(
        "binance_usdm",
        {"candles": 499, "mark": 499, "funding": 1000, "open-interest": 500},
        horizon_ms={"open-interest": 30 * DAY_MS - HOUR_MS},
        open_interest=("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d"),
        weight_limit=2400,
        weights={"candles": 2, "mark": 2},
        options={"fetchCurrencies": False},
    ),
    "bybit": Offer(
        "bybit_linear",
        {"candles": 1000, "mark": 1000, "funding": 200, "open-interest": 200},
        weights={"candles": 5, "mark": 5, "funding": 5, "open-interest": 5},
        options={"fetchMarkets": {"types": ["linear"]}},
    ),
    "kucoinfutures": Offer(
        "kucoin_futures",
        {"candles": 200, "mark": 200, "funding": 100, "open-interest": 200},
        sparse=True,
        counts_contracts=True,
        until=False,
        weights={"candles": 6, "mark": 6, "funding": 10},
        options={"uta": False, "hf": False},
        start={"marginables": False},
    ),
    "bingx": Offer(
        "bingx_swap",
        {"candles": 1000, "mark": 1000, "funding": 1000, "open-interest": 200},
        options={"fetchCurrencies": False},
    ),
}
ALIASES = {offer.venue: name for name, offer in OFFERS.items()} | {
    "bybit_v5": "bybit",
    "kucoin": "kucoinfutures",
}


def ccxt_id(name: str) -> str:
    """The id of an exchange, from its id or from the name of its folder in a lake."""
    plain = name.strip().lower()
    return ALIASES.get(plain, plain)


def offer_of(exchange_id: str) -> Offer:
    """What an exchange publishes, as far as it is known here."""
    return OFFERS.get(exchange_id) or Offer(exchange_id, USUAL)
