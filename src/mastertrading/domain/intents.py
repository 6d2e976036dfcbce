"""What we mean to do at a venue, and how far it has come: the command protocol in one table (DESIGN section 6).

::

    PREPARED ─► SENT ─► ACK ─► WORKING ─► PARTIAL ─► FILLED
        │        │ │     └──────────┴─────────┴────► FILLED, CANCELLED, EXPIRED, REJECTED
        │        │ └─► REFUSED
        │        └───► UNKNOWN ─► ACK
        └────────────────┴──────► ABSENT

An intent is durable before it is sent; each arrow is one commit. A crash in PREPARED proves that nothing was sent
(ABSENT); a crash in SENT proves nothing (UNKNOWN).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from mastertrading.domain.commands import Outcome
from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.orders import OrderStatus


class Purpose(StrEnum):
    """What a command is for. It is the fourth letter of its client id."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    PARTIAL = "partial"
    TARGET = "target"
    EMERGENCY = "emergency"
    CANCEL = "cancel"

    @property
    def adds_exposure(self) -> bool:
        """Whether it may open or grow a position. Such a command is never sent again."""
        return self is Purpose.ENTRY


class CommandState(StrEnum):
    """How far a command has come."""

    PREPARED = "prepared"
    SENT = "sent"
    UNKNOWN = "unknown"
    ACK = "ack"
    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    """The venue took it and threw it out later: not REFUSED, which it never took."""
    REFUSED = "refused"
    ABSENT = "absent"

    @property
    def is_over(self) -> bool:
        """Whether nothing can follow."""
        return not LEGAL[self]

    @property
    def is_unresolved(self) -> bool:
        """Whether it may or may not exist at the venue: SENT without an answer, or UNKNOWN."""
        return self in (CommandState.SENT, CommandState.UNKNOWN)

    @property
    def is_at_venue(self) -> bool:
        """Whether the venue is known to have taken it."""
        return self not in (
            CommandState.PREPARED,
            CommandState.SENT,
            CommandState.UNKNOWN,
            CommandState.REFUSED,
            CommandState.ABSENT,
        )


_S = CommandState
_ENDS = frozenset({_S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED})
LEGAL: dict[CommandState, frozenset[CommandState]] = {
    _S.PREPARED: frozenset({_S.SENT, _S.ABSENT}),
    _S.SENT: frozenset({_S.ACK, _S.REFUSED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.ACK, _S.ABSENT}),
    _S.ACK: frozenset({_S.WORKING, _S.PARTIAL}) | _ENDS,
    _S.WORKING: frozenset({_S.PARTIAL}) | _ENDS,
    _S.PARTIAL: _ENDS,
    **dict.fromkeys((_S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED, _S.REFUSED, _S.ABSENT), frozenset()),
}
"""Every legal transition. What is not here is a bug."""

PREFIX = "mt"
LETTERS = {
    Purpose.ENTRY: "e",
    Purpose.EXIT: "x",
    Purpose.STOP: "s",
    Purpose.PARTIAL: "p",
    Purpose.TARGET: "t",
    Purpose.EMERGENCY: "z",
    Purpose.CANCEL: "c",
}


