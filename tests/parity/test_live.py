"""Equality 4, in process: the live cycle through real ccxt against the local exchange trades what the backtest trades."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from mastertrading.domain.facts import AccountName, RunFacts
from mastertrading.domain.market import Bars
from mastertrading.domain.reasons import FillReason
from mastertrading.exchange.binance import BinanceGateway
from mastertrading.exchange.bybit import BybitGateway
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.journal.memory import memory_journal
from mastertrading.live.ear import Ear
from mastertrading.live.trader import Trader
from mastertrading.signals.panel import primer_bars
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.tape import CLOSE, OPEN, BarTape
from mastertrading.simulator.virtual_time import run_virtual
from parity.scenes import recorded
from parity.test_mind import inputs_of
from parity.whole import END, replayed

GATEWAYS = {"binance_usdm": BinanceGateway, "bybit_linear": BybitGateway}


def listings(scene):
    costs = scene.rules[0].costs
    return [
        Listing(
            instrument,
            taker_e8=int(costs.taker_e8),
            maker_e8=int(costs.maker_e8),
            liquidation_e8=int(costs.liquidation_e8),
            slippage_e8=int(costs.slippage_e8),
            through_ticks=int(costs.through_ticks),
            band=Decimal(1),
            max_conditional=200,
        )
        for instrument in scene.market.instruments
    ]


def own_name(venue, account):
    return str(uid_of(account)) if venue == "bybit_linear" else "me"


def lived(scene, venue):
    tape = BarTape(scene.market, scene.start, scene.stop)
    local = LocalExchange(listings(scene), venues=(venue,), tape=tape, pace=Pace.LOCKSTEP)
    local.open_account(deposit=int(scene.initial) // 10**8)
    account = local.account("me", venue)
    for symbol in account.leverage:
        account.leverage[symbol] = 125
    clock = local.clock

    async def main():
        permit = Permit(site_of(venue, Mode.LIVE), "me", own_name(venue, account), True)
        keys = local.keys()
        gateway = GATEWAYS[venue](permit, clock, keys=Keys(keys["apiKey"], keys["secret"]), session=local.session())
        await gateway.start()
        name = AccountName(venue, "live", "me")
        journal = memory_journal(name)
        journal.acquire("test", clock.now_ms(), 10**12)
        journal.begin_run(RunFacts("code", "config", clock.now_ms()))
        market = scene.market
        primer = [_bars(primer_bars(market, n)) for n in range(len(market.instruments))]
        ear = Ear(scene.settings, market.instruments, primer, int(market.ts_ms[0]))
        trader = Trader(scene.settings, market.instruments, name, gateway, journal, ear)
        await trader.begin()
        charged = [0] * len(market.instruments)
        for t in range(scene.start):
            await trader.on_bar(inputs_of(market, t, charged), trade=False)
        conductor, t = local.conductor(venue), scene.start
        while (progress := conductor.step()) is not None:
            if progress.name == OPEN:
                opens = {s: local.exchange(venue).markets[s].last_ticks for s in market.symbols}
                await trader.on_open(opens)
            elif progress.name == CLOSE:
                await trader.on_bar(inputs_of(market, t, charged))
                await trader.settle()
                t += 1
            elif progress.waits_for:
                await trader.settle()
            conductor.idle()
        await gateway.close()
        return trader, journal

    trader, journal = run_virtual(main(), clock)
    assert local.bugs() == []
    return trader, journal, local.exchange(venue), account


def _bars(packed):
    return Bars(*(packed[name].copy() for name in ("open_ms", "open", "high", "low", "close", "volume")))


def busy(scene):
    """Settings under which the same days hold many more trades."""
    allocation = scene.settings.allocation.model_copy(update={"min_modules": 1, "threshold": 0.10})
    return type(scene)(scene.market, scene.settings.model_copy(update={"allocation": allocation}))


@pytest.mark.parametrize("venue", GATEWAYS)
def test_two_days_trade_alike_at_a_venue(venue):
    scene = busy(recorded(("BTCUSDT", "ETHUSDT", "SOLUSDT"), hours=56))
    run = replayed(scene)
    trader, journal, exchange, account = lived(scene, venue)
    columns = {symbol: i for i, symbol in enumerate(scene.market.symbols)}
    wanted = [
        (int(f.instrument), int(f.ts_ms), int(f.lots), int(f.px_ticks), int(f.fee_atoms), int(f.reason))
        for f in run["fills"]
        if f.reason != END
    ]
    base = scene.market.base_ms
    reasons = {f.fill_id: int(trader.recorder.reason_of(f)) for f in journal.fills()}
    told = [
        (
            columns[f.symbol],
            f.ts_ms - f.ts_ms % base,
            f.order_side * trader._units[f.symbol].lots(f.qty),
            trader._units[f.symbol].ticks(f.px),
            int(f.fee * 10**8),
            reasons[f.fill_id],
        )
        for f in sorted(journal.fills(), key=lambda f: f.ts_ms)
    ]
    assert len(wanted) > 20
    differ = sorted(set(told) ^ set(wanted), key=lambda row: row[1])
    assert differ == []
    assert sorted(told) == sorted(wanted)
