"""Signals put into a trader of its own: a local exchange, a venue's protocol through ccxt, a journal, virtual time.

Nothing of it touches an account that counts, nor its statistics.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mastertrading.app.bar_inputs import listings_of
from mastertrading.app.state_folder import JOURNAL, run_facts
from mastertrading.domain.errors import MastertradingError, OutputError, UsageError
from mastertrading.domain.facts import AccountName, CommandPhase, OperatorCommand
from mastertrading.domain.instrument import canonical_symbol
from mastertrading.domain.market import Bars, Market
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.exchange.opening import GATEWAYS
from mastertrading.journal.memory import memory_journal
from mastertrading.journal.opening import open_journal
from mastertrading.lake.synthetic import synthesize
from mastertrading.live.ear import Ear
from mastertrading.live.injection import INJECT, SIDES, Injector, Signal, signal_of
from mastertrading.live.trader import Trader
from mastertrading.settings.schema import Settings
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.faults.fault import Fault
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.virtual_time import run_virtual, wall_shows

NAME, BY = "me", "inject"
FIRST_S, EVERY_S, PATIENCE_S = 10, 5, 120
LOOK_S = 5
"""Seconds between two looks: a venue counts them."""
REFERENCE = (
    "BUY ETH 0.26",
    "BUY BTC 0.014",
    "BUY SOL 5.555",
    "SELL ETH 0.26",
    "SELL BTC 0.014",
    "SELL SOL 5.555",
)
LEARNED = ("wins", "trials", "weights")
"""What the modules have earned, in the engine's account."""
LEASE_MS = 10**12


@dataclass(frozen=True, slots=True)
class Ended:
    """One signal and how it ended: ``filled``, ``refused``, ``open`` (it did not end) or ``crashed``."""

    number: int
    after_s: int
    signal: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Injected:
    """A finished run."""

    venue: str
    ended: tuple[Ended, ...]
    orders: int
    fills: int
    net: str
    statistics_untouched: bool
    folder: str = ""

    @property
    def is_good(self) -> bool:
        """Whether every signal ended filled or refused with a reason, and no module learned from it."""
        ends = all(one.outcome in ("filled", "refused") and one.detail for one in self.ended)
        return ends and self.statistics_untouched

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "good": self.is_good}


def signal_from(text: str) -> Signal:
    """``BUY ETH 0.26`` as a signal. Raises ``UsageError``."""
    parts = text.split()
    if len(parts) != 3 or parts[0].lower() not in SIDES:
        raise UsageError(f"{text!r} is no signal", hint='--signal "BUY ETH 0.26"')
    return signal_of({"side": parts[0], "symbol": canonical_symbol(parts[1]), "qty": parts[2]})


