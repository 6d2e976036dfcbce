"""What every run of a story has: an exchange, its wire, the books as they are committed, and who is told of it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from mastertrading.app.campaign.doors import Moment, Step
from mastertrading.app.campaign.market import BEGIN_MS, forecasts_of, market_of
from mastertrading.app.campaign.settings import settings_of
from mastertrading.app.campaign.shelf import Shelf
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.witness import Wire
from mastertrading.app.exchange import listing_of
from mastertrading.compiled import records
from mastertrading.domain.facts import AccountName
from mastertrading.domain.market import MINUTE_MS
from mastertrading.live.ear import BarInputs, Ear, Heard
from mastertrading.signals.rows import VERDICT
from mastertrading.simulator.binance.rules import BinanceRules
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.bybit.rules import BybitRules
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.events import Event
from mastertrading.simulator.faults.fault import Fault
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.script import Script
from mastertrading.simulator.tape import BarTape

PAPER = "paper"
RULES: dict[str, Any] = {"binance_usdm": BinanceRules, "bybit_linear": BybitRules}
NAME = "me"
DEPOSIT = 100_000
RESTART_S = 1.0
FOREVER_MS = 10**14


class SaidEar(Ear):
    """Hears bars as ever, and forecasts of the story in place of the modules'."""

    forecasts: np.ndarray
    begin_ms: int

    def hear(self, told: BarInputs) -> Heard:
        """One bar, with what the story says of it."""
        rows, minutes, _ = super().hear(told)
        said = records(VERDICT, (1, len(self.desks), 1))
        said["forecast"][0, :, 0] = self.forecasts[(told.open_ms - self.begin_ms) // self.base_ms]
        return Heard(rows, minutes, said)


class Engine(NamedTuple):
    """What a trader itself thinks that it has: lots by symbol, and its wallet in atoms."""

    lots: dict[str, int]
    wallet_atoms: int

    @classmethod
    def of(cls, trader: Any) -> Engine:
        """Of a trader that lives."""
        book = trader.mind.book
        held = zip(trader.instruments, book.positions, strict=True)
        return cls({one.symbol: int(position.lots) for one, position in held}, int(book.account[0].balance))


class Stage:
    """Where a story is played.

    Attributes
    ----------
    on_event, on_cycle, on_begin, on_calm, on_rest, on_failure
        Who is told of the exchange's events, of each cycle that ended, of each process that began, that no fault acts
        any more, that all should have come right, and of what ended a process without being a death.
    journal
        The books as they are committed, for those who only read.
    deaths
        (when, at which step, at which of its moments).
    failures
        What ended a process without being a death: (when, what).
    rest_step
        Number of the first step after which all should have come right.
    """

    def __init__(self, story: Story) -> None:
        self.story, self.settings, self.market = story, settings_of(story), market_of(story)
        self.forecasts = forecasts_of(story)
        self.clock = VirtualClock(BEGIN_MS)
        self.local = self._local("binance_usdm" if story.venue == PAPER else story.venue)
        self.local.open_account(NAME, deposit=DEPOSIT)
        self.exchange, self.account = self.local.exchange(), self.local.account()
        self.account.leverage.update(dict.fromkeys(story.symbols, 125))
        self.wire = Wire(self.local.plan, self.clock.now_ms)
        self.local.line.weather = self.wire
        self.name = AccountName(story.venue, "live", NAME)
        self.shelf = Shelf(story.journal, self.name)
        self.journal = self.shelf.open(0)
        self.engine: Engine | None = None
        self.lives = 0
        self.deaths: list[tuple[int, Step, Moment]] = []
        self.failures: list[tuple[int, str]] = []
        self.on_event: list[Callable[[Event], None]] = []
        self.on_cycle: list[Callable[[], None]] = []
        self.on_begin: list[Callable[[], None]] = []
        self.on_calm: list[Callable[[], None]] = []
        self.on_failure: list[Callable[[str], None]] = []
        self.on_rest: list[Callable[[], None]] = []
        self.is_urgent: Callable[[], bool] = lambda: False
        """Whether a position stands without a stop."""
        self.is_calm = self.is_at_rest = False
        self.steps: list[Step] = []
        self.rest_step = 0
        self.faults: list[Fault] = []
        self.exchange.subscribe(self._hear)

    def _local(self, served: str) -> LocalExchange:
        listings = [
            replace(listing_of(one, self.settings), funding_interval_ms=60 * MINUTE_MS, max_conditional=200)
            for one in self.market.instruments
        ]
        if self.story.volume_share is not None:
            for one in listings:
                one.volume_share = Decimal(repr(self.story.volume_share))
        rows = [_at(dict(act), BEGIN_MS) for act in self.story.acts]
        rules = replace(RULES[served](), **self.story.rules) if self.story.rules else None
        return LocalExchange(
            listings,
            venues=(served,),
            clock=self.clock,
            tape=BarTape(self.market, 0, self.story.bars),
            pace=Pace.CLOCK,
            script=_script(rows),
            rules={served: rules} if rules is not None else None,
        )

    @property
    def now_ms(self) -> int:
        """The exchange's clock."""
        return self.clock.now_ms()

    @property
    def is_unresolved(self) -> bool:
        """Whether the outcome of a command is not known."""
        return any(one.state.is_unresolved for one in self.journal.open_commands())

    @property
    def own(self) -> str:
        """The venue's own name of the account."""
        return str(uid_of(self.account)) if self.story.venue == "bybit_linear" else NAME

    def prices(self) -> dict[str, int]:
        """Last prices, ticks."""
        return {symbol: state.last_ticks for symbol, state in self.exchange.markets.items()}

    # ---------------------------------------------------------------- who is told
    def calm_down(self) -> None:
        """From here on nothing goes wrong."""
        self.local.plan.clear()
        self.is_calm = True
        for listener in self.on_calm:
            listener()

    def _hear(self, event: Event) -> None:
        for listener in self.on_event:
            listener(event)

    def _cycled(self, engine: Engine) -> None:
        self.engine = engine
        for listener in self.on_cycle:
            listener()

    def _begun(self) -> None:
        for listener in self.on_begin:
            listener()

    def _died(self, step: Step, moment: Moment) -> None:
        self.deaths.append((self.now_ms, step, moment))

    def _fail(self, what: str) -> None:
        self.failures.append((self.now_ms, what))
        for listener in self.on_failure:
            listener(what)

    def _come_to_rest(self) -> None:
        if not self.is_at_rest:
            self.is_at_rest = True
            self.rest_step = len(self.steps)
            for listener in self.on_rest:
                listener()


def ear_of(stage: Any) -> SaidEar:
    """Who hears for a trader. ``stage``: what has ``settings``, ``market`` and ``forecasts``."""
    ear = SaidEar(stage.settings, stage.market.instruments, stage.market.primer, BEGIN_MS)
    ear.forecasts, ear.begin_ms = stage.forecasts, BEGIN_MS
    return ear


def _at(act: dict[str, Any], begin_ms: int) -> dict[str, Any]:
    if "at_s" in act:
        act["at_ms"] = begin_ms + round(1000 * float(act.pop("at_s")))
    return act


def _script(rows: list[dict[str, Any]]) -> Script | None:
    from mastertrading.simulator.script import Act, When

    made = []
    for row in rows:
        when = row.pop("when", None)
        do, at_ms, after_s = row.pop("do"), row.pop("at_ms", None), row.pop("after_s", 0)
        made.append(Act(do, row, at_ms, When(**when) if when else None, round(1000 * after_s)))
    return Script(made) if made else None
