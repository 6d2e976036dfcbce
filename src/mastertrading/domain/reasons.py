"""Why: every reason the system can give, as small integers with names.

Kernels carry the integers; people, files and the journal see ``NAME.lower()``.
"""

from __future__ import annotations

from enum import IntEnum


class Module(IntEnum):
    """The signal modules of the ensemble, in column order."""

    TREND = 0
    MEANREV = 1
    CARRY = 2
    SMC = 3


class TrendGate(IntEnum):
    """What SIG-TREND asks, in order."""

    VALID_BAR = 1
    WARM_UP = 2
    DIRECTION = 3
    LTF_ADX = 4
    HTF_ADX = 5
    IMPULSE = 6
    BOUNCE = 7


class MeanReversionGate(IntEnum):
    """What SIG-MEANREV asks, in order."""

    VALID_BAR = 1
    WARM_UP = 2
    STRETCH = 3
    HTF_ADX = 4
    IMPULSE = 5
    BOUNCE = 6


class CarryGate(IntEnum):
    """What SIG-CARRY asks, in order."""

    VALID_BAR = 1
    WARM_UP = 2
    FUNDING_KNOWN = 3
    EXTREME = 4
    VOLATILITY = 5
    STD_ZERO = 6


class SmcGate(IntEnum):
    """The fourteen gates of SIG-SMC (DEFINITIONS 3.2), in order; an invalid bar fails gate 1."""

    DATA = 1
    SESSION = 2
    HTF_TREND = 3
    HTF2 = 4
    CHOCH = 5
    SWEEP = 6
    CONFLUENCE = 7
    EMA50 = 8
    ADX = 9
    CANDLE = 10
    IMPULSE = 11
    FUNDING = 12
    EMA_CONFLUENCE = 13
    SCORE = 14


class Gate(IntEnum):
    """What stands between the allocator's wish and an order, in the order of evaluation.

    The first that refuses is the reason. ``HOLDING`` marks a minute in position: nothing was asked.
    """

    HOLDING = 1
    VALID_BAR = 2
    FLAT = 3
    MIN_MODULES = 4
    DIRECTION = 5
    FLIP_AGE = 6
    STALE_DATA = 7
    SPREAD = 8
    SESSION = 9
    MACRO = 10
    HTF_ADX = 11
    DAILY_ENTRIES = 12
    MIN_EQUITY = 13
    BREAKER = 14
    VOLATILITY = 15
    REGIME = 16
    KELLY = 17
    STOP_DISTANCE = 18
    RISK_BUDGET = 19
    INSTRUMENT_EXPOSURE = 20
    LEVERAGE = 21
    MARGIN = 22
    CORRELATED_EXPOSURE = 23
    VALUE_AT_RISK = 24
    MIN_SIZE = 25
    MIN_NOTIONAL = 26


class FillReason(IntEnum):
    """Why a fill happened. From ``STOP`` on, also why a trade closed; from ``EMERGENCY`` on, only at a venue."""

    ENTRY = 0
    PARTIAL = 1
    STOP = 2
    BREAKEVEN = 3
    TRAILING = 4
    TARGET = 5
    FLIP = 6
    STALE = 7
    SIGNAL = 8
    BREAKER = 9
    LIQUIDATION = 10
    END_OF_DATA = 11
    EMERGENCY = 12
    MANUAL = 13  # the operator's own command
    ADL = 14
    EXTERNAL = 15  # an order that is not ours
    UNKNOWN = 16  # nothing proves what it was


class Breaker(IntEnum):
    """The account's circuit breakers."""

    DAY = 0
    WEEK = 1
    PEAK = 2
    LOSSES = 3


class Stage(IntEnum):
    """How far a breaker has gone. The worst stage of all breakers rules the account."""

    NORMAL = 0
    HALF_SIZE = 1
    NO_ENTRIES = 2
    FLATTEN = 3


class IntrabarPath(IntEnum):
    """The way the price is assumed to have gone inside a bar (BT-INTRABAR)."""

    NEAREST_FIRST = 0
    BEST = 1
    WORST = 2


class EventKind(IntEnum):
    """Things that happened to the account and are neither fills nor funding."""

    BREAKER_TRIPPED = 0
    BREAKER_RELEASED = 1
    TRANSFER = 2
    LIQUIDATION = 3
    ENTRY_DROPPED = 4
    TRANSFER_REFUSED = 5


def name_of(reason: IntEnum) -> str:
    """The name that people and files see."""
    return reason.name.lower()
