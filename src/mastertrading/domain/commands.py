"""What became of something that we sent: the only three answers there are.

ACK needs the venue's order id *and* our client id in a parsed reply. REFUSED needs an exact code on the venue's
allow-list. Everything else is UNKNOWN: it may have happened, and it may still happen (DESIGN section 6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mastertrading.domain.orders import Order


class Outcome(StrEnum):
    """What we know after a command."""

    ACK = "ack"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Refusal(StrEnum):
    """Why a venue said no, in one vocabulary for all venues."""

    INSUFFICIENT_MARGIN = "insufficient_margin"
    REDUCE_ONLY = "reduce_only"
    WOULD_TRIGGER = "would_trigger"
    WOULD_TAKE = "would_take"
    NO_LIQUIDITY = "no_liquidity"
    """Fill-or-kill, and there was not enough."""
    PRECISION = "precision"
    MIN_SIZE = "min_size"
    MAX_SIZE = "max_size"
    PRICE_BAND = "price_band"
    TOO_MANY_ORDERS = "too_many_orders"
    NO_SUCH_ORDER = "no_such_order"
    NO_SUCH_INSTRUMENT = "no_such_instrument"
    NOT_TRADING = "not_trading"
    POSITION_MODE = "position_mode"
    NO_CHANGE = "no_change"
    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    CLOCK = "clock"
    RATE_LIMIT = "rate_limit"
    NOT_SENT = "not_sent"
    """The connection was never made: nothing left this machine."""
    BAD_REQUEST = "bad_request"


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of one command.

    Attributes
    ----------
    order
        What the venue told of the order; None unless ACK of an order command.
    refusal
        Set exactly when REFUSED.
    code
        The venue's code or HTTP status, as text; empty where there was none.
    detail
        For people; no secret, no signed address.
    duplicate
        The venue says the client id is taken: the order *exists*. Still UNKNOWN until it was read.
    sent_ms, received_ms
        By the venue's clock as we know it.
    retry_after_s
        How long the venue wants us to wait.
    """

    outcome: Outcome
    order: Order | None = None
    refusal: Refusal | None = None
    code: str = ""
    detail: str = ""
    duplicate: bool = False
    sent_ms: int = 0
    received_ms: int = 0
    retry_after_s: float | None = None
    extra: dict[str, str] = field(default_factory=dict)
