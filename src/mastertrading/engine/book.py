"""The book: everything that one bar hands to the next, and the rows that a run leaves behind.

Prices are ticks, quantities lots (positive long, negative short), money atoms, times milliseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.market import F64, Records
from mastertrading.engine.params import MAX_MODULES

RESULTS_KEPT = 100
WORST_HOURS = 1024
LONG_AGO_MS = int(np.iinfo(np.int64).min) // 2

POSITION = np.dtype(
    [
        ("lots", "i8"),
        ("entry_ticklots", "i8"),  # sum of ticks x lots still open: the cost basis
        ("entry_ticks", "i8"),  # first fill
        ("stop_ticks", "i8"),
        ("stop_reason", "i8"),  # FillReason: STOP, BREAKEVEN or TRAILING
        ("target_ticks", "i8"),  # 0: removed
        ("r_ticks", "i8"),  # entry to initial stop
        ("extreme_ticks", "i8"),  # best price seen since entry (HWM)
        ("adverse_ticks", "i8"),  # worst price seen since entry
        ("partial_done", "u1"),
        ("reached_1r", "u1"),
        ("ambiguous", "u1"),  # a bar held a stop and a limit both: its path was an assumption
        ("opened_ms", "i8"),
        ("trade_id", "i8"),
        ("entry_lots", "i8"),  # largest size held, absolute
        ("gross", "i8"),
        ("fees", "i8"),
        ("funding", "i8"),
        ("modules", "u4"),  # voted for the entry
        ("entry_net", "f8"),
        ("session", "i8"),
        ("mark_ticks", "i8"),
        ("unrealised", "i8"),
        ("day", "i8"),
        ("entries_today", "i8"),
        ("logged_stop", "i8"),  # the stop as last written to the log of stops
    ],
    align=True,
)

ORDERS = np.dtype(
    [
        ("exit_reason", "i8"),  # FillReason of a market exit at the next open; 0 = none
        ("entry_lots", "i8"),  # market entry at the next open; 0 = none
        ("entry_stop_ticks", "i8"),  # attached to the entry
        ("entry_target_ticks", "i8"),
        ("entry_modules", "u4"),
        ("entry_net", "f8"),
        ("entry_session", "i8"),
        ("stop_ticks", "i8"),  # resting, full position; 0 = none
        ("stop_reason", "i8"),
        ("partial_ticks", "i8"),  # resting reduce-only limit
        ("partial_lots", "i8"),
        ("target_ticks", "i8"),  # resting reduce-only limit, what is left of the position
    ],
    align=True,
)
"""The ideal orders of one instrument: what should rest now (DESIGN 4.2)."""

ACCOUNT = np.dtype(
    [
        ("balance", "i8"),
        ("equity", "i8"),
        ("transferred", "i8"),
        ("exposure", "i8"),  # sum of absolute notionals at the mark
        (
            "maintenance_bound",
            "i8",
        ),  # the maintenance margin is at most this; like equity, kept up with every fill
        ("units", "f8"),  # shares of the account: a transfer buys or sells units and moves no net asset value
        ("nav", "f8"),  # equity / units
        ("peak_nav", "f8"),
        ("day", "i8"),
        ("day_nav", "f8"),
        ("week", "i8"),
        ("week_nav", "f8"),
        ("stages", "i8", (4,)),  # Stage of each Breaker
        ("stage", "i8"),
        ("losses", "i8"),
        ("bar_losses", "i8"),  # those of them that are of the bar in which a trade closed last
        ("has_won", "i8"),  # since the account was marked
        ("learnt_ms", "i8"),  # that bar
        ("bar_results", "i8"),  # trades that closed in it
        ("pause_until_ms", "i8"),
        ("weights", "f8", (MAX_MODULES,)),  # as the closed trades of the last week leave them
        ("wins", "i8", (MAX_MODULES,)),
        ("trials", "i8", (MAX_MODULES,)),
        ("outcome_head", "i8"),
        ("outcome_tail", "i8"),
        ("results", "f8", (RESULTS_KEPT,)),  # net R of the last closed trades, a ring
        ("results_seen", "i8"),
        ("next_trade_id", "i8"),
        ("settlement_cursor", "i8"),
        ("transfer_cursor", "i8"),
        ("fills", "i8"),  # rows written to each log since it was last emptied
        ("trades", "i8"),
        ("payments", "i8"),
        ("events", "i8"),
        ("stops", "i8"),
    ],
    align=True,
)

MEMORY = np.dtype([("forecast", "f8"), ("confluence", "i8"), ("t_ms", "i8")], align=True)
"""The newest non-flat verdict of a module (SIG-TTL)."""

OUTCOME = np.dtype([("closed_ms", "i8"), ("modules", "u4"), ("win", "u1")], align=True)
"""A closed trade, as ALLOC-BAYES remembers it."""

ROW = np.dtype(
    [
        ("open", "i8"),
        ("high", "i8"),
        ("low", "i8"),
        ("close", "i8"),
        ("mark", "i8"),
        ("valid", "u1"),
        ("htf_adx", "f8"),
        ("volatility", "f8"),  # ATR%, or the model's blend
        ("regime", "f8"),  # risk multiplier of the regime, 1 until a model says otherwise
        ("spread", "f8"),  # (ask - bid) / mid; NaN where there is no book
        ("age_ms", "i8"),  # age of the newest bar
    ],
    align=True,
)
"""What the engine is told of one instrument in one bar; prices in ticks."""

DECISION = np.dtype(
    [
        ("net", "f8"),
        ("lots", "i8"),  # of the entry that was ordered, signed
        ("evaluated", "u4"),  # bit k-1: Gate k was asked
        ("passed", "u4"),
        ("unknown", "u4"),  # passed because its input does not exist
        ("refusal", "u1"),  # first Gate that refused; 0 = an entry was ordered
        ("agreeing", "u1"),
        ("votes_long", "u1"),  # modules within their TTL, one bit each
        ("votes_short", "u1"),
        ("budget_frac", "f4"),  # risk before the caps, fraction of equity
        ("risk_frac", "f4"),  # and after them
        ("risk_lots", "f4"),  # size by risk, then after each limit
        ("instrument_lots", "f4"),
        ("leverage_lots", "f4"),  # leverage and margin
        ("correlated_lots", "f4"),
        ("value_at_risk_lots", "f4"),  # after every limit, before the venue's minima
        ("exit_reason", "u1"),  # FillReason of an ordered exit
        ("side", "i1"),  # of the position held
    ],
    align=True,
)
"""Why an instrument did or did not trade in a minute; 64 bytes."""

WATCH = np.dtype(
    [
        ("awake", "u1"),  # the verbs look at this instrument in this bar
        ("low_ticks", "i8"),  # a valid bar strictly between these, without a new verdict, changes nothing
        ("high_ticks", "i8"),
        ("until_ms", "i8"),  # and closes before this
        ("reach", "f8"),  # equity beyond which no move inside those prices brings a liquidation near, atoms
        ("stirs_at", "i8"),  # the first bar of this replay that leaves them or speaks; -1: not looked for yet
        ("scanned_from", "i8"),  # where that search began
        ("highest", "f8"),  # extremes from there up to the bar that stirs, where prices are watched
        ("lowest", "f8"),
    ],
    align=True,
)
"""When an instrument need not be looked at (``engine/sleep.py``)."""

ALARM = np.dtype(
    [
        ("until_ms", "i8"),  # the account sleeps through bars that close before this,
        ("low", "i8"),  # while its equity stays above this (no breaker moves, no liquidation is near)
        ("high", "i8"),  # and not above this (no new peak)
    ],
    align=True,
)
"""When the whole account need not be looked at."""

FILL = np.dtype(
    [
        ("trade_id", "i8"),
        ("instrument", "i8"),
        ("ts_ms", "i8"),
        ("lots", "i8"),  # signed: positive bought
        ("px_ticks", "i8"),
        ("fee_atoms", "i8"),
        ("reason", "i8"),  # FillReason
    ],
    align=True,
)

PAYMENT = np.dtype([("trade_id", "i8"), ("instrument", "i8"), ("ts_ms", "i8"), ("atoms", "i8")], align=True)
"""A funding payment; positive = paid by us."""

TRADE = np.dtype(
    [
        ("trade_id", "i8"),
        ("instrument", "i8"),
        ("side", "i8"),
        ("opened_ms", "i8"),
        ("closed_ms", "i8"),
        ("entry_ticks", "i8"),
        ("exit_ticks", "i8"),  # last fill
        ("lots", "i8"),  # largest size held, absolute
        ("gross_atoms", "i8"),
        ("fees_atoms", "i8"),
        ("funding_atoms", "i8"),
        ("net_atoms", "i8"),
        ("exit_reason", "i8"),
        ("modules", "u4"),
        ("partial", "u1"),
        ("ambiguous", "u1"),
        ("entry_net", "f8"),
        ("session", "i8"),
        ("risk_atoms", "i8"),  # R in money: entry to initial stop, full size
        ("best_r", "f8"),  # best and worst excursion in R
        ("worst_r", "f8"),
    ],
    align=True,
)

EVENT = np.dtype(
    [("ts_ms", "i8"), ("kind", "i8"), ("subject", "i8"), ("stage", "i8"), ("value", "f8")], align=True
)
"""Something that happened to the account: EventKind, Breaker or instrument, Stage, drawdown or amount."""

STOP_MOVE = np.dtype(
    [
        ("trade_id", "i8"),
        ("instrument", "i8"),
        ("ts_ms", "i8"),  # it rests from here on
        ("stop_ticks", "i8"),
        ("reason", "i8"),  # FillReason: STOP, BREAKEVEN or TRAILING
    ],
    align=True,
)
"""A stop that was placed or moved."""

SETTLEMENT = np.dtype([("ts_ms", "i8"), ("instrument", "i8"), ("rate_e8", "i8")], align=True)
TRANSFER = np.dtype([("ts_ms", "i8"), ("atoms", "i8")], align=True)
EQUITY = np.dtype([("t_ms", "i8"), ("equity", "i8"), ("balance", "i8"), ("exposure", "i8")], align=True)


class Book(NamedTuple):
    """The engine's state between two bars. Python holds it together; kernels take its records one by one.

    The last three are room to work in: |net| of this bar's candidates, exposures, and the worst hours.
    """

    account: Records
    positions: Records
    orders: Records
    memory: Records
    outcomes: Records
    latest: Records
    watches: Records
    alarm: Records
    urgency: F64
    exposures: F64
    worst: F64


class Logs(NamedTuple):
    """Rows that the engine writes, with room for a while; ``account`` counts them.

    A log of stops without any room is not written.
    """

    fills: Records
    trades: Records
    payments: Records
    events: Records
    stops: Records


def open_book(rules: Records, instruments: int, initial_atoms: int) -> Book:
    """Make the book of an account that has never traded.

    Parameters
    ----------
    rules
        One RULES record.
    instruments
        How many instruments the account trades.
    initial_atoms
        Its first deposit.
    """
    book = Book(
        account=records(ACCOUNT, 1),
        positions=records(POSITION, instruments),
        orders=records(ORDERS, instruments),
        memory=records(MEMORY, (instruments, int(rules[0].allocation.modules))),
        outcomes=records(OUTCOME, _outcomes_in_window(rules, instruments)),
        latest=records(DECISION, instruments),
        watches=records(WATCH, instruments),
        alarm=records(ALARM, 1),
        urgency=np.zeros(instruments),
        exposures=np.zeros(instruments),
        worst=np.zeros(WORST_HOURS),
    )
    _write_beginning(book, rules, initial_atoms)
    return book


def open_again(book: Book, rules: Records, initial_atoms: int) -> Book:
    """The book of another account that has never traded, in the rooms of one that is no longer needed.

    Outcomes are not emptied: they are read from the first that was written on.
    """
    if len(book.outcomes) < _outcomes_in_window(rules, len(book.positions)):
        return open_book(rules, len(book.positions), initial_atoms)
    for name, part in book._asdict().items():
        if name != "outcomes":
            np.asarray(part).view(np.uint8).fill(0)
    _write_beginning(book, rules, initial_atoms)
    return book


def _write_beginning(book: Book, rules: Records, initial_atoms: int) -> None:
    """Write what is not zero in a book that has never been traded on."""
    account = np.asarray(book.account)  # fields of plain arrays are found faster than those of records
    account["balance"] = account["equity"] = initial_atoms
    account["units"] = float(initial_atoms)
    account["nav"] = account["peak_nav"] = account["day_nav"] = account["week_nav"] = 1.0
    account["day"] = account["week"] = -1
    account["next_trade_id"] = 1
    account["weights"] = np.asarray(rules)["allocation"]["weights"]
    np.asarray(book.memory)["t_ms"] = LONG_AGO_MS
    np.asarray(book.watches)["awake"] = 1


def _outcomes_in_window(rules: Records, instruments: int) -> int:
    """Trades that can close within the window of ALLOC-BAYES: each was one of a day's allowed entries."""
    rule = np.asarray(rules)[0]
    gates, days = rule["gates"], int(rule["dynamic"]["window_ms"]) // 86_400_000 + 2
    daily = max(int(gates["low_entries"]), int(gates["middle_entries"]), int(gates["high_entries"]))
    return instruments * (daily * days + 1) + 1


def open_logs(instruments: int, room: int = 4096, stops: bool = True) -> Logs:
    """Empty logs, with room for at least a few bars of the busiest trading."""
    room = max(room, 64 * instruments)
    return Logs(
        records(FILL, room),
        records(TRADE, room),
        records(PAYMENT, room),
        records(EVENT, room),
        records(STOP_MOVE, room if stops else 0),
    )
