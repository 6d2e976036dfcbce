"""One account's cycle: observe ─► record ─► decide ─► reconcile ─► send (DESIGN section 6).

A decision happens once a bar. Every other cycle only compares the last decision with what is really there, so it may
run at any time, after any news, as often as one likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from struct import Struct
from types import SimpleNamespace

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.commands import Reply
from mastertrading.domain.errors import ExchangeUnavailable, JournalUnusable
from mastertrading.domain.facts import AccountName, CycleFacts, DecisionFacts, EquityFacts
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import CommandState, Purpose
from mastertrading.domain.orders import Payment
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.live.ear import BarInputs, Ear, Heard
from mastertrading.live.emergency import Emergency
from mastertrading.live.guard import Guard
from mastertrading.live.heard import packed
from mastertrading.live.ladder import Ladder
from mastertrading.live.mind import Mind
from mastertrading.live.observing import Observer, Seen
from mastertrading.live.operators import Operators
from mastertrading.live.permission import Permission
from mastertrading.live.planning import Decided, Planner, Proposal
from mastertrading.live.protocol import Protocol
from mastertrading.live.reconcile import Place
from mastertrading.live.recorder import Recorder
from mastertrading.live.recording import decision_facts
from mastertrading.live.sending import Planned, Sender
from mastertrading.live.snapshot import Snapshot
from mastertrading.live.strangers import Strangers
from mastertrading.live.units import atoms_of, money_of
from mastertrading.rules.position import fills as fill_rule
from mastertrading.settings.schema import MODULES, Settings

entry_px = interpreted(fill_rule.entry_px)
STAMP = Struct(">qq")
"""Before the engine's record: the bar that was decided on last, and when this account began to be ours."""


