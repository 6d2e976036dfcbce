"""What the exchange tells those who listen: façades, the conductor, checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mastertrading.domain.orders import MarginMode
from mastertrading.simulator.orders import Execution, Income, Order, Position


class OrderNews(StrEnum):
    """What happened to an order."""

    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    FILLED = "filled"
    """Partly or wholly; the order's status says which."""
    AMENDED = "amended"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """News of an order. ``order`` is a copy, as it is after the change."""

    ts_ms: int
    news: OrderNews
    order: Order
    execution: Execution | None = None


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """Money and positions afterwards. ``reason``: ``order``, ``funding``, ``transfer`` or ``adjustment``."""

    ts_ms: int
    account: str
    reason: str
    positions: tuple[Position, ...]
    income: tuple[Income, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Leverage, margin mode or position mode of an account is another now."""

    ts_ms: int
    account: str
    symbol: str
    leverage: int | None = None
    margin_mode: MarginMode | None = None
    hedged: bool | None = None


@dataclass(frozen=True, slots=True)
class PriceMoved:
    """A point of the path: last, mark and index price, and the best levels (ticks; sizes in lots)."""

    ts_ms: int
    symbol: str
    last_ticks: int
    mark_ticks: int
    index_ticks: int
    bid_ticks: int
    ask_ticks: int
    bid_lots: int
    ask_lots: int


@dataclass(frozen=True, slots=True)
class TradePrinted:
    """A public trade; ``taker_side`` +1: a buyer took."""

    ts_ms: int
    symbol: str
    number: int
    px_ticks: int
    lots: int
    taker_side: int


@dataclass(frozen=True, slots=True)
class BarChanged:
    """The forming bar, or (``closed``) the final one. Prices in ticks, volume in lots, ``ts_ms`` the open time."""

    event_ms: int
    symbol: str
    timeframe: str
    ts_ms: int
    open: int
    high: int
    low: int
    close: int
    volume_lots: int
    trades: int
    closed: bool


@dataclass(frozen=True, slots=True)
class FundingChanged:
    """The rate that will be charged at ``next_ms`` (1e-8), or that was (``settled``)."""

    ts_ms: int
    symbol: str
    rate_e8: int
    next_ms: int
    interval_ms: int
    settled: bool = False


@dataclass(frozen=True, slots=True)
class BookChanged:
    """Levels that changed, (ticks, lots), lots 0 = gone; ``snapshot``: the whole book."""

    ts_ms: int
    symbol: str
    first_id: int
    last_id: int
    previous_id: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class ListingChanged:
    """The venue changed an instrument's rules, its state or the exchange's own."""

    ts_ms: int
    symbol: str


Event = (
    OrderChanged
    | AccountChanged
    | SettingsChanged
    | PriceMoved
    | TradePrinted
    | BarChanged
    | FundingChanged
    | BookChanged
    | ListingChanged
)
