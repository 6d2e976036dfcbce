"""Signals that a tester puts in, in the engine's place: everything behind a signal is the real thing (OPS-INJECT).

Asked for through the journal, as people's commands are, and only obeyed where the composition root gave the trader's
desk an ``Injector``: a trader of an account that counts has none, and refuses. No module voted for such an entry, so
what the modules have earned is not touched by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from mastertrading.domain.errors import UsageError
from mastertrading.domain.facts import CommandPhase, Incident, OperatorCommand, Severity
from mastertrading.domain.intents import Command, CommandState, Purpose
from mastertrading.domain.reasons import FillReason, Stage

if TYPE_CHECKING:
    from mastertrading.live.trader import Trader

INJECT = "inject"
SIDES = {"buy": 1, "sell": -1}
TARGET = 1.5
"""Distance of the target, in those of the stop."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One wish: a side, an instrument, a size in base units."""

    side: int
    symbol: str
    qty: Decimal

    def as_arguments(self) -> dict[str, str]:
        """As a command carries it."""
        side = next(name for name, sign in SIDES.items() if sign == self.side)
        return {"side": side, "symbol": self.symbol, "qty": f"{self.qty:f}"}


def signal_of(arguments: Mapping[str, str]) -> Signal:
    """The wish of a command. Raises ``UsageError`` for one that is none."""
    try:
        qty = Decimal(arguments["qty"])
        signal = Signal(SIDES[arguments["side"].lower()], arguments["symbol"], qty)
    except (KeyError, InvalidOperation) as error:
        raise UsageError(
            f"this is no signal: {dict(arguments)}", hint="side buy or sell, symbol, qty"
        ) from error
    if not qty.is_finite() or qty <= 0:
        raise UsageError(f"the size of a signal is above 0, and not {qty}")
    return signal