@dataclass(frozen=True, slots=True)
class Intent:
    """A command before it is sent. Its client id follows from what it is (``client_id_of``).

    Attributes
    ----------
    bar_ms
        Close of the bar whose decision wants it.
    leg
        Tells commands of one purpose and bar apart (the parts of a flip, the slots of a position).
    attempt
        0 at first; grows only for protection and closes proven absent.
    order_side
        +1 buys, -1 sells; 0 for a cancel.
    lots
        Size in lots; 0: the whole position (close-position), or a cancel.
    reason
        Why, in the word that its fills will carry: a ``FillReason`` name, ``emergency``, ``manual``.
    target
        Client id of the order that a cancel is for.
    params
        What exactly goes out, for the record: canonical text without secrets. Its hash is kept.
    """

    client_id: str
    symbol: str
    purpose: Purpose
    bar_ms: int
    leg: int = 0
    attempt: int = 0
    order_side: int = 0
    lots: int = 0
    qty: Decimal | None = None
    limit_px: Decimal | None = None
    trigger_px: Decimal | None = None
    attached_stop_px: Decimal | None = None
    reduce_only: bool = False
    reason: str = ""
    target: str = ""
    params: str = ""
    snapshot: int = 0

    @property
    def params_hash(self) -> str:
        """SHA-256 of ``params``."""
        return hashlib.sha256(self.params.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Command:
    """An intent and how far it has come.

    Attributes
    ----------
    number
        Its place in the order in which commands were prepared.
    deadline_ms
        From here on an order that no clean read shows will never appear (sent + receive window + clock error + lag).
    filled_qty
        Base units, as the venue told last; never shrinks.
    """

    intent: Intent
    number: int
    state: CommandState
    epoch: int
    prepared_ms: int
    changed_ms: int
    sent_ms: int = 0
    deadline_ms: int = 0
    order_id: str = ""
    refusal: str = ""
    code: str = ""
    detail: str = ""
    filled_qty: Decimal = Decimal(0)

    @property
    def client_id(self) -> str:
        """Of the intent."""
        return self.intent.client_id


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow of the protocol, with what was learned on the way. Empty fields change nothing."""

    client_id: str
    state: CommandState
    at_ms: int
    deadline_ms: int = 0
    order_id: str = ""
    refusal: str = ""
    code: str = ""
    detail: str = ""


@lru_cache(maxsize=1024)
def client_id_of(
    account: str, symbol: str, purpose: Purpose, bar_ms: int, leg: int = 0, attempt: int = 0
) -> str:
    """The client id of an intent: the same inputs give the same id, on every machine.

    29 characters of ``[a-z0-9]``: ``mt``, the purpose's letter, and 130 bits of a hash. ``account`` names venue, mode
    and account, so that no two of ours ever share an id.
    """
    text = "\x1f".join((account, symbol, purpose.value, str(bar_ms), str(leg), str(attempt)))
    digest = hashlib.sha256(text.encode()).digest()
    return PREFIX + LETTERS[purpose] + base64.b32encode(digest).decode().lower()[:26]


def is_ours(client_id: str) -> bool:
    """Whether a client id looks like one of ours."""
    return len(client_id) == 29 and client_id.startswith(PREFIX) and client_id[2] in LETTERS.values()


def check_transition(command: Command, to: CommandState) -> None:
    """Refuse what the table does not allow.

    Raises
    ------
    InvariantBroken
        If ``command`` may not go there.
    """
    if to not in LEGAL[command.state]:
        raise InvariantBroken(
            f"command {command.client_id} cannot go from {command.state} to {to}",
            why="terminal states are terminal"
            if command.state.is_over
            else "not in the table of transitions",
            where="domain/intents.py, LEGAL",
        )


def moved(command: Command, step: Transition) -> Command:
    """The command after one arrow.

    Raises
    ------
    InvariantBroken
        If the arrow is not in the table.
    """
    check_transition(command, step.state)
    return replace(
        command,
        state=step.state,
        changed_ms=step.at_ms,
        sent_ms=step.at_ms if step.state is CommandState.SENT else command.sent_ms,
        deadline_ms=step.deadline_ms or command.deadline_ms,
        order_id=step.order_id or command.order_id,
        refusal=step.refusal or command.refusal,
        code=step.code or command.code,
        detail=step.detail or command.detail,
    )


STATE_OF_OUTCOME = {
    Outcome.ACK: CommandState.ACK,
    Outcome.REFUSED: CommandState.REFUSED,
    Outcome.UNKNOWN: CommandState.UNKNOWN,
}

STATE_OF_ORDER = {
    OrderStatus.UNTRIGGERED: CommandState.WORKING,
    OrderStatus.WORKING: CommandState.WORKING,
    OrderStatus.PARTIAL: CommandState.PARTIAL,
    OrderStatus.FILLED: CommandState.FILLED,
    OrderStatus.CANCELLED: CommandState.CANCELLED,
    OrderStatus.EXPIRED: CommandState.EXPIRED,
    OrderStatus.REJECTED: CommandState.REJECTED,
}
"""What an order that a venue tells says of its command. A status that we do not know says only ACK."""


def path_to(state: CommandState, status: OrderStatus) -> tuple[CommandState, ...]:
    """The arrows from ``state`` to what a venue tells; none where there is nothing new, or it is old news.

    An order that the venue shows was taken: SENT and UNKNOWN go through ACK first. Old news (a terminal command, a
    smaller progress) moves nothing, so a stale read never turns a command back. PREPARED and ABSENT stay: an order
    that shows up for them breaks the protocol, and the caller must say so.
    """
    steps: tuple[CommandState, ...] = ()
    if state in (CommandState.SENT, CommandState.UNKNOWN):
        steps, state = (CommandState.ACK,), CommandState.ACK
    goal = STATE_OF_ORDER.get(status)
    if goal is not None and goal in LEGAL[state] and state is not CommandState.PREPARED:
        steps = (*steps, goal)
    return steps
