"""Gateways on real sockets: orders and streams over TLS, hosts that can't be reached, secrets that nobody sees."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from decimal import Decimal

import pytest

from gateway_desk import (
    GATEWAYS,
    SYMBOL,
    Desk,
    Squall,
    begin,
    is_order,
    limit,
    market,
    play,
    play_on_sockets,
    stop,
)
from local_venues import VENUES, on_the_wire, open_venues
from mastertrading.domain.commands import Outcome, Refusal
from mastertrading.domain.errors import ExchangeUnavailable, MastertradingError, SafetyBlocked
from mastertrading.domain.feed import Bar, Quote
from mastertrading.domain.orders import Fill, Order, OrderStatus
from mastertrading.exchange.guard import open_session
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.simulator.certificates import certificates
from mastertrading.simulator.clock import WallClock
from mastertrading.simulator.loopback import Loopback
from mastertrading.simulator.wire import Delivery, Response
from raw_requests import KEY, SECRET


@pytest.mark.parametrize("venue", VENUES)
def test_a_position_is_opened_protected_and_closed_with_news_of_each(venue, authority):
    async def scenario(desk: Desk):
        gateway = desk.gateway
        account = desk.listen(gateway.account_events())
        prices = desk.listen(gateway.market_events([SYMBOL], "1m"))
        await asyncio.sleep(0.5)
        replies = [await gateway.place(market("a1")), await gateway.place(stop("s1", 59_500))]
        await desk.move(60_010)
        await desk.until(lambda: any(isinstance(event, (Bar, Quote)) for event in prices), 5)
        await desk.move(59_400)
        await desk.until(lambda: len([event for event in account if isinstance(event, Fill)]) == 2, 5)
        return replies, account, await desk.settled("s1"), desk.lots()

    replies, account, protection, lots = play_on_sockets(scenario, venue, authority)
    assert [reply.outcome for reply in replies] == [Outcome.ACK] * 2
    assert {event.client_id for event in account if isinstance(event, Order)} >= {"a1", "s1"}
    assert (protection.status, lots) == (OrderStatus.FILLED, 0)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(
    ("going", "coming", "outcome", "count"),
    [
        (Delivery(refuse="connect"), Delivery(), Outcome.REFUSED, 0),
        (Delivery(), Delivery(lose_reply="reset"), Outcome.UNKNOWN, 1),
        (Delivery(), Delivery(cut_at=20), Outcome.UNKNOWN, 1),
        (Delivery(), Delivery(replace=Response(200, b"", {})), Outcome.UNKNOWN, 1),
    ],
)
def test_the_outcome_of_an_order_on_sockets_is_that_in_process(
    venue, authority, going, coming, outcome, count
):
    async def scenario(desk: Desk):
        if going.refuse:
            # a kept connection would serve: begin a new one, which is then refused
            desk.weather.connects = lambda host: going.refuse
            session = desk.gateway.connection.ccxt.session
            for protocols in session.connector._conns.values():
                while protocols:
                    protocols.pop()[0].close()
        else:
            desk.weather.set(is_order, coming=coming)
        reply = await desk.gateway.place(market("a1"))
        return reply.outcome, len(desk.orders())

    assert play_on_sockets(scenario, venue, authority) == (outcome, count)


# -------------------------------------------------------------------- hosts
class Watched(Loopback):
    """Notes which names were asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.asked: list[str] = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        return await super().resolve(host, port, family)


def guarded(scenario, site, authority, *, venue="binance_usdm"):
    """Run a scenario with our own guarded session in front of live venues on loopback."""

    async def run():
        clock, weather = WallClock(), Squall()
        local = open_venues(clock, weather)
        async with on_the_wire(local, authority) as served:
            resolver = Watched(served.port)
            session = open_session(site, resolver=resolver, ssl=certificates(authority).client_context())
            keys = Keys(KEY, SECRET) if site.mode is not Mode.PAPER else None
            gateway = GATEWAYS[venue](Permit(site, "main"), clock, keys=keys, session=session)
            try:
                return await scenario(gateway, resolver, weather, session)
            finally:
                await gateway.close()
                await session.close()

    return asyncio.run(run())