@dataclass
class Rig:
    """A trader and its exchange.

    Attributes
    ----------
    faults
        Of the catalogue, while it trades.
    """

    venue: str
    settings: Settings
    signals: Sequence[Signal]
    seed: int = 0
    folder: Path | None = None
    faults: Sequence[Fault] = ()
    market: Market = field(init=False)
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        symbols = tuple(dict.fromkeys(one.symbol for one in self.signals))
        known = [one for one in symbols if one in self.settings.instruments]
        self.market = synthesize(tuple(known) or ("BTCUSDT",), PATIENCE_S * 2 / 1440, self.seed)
        self.account = AccountName(self.venue, "live", NAME)
        self.local = LocalExchange(
            listings_of(self.market.instruments, self.settings), venues=(self.venue,), faults=self.faults
        )
        self.local.open_account(NAME, deposit=Decimal(repr(self.settings.account.initial_equity)))

    def run(self) -> Injected:
        """Live it.

        Raises
        ------
        OutputError
            If the folder holds a journal already.
        """
        self.journal = self._journal()
        clock: Any = self.local.clock
        try:
            with wall_shows(clock):
                return run_virtual(self._live(), clock)
        finally:
            self.journal.close()

    def _journal(self) -> Journal:
        if self.folder is None:
            return memory_journal(self.account)
        path = self.folder / JOURNAL
        if path.exists():
            raise OutputError(
                "this folder holds a journal already", where=str(path), hint="--out another folder"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
            "1"  # the journal belongs to this thread: nothing waits for it
        )
        url = f"sqlite:///{path}"
        return open_journal(
            url, account=self.account, durable=False, create=True, now_ms=self.local.clock.now_ms()
        )

    # ---------------------------------------------------------------- life
    async def _live(self) -> Injected:
        clock: Any = self.local.clock
        clock.advance(0.001)  # the deposit was before us
        self._move(0)
        self.journal.acquire(BY, clock.now_ms(), LEASE_MS)
        self.journal.begin_run(run_facts(self.settings, clock.now_ms()))
        gateway = self._gateway()
        try:
            await gateway.start()
            return await self._trade(gateway)
        finally:
            await gateway.close()

    async def _trade(self, gateway: Gateway) -> Injected:
        instruments = self.market.instruments
        ear = Ear(self.settings, instruments, [_no_bars() for _ in instruments], int(self.market.ts_ms[0]))
        trader = Trader(self.settings, instruments, self.account, gateway, self.journal, ear)
        await trader.begin()
        await trader.settle()
        injector = trader.operators.injector = Injector(trader)
        before, crashed = _learned(trader), ""
        for second in range(0, PATIENCE_S, LOOK_S):
            injector.prices = self._move(second)
            self._ask(second)
            try:
                await trader.settle()
            except MastertradingError as error:  # what a trader's process would end by
                crashed = error.what
                break
            last_s = FIRST_S + EVERY_S * (len(self.signals) - 1)
            if second >= last_s and not self.journal.requests():
                break
            await self.local.clock.sleep(LOOK_S)
        return self._told(trader, crashed, _learned(trader) == before)

    def _ask(self, second: int) -> None:
        """Put in the signal that is due."""
        number, rest = divmod(second - FIRST_S, EVERY_S)
        if rest == 0 and 0 <= number < len(self.signals):
            arguments = self.signals[number].as_arguments()
            now_ms = self.local.clock.now_ms()
            self.journal.request(OperatorCommand(f"{BY}-{number + 1}", INJECT, BY, now_ms, arguments))

    def _move(self, second: int) -> dict[str, int]:
        """The market a second later; prices in ticks."""
        exchange, row = self.local.exchange(self.venue), min(second, len(self.market.ts_ms) - 1)
        prices = {}
        for n, one in enumerate(self.market.instruments):
            prices[one.symbol] = round(Decimal(repr(float(self.market.close[row, n]))) / one.tick)
            exchange.move(one.symbol, prices[one.symbol])
        return prices

    def _gateway(self) -> Gateway:
        account, keys = self.local.account(NAME), self.local.keys()
        own = str(uid_of(account)) if self.venue == "bybit_linear" else NAME
        module, name = GATEWAYS[self.venue]
        made: Gateway = getattr(import_module(module), name)(
            Permit(site_of(self.venue, Mode.LIVE), NAME, own, True),
            self.local.clock,
            keys=Keys(keys["apiKey"], keys["secret"]),
            session=self.local.session(),
        )
        return made

    # ---------------------------------------------------------------- report
    def _told(self, trader: Trader, crashed: str, untouched: bool) -> Injected:
        asked = {one.command_id: one for one in self.journal.asked()}
        ended = tuple(
            _ended(number, signal, asked.get(f"{BY}-{number + 1}"), crashed)
            for number, signal in enumerate(self.signals)
        )
        net = sum((one.net for one in self.journal.trades()), Decimal(0))
        commands = self.journal.commands(None, 0, 1 << 62)
        place = "" if self.folder is None else str(self.folder)
        return Injected(
            self.venue, ended, len(commands), len(self.journal.fills()), f"{net:f}", untouched, place
        )


def _ended(number: int, signal: Signal, asked: OperatorCommand | None, crashed: str) -> Ended:
    words = {CommandPhase.DONE: "filled", CommandPhase.REFUSED: "refused"}
    outcome = "crashed" if crashed else "open"
    detail = crashed
    if asked is not None and asked.phase in words:
        outcome, detail = words[asked.phase], asked.outcome.removeprefix("filled: ")
    side = next(name for name, sign in SIDES.items() if sign == signal.side)
    text = f"{side} {signal.symbol} {signal.qty:f}"
    return Ended(number + 1, FIRST_S + EVERY_S * number, text, outcome, detail)


def _learned(trader: Trader) -> tuple[bytes, ...]:
    account = trader.mind.book.account
    return tuple(np.ascontiguousarray(account[name]).tobytes() for name in LEARNED)


def _no_bars() -> Bars:
    none = np.zeros(0)
    return Bars(np.zeros(0, np.int64), none, none, none, none, none)
