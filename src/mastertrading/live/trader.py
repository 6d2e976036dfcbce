"""One account's cycle: observe ─► record ─► decide ─► reconcile ─► send (DESIGN section 6).

A decision happens once a bar. Every other cycle only compares the last decision with what is really there, so it may
run at any time, after any news, as often as one likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from struct import Struct
from types import SimpleNamespace

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable
from mastertrading.domain.facts import AccountName, CycleFacts, DecisionFacts, EquityFacts, Verdict
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import Command, CommandState, Intent, Purpose, client_id_of
from mastertrading.domain.orders import Order, OrderKind, OrderRequest, TimeInForce, Trigger
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.live.ear import BarInputs, Ear, Heard
from mastertrading.live.heard import packed
from mastertrading.live.ideal import Actual, IdealOrders, Resting
from mastertrading.live.mind import Mind
from mastertrading.live.protocol import Errand, Protocol
from mastertrading.live.reconcile import Cancel, Place, Step, reconcile
from mastertrading.live.recorder import Booked, Recorder
from mastertrading.live.snapshot import Reader, Snapshot
from mastertrading.live.units import Units, atoms_of, money_of
from mastertrading.rules.position import fills as fill_rule
from mastertrading.settings.schema import MODULES, Settings

entry_px = interpreted(fill_rule.entry_px)
STAMP = Struct(">qq")
"""Before the engine's record: the bar that was decided on last, and when this account began to be ours."""
DONE_STATES = (CommandState.REFUSED, CommandState.ABSENT)
"""A command in these was never taken by the venue."""


@dataclass
class Decided:
    """The last decision, and what was already sent for it."""

    bar_ms: int = 0
    ideals: dict[str, IdealOrders] = field(default_factory=dict)
    legs: dict[tuple[str, Purpose], int] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    """Instruments of which the first price of the next bar was seen: an entry waits for it."""