def test_a_test_site_process_cannot_reach_a_live_host_whatever_signing_does(authority):
    async def scenario(gateway, resolver, weather, session):
        sign = gateway.connection.ccxt.sign

        def elsewhere(*told):
            signed = sign(*told)
            return {**signed, "url": signed["url"].replace("demo-fapi.binance.com", "fapi.binance.com")}

        gateway.connection.ccxt.sign = elsewhere
        await gateway.connection.open()
        with pytest.raises(SafetyBlocked, match=r"fapi\.binance\.com"):
            await gateway.sync_clock()
        gateway._markets = {SYMBOL: {"id": SYMBOL, "symbol": "BTC/USDT:USDT"}}
        gateway.connection.time.heard(gateway.clock.now_ms(), gateway.clock.monotonic())
        with pytest.raises(SafetyBlocked):
            await gateway.place(market("a1"))
        return resolver.asked, weather.told

    assert guarded(scenario, site_of("binance_usdm", Mode.TESTNET), authority) == ([], [])


def test_a_session_of_somebody_else_reaches_no_live_host_either():
    async def scenario(desk: Desk):
        connection, venue = desk.gateway.connection, desk.gateway.name
        connection.site = site_of(venue, Mode.TESTNET)
        desk.weather.told.clear()
        with pytest.raises(SafetyBlocked):
            await desk.gateway.place(market("a1"))
        heard = desk.listen(desk.gateway.market_events([SYMBOL], "1m"))
        await desk.clock.sleep(5)
        (listening,) = desk.tasks
        desk.tasks.clear()
        with pytest.raises(SafetyBlocked):
            await listening
        return heard, desk.weather.told, desk.line.dialled

    assert play(scenario, "binance_usdm") == ([], [], 0)


def test_nobody_reaches_a_live_host_through_the_session_itself(authority):
    async def scenario(gateway, resolver, weather, session):
        for url in ("https://fapi.binance.com/fapi/v1/time", "https://api.bybit.com/v5/market/time"):
            with pytest.raises(SafetyBlocked):
                await session.get(url)
        with pytest.raises(SafetyBlocked):
            await session.ws_connect("wss://fstream.binance.com/market/ws")
        return resolver.asked

    assert guarded(scenario, site_of("binance_usdm", Mode.TESTNET), authority) == []


@pytest.mark.parametrize("host", ["api.bybit.com", "fapi.binance.com"])
def test_a_redirect_is_not_followed_and_leaves_an_order_unknown(authority, host):
    async def scenario(gateway, resolver, weather, session):
        await begin(gateway)
        resolver.asked.clear()
        weather.told.clear()
        there = {"Location": f"https://{host}/fapi/v1/time"}
        weather.set(is_order, spoil=lambda response: Response(307, b"", there))
        reply = await gateway.place(market("a1"))
        return reply, resolver.asked, weather.told, await gateway.find_order(SYMBOL, "a1")

    reply, asked, told, found = guarded(scenario, site_of("binance_usdm", Mode.LIVE), authority)
    assert reply.outcome is Outcome.UNKNOWN
    assert (asked, len(told)) == ([], 2)
    assert found.status is OrderStatus.FILLED


def test_a_proxy_of_the_environment_is_not_used_and_a_named_one_opens_no_other_host(authority, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.05)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{trap.getsockname()[1]}")

        async def scenario(gateway, resolver, weather, session):
            await gateway.sync_clock()
            proxy = f"http://127.0.0.1:{trap.getsockname()[1]}"
            with pytest.raises(SafetyBlocked):
                await session.get("https://api.bybit.com/v5/market/time", proxy=proxy)

        guarded(scenario, site_of("binance_usdm", Mode.LIVE), authority)
        with pytest.raises(TimeoutError):
            trap.accept()


