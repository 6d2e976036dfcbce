"""A trader that traded and stopped: its account is looked at from its journal's file, and all is as it should be."""

from __future__ import annotations

from mastertrading.app.lived.account import Account
from mastertrading.app.rehearsal import rehearse
from mastertrading.app.trading.venue import gateway_of
from mastertrading.exchange.keys import Keys
from mastertrading.journal.opening import open_journal
from traded import ENVIRON, Theatre, lively, market_of, stop_after

VENUE = "bybit_linear"


def test_what_a_trader_left_at_the_venue_is_what_its_journal_wants(tmp_path):
    settings = lively("testnet", VENUE)
    theatre = Theatre(market_of(3.0), settings, VENUE)
    wish = theatre.wish(settings, tmp_path)

    async def scene():
        await theatre.trader(wish, stop_after(12)).live()
        keys = Keys(*ENVIRON.values())
        gateway = gateway_of(
            settings, theatre.clock, ENVIRON, keys=keys, switch="", origin="", session=theatre.local.session()
        )
        journal = open_journal(wish.url, account=wish.account, read_only=True)
        try:
            await gateway.start()
            traded = Account(journal, wish.url)
            return await rehearse(traded.settings, traded.instruments, journal, gateway)
        finally:
            await gateway.close()
            journal.close()

    found = theatre.play(scene)
    held = {one.instrument for one in found.held if one.venue_qty != "0"}
    assert held
    assert held == {one.instrument for one in found.rests if one.purpose == "stop"}
    assert not found.differs, found
