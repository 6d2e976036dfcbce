"""``trade`` in this process: a local exchange whose bars go by on virtual time, and a trader that nobody steps."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from mastertrading.app.bar_inputs import listings_of
from mastertrading.app.demo import demo_market, demo_settings
from mastertrading.app.live_world import atoms_of
from mastertrading.app.trading.diary import Diary
from mastertrading.app.trading.folder import TradingFolder
from mastertrading.app.trading.trading import Trading
from mastertrading.app.trading.wish import Wish
from mastertrading.domain.facts import AccountName
from mastertrading.settings.schema import Exchange, Settings
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.tape import BarTape
from mastertrading.simulator.virtual_time import run_virtual, wall_shows

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
ENVIRON = {"MASTERTRADING_KEYS_MAIN_API_KEY": "key-of-me", "MASTERTRADING_KEYS_MAIN_SECRET": "secret-of-me"}
HISTORY = 720


def lively(mode="paper", venue="binance_usdm", symbols=SYMBOLS, **exchange):
    """Settings under which hours hold trades."""
    settings = demo_settings(Settings())
    kept = {one: settings.instruments[one] for one in symbols}
    chosen = Exchange(mode=mode, venue=venue, **exchange)
    return settings.model_copy(update={"exchange": chosen, "instruments": kept})


def market_of(hours=3.0, symbols=SYMBOLS):
    """Bars made from a seed."""
    return demo_market(symbols, hours, 6)


class Theatre:
    """A local exchange whose market goes on whatever anybody does."""

    def __init__(self, market, settings, venue="binance_usdm"):
        self.market, self.venue = market, venue
        self.first = HISTORY
        self.local = LocalExchange(
            listings_of(market.instruments, settings),
            venues=(venue,),
            tape=BarTape(market, self.first),
            pace=Pace.CLOCK,
        )
        self.local.open_account(deposit=Decimal(repr(settings.account.initial_equity)))
        self.local.account().leverage.update(dict.fromkeys(market.symbols, 125))

    @property
    def clock(self):
        return self.local.clock

    def wish(self, settings, folder, **named):
        exchange = settings.exchange
        account = AccountName(exchange.venue, exchange.mode, exchange.account or "main")
        state = TradingFolder(folder)
        return Wish(settings, account, state, state.url, **named)

    def trader(self, wish, on_minute=lambda trading: None, environ=ENVIRON, diary=None):
        return Trading(
            wish,
            environ,
            diary or Diary(),
            clock=self.clock,
            session=self.local.session(),
            on_minute=on_minute,
        )

    def play(self, scene):
        """Run a scene while the market goes on; what it returns."""

        async def whole():
            playing = asyncio.ensure_future(self.local.run())
            try:
                return await scene()
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)

        with wall_shows(self.clock):
            answer = run_virtual(whole(), self.clock)
        assert self.local.bugs() == []
        return answer


def stop_after(bars):
    """Stop a trader after so many bars that it decided on."""

    def look(trading):
        if trading.runner.decided >= bars:
            trading.stop()

    return look


def fills_of(journal, market, recorder, units):
    """Fills in the words of the engine: column, bar, lots, ticks, fee in atoms, reason."""
    columns = {symbol: n for n, symbol in enumerate(market.symbols)}
    return sorted(
        (
            columns[fill.symbol],
            fill.ts_ms - fill.ts_ms % market.base_ms,
            fill.order_side * units[fill.symbol].lots(fill.qty),
            units[fill.symbol].ticks(fill.px),
            atoms_of(fill.fee),
            int(recorder.reason_of(fill)),
        )
        for fill in journal.fills()
    )