@dataclass
class Injector:
    """Turns such commands into entries and exits of one trader, and says how each ended.

    Attributes
    ----------
    prices
        The newest price of each instrument, ticks; whoever runs the trader keeps it up to date.
    """

    trader: Trader
    prices: dict[str, int] = field(default_factory=dict)
    _begun: dict[str, tuple[Signal, Purpose, int]] = field(default_factory=dict)

    def take(
        self, command: OperatorCommand, held: Mapping[str, int | None], now_ms: int
    ) -> OperatorCommand | None:
        """Begin a signal, or look how far it has come; None: it is under way."""
        try:
            if command.command_id not in self._begun:
                outcome = self._begin(command, held, now_ms)
            else:
                outcome = self._follow(command, held, now_ms)
        except UsageError as error:
            outcome = (CommandPhase.REFUSED, error.what)
        if outcome is None:
            return None
        if self._begun.pop(command.command_id, None) is not None:
            self.trader.mind.order_of(command.arguments["symbol"]).entry_lots = 0
        phase, words = outcome
        severity = Severity.INFO if phase is CommandPhase.DONE else Severity.WARNING
        detail = f"{' '.join(command.arguments.values())}: {words}"
        self.trader.journal.report(
            Incident(INJECT, detail, now_ms, severity, command.arguments.get("symbol", ""))
        )
        return replace(command, phase=phase, outcome=words)

    # ------------------------------------------------------------ begin
    def _begin(
        self, command: OperatorCommand, held: Mapping[str, int | None], now_ms: int
    ) -> tuple[CommandPhase, str] | None:
        signal = signal_of(command.arguments)
        if signal.symbol not in self.trader.units or signal.symbol not in held:
            return CommandPhase.REFUSED, f"{signal.symbol} is not traded here"
        lots = held[signal.symbol]
        if lots is None or any(other.symbol == signal.symbol for other, *_ in self._begun.values()):
            return None  # not known yet, or the one before is under way: one after the other
        if lots * signal.side > 0:
            return CommandPhase.REFUSED, "holding: there is a position on that side"
        order = self.trader.mind.order_of(signal.symbol)
        order.entry_lots = 0  # of the signal before: it is used up
        if lots:
            order.exit_reason = int(FillReason.SIGNAL)
            self._wait(command, signal, Purpose.EXIT, now_ms)
            return None
        return self._enter(command, signal, now_ms)

    def _enter(
        self, command: OperatorCommand, signal: Signal, now_ms: int
    ) -> tuple[CommandPhase, str] | None:
        symbol, px_ticks = signal.symbol, self.prices.get(signal.symbol, 0)
        if px_ticks <= 0:
            return CommandPhase.REFUSED, "stale_price: there is no price"
        trader = self.trader
        trader.permission.prices_ms[symbol] = now_ms
        refusals = trader.permission.refusals(symbol, now_ms, now_ms)
        if refusals:
            return CommandPhase.REFUSED, ", ".join(refusals)
        account = trader.mind.book.account[0]
        if int(account.stage) >= Stage.NO_ENTRIES:
            return CommandPhase.REFUSED, f"breaker: {Stage(int(account.stage)).name.lower()}"
        lots, why = self._sized(signal, px_ticks)
        if not lots:
            return CommandPhase.REFUSED, why
        stops = trader.settings.risk.stops
        distance = max(1, int(px_ticks * max(stops.stop_base, stops.stop_floor)))
        order = trader.mind.order_of(symbol)
        order.entry_lots = signal.side * lots
        order.entry_stop_ticks = px_ticks - signal.side * distance
        order.entry_target_ticks = px_ticks + signal.side * int(TARGET * distance)
        order.entry_modules = 0
        self._wait(command, signal, Purpose.ENTRY, now_ms)
        return None

    def _sized(self, signal: Signal, px_ticks: int) -> tuple[int, str]:
        """Lots that fit: cut to what exposure and leverage leave, none below the venue's minimum."""
        trader, units = self.trader, self.trader.units[signal.symbol]
        asked = int(signal.qty / units.base_per_lot)
        account, risk = trader.mind.book.account[0], trader.settings.risk
        worth = px_ticks * int(trader.mind.specs[trader.mind.column(signal.symbol)].atoms)
        equity, exposure = int(account.equity), int(account.exposure)
        room = min(
            risk.gates.max_leverage * equity - exposure, risk.portfolio.max_instrument_exposure * equity
        )
        lots = min(asked, int(room) // worth)
        contract = units.instrument
        if lots < contract.min_lots:
            return 0, "min_size" if asked < contract.min_lots else "leverage: no room for the smallest order"
        if units.px(px_ticks) * units.qty(lots) < contract.min_notional:
            return 0, "min_notional"
        return lots, ""

    def _wait(self, command: OperatorCommand, signal: Signal, purpose: Purpose, now_ms: int) -> None:
        """It is a decision of its own: what it sends carries its moment."""
        trader = self.trader
        trader.decided.bar_ms = now_ms
        trader.decided.opened.add(signal.symbol)
        trader.sender.new_bar()
        for ideal in trader.mind.wanted(now_ms):
            trader.decided.ideals[ideal.symbol] = ideal
        self._begun[command.command_id] = signal, purpose, now_ms

    # ------------------------------------------------------------ follow
    def _follow(
        self, command: OperatorCommand, held: Mapping[str, int | None], now_ms: int
    ) -> tuple[CommandPhase, str] | None:
        signal, purpose, begun_ms = self._begun[command.command_id]
        sent = self._sent(signal.symbol, purpose, begun_ms)
        if purpose is Purpose.EXIT:
            booked = self._fills(sent) if held.get(signal.symbol) == 0 else ""
            return (CommandPhase.DONE, f"filled: {booked}, flat") if booked else None
        if sent and sent[-1].state is CommandState.FILLED:
            booked = self._fills(sent)
            return (CommandPhase.DONE, f"filled: {booked}") if booked else None
        if sent and sent[-1].state.is_over:
            last = sent[-1]
            words = " ".join(
                part for part in (last.state.value, last.refusal, last.code, last.detail) if part
            )
            return CommandPhase.REFUSED, words
        if not sent and now_ms - begun_ms > self.trader.settings.live.entry_seconds * 1000:
            self.trader.mind.order_of(signal.symbol).entry_lots = 0
            return CommandPhase.REFUSED, "late: it could not be sent in time"
        return None

    def _sent(self, symbol: str, purpose: Purpose, begun_ms: int) -> list[Command]:
        every = self.trader.journal.commands(symbol, begun_ms, begun_ms + 1)
        return [one for one in every if one.intent.purpose is purpose]

    def _fills(self, sent: list[Command]) -> str:
        """What is booked of them; empty where nothing is, yet."""
        names = {one.client_id for one in sent}
        own = [one for one in self.trader.journal.fills() if one.client_id in names]
        if not own:
            return ""
        qty = sum((one.qty for one in own), Decimal(0))
        px = sum((one.qty * one.px for one in own), Decimal(0)) / qty
        tick = self.trader.units[own[0].symbol].instrument.tick
        return f"{qty.normalize():f} at {px.quantize(tick):f}"
