"""Two processes for one account: one trades, the other stands by and takes over; who was overtaken sends nothing."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest

from journal_servers import postgresql
from mastertrading.app.trading.folder import TradingFolder
from mastertrading.domain.errors import LeaseLost
from mastertrading.journal.opening import open_journal
from traded import Theatre, lively, market_of, stop_after


@contextmanager
def address(kind, wish):
    """Where both keep their journal."""
    with postgresql() if kind == "postgresql" else nullcontext(wish.url) as url:
        open_journal(url, account=wish.account, create=True).close()
        yield url


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_second_takes_over_in_bounded_time_and_the_first_sends_nothing_any_more(kind, tmp_path):
    settings = lively("testnet")
    theatre = Theatre(market_of(1.0), settings)
    lease_s = settings.live.lease_seconds
    told = {}

    async def scene(url):
        def wish(name):
            return replace(
                theatre.wish(settings, tmp_path / name), url=url, folder=TradingFolder(tmp_path / name)
            )

        def freeze(trading):
            if trading.runner.decided == 3:  # it hangs: neither renewed nor ended
                trading.runner._turn = hangs
                trading.runner._renew = lambda: None
                told["frozen"] = theatre.clock.monotonic()

        async def hangs():
            await theatre.clock.sleep(2 * lease_s)
            del first.runner._renew
            told["before"] = len(theatre.local.account().orders)
            return True

        first = theatre.trader(wish("first"), freeze)
        second = theatre.trader(wish("second"), stop_after(4))
        first.holder, second.holder = "first", "second"
        one = asyncio.ensure_future(first.live())
        await theatre.clock.sleep(5)
        two = asyncio.ensure_future(second.live())
        await theatre.clock.sleep(60)
        assert not second.holds
        while not second.holds:
            await theatre.clock.sleep(0.5)
        told["taken"] = theatre.clock.monotonic()
        orders_of_first = lambda: [c for c in second.journal.open_commands() if c.epoch == 1]  # noqa: E731
        known = len(orders_of_first())
        with pytest.raises(LeaseLost, match="may not write") as lost:
            await one
        assert lost.value.exit_code == 3
        assert len(orders_of_first()) <= known
        await two
        return second

    with address(kind, theatre.wish(settings, tmp_path)) as url:
        second = theatre.play(lambda: scene(url))
    assert told["taken"] - told["frozen"] <= lease_s + 5
    assert second.runner.decided >= 4
    held = [one for one in theatre.local.account().legs.values() if one.lots]
    assert held


def test_who_does_not_want_to_wait_is_told_who_trades(tmp_path):
    settings = lively("testnet")
    theatre = Theatre(market_of(1.0), settings)

    async def scene():
        wish = theatre.wish(settings, tmp_path)
        first = theatre.trader(wish, stop_after(2))
        one = asyncio.ensure_future(first.live())
        await theatre.clock.sleep(5)
        with pytest.raises(LeaseLost, match="is being traded by"):
            await theatre.trader(replace(wish, waits=False)).live()
        await one

    theatre.play(scene)
