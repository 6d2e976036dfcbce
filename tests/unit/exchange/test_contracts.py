"""Contracts as exchanges list them."""

from __future__ import annotations

import pytest

from mastertrading.domain.errors import UsageError
from mastertrading.exchange.contracts import by_symbol, chosen_markets, facts_of
from mastertrading.exchange.venues import KINDS, OFFERS, ccxt_id, offer_of


def swap(symbol, market_id, **more):
    return {"symbol": symbol, "id": market_id, "swap": True, "linear": True, "active": True} | more


def test_a_market_is_found_by_any_of_its_names_and_never_taken_for_another():
    usdc = swap("BTC/USDC:USDC", "BTCPERP")
    usdt = swap("BTC/USDT:USDT", "BTCUSDT")
    inverse = swap("BTC/USD:BTC", "BTCUSD") | {"linear": False}
    spot = {"symbol": "BTC/USDT", "id": "BTCUSDT", "spot": True}
    found = by_symbol([usdc, inverse, spot, usdt])
    assert found == {"BTCUSDC": usdc, "BTCUSDT": usdt}


def test_kucoins_names_are_understood():
    market = swap("BTC/USDT:USDT", "XBTUSDTM")
    assert by_symbol([market])["BTCUSDT"] is market


def test_an_exchange_without_perpetuals_gives_its_spot_markets():
    spot = {"symbol": "BTC/USDT", "id": "XXBTZUSDT", "spot": True}
    assert by_symbol([spot])["BTCUSDT"] is spot


def test_a_listed_market_comes_before_a_delisted_one_of_the_same_name():
    old = swap("LUNA/USDT:USDT", "LUNAUSDT", active=False)
    new = swap("LUNA/USDT:USDT", "LUNA2USDT")
    assert by_symbol([old, new])["LUNAUSDT"] is new


def test_an_instrument_that_is_not_listed_is_told_with_what_comes_near():
    with pytest.raises(UsageError, match="bybit lists no BTCUSD\nwhy: did you mean BTCUSDT"):
        chosen_markets({"BTCUSDT": {}}, ["BTCUSD"], "bybit")


def market(tick, lot, least=None, cost=None, size=None):
    limits = {"amount": {"min": least}, "cost": {"min": cost}}
    return swap(
        "A/USDT:USDT", "A", precision={"price": tick, "amount": lot}, limits=limits, contractSize=size
    )


def test_facts_are_exact_decimals():
    facts = facts_of("AUSDT", market(1e-05, 1.0, 3.0, 5.0, 10.0))
    assert facts is not None
    assert (format(facts.tick, "f"), format(facts.lot, "f"), facts.min_lots) == ("0.00001", "1", 3)
    assert (format(facts.min_notional, "f"), format(facts.multiplier, "f")) == ("5", "10")


@pytest.mark.parametrize(
    "listed", [market(None, 1.0), market(0.1, None), market(0.0, 1.0), market(1e-7, 1e-7)]
)
def test_facts_that_are_not_stated_exactly_are_none(listed):
    assert facts_of("AUSDT", listed) is None


def test_a_ladder_without_its_first_step_is_left_out():
    steps = [
        {"minNotional": 0.0, "maintenanceMarginRate": 0.005},
        {"minNotional": 9.0, "maintenanceMarginRate": 0.01},
    ]
    whole = facts_of("AUSDT", market(0.1, 1.0), steps)
    cut = facts_of("AUSDT", market(0.1, 1.0), steps[1:])
    assert whole is not None
    assert cut is not None
    assert [(str(t.floor), str(t.maintenance_rate)) for t in whole.tiers] == [("0", "0.005"), ("9", "0.01")]
    assert len(cut.tiers) == 1


def test_every_offer_says_how_many_rows_of_every_kind():
    assert all(set(offer.rows) == set(KINDS) for offer in [*OFFERS.values(), offer_of("kraken")])
    assert (ccxt_id("binance_usdm"), ccxt_id("Bybit"), ccxt_id("okx")) == ("binanceusdm", "bybit", "okx")
