"""Watches that every position is protected at the venue, and says what to do when it is not.

It keeps no truth: what it remembers are timers and failures, and a restart begins them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mastertrading.domain.commands import Outcome, Refusal, Reply
from mastertrading.domain.facts import Incident, Severity
from mastertrading.domain.intents import Intent, Purpose
from mastertrading.domain.orders import OrderStatus
from mastertrading.domain.reasons import FillReason
from mastertrading.live.ideal import Actual, IdealOrders
from mastertrading.live.reconcile import coverage, is_stop
from mastertrading.live.retries import DELAYS_MS, Tries
from mastertrading.settings.schema import Live

LONGEST_GAP_MS = 10_000
"""Between two clean looks that are further apart the venue was not reachable all the time."""
FREEING_MS = 10_000
"""Take-profits stay away so long at most for an order that was refused because of them."""
NEVER_REACHED = (Refusal.NOT_SENT, Refusal.RATE_LIMIT, Refusal.CLOCK)
"""Refusals that say nothing about the order."""
CLOSING = (Purpose.EXIT, Purpose.EMERGENCY)
GUARDED = (Purpose.STOP, Purpose.EXIT, Purpose.EMERGENCY)

Report = Callable[[Incident], None]
Declare = Callable[[str, str], None]


@dataclass
class Watch:
    """What is remembered of one instrument.

    Attributes
    ----------
    naked_ms
        For how long, while the venue could be reached, its position was without a whole stop.
    seen_ms
        The last clean look; 0: none yet.
    triggered_ms
        Since when a stop has been working without closing the position; 0: it is not.
    closing
        Why the position is being closed at market whatever the engine wants; None: it is not.
    freeing_ms
        Until then take-profits make room for something more important; 0: they need not.
    dust_lots
        A size that the venue called too small.
    """

    naked_ms: int = 0
    seen_ms: int = 0
    triggered_ms: int = 0
    closing: FillReason | None = None
    freeing_ms: int = 0
    dust_lots: int = 0
    tries: dict[tuple[Purpose, str], Tries] = field(default_factory=dict)

    def tries_of(self, purpose: Purpose, target: str = "") -> Tries:
        """The tries of one kind of command (of a cancel: of one order)."""
        return self.tries.setdefault((purpose, target), Tries(urgent=purpose in GUARDED))


class Guard:
    """The watches of an account.

    Parameters
    ----------
    report, declare
        Tell people; begin an emergency: (symbol, reason).
    """

    def __init__(self, settings: Live, report: Report, declare: Declare) -> None:
        self._settings, self._report, self._declare = settings, report, declare
        self._watches: dict[str, Watch] = {}

    def of(self, symbol: str) -> Watch:
        """What is remembered of an instrument."""
        return self._watches.setdefault(symbol, Watch())

    # ------------------------------------------------------------ what a clean look shows
    def look(self, actual: Actual, smallest_lots: int, now_ms: int) -> None:
        """Move the timers of an instrument by one clean look at it."""
        watch = self.of(actual.symbol)
        if actual.lots == 0:
            self._watches[actual.symbol] = Watch(seen_ms=now_ms)
            return
        self._look_at_dust(watch, actual, smallest_lots, now_ms)
        side = 1 if actual.lots > 0 else -1
        covered = coverage(actual, side) >= abs(actual.lots)
        safe = covered or actual.dust or watch.dust_lots != 0
        if safe is watch.tries_of(Purpose.STOP).urgent:  # what was tried so far was for another need
            watch.tries[Purpose.STOP, ""] = Tries(urgent=not safe)
        if safe:
            watch.naked_ms = 0
        elif watch.seen_ms and now_ms - watch.seen_ms <= LONGEST_GAP_MS:
            watch.naked_ms += now_ms - watch.seen_ms
        watch.seen_ms = now_ms
        self._look_at_triggered(watch, actual, side, now_ms)
        if watch.naked_ms > self._settings.naked_seconds * 1000:
            self.close(actual.symbol, FillReason.EMERGENCY, "it had no stop for too long", now_ms)

    def _look_at_dust(self, watch: Watch, actual: Actual, smallest_lots: int, now_ms: int) -> None:
        if abs(actual.lots) >= smallest_lots and abs(actual.lots) != watch.dust_lots:
            watch.dust_lots = 0
        elif watch.dust_lots != abs(actual.lots):
            watch.dust_lots = abs(actual.lots)
            self._tell("dust", actual.symbol, f"{actual.lots} lots are less than any order may be", now_ms)

    def _look_at_triggered(self, watch: Watch, actual: Actual, side: int, now_ms: int) -> None:
        stops = [order for order in actual.resting if is_stop(order, side)]
        working = [one for one in stops if one.order.status in (OrderStatus.WORKING, OrderStatus.PARTIAL)]
        if not working:
            watch.triggered_ms = 0
        elif watch.triggered_ms == 0:
            watch.triggered_ms = now_ms
        elif now_ms - watch.triggered_ms > self._settings.triggered_seconds * 1000:
            self.close(actual.symbol, FillReason.STOP, "its stop triggered and did not fill", now_ms)

    def is_freeing(self, symbol: str, now_ms: int) -> bool:
        """Whether take-profits have to go, and stay away."""
        watch = self.of(symbol)
        if now_ms > watch.freeing_ms:
            watch.freeing_ms = 0
        return watch.freeing_ms != 0

    def is_dust(self, symbol: str) -> bool:
        """Whether a position is too small for any order."""
        return self.of(symbol).dust_lots != 0

    # ------------------------------------------------------------ what the venue answered
    def heard(self, intent: Intent, reply: Reply, stop_reason: FillReason, now_ms: int) -> None:
        """Take note of the answer to a command."""
        watch = self.of(intent.symbol)
        tries = watch.tries_of(intent.purpose, intent.target)
        if reply.outcome is Outcome.ACK:
            if intent.purpose is Purpose.STOP:
                watch.freeing_ms = 0
                tries.worked()
            if intent.purpose in CLOSING:
                tries.next_ms = now_ms + DELAYS_MS[0]
            return
        if intent.purpose not in GUARDED:
            tries.failed(now_ms, reached=reply.refusal not in NEVER_REACHED)
            return
        reached = reply.refusal not in NEVER_REACHED
        if reply.refusal is Refusal.WOULD_TRIGGER:
            self.close(intent.symbol, stop_reason, "the price is beyond its stop already", now_ms)
        elif reply.refusal is Refusal.REDUCE_ONLY and not watch.freeing_ms:
            watch.freeing_ms = (
                now_ms + FREEING_MS
            )  # its take-profits count against it: they go, then it is sent again
        elif reply.refusal is Refusal.MIN_SIZE and intent.purpose is not Purpose.STOP:
            watch.dust_lots = intent.lots
            self._tell("dust", intent.symbol, f"{intent.lots} lots are less than the venue closes", now_ms)
        else:
            tries.failed(now_ms, reached=reached)
            self._give_up(intent, tries, reply, now_ms)

    def _give_up(self, intent: Intent, tries: Tries, reply: Reply, now_ms: int) -> None:
        if not tries.is_exhausted or not tries.urgent or intent.purpose is Purpose.EMERGENCY:
            return
        why = f"the {intent.purpose} failed {tries.failures} times: {reply.refusal or reply.outcome} {reply.code}"
        if intent.purpose is Purpose.STOP:
            self.close(intent.symbol, FillReason.EMERGENCY, why, now_ms)
        else:
            self._declare(intent.symbol, why)

    def close(self, symbol: str, reason: FillReason, why: str, now_ms: int) -> None:
        """Close a position at market, reduce-only, whatever the engine wants."""
        watch = self.of(symbol)
        if watch.closing is None:
            watch.closing = reason
            self._tell("closed_by_guard", symbol, why, now_ms)

    def may_send(self, symbol: str, purpose: Purpose, target: str, now_ms: int) -> bool:
        """Whether a command may be tried (again) now."""
        return self.of(symbol).tries_of(purpose, target).may(now_ms)

    def attempt(self, symbol: str, purpose: Purpose) -> int:
        """How many tries of a command that protects or closes have failed."""
        return self.of(symbol).tries_of(purpose).failures if purpose in GUARDED else 0

    def _tell(self, kind: str, symbol: str, detail: str, now_ms: int) -> None:
        self._report(Incident(kind, f"{symbol}: {detail}", now_ms, Severity.CRITICAL, symbol))


def overridden(ideal: IdealOrders, closing: FillReason | None) -> IdealOrders:
    """What is wanted of an instrument that is being closed: nothing but flat; a stop that rests stays until then."""
    if closing is None:
        return ideal
    return IdealOrders(ideal.symbol, ideal.decided_ms, exit_reason=int(closing))
