"""What the journal keeps: facts about a run, its decisions, its money and its safety (DESIGN section 8).

Prices, sizes and money are exact decimals; times are milliseconds UTC; bits are as in ``domain.reasons``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from mastertrading.domain.intents import Command, Intent
from mastertrading.domain.orders import Fill, Order, Payment

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountName:
    """Whose journal it is. Paper, testnet and live never share one."""

    venue: str
    mode: str
    name: str = "main"
    currency: str = "USDT"

    def __str__(self) -> str:
        """``binance_usdm:paper:main``."""
        return f"{self.venue}:{self.mode}:{self.name}"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One process that trades: what code, with what settings, since when."""

    code_id: str
    config_hash: str
    started_ms: int
    process: str = ""
    """Who: host, pid and start, as the lease's holder is written."""
    config: str = ""
    """The settings in force, as TOML, so that a journal explains itself."""
    anchor_ms: int = 0
    """Open of the first base bar that its signals heard; 0: not on record."""
    ended_ms: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write. Whoever takes it later has the greater epoch."""

    holder: str
    epoch: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one module said of one instrument in one minute (VERDICT of ``signals/rows.py``)."""

    module: str
    forecast: float
    evaluated: int = 0
    passed: int = 0
    unknown: int = 0
    refusal: int = 0
    confluence: int = 0


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """Why an instrument did or did not trade in a minute (DECISION of ``engine/book.py``)."""

    symbol: str
    ts_ms: int
    """Close of the minute."""
    net: float = 0.0
    lots: int = 0
    evaluated: int = 0
    passed: int = 0
    unknown: int = 0
    refusal: int = 0
    agreeing: int = 0
    votes_long: int = 0
    votes_short: int = 0
    budget_frac: float = 0.0
    risk_frac: float = 0.0
    risk_lots: float = 0.0
    instrument_lots: float = 0.0
    leverage_lots: float = 0.0
    correlated_lots: float = 0.0
    value_at_risk_lots: float = 0.0
    exit_reason: int = 0
    side: int = 0
    missed: bool = False
    """The minute passed while we were away: folded over, never traded on."""
    close: Decimal | None = None
    """Of the bar; None where it was missing. The two below are what gates compared; None where it was unknown."""
    htf_adx: float | None = None
    volatility: float | None = None
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class EquityFacts:
    """The account at one moment, by the one definition of equity."""

    ts_ms: int
    equity: Decimal
    wallet: Decimal
    exposure: Decimal = ZERO
    transferred: Decimal = ZERO
    """Deposits less withdrawals so far: what the breakers must not take for profit or loss."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A difference that no fill and no payment explains. Never an invented fill.

    Attributes
    ----------
    key
        Unique; booking it again changes nothing.
    symbol, qty, px
        A difference in position, signed base units, valued at ``px``; or
    amount, currency
        a difference in money, + = into the account.
    """

    key: str
    reason: str
    ts_ms: int
    symbol: str = ""
    qty: Decimal = ZERO
    px: Decimal = ZERO
    amount: Decimal = ZERO
    currency: str = ""


