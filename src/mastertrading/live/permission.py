"""Whether anything may be entered: every limit can only say no, or less. Protection and reductions never ask here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from mastertrading.domain.facts import CapitalStage
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.live.ideal import IdealOrders
from mastertrading.live.units import Units
from mastertrading.settings.schema import Settings

EMERGENCY, FLATTEN, PAUSE, HALT = "emergency", "flatten", "pause", "halt"
RECONCILE_FIRST = "reconcile_first"
FORBIDDING = (EMERGENCY, FLATTEN, PAUSE, HALT, RECONCILE_FIRST)
"""Latches under which nothing is entered; with ``:SYMBOL`` behind it, only that instrument."""
DAY_MS = 86_400_000


@dataclass
class Permission:
    """The limits of one account.

    Attributes
    ----------
    opened
        Whether the account's money was read once: before that nothing is sized by it.
    stopping
        The process was asked to end.
    prices_ms
        When the price of each instrument that an entry would rely on was made, by the venue's clock.
    """

    settings: Settings
    gateway: Gateway
    journal: Journal
    mode: str
    opened: bool = False
    stopping: bool = False
    prices_ms: dict[str, int] = field(default_factory=dict)

    def refusals(self, symbol: str, decided_ms: int, now_ms: int) -> tuple[str, ...]:
        """Why nothing may be entered on an instrument; empty: it may."""
        live = self.settings.live
        stage, price_ms = self.journal.stage(), self.prices_ms.get(symbol, 0)
        put = self.journal.latches()
        checks = {
            "trading_disabled": not live.trading_enabled,
            "account_unread": not self.opened,
            "stopping": self.stopping,
            "clock": not self.gateway.clock_error_ms <= live.max_clock_error_ms,
            "stale_price": now_ms - price_ms > live.max_price_age_seconds * 1000,
            "late": now_ms - decided_ms > live.entry_seconds * 1000,
            "stage": stage is not None and stage.number == 0 and self.mode == "live",
        }
        names = [
            name for name in put if name.split(":")[0] in FORBIDDING and name.split(":")[-1] in (name, symbol)
        ]
        return (*names, *(name for name, forbids in checks.items() if forbids))

    def capped(
        self, ideal: IdealOrders, instrument: Instrument, held: Mapping[str, int], now_ms: int
    ) -> IdealOrders:
        """An entry as large as the capital stage allows it, or none."""
        stage = self.journal.stage()
        if stage is None or ideal.entry_lots == 0:
            return ideal
        busy = sum(1 for symbol, lots in held.items() if lots and symbol != ideal.symbol)
        if (stage.instruments and busy >= stage.instruments) or self._is_used_up(stage, now_ms):
            return replace(ideal, entry_lots=0)
        return replace(ideal, entry_lots=_shared(ideal, instrument, stage.equity_share))

    def _is_used_up(self, stage: CapitalStage, now_ms: int) -> bool:
        """Whether the trades of this UTC day reach the stage's cap."""
        if not stage.trades:
            return False
        today = now_ms - now_ms % DAY_MS
        opened = [trade for trade in self.journal.trades(since_ms=today) if trade.opened_ms >= today]
        return len(opened) >= stage.trades


def _shared(ideal: IdealOrders, instrument: Instrument, share: Decimal) -> int:
    """A share of an entry, rounded down; none if that is less than the venue's smallest order."""
    if share >= 1:
        return ideal.entry_lots
    side = 1 if ideal.entry_lots > 0 else -1
    lots = int(abs(ideal.entry_lots) * share)
    units = Units(instrument)
    worth = units.qty(lots) * units.px(ideal.entry_stop_ticks)
    too_small = lots < instrument.min_lots or worth < instrument.min_notional
    return 0 if too_small else side * lots
