"""The live cycle over recorded bars: a local exchange in lockstep, a gateway, a journal, and processes that die."""

from __future__ import annotations

from mastertrading.app.bar_inputs import Inputs, listings_of, primer_of
from mastertrading.domain.facts import AccountName, RunFacts
from mastertrading.exchange.binance import BinanceGateway
from mastertrading.exchange.bybit import BybitGateway
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.journal.memory import memory_journal
from mastertrading.live.ear import Ear
from mastertrading.live.trader import Trader
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.paper import PaperGateway
from mastertrading.simulator.tape import CLOSE, OPEN, BarTape
from mastertrading.simulator.virtual_time import run_virtual
from parity.whole import END, Scene

GATEWAYS = {"binance_usdm": BinanceGateway, "bybit_linear": BybitGateway}
PAPER = "paper"


def busy(scene):
    """The same days under settings that make many more trades."""
    allocation = scene.settings.allocation.model_copy(update={"min_modules": 1, "threshold": 0.10})
    return Scene(scene.market, scene.settings.model_copy(update={"allocation": allocation}))


class Life:
    """One account lived through a scene.

    Parameters
    ----------
    venue
        A venue by its protocol, through ccxt, or ``PAPER``.
    deaths
        Numbers of points after which the process is gone and another one begins, from the journal alone.
    """

    def __init__(self, scene, venue, deaths=()):
        self.scene, self.venue, self.deaths = scene, venue, set(deaths)
        served = "binance_usdm" if venue == PAPER else venue
        tape = BarTape(scene.market, scene.start, scene.stop)
        self.local = LocalExchange(
            listings_of(scene.market.instruments, scene.settings),
            venues=(served,),
            tape=tape,
            pace=Pace.LOCKSTEP,
        )
        self.local.open_account(deposit=int(scene.initial) // 10**8)
        self.exchange, self.account = self.local.exchange(), self.local.account()
        self.account.leverage.update(dict.fromkeys(scene.market.symbols, 125))
        self.name = AccountName(venue, "live", "me")
        self.journal = memory_journal(self.name)
        self.decided, self.restarts = scene.start, 0

    def run(self):
        """Live it; returns itself."""
        run_virtual(self._live(), self.local.clock)
        assert self.local.bugs() == []
        return self

    async def _live(self):
        clock, conductor = self.local.clock, self.local.conductor()
        clock.advance(0.001)  # the deposit was before us
        self.journal.acquire("test", clock.now_ms(), 10**12)
        self.journal.begin_run(RunFacts("code", "config", clock.now_ms()))
        await self._begin()
        while (progress := conductor.step()) is not None:
            await self._answer(progress)
            if progress.number in self.deaths:
                await self.gateway.close()
                await self._begin()
                self.restarts += 1
                await self.trader.settle()
            conductor.idle()
        await self.gateway.close()

    async def _answer(self, progress):
        if progress.name == OPEN:
            markets = self.exchange.markets
            await self.trader.on_open({symbol: markets[symbol].last_ticks for symbol in markets})
        elif progress.name == CLOSE:
            await self.trader.on_bar(self._inputs.of(self.decided))
            self.decided += 1
            return
        if progress.waits_for:
            await self.trader.settle()

    async def _begin(self):
        """A process starts: it knows the journal, the venue, and the bars that have closed."""
        market = self.scene.market
        self.gateway = self._gateway()
        await self.gateway.start()
        ear = Ear(self.scene.settings, market.instruments, primer_of(market), int(market.ts_ms[0]))
        self.trader = Trader(
            self.scene.settings, market.instruments, self.name, self.gateway, self.journal, ear
        )
        self._inputs = Inputs(market)
        await self.trader.begin(self._inputs.until(self.decided))

    def _gateway(self):
        if self.venue == PAPER:
            return PaperGateway(self.exchange, self.account)
        own = str(uid_of(self.account)) if self.venue == "bybit_linear" else "me"
        permit = Permit(site_of(self.venue, Mode.LIVE), "me", own, True)
        keys = self.local.keys()
        return GATEWAYS[self.venue](
            permit,
            self.local.clock,
            keys=Keys(keys["apiKey"], keys["secret"]),
            session=self.local.session(),
        )

    def fills(self):
        """What was booked: (instrument, bar, lots, ticks, fee in atoms, reason)."""
        columns = {symbol: i for i, symbol in enumerate(self.scene.market.symbols)}
        units, base = self.trader.units, self.scene.market.base_ms
        return sorted(
            (
                columns[fill.symbol],
                fill.ts_ms - fill.ts_ms % base,
                fill.order_side * units[fill.symbol].lots(fill.qty),
                units[fill.symbol].ticks(fill.px),
                int(fill.fee * 10**8),
                int(self.trader.recorder.reason_of(fill)),
            )
            for fill in self.journal.fills()
        )


def wanted(run):
    """What a backtest filled, in the same words; it closes what is open at its end, nobody else does."""
    names = "instrument", "ts_ms", "lots", "px_ticks", "fee_atoms", "reason"
    return sorted(tuple(int(fill[name]) for name in names) for fill in run["fills"] if fill.reason != END)