def test_paper_reads_live_prices_and_can_neither_sign_nor_send(authority):
    async def scenario(gateway, resolver, weather, session):
        await gateway.start()
        funding = await gateway.funding(SYMBOL)
        reply = await gateway.place(market("a1"))
        with pytest.raises(SafetyBlocked):
            await session.post("https://fapi.binance.com/fapi/v1/order")
        with pytest.raises(SafetyBlocked):
            await session.get("https://fapi.binance.com/fapi/v1/time", headers={"X-MBX-APIKEY": "k"})
        return funding, reply, {method for method, _ in weather.told}

    funding, reply, methods = guarded(scenario, site_of("binance_usdm", Mode.PAPER), authority)
    assert funding.rate == Decimal("0.0001")
    assert (reply.outcome, reply.refusal) == (Outcome.REFUSED, Refusal.NOT_SENT)
    assert methods == {"GET"}


# -------------------------------------------------------------------- accounts
@pytest.mark.parametrize("venue", VENUES)
def test_a_key_that_may_withdraw_is_refused_at_the_start(venue):
    async def scenario(desk: Desk):
        desk.account.permissions = frozenset({"read", "trade", "withdraw"})
        with pytest.raises(SafetyBlocked, match="withdraw") as caught:
            await desk.gateway.start()
        return caught.value.exit_code

    assert play(scenario, venue) == 3


@pytest.mark.parametrize("venue", VENUES)
def test_a_key_of_another_account_is_refused_at_the_start(venue):
    async def scenario(desk: Desk):
        desk.gateway.permit = desk.gateway.permit.for_account("somebody else's")
        with pytest.raises(SafetyBlocked, match="another account"):
            await desk.gateway.start()

    play(scenario, venue)


@pytest.mark.parametrize("venue", VENUES)
def test_a_revoked_key_is_no_missing_right(venue):
    async def scenario(desk: Desk):
        desk.account.api_key = "revoked"
        with pytest.raises(MastertradingError) as caught:
            await desk.gateway.start()
        return await desk.gateway.place(limit("a1", 59_900)), caught.value

    reply, error = play(scenario, venue)
    assert reply.refusal is Refusal.AUTHENTICATION
    assert "refuses" in str(error)


# -------------------------------------------------------------------- secrets
@pytest.mark.parametrize("venue", VENUES)
def test_no_secret_is_in_any_log_text_or_error(venue, caplog):
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    async def scenario(desk: Desk):
        gateway = desk.gateway
        faults = (Delivery(lose_reply="hang"), Delivery(lose_reply="reset"), Delivery(cut_at=5))
        for k, fault in enumerate(faults):
            desk.weather.set(lambda request: True, coming=fault, times=1)
            shown.append(repr(await gateway.place(market(f"a{k}"))))
            desk.weather.set(lambda request: True, coming=fault, times=2)
            with pytest.raises(ExchangeUnavailable) as caught:
                await gateway.balance()
            shown.append("".join(traceback.format_exception(caught.value)))
            assert caught.value.__context__ is None
        desk.account.secret = "another"
        shown.append(repr(await gateway.place(market("b1"))))
        desk.listen(gateway.account_events())
        await desk.clock.sleep(5)
        shown.extend(
            (repr(gateway), repr(gateway.connection), repr(gateway.connection.ccxt), str(gateway.permit))
        )

    play(scenario, venue)
    text = "\n".join(shown) + caplog.text
    assert len(shown) > 8
    for secret in (SECRET, KEY, "signature=", "X-BAPI-SIGN"):
        assert secret not in text


def test_a_proxy_of_the_configuration_is_asked_for_the_venues_host_only():
    async def run():
        lines: list[bytes] = []

        async def accept(reader, writer):
            lines.append(await reader.readline())
            writer.close()

        proxy = await asyncio.start_server(accept, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        gateway = GATEWAYS["binance_usdm"](
            Permit(site_of("binance_usdm", Mode.PAPER), ""), WallClock(), proxy=address
        )
        async with proxy:
            await gateway.connection.open()
            with pytest.raises(ExchangeUnavailable):
                await gateway.sync_clock()
            await gateway.close()
        return set(lines)

    assert asyncio.run(run()) == {b"CONNECT fapi.binance.com:443 HTTP/1.1\r\n"}