class Trader:
    """One account at one venue.

    Parameters
    ----------
    instruments
        In the order of the columns.
    modules
        Names of the forecast columns.
    folder
        Where the file of an emergency lies; None: the journal alone remembers it.
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
        folder: Path | None = None,
    ) -> None:
        self.settings, self.account, self.modules = settings, account, tuple(modules)
        self.instruments = tuple(instruments)
        self.gateway, self.journal, self.ear = gateway, journal, ear
        self.mind = Mind(settings, instruments, modules)
        self.protocol = Protocol(gateway, journal, may_send=self._check_lease)
        self.recorder = self._new_recorder()
        self.observer = Observer(gateway, journal, self.mind, self.recorder, self.protocol)
        self.emergency = Emergency(journal, folder)
        self.permission = Permission(settings, gateway, journal, account.mode)
        self.ladder = Ladder(self.mind, journal)
        self.guard = Guard(settings.live, journal.report, self._declare)
        self.operators = Operators(journal, self.permission, self.emergency, self.ladder)
        self.units = self.observer.units
        self.planner = Planner(
            str(account),
            journal,
            self.mind,
            self.guard,
            Strangers(settings, journal, self.guard),
            self.permission,
            self.emergency,
            self.ladder,
            self.units,
            self._counts,
        )
        self.sender = Sender(
            account, journal, self.mind, self.units, self.guard.attempt, gateway.attaches_stops
        )
        self.decided = Decided()
        self.began_ms = 0
        self._missed: list[Heard] = []
        self._told: BarInputs | None = None
        self._ahead = False
        costs = self.mind.rules[0].costs
        self._costs = SimpleNamespace(**{n: int(costs[n]) for n in ("slippage_e8", "taker_e8")})

    def _new_recorder(self) -> Recorder:
        return Recorder(self.instruments, self.journal, self.ear.base_ms)

    # ------------------------------------------------------------ from outside
    @property
    def is_stopping(self) -> bool:
        """Whether an operator asked for the end, and nothing is under way any more."""
        stopping = self.permission.stopping
        return stopping and not any(one.state.is_unresolved for one in self.journal.open_commands())

    async def begin(self, past: Iterable[BarInputs] = ()) -> None:
        """At a start: settle what an earlier process left behind, and hear again what it had heard.

        Parameters
        ----------
        past
            As in ``hear_again``.
        """
        now_ms = self.gateway.now_ms()
        self.journal.define(*self.instruments, at_ms=now_ms)
        self.protocol.recover()
        self._remember()
        self.hear_again(past)
        self.emergency.poll(now_ms)

    def hear_again(self, past: Iterable[BarInputs]) -> None:
        """Hear every bar from the recorded anchor on, in order.

        Those that were decided on are only heard; those that closed while nobody was there are folded over and never
        traded on. At the first start of all there is nothing to fold.
        """
        for told in past:
            heard = self.ear.hear(told)
            if self.decided.bar_ms == 0:
                self.mind.listen(heard)
            elif int(heard.minutes[0].t_ms) > self.decided.bar_ms:
                self._missed.append(heard)

    def _remember(self) -> None:
        """Take what the journal holds for the truth of our books."""
        now_ms, kept = self.gateway.now_ms(), self.journal.latest_state()
        stamp = kept.state[: STAMP.size] if kept is not None else STAMP.pack(0, self.began_ms or now_ms)
        bar_ms, self.began_ms = STAMP.unpack(stamp)
        self.recorder = self.observer.recorder = self._new_recorder()
        self.recorder.begin(self.began_ms)
        for order in self.journal.venue_orders():
            self.recorder.note_order(order)
        self.observer.chaser.remember()
        self.permission.opened = kept is not None
        if kept is not None:
            self.mind.restore(kept.state[STAMP.size :])
            self.ladder.restore(bar_ms)
        wanted = self.mind.wanted(bar_ms) if kept is not None else ()
        self.decided = Decided(bar_ms, {ideal.symbol: ideal for ideal in wanted})
        self._ahead = False

    async def on_bar(self, told: BarInputs) -> None:
        """A base bar has closed: decide, and go on until the venue is as it should be."""
        self._told = told
        heard = self.ear.hear(told)
        try:
            again = await self.cycle(heard)
        except JournalUnusable:
            if self._ahead:  # nothing was decided: when the journal is back, the bar has been missed
                self._missed.append(heard)
            raise
        if again:
            await self.settle()

    def on_late_bar(self, told: BarInputs) -> None:
        """A base bar that closed too long ago to be traded on: the next cycle folds it in, and enters nothing on it."""
        self._missed.append(self.ear.hear(told))

    async def on_open(self, prices: Mapping[str, int], made_ms: Mapping[str, int] | None = None) -> None:
        """The next bar has begun, at these first prices (ticks): entries go out, or are dropped.

        Parameters
        ----------
        made_ms
            When each price was made, by the venue's clock; without it: now.
        """
        now_ms = self.gateway.now_ms()
        for symbol, px_ticks in prices.items():
            self.permission.prices_ms[symbol] = now_ms if made_ms is None else made_ms.get(symbol, 0)
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
        """Go round once; whether anything was new or sent.

        Raises
        ------
        JournalUnusable, LeaseLost
            Then nothing more was sent; an emergency goes on without a journal.
        """
        try:
            return await self._cycle(heard)
        except JournalUnusable:
            if self.emergency.poll_file():
                await self.emergency.act_alone(self.gateway, str(self.account))
            raise

    async def _cycle(self, heard: Heard | None) -> bool:
        if self._ahead:
            self._remember()  # the last cycle broke off: what it had in memory was never written
        self.emergency.poll(self.gateway.now_ms())
        snapshot, ended = await self.observer.look()
        self._ahead = True
        self._open_account(snapshot)
        seen = await self.observer.record(snapshot, ended, at_close=heard is not None)
        decisions = self._fold_missed(seen)
        decisions += self._decide(heard) if heard is not None else self._refresh()
        obeyed = self.operators.obey(seen.held, self.gateway.now_ms())
        planned = self._plan(seen)
        self._commit(seen, decisions, planned, heard is not None, obeyed)
        self._ahead = False
        self._alert(seen)
        await self._send(planned, snapshot.number)
        again = any(not self._counts(symbol, seen) for symbol in self.units)
        return bool(planned) or not seen.booked.is_empty or obeyed or again

    async def rehearse(self) -> tuple[Seen, list[Planned]]:
        """Look, and say what would be sent; nothing is, and nothing but our own record is changed."""
        self.emergency.poll(self.gateway.now_ms())
        snapshot, ended = await self.observer.look()
        seen = await self.observer.record(snapshot, ended, at_close=False)
        self._refresh()
        return seen, self._plan(seen)

    def _counts(self, symbol: str, seen: Seen) -> bool:
        """Whether a snapshot says anything of an instrument: not if it was asked for before its last command ended."""
        newer = seen.snapshot.number > self.protocol.touched.get(symbol, 0)
        return newer or seen.told[symbol] == int(self.mind.position_of(symbol).lots)

    def _open_account(self, snapshot: Snapshot) -> None:
        """The first clean look at the money begins the books."""
        if self.permission.opened or snapshot.balance is None:
            return
        self.permission.opened = True
        wallet, now_ms = snapshot.balance.wallet, self.gateway.now_ms()
        if atoms_of(wallet) != int(self.mind.book.account[0].balance):
            self.mind.begin(atoms_of(wallet))
        opening = Payment("opening", "transfer", "", wallet, snapshot.balance.currency, self.began_ms)
        self.journal.book_payment(opening, at_ms=now_ms)

    def _fold_missed(self, seen: Seen) -> tuple[DecisionFacts, ...]:
        """Bars that closed while we were away: trailing goes over them, entries are never made up for."""
        if not self._missed or not seen.snapshot.is_whole:
            return ()
        decisions: list[DecisionFacts] = []
        for heard in self._missed:
            decisions += self._decide(heard, missed=True)
        self._missed.clear()
        return tuple(decisions)

    def _decide(self, heard: Heard, *, missed: bool = False) -> tuple[DecisionFacts, ...]:
        ideals = self.mind.decide(heard, self.ear.hours.returns, self._reserved())
        if missed:
            self.mind.book.orders["entry_lots"] = 0
            ideals = self.mind.wanted(int(heard.minutes[0].t_ms))
        self.decided = Decided(int(heard.minutes[0].t_ms), {ideal.symbol: ideal for ideal in ideals})
        self.sender.new_bar()
        self.ladder.write(self.decided.bar_ms)
        return tuple(self._facts(i, heard, missed) for i in range(len(self.instruments)))

    def _reserved(self) -> dict[int, int]:
        """Entries that may fill or may have filled, by column: their risk is taken until it is known."""
        return {
            self.mind.column(c.intent.symbol): c.intent.order_side * c.intent.lots
            for c in self.journal.open_commands()
            if c.intent.purpose is Purpose.ENTRY and c.state is not CommandState.PREPARED
        }

    def _refresh(self) -> tuple[DecisionFacts, ...]:
        """Between bars only fills change what should rest: the engine's own record says what is left of it."""
        for ideal in self.mind.wanted(self.decided.bar_ms):
            self.decided.ideals[ideal.symbol] = ideal
        return ()

    def _check_entry(self, symbol: str, px_ticks: int) -> None:
        """Drop an entry whose stop or target the first price is already beyond: the backtest's own rule."""
        order = self.mind.order_of(symbol)
        bar = SimpleNamespace(open=px_ticks)
        if order.entry_lots != 0 and entry_px(order, bar, self._costs) == 0:
            order.entry_lots = 0

    # ------------------------------------------------------------ what to send
    def _plan(self, seen: Seen) -> list[Planned]:
        if not self._has_lease():
            return []
        proposals = self.planner.plan(seen, self.decided, self.gateway.now_ms())
        return [self._planned(one, seen.snapshot.number) for one in proposals]

    def _planned(self, proposal: Proposal, snapshot: int) -> Planned:
        return self.sender.plan(proposal.step, self.decided.bar_ms, snapshot, proposal.reason)

    async def _send(self, planned: Sequence[Planned], snapshot: int) -> None:
        for step, intents in planned:
            command = self.journal.command(intents[0].client_id)
            if command is None or command.state is not CommandState.PREPARED:
                continue
            if isinstance(step, Place) and step.purpose is Purpose.ENTRY:
                self.planner.entries[step.symbol] = command
            self.observer.follow(command)
            errand = self.sender.errand(command, step)
            for reply in (await self.protocol.send([errand], snapshot)).values():
                self._hear(command.client_id, reply)
        self.protocol.finish_cancels()

    def _hear(self, client_id: str, reply: Reply) -> None:
        """Take note of an answer."""
        command = self.journal.command(client_id)
        if reply.order is not None:
            self.recorder.note_order(reply.order)
        if command is not None:
            reason = int(self.mind.order_of(command.intent.symbol).stop_reason)
            stop_reason = FillReason(reason or int(FillReason.STOP))
            self.guard.heard(command.intent, reply, stop_reason, self.gateway.now_ms())

    def _declare(self, symbol: str, reason: str) -> None:
        self.emergency.declare(symbol, reason, self.gateway.now_ms())

    def _alert(self, seen: Seen) -> None:
        held = {s: lots if lots is not None else self._book_lots(s) for s, lots in seen.held.items()}
        incident = self.emergency.alert(held, self.gateway.now_ms())
        if incident is not None:
            self.journal.report(incident)

    # ------------------------------------------------------------ who may send
    def _has_lease(self) -> bool:
        lease = self.journal.lease()
        left_ms = lease.expires_ms - self.gateway.now_ms() if lease is not None else 0
        return left_ms >= self.settings.live.lease_seconds * 500

    def _check_lease(self) -> None:
        """A process that stood still for half of its lease sends nothing of what it had decided before.

        Where nobody has taken the lease over, it is renewed, and the next cycle looks at everything anew.
        """
        if self._has_lease():
            return
        self.journal.renew(self.gateway.now_ms(), int(1000 * self.settings.live.lease_seconds))
        raise ExchangeUnavailable(
            f"{self.account}: nothing is sent, this process stood still for too long",
            why="what it decided before may be wrong by now",
        )

    # ------------------------------------------------------------ what is kept
    def _commit(
        self,
        seen: Seen,
        decisions: tuple[DecisionFacts, ...],
        planned: Sequence[Planned],
        at_close: bool,
        obeyed: bool,
    ) -> None:
        """Everything of one cycle in one transaction; a cycle in which nothing happened leaves nothing."""
        self.mind.forget()
        intents = tuple(intent for one in planned for intent in one.intents)
        changed = obeyed or self.planner.adopted or bool(seen.adjustments)
        if not (decisions or intents or changed or not seen.booked.is_empty):
            return
        self.planner.adopted = False
        self.journal.commit_cycle(
            CycleFacts(
                started_ms=seen.snapshot.asked_ms,
                bar_ms=self.decided.bar_ms if decisions else 0,
                snapshot=seen.snapshot.number,
                inputs=packed(self._told) if at_close and self._told is not None else b"",
                state=STAMP.pack(self.decided.bar_ms, self.began_ms) + self.mind.state(),
                decisions=decisions,
                equity=self._equity() if at_close else None,
                orders=seen.snapshot.written,
                fills=seen.booked.told,
                payments=seen.booked.paid,
                adjustments=seen.adjustments,
                intents=intents,
            ),
            at_ms=self.gateway.now_ms(),
        )

    def _equity(self) -> EquityFacts:
        account = self.mind.book.account[0]
        return EquityFacts(
            self.decided.bar_ms,
            money_of(int(account.equity)),
            money_of(int(account.balance)),
            money_of(int(account.exposure)),
            money_of(int(account.transferred)),
        )

    def _facts(self, i: int, heard: Heard, missed: bool) -> DecisionFacts:
        row, bar_ms = self.mind.book.latest[i], self.decided.bar_ms
        return decision_facts(self.instruments[i], bar_ms, row, heard, i, self.modules, missed=missed)

    # ------------------------------------------------------------ small questions
    def _book_lots(self, symbol: str) -> int:
        return int(self.mind.position_of(symbol).lots)

    def equity_differs(self, snapshot: Snapshot) -> int:
        """The venue's wallet less ours, atoms; 0 where the venue did not tell."""
        if snapshot.balance is None:
            return 0
        return atoms_of(snapshot.balance.wallet) - int(self.mind.book.account[0].balance)