@dataclass(frozen=True, slots=True)
class CycleFacts:
    """Everything that one cycle leaves behind, written in one transaction.

    Attributes
    ----------
    bar_ms
        Close of the bar that was decided on; 0 for a cycle between bars.
    snapshot
        Number of the immutable snapshot that it read.
    inputs
        What the decision saw and the bars do not tell (spread, ages, model sets), for ``parity``: any bytes.
    state
        The engine's record, any bytes; empty: unchanged.
    intents
        Become PREPARED commands together with the decisions that want them.
    """

    started_ms: int
    bar_ms: int = 0
    snapshot: int = 0
    inputs: bytes = b""
    state: bytes = b""
    decisions: tuple[DecisionFacts, ...] = ()
    equity: EquityFacts | None = None
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    payments: tuple[Payment, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    intents: tuple[Intent, ...] = ()


@dataclass(frozen=True, slots=True)
class StateFacts:
    """The engine's record as a cycle left it."""

    number: int
    bar_ms: int
    started_ms: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Trade:
    """A position from flat to flat. The open one *is* the position.

    Attributes
    ----------
    qty
        Signed base units still held; zero once it is closed.
    cost
        What they cost, signed like ``qty``: average price = cost / qty.
    opened_by, closed_by
        Client ids of the orders whose fills did it; empty where the order was not ours.
    close_reason
        From the closing fill's own order, never guessed from the profit; ``unknown`` where it cannot be proved.
    closed_ms
        0 while it is open.
    from_flip
        The fill that opened it closed the trade before.
    """

    number: int
    symbol: str
    side: int
    opened_ms: int
    qty: Decimal
    cost: Decimal
    max_qty: Decimal
    entry_px: Decimal
    exit_px: Decimal = ZERO
    gross: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    closed_ms: int = 0
    close_reason: str = ""
    opened_by: str = ""
    closed_by: str = ""
    first_key: str = ""
    last_key: str = ""
    movements: int = 0
    from_flip: bool = False
    adjusted: bool = False

    @property
    def is_open(self) -> bool:
        """Whether something is still held."""
        return self.closed_ms == 0

    @property
    def net(self) -> Decimal:
        """Gross less fees and funding, all in the quote currency."""
        return self.gross - self.fees - self.funding


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What a cycle was told beside the bars, as it was recorded."""

    number: int
    bar_ms: int
    snapshot: int
    inputs: bytes


@dataclass(frozen=True, slots=True)
class Operation:
    """The report of one trade: its fills, the commands behind them, and the funding that it paid."""

    trade: Trade
    fills: tuple[Fill, ...]
    commands: tuple[Command, ...]
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class BookedFill:
    """A fill, or its share in one trade: one that goes through zero belongs to two.

    Attributes
    ----------
    trade
        Number of the trade that it opened, grew or closed.
    qty
        Signed base units of the share.
    fee
        The share's fee, in the quote currency.
    reason
        Of its own order, as its trade is closed by it.
    """

    trade: int
    fill: Fill
    qty: Decimal
    fee: Decimal
    reason: str


class Severity(StrEnum):
    """How loud an incident is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that people should know: an adjustment, a breaker, an order that should not exist.

    ``kind`` is one word; ``subject`` an instrument, a breaker or a client id; ``figures`` small plain values.
    """

    kind: str
    detail: str
    ts_ms: int
    severity: Severity = Severity.WARNING
    subject: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Latch:
    """A switch that stays where it was put, through restarts, until an operator's command opens it."""

    name: str
    reason: str
    set_ms: int


@dataclass(frozen=True, slots=True)
class BreakerFacts:
    """Where one circuit breaker stands."""

    name: str
    stage: int
    value: float
    ts_ms: int


class CommandPhase(StrEnum):
    """How far an operator's command has come."""

    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"
    DEAD = "dead"
    """Failed for good, with a reason; it blocks nothing and can be given again under another id."""


@dataclass(frozen=True, slots=True)
class OperatorCommand:
    """What a person asked for. The same id acts once, however often it is delivered.

    ``before`` and ``after`` say what it changed, for the audit.
    """

    command_id: str
    verb: str
    by: str
    ts_ms: int
    arguments: Mapping[str, str] = field(default_factory=dict)
    phase: CommandPhase = CommandPhase.ACCEPTED
    before: str = ""
    after: str = ""
    outcome: str = ""
    done_ms: int = 0


@dataclass(frozen=True, slots=True)
class CapitalStage:
    """A step from paper to full size (EXEC-RAMP): caps that only tighten what the settings allow.

    ``number`` 0 is paper. ``equity_share`` is the share of equity that may be risked; 0 for instruments or trades
    means no cap.
    """

    number: int
    name: str
    equity_share: Decimal
    instruments: int = 0
    trades: int = 0
    entered_ms: int = 0
    gate: str = ""
    """The gate that was passed to come here, for example ``research:GO 3f2a``."""
    command_id: str = ""


@dataclass(frozen=True, slots=True)
class Performance:
    """What the closed trades of a window made, in the quote currency."""

    trades: int
    wins: int
    gross: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    close_reasons: Mapping[str, int]
