"""What is sent to a venue and what it tells: orders, fills, positions, balances, in exact decimals.

These are the words at the gateway. Prices are quote units, sizes are *base* units (contracts x multiplier), money is
quote units; nothing here is a float. Times are milliseconds UTC by the venue's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

BUY, SELL = 1, -1
"""An order's side is a sign, so that it multiplies."""


class OrderKind(StrEnum):
    """How an order fills once it works. With a trigger it waits first."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    """How long an order works."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class TriggerBy(StrEnum):
    """The price that a conditional order watches."""

    LAST = "last"
    MARK = "mark"
    INDEX = "index"


class OrderStatus(StrEnum):
    """The life of an order at a venue."""

    UNTRIGGERED = "untriggered"
    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """Whether it may still fill. A status that we do not know may."""
        return self in (self.UNTRIGGERED, self.WORKING, self.PARTIAL, self.UNKNOWN)


class MarginMode(StrEnum):
    """Whether positions share the account's money."""

    CROSS = "cross"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a conditional order begins to work: the price reaches ``px`` from below (``above``) or from above."""

    px: Decimal
    above: bool
    by: TriggerBy = TriggerBy.LAST


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order that we want placed.

    Attributes
    ----------
    client_id
        ``[a-z0-9]``, at most 32 characters: good on every venue. It serves to *find* the order.
    qty
        Base units, positive. None only with ``close_position``.
    close_position
        Closes whatever the position is when it triggers, where the venue has it.
    attached_stop_px
        Full-size stop-market that the venue places together with an entry, where it can.
    """

    client_id: str
    symbol: str
    order_side: int
    kind: OrderKind
    qty: Decimal | None
    limit_px: Decimal | None = None
    trigger: Trigger | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    close_position: bool = False
    attached_stop_px: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the venue tells it.

    Attributes
    ----------
    order_id
        The venue's. A conditional order has the id of its own book; ``triggered_id`` is what it became.
    conditional
        It lives in (or came from) the venue's book of conditional orders.
    avg_px
        Average price of what filled; None before the first fill or where the venue does not tell.
    parent_client_id
        Of the entry that brought it, where the venue attached it to one.
    """

    order_id: str
    client_id: str
    symbol: str
    order_side: int
    kind: OrderKind
    status: OrderStatus
    qty: Decimal
    filled_qty: Decimal
    created_ms: int
    updated_ms: int
    limit_px: Decimal | None = None
    avg_px: Decimal | None = None
    trigger: Trigger | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    close_position: bool = False
    conditional: bool = False
    triggered_id: str | None = None
    parent_client_id: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. ``fill_id`` is unique within venue, account and instrument; ``fee`` + = paid.

    Attributes
    ----------
    client_id
        The order's, where the venue tells it; else empty (a liquidation, an ADL, someone else's order).
    cause
        What the venue says it was: ``trade``, ``liquidation``, ``adl``, ``settlement`` (the instrument ended);
        ``unknown`` where it says something else.
    """

    fill_id: str
    order_id: str
    client_id: str
    symbol: str
    order_side: int
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool
    ts_ms: int
    cause: str = "trade"


@dataclass(frozen=True, slots=True)
class Position:
    """A position as the venue tells it; ``qty`` is signed base units, and zero is a statement, not an absence."""

    symbol: str
    qty: Decimal
    entry_px: Decimal
    mark_px: Decimal
    unrealised: Decimal
    leverage: Decimal | None
    margin_mode: MarginMode | None
    liquidation_px: Decimal | None
    updated_ms: int
    leg: str = "net"
    """``net`` in one-way mode; ``long`` or ``short`` in hedge mode."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The account's money in one currency: ``wallet`` without, ``equity`` with unrealised profit."""

    currency: str
    wallet: Decimal
    equity: Decimal
    available: Decimal
    maintenance_margin: Decimal
    initial_margin: Decimal
    ts_ms: int


@dataclass(frozen=True, slots=True)
class Payment:
    """A booking of the venue that is no fill: funding (+ = paid by us), a transfer (+ = into the account), other."""

    payment_id: str
    kind: str
    """``funding``, ``transfer``, ``insurance``, ``other``."""
    symbol: str
    amount: Decimal
    currency: str
    ts_ms: int


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What has to be right about an account before its first order.

    Attributes
    ----------
    account_id
        The venue's own name for it; must equal the one that live trading was allowed for.
    can_trade, can_withdraw, ip_restricted
        Rights of the key; None: the venue does not tell.
    hedged
        Whether it keeps a long and a short position of one instrument apart.
    """

    account_id: str
    can_trade: bool | None
    can_withdraw: bool | None
    ip_restricted: bool | None
    hedged: bool | None


@dataclass(frozen=True, slots=True)
class Setup:
    """What an instrument's orders will meet at the venue; None where it does not tell."""

    symbol: str
    leverage: Decimal | None
    margin_mode: MarginMode | None
    hedged: bool | None
