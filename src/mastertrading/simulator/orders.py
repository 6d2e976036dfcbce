"""Orders, executions and refusals of the exchange, in ticks, lots and atoms."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mastertrading.domain.orders import OrderKind, OrderStatus, TimeInForce, TriggerBy


class Leg(StrEnum):
    """Which position of an instrument: the only one, or one of two in hedge mode."""

    NET = "net"
    LONG = "long"
    SHORT = "short"


class Liquidity(StrEnum):
    """Who was there first."""

    TAKER = "taker"
    MAKER = "maker"


class Cause(StrEnum):
    """Why an order exists."""

    CLIENT = "client"
    LIQUIDATION = "liquidation"
    ADL = "adl"
    FOREIGN = "foreign"
    """The account's owner by hand, or another bot (fault X22)."""
    DELIVERY = "delivery"
    """The instrument was delisted and settled."""


class Ended(StrEnum):
    """Why an order ended without (all of) its fill."""

    BY_CLIENT = "by_client"
    NO_LIQUIDITY = "no_liquidity"
    REDUCE_ONLY = "reduce_only"
    """Its position is gone."""
    INSUFFICIENT_MARGIN = "insufficient_margin"
    LIQUIDATED = "liquidated"
    BY_VENUE = "by_venue"
    POST_ONLY = "post_only"
    REPLACED = "replaced"


class No(StrEnum):
    """Why the exchange refuses a command; each façade has its own number for each."""

    ORDER_NOT_FOUND = "order_not_found"
    INSTRUMENT = "instrument"
    NOT_TRADING = "not_trading"
    CANCEL_ONLY = "cancel_only"
    POST_ONLY_PHASE = "post_only_phase"
    TICK = "tick"
    LOT = "lot"
    MIN_QTY = "min_qty"
    MAX_QTY = "max_qty"
    MIN_NOTIONAL = "min_notional"
    PRICE_BAND = "price_band"
    MARGIN = "margin"
    REDUCE_ONLY = "reduce_only"
    """No position on the other side to reduce."""
    REDUCE_ONLY_SUM = "reduce_only_sum"
    """Resting reduce-only orders already cover the position (-4118)."""
    WOULD_TRIGGER = "would_trigger"
    POST_ONLY_CROSSES = "post_only_crosses"
    FILL_OR_KILL = "fill_or_kill"
    DUPLICATE_ID = "duplicate_id"
    TOO_MANY = "too_many"
    TOO_MANY_CONDITIONAL = "too_many_conditional"
    POSITION_MODE = "position_mode"
    LEVERAGE = "leverage"
    NO_CHANGE = "no_change"
    HAS_ORDERS_OR_POSITION = "has_orders_or_position"
    BALANCE = "balance"
    PERMISSION = "permission"
    NOT_AMENDABLE = "not_amendable"


class Refused(Exception):
    """The exchange refuses a command; nothing has changed."""

    def __init__(self, reason: No, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Watch:
    """When a conditional order begins to work."""

    ticks: int
    above: bool
    by: TriggerBy = TriggerBy.LAST


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as a façade hands it in.

    Attributes
    ----------
    lots
        Positive; 0 only with ``close_position``.
    stop_ticks, target_ticks
        Attached protection that comes to life with the entry's first fill (Bybit's stopLoss and takeProfit).
    conditional
        It goes into the venue's book of conditional orders, where the venue keeps one apart.
    echo
        The façade's own words about the order (time in force, working type, …), given back unread.
    """

    symbol: str
    order_side: int
    kind: OrderKind
    lots: int
    limit_ticks: int = 0
    watch: Watch | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    close_position: bool = False
    leg: Leg = Leg.NET
    client_id: str = ""
    conditional: bool = False
    stop_ticks: int = 0
    target_ticks: int = 0
    stop_by: TriggerBy = TriggerBy.LAST
    target_by: TriggerBy = TriggerBy.LAST
    echo: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Order:
    """An order of an account. ``new`` is what was asked for; the rest is what became of it.

    Attributes
    ----------
    number
        The exchange's own count, ascending over all accounts; façades make their ids of it.
    lots, limit_ticks, watch
        As amended.
    spent
        Sum of lots x price of its fills, in tick-lots: the average price is exact.
    child
        The order that a triggered conditional became, where the venue makes a new one.
    parent
        The other way round; or the entry that brought this attached protection.
    """

    number: int
    account: str
    new: NewOrder
    status: OrderStatus
    lots: int
    limit_ticks: int
    watch: Watch | None
    created_ms: int
    updated_ms: int
    cause: Cause = Cause.CLIENT
    filled: int = 0
    spent: int = 0
    fees: int = 0
    triggered_ms: int = 0
    ended: Ended | None = None
    child: int | None = None
    parent: int | None = None

    @property
    def symbol(self) -> str:
        """Canonical name of its instrument."""
        return self.new.symbol

    @property
    def client_id(self) -> str:
        """What the client called it; may be empty."""
        return self.new.client_id

    @property
    def open_lots(self) -> int:
        """What may still fill."""
        return self.lots - self.filled


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. ``lots`` signed by the order's side; atoms: ``fee`` + = paid, ``realised`` + = won."""

    number: int
    order: int
    account: str
    symbol: str
    client_id: str
    order_side: int
    lots: int
    px_ticks: int
    fee_atoms: int
    realised_atoms: int
    liquidity: Liquidity
    cause: Cause
    leg: Leg
    ts_ms: int
    position_lots: int
    """The position after it, signed."""


@dataclass(slots=True)
class Position:
    """One leg of an account on an instrument. ``lots`` signed; ``cost`` is the basis in tick-lots, not negative."""

    symbol: str
    leg: Leg = Leg.NET
    lots: int = 0
    cost: int = 0
    realised_atoms: int = 0
    opened_ms: int = 0
    updated_ms: int = 0


class IncomeKind(StrEnum):
    """What moved an account's money besides a change of unrealised profit."""

    REALISED = "realised"
    FEE = "fee"
    FUNDING = "funding"
    TRANSFER = "transfer"
    INSURANCE = "insurance"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class Income:
    """One booking on an account. ``atoms`` + = into the account."""

    number: int
    account: str
    kind: IncomeKind
    symbol: str
    atoms: int
    ts_ms: int
    execution: int | None = None
    balance_atoms: int = 0
    """The wallet after it."""
    funding_rate_e8: int = 0
    position_lots: int = 0