class Trader:
    """One account at one venue.

    Parameters
    ----------
    instruments
        In the order of the columns.
    modules
        Names of the forecast columns.
    """

    def __init__(
        self,
        settings: Settings,
        instruments: Sequence[Instrument],
        account: AccountName,
        gateway: Gateway,
        journal: Journal,
        ear: Ear,
        modules: Sequence[str] = MODULES,
    ) -> None:
        self.instruments, self.account, self.modules = tuple(instruments), account, tuple(modules)
        self.gateway, self.journal, self.ear = gateway, journal, ear
        self.mind = Mind(settings, instruments, modules)
        self.protocol = Protocol(gateway, journal)
        self.reader = Reader(gateway)
        self.recorder = Recorder(instruments, journal.command, ear.base_ms)
        self.decided = Decided()
        self.began_ms = 0
        self.units = {instrument.symbol: Units(instrument) for instrument in instruments}
        self._costs = SimpleNamespace(
            **{n: int(self.mind.rules[0].costs[n]) for n in ("slippage_e8", "taker_e8")}
        )
        self._commands: dict[str, Command] = {}
        self._told: BarInputs | None = None

    # ------------------------------------------------------------ from outside
    async def begin(self, past: Iterable[BarInputs] = ()) -> None:
        """At a start: settle what an earlier process left behind, and hear again what it had heard.

        Parameters
        ----------
        past
            Every bar from the recorded anchor on, in order. Those that were decided on are only heard; those that
            closed while nobody was there are folded over and never traded on.
        """
        now_ms, kept = self.gateway.now_ms(), self.journal.latest_state()
        self.journal.define(*self.instruments, at_ms=now_ms)
        self.protocol.recover()
        stamp = kept.state[: STAMP.size] if kept is not None else STAMP.pack(0, now_ms)
        bar_ms, self.began_ms = STAMP.unpack(stamp)
        self.recorder.begin(self.began_ms, self.journal.fills(), self.journal.payments())
        for order in self.journal.venue_orders():
            self.recorder.note_order(order)
        for told in past:
            heard = self.ear.hear(told)
            if kept is None:
                self.mind.listen(heard)
        if kept is not None:
            self.mind.restore(kept.state[STAMP.size :])
            self.decided = Decided(bar_ms, {ideal.symbol: ideal for ideal in self.mind.wanted(bar_ms)})

    async def on_bar(self, told: BarInputs) -> None:
        """A base bar has closed: decide, and go on until the venue is as it should be."""
        self._told = told
        if await self.cycle(self.ear.hear(told)):
            await self.settle()

    def on_late_bar(self, told: BarInputs) -> None:
        """A base bar that closed too long ago to be traded on: it is only heard."""
        self.ear.hear(told)

    async def on_open(self, prices: Mapping[str, int]) -> None:
        """The next bar has begun, at these first prices (ticks): entries go out, or are dropped."""
        for symbol, px_ticks in prices.items():
            self._check_entry(symbol, px_ticks)
        self.decided.opened |= prices.keys()
        told = (self.decided.ideals[symbol] for symbol in prices if symbol in self.decided.ideals)
        if any(ideal.entry_lots or ideal.exit_reason for ideal in told):
            await self.settle()

    async def settle(self, most: int = 8) -> int:
        """Cycle until there is nothing left to send; returns how many cycles that took."""
        for count in range(most):
            if not await self.cycle():
                return count + 1
        return most

    # ------------------------------------------------------------ the cycle
    async def cycle(self, heard: Heard | None = None) -> bool:
        """Go round once; whether anything was new or sent."""
        snapshot = await self.reader.look()
        await self.protocol.resolve(snapshot.orders)
        ended = await self._chase(snapshot)
        booked = await self._record(snapshot, ended, at_close=heard is not None)
        decisions: tuple[DecisionFacts, ...] = ()
        if heard is not None:
            decisions = self._decide(heard)
        else:
            self._refresh()
        planned = self._plan(snapshot) if snapshot.is_whole else []
        self._commit(snapshot, booked, decisions, [intent for intent, _ in planned], heard)
        if planned:
            commands = {c.client_id: c for c in self.journal.open_commands()}
            errands = [self._errand(commands[intent.client_id], step) for intent, step in planned]
            for reply in (await self.protocol.send(errands)).values():
                if reply.order is not None:
                    self.recorder.note_order(reply.order)
            self.protocol.finish_cancels()
        return bool(planned) or not booked.is_empty

    async def _chase(self, snapshot: Snapshot) -> set[str]:
        """Ask for every order of ours that should be open and is not: how it ended, and under which id it filled.

        Returns the instruments of such orders: something may have filled there.
        """
        for order in snapshot.orders or ():
            self.recorder.note_order(order)
        if snapshot.orders is None:
            return set()
        there, symbols = {order.client_id for order in snapshot.orders}, set()
        for command in self.journal.open_commands():
            gone = command.state.is_at_venue and command.client_id not in there
            if not gone or command.intent.purpose is Purpose.CANCEL:
                continue
            symbols.add(command.intent.symbol)
            try:
                found = await self.gateway.find_order(command.intent.symbol, command.client_id)
            except (ExchangeUnavailable, ExchangeRefused):
                continue
            if found is not None:
                self.recorder.note_order(found)
                self.journal.observe(found, at_ms=self.gateway.now_ms())
        return symbols

    async def _record(self, snapshot: Snapshot, ended: set[str], *, at_close: bool) -> Booked:
        """Read what may have happened, and book it in the order of time."""
        symbols = [
            i.symbol
            for i in self.instruments
            if i.symbol in ended or self._may_have_traded(i.symbol, snapshot)
        ]
        payments_ms = self.recorder.paid_until_ms if at_close or symbols else None
        news = await self.reader.news(self.recorder.since(), symbols, payments_ms)
        booked = self.recorder.book(news)
        self.mind.take_transfers(booked.transfers)
        self.mind.take_payments(booked.payments)
        self.mind.take_fills(booked.fills)
        return booked

    def _may_have_traded(self, symbol: str, snapshot: Snapshot) -> bool:
        """Whether an instrument's executions have to be read: something is not as we left it."""
        if not snapshot.is_whole:
            return True
        return self._held(symbol, snapshot) != self._book_lots(symbol)

    def _decide(self, heard: Heard) -> tuple[DecisionFacts, ...]:
        ideals = self.mind.decide(heard, self.ear.hours.returns)
        self.decided = Decided(int(heard.minutes[0].t_ms), {ideal.symbol: ideal for ideal in ideals})
        return tuple(self._facts(i, heard) for i in range(len(self.instruments)))

    def _refresh(self) -> None:
        """Between bars only fills change what should rest: the engine's own record says what is left of it."""
        for ideal in self.mind.wanted(self.decided.bar_ms):
            self.decided.ideals[ideal.symbol] = ideal

    def _check_entry(self, symbol: str, px_ticks: int) -> None:
        """Drop an entry whose stop or target the first price is already beyond: the backtest's own rule."""
        order = self.mind.book.orders[self._column(symbol)]
        bar = SimpleNamespace(open=px_ticks)
        if order.entry_lots != 0 and entry_px(order, bar, self._costs) == 0:
            order.entry_lots = 0

    # ------------------------------------------------------------ what to send
    def _plan(self, snapshot: Snapshot) -> list[tuple[Intent, Step]]:
        """Every instrument's steps, most important kind first."""
        steps = [
            step
            for instrument in self.instruments
            for step in reconcile(self._ideal(instrument.symbol), self._actual(instrument.symbol, snapshot))
        ]
        steps.sort(key=_importance)
        return [(self._intent(step, snapshot), step) for step in steps]

    def _ideal(self, symbol: str) -> IdealOrders:
        ideal = self.decided.ideals.get(symbol, IdealOrders(symbol, self.decided.bar_ms))
        return ideal if symbol in self.decided.opened else replace(ideal, entry_lots=0)

    def _actual(self, symbol: str, snapshot: Snapshot) -> Actual:
        mine = [c for c in self.journal.open_commands() if c.intent.symbol == symbol]
        frozen = any(c.intent.purpose.adds_exposure and c.state.is_unresolved for c in mine)
        resting = tuple(self._resting(order) for order in snapshot.orders_of(symbol))
        sent = frozenset(p for p in (Purpose.ENTRY, Purpose.EXIT) if self._was_sent(symbol, p))
        waiting = {c.intent.target for c in mine if c.intent.purpose is Purpose.CANCEL}
        resting = tuple(r for r in resting if r.order.client_id not in waiting)
        return Actual(symbol, self._held(symbol, snapshot), resting, frozen, sent)

    def _resting(self, order: Order) -> Resting:
        command = self.journal.command(order.client_id) if order.client_id else None
        units = self.units[order.symbol]
        px = order.trigger.px if order.trigger is not None else order.limit_px
        return Resting(
            order,
            command.intent.purpose if command is not None else None,
            order.order_side,
            units.lots(order.qty - order.filled_qty),
            0 if px is None else units.ticks(px),
            order.reduce_only or order.close_position,
            order.close_position,
        )

    def _was_sent(self, symbol: str, purpose: Purpose) -> bool:
        """Whether a market order of this decision went out and may have been taken."""
        name = client_id_of(str(self.account), symbol, purpose, self.decided.bar_ms)
        command = self.journal.command(name)
        return command is not None and (purpose.adds_exposure or command.state not in DONE_STATES)

    def _intent(self, step: Step, snapshot: Snapshot) -> Intent:
        purpose = step.purpose if isinstance(step, Place) else Purpose.CANCEL
        bar_ms, symbol = self.decided.bar_ms, step.symbol
        leg = self._leg(symbol, purpose)
        name = client_id_of(str(self.account), symbol, purpose, bar_ms, leg)
        if isinstance(step, Cancel):
            return Intent(
                name, symbol, purpose, bar_ms, leg, target=step.resting.order.client_id, params=step.why,
                snapshot=snapshot.number,
            )  # fmt: skip
        units, is_stop = self.units[symbol], purpose is Purpose.STOP
        px = units.px(step.px_ticks) if step.px_ticks else None
        return Intent(
            name,
            symbol,
            purpose,
            bar_ms,
            leg,
            order_side=step.order_side,
            lots=step.lots,
            qty=units.qty(step.lots),
            limit_px=None if is_stop else px,
            trigger_px=px if is_stop else None,
            reduce_only=purpose is not Purpose.ENTRY,
            reason=self._reason(symbol, purpose),
            snapshot=snapshot.number,
        )

    def _leg(self, symbol: str, purpose: Purpose) -> int:
        """The first number that no command of this decision and purpose has."""
        leg = self.decided.legs.get((symbol, purpose), 0)
        while self.journal.command(
            client_id_of(str(self.account), symbol, purpose, self.decided.bar_ms, leg)
        ):
            leg += 1
        self.decided.legs[symbol, purpose] = leg + 1
        return leg

    def _reason(self, symbol: str, purpose: Purpose) -> str:
        order = self.mind.book.orders[self._column(symbol)]
        if purpose is Purpose.STOP:
            return FillReason(int(order.stop_reason)).name.lower()
        if purpose is Purpose.EXIT:
            return FillReason(int(order.exit_reason)).name.lower()
        return str(purpose)

    def _errand(self, command: Command, step: Step) -> Errand:
        if isinstance(step, Cancel):
            return Errand(command, cancels=step.resting.order)
        intent = command.intent
        trigger = None
        if intent.trigger_px is not None:
            trigger = Trigger(intent.trigger_px, above=intent.order_side > 0)
        is_limit = intent.limit_px is not None
        return Errand(
            command,
            OrderRequest(
                command.client_id,
                intent.symbol,
                intent.order_side,
                OrderKind.LIMIT if is_limit else OrderKind.MARKET,
                intent.qty,
                limit_px=intent.limit_px,
                trigger=trigger,
                time_in_force=TimeInForce.GTC,
                reduce_only=intent.reduce_only,
            ),
        )

    # ------------------------------------------------------------ what is kept
    def _commit(
        self,
        snapshot: Snapshot,
        booked: Booked,
        decisions: tuple[DecisionFacts, ...],
        intents: list[Intent],
        heard: Heard | None,
    ) -> None:
        """Everything of one cycle in one transaction; a cycle in which nothing happened leaves nothing."""
        self.mind.happened()
        if not (decisions or intents or not booked.is_empty):
            return
        now_ms = self.gateway.now_ms()
        equity = None
        if heard is not None:
            account = self.mind.book.account[0]
            equity = EquityFacts(
                self.decided.bar_ms,
                money_of(int(account.equity)),
                money_of(int(account.balance)),
                money_of(int(account.exposure)),
                money_of(int(account.transferred)),
            )
        self.journal.commit_cycle(
            CycleFacts(
                started_ms=snapshot.asked_ms,
                bar_ms=self.decided.bar_ms if heard is not None else 0,
                snapshot=snapshot.number,
                inputs=packed(self._told) if heard is not None and self._told is not None else b"",
                state=STAMP.pack(self.decided.bar_ms, self.began_ms) + self.mind.state(),
                decisions=decisions,
                equity=equity,
                orders=snapshot.orders or (),
                fills=booked.told,
                payments=booked.paid,
                intents=tuple(intents),
            ),
            at_ms=now_ms,
        )

    def _facts(self, i: int, heard: Heard) -> DecisionFacts:
        row, said = self.mind.book.latest[i], heard.verdicts[0, i]
        plain = {name: row[name].item() for name in row.dtype.names}
        verdicts = tuple(
            Verdict(name, **{field_: said[m][field_].item() for field_ in said.dtype.names})
            for m, name in enumerate(self.modules)
        )
        return DecisionFacts(self.instruments[i].symbol, self.decided.bar_ms, **plain, verdicts=verdicts)

    # ------------------------------------------------------------ small questions
    def _column(self, symbol: str) -> int:
        return next(i for i, instrument in enumerate(self.instruments) if instrument.symbol == symbol)

    def _held(self, symbol: str, snapshot: Snapshot) -> int:
        held = [p for p in snapshot.positions or () if p.symbol == symbol]
        return sum(self.units[symbol].lots(position.qty) for position in held)

    def _book_lots(self, symbol: str) -> int:
        return int(self.mind.book.positions[self._column(symbol)].lots)

    def equity_differs(self, snapshot: Snapshot) -> int:
        """The venue's wallet less ours, atoms; 0 where the venue did not tell."""
        if snapshot.balance is None:
            return 0
        return atoms_of(snapshot.balance.wallet) - int(self.mind.book.account[0].balance)


IMPORTANCE = {
    Purpose.STOP: 0,
    Purpose.EMERGENCY: 1,
    Purpose.EXIT: 1,
    Purpose.PARTIAL: 2,
    Purpose.TARGET: 2,
    Purpose.CANCEL: 3,
    Purpose.ENTRY: 4,
}


def _importance(step: Step) -> int:
    return IMPORTANCE[step.purpose if isinstance(step, Place) else Purpose.CANCEL]
