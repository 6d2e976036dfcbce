"""Paper, testnet and live: two switches, the account's own name, and hosts that can't be reached otherwise."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mastertrading.domain.errors import SafetyBlocked, UsageError
from mastertrading.domain.orders import AccountFacts
from mastertrading.exchange.capabilities import CAPABILITIES
from mastertrading.exchange.guard import check
from mastertrading.exchange.modes import (
    LIVE_HOSTS,
    TEST_SITES,
    Mode,
    Permit,
    check_account,
    permit_of,
    site_of,
)
from mastertrading.settings.schema import Exchange


def settings(**more) -> Exchange:
    known = {"mode": "live", "account": "main", "account_id": "77"}
    return Exchange(**{**known, **more})


def facts(**more) -> AccountFacts:
    known = {
        "account_id": "77",
        "can_trade": True,
        "can_withdraw": False,
        "ip_restricted": True,
        "hedged": False,
    }
    return AccountFacts(**{**known, **more})


LIVE = Permit(site_of("bybit_linear", Mode.LIVE), "main", "77")


def test_live_needs_both_switches_to_say_the_same_account():
    assert permit_of(settings(), "main", origin="mastertrading.toml:3").mode is Mode.LIVE
    for switch in ("", "other", "Main"):
        with pytest.raises(SafetyBlocked) as caught:
            permit_of(settings(), switch)
        assert caught.value.exit_code == 3


@pytest.mark.parametrize("origin", ["env MASTERTRADING__EXCHANGE__MODE", "command line"])
def test_the_first_switch_of_live_is_in_the_file(origin):
    with pytest.raises(SafetyBlocked, match="configuration file"):
        permit_of(settings(), "main", origin=origin)


@pytest.mark.parametrize("missing", [{"account": ""}, {"account_id": ""}])
def test_live_needs_the_account_by_both_of_its_names(missing):
    with pytest.raises(SafetyBlocked):
        permit_of(settings(**missing), "main")


@pytest.mark.parametrize("mode", ["paper", "testnet"])
def test_a_switch_for_live_in_another_mode_is_a_contradiction(mode):
    with pytest.raises(SafetyBlocked, match="switched on"):
        permit_of(settings(mode=mode), "main")
    assert permit_of(settings(mode=mode)).mode is Mode(mode)


def test_a_configuration_says_paper_unless_it_says_otherwise():
    assert permit_of(Exchange()).mode is Mode.PAPER


def test_a_venue_without_a_test_site_is_refused_and_paper_is_named():
    with pytest.raises(SafetyBlocked) as caught:
        site_of("kucoin_futures", Mode.TESTNET)
    assert "paper" in caught.value.hint
    assert "exchange serve" in caught.value.hint
    with pytest.raises(SafetyBlocked):
        site_of("binance_usdm", Mode.TESTNET, "testnet")
    with pytest.raises(UsageError):
        site_of("nowhere", Mode.PAPER)


def test_a_test_site_that_is_asked_for_is_taken():
    assert site_of("bybit_linear", Mode.TESTNET).network == "demo"
    assert "api-testnet.bybit.com" in site_of("bybit_linear", Mode.TESTNET, "testnet").trading


def test_no_test_site_may_trade_at_a_live_host():
    live = {host for hosts in LIVE_HOSTS.values() for host in hosts}
    for sites in TEST_SITES.values():
        for site in sites.values():
            assert not site.trading & live
    for venue in LIVE_HOSTS:
        assert site_of(venue, Mode.PAPER).trading == frozenset()


def test_sites_and_capabilities_agree():
    for venue, able in CAPABILITIES.items():
        assert (able.demo or able.testnet) == (venue in TEST_SITES)


# -------------------------------------------------------------------- accounts and keys
def test_a_right_account_passes():
    assert check_account(LIVE, facts()) == ()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"account_id": "78"}, "another account"),
        ({"can_withdraw": True}, "withdraw"),
        ({"can_trade": False}, "may not trade"),
        ({"can_withdraw": None}, "rights"),
        ({"can_trade": None}, "rights"),
    ],
)
def test_a_wrong_account_or_key_is_blocked(told, words):
    with pytest.raises(SafetyBlocked, match=words) as caught:
        check_account(LIVE, facts(**told))
    assert caught.value.exit_code == 3


def test_unknown_rights_are_accepted_only_where_the_configuration_says_so():
    waived = Permit(LIVE.site, "main", "77", unknown_rights=True)
    assert check_account(waived, facts(can_withdraw=None)) == ()
    with pytest.raises(SafetyBlocked, match="withdraw"):
        check_account(waived, facts(can_withdraw=True))


def test_a_key_that_may_withdraw_is_blocked_on_a_test_site_too():
    site = site_of("bybit_linear", Mode.TESTNET)
    with pytest.raises(SafetyBlocked):
        check_account(Permit(site, "main"), facts(can_withdraw=True))
    assert check_account(Permit(site, "main"), facts(can_withdraw=None)) == ()


def test_a_key_that_is_good_from_anywhere_is_worth_a_warning():
    assert "address" in check_account(LIVE, facts(ip_restricted=False))[0]


# -------------------------------------------------------------------- addresses
PAPER, DEMO = site_of("bybit_linear", Mode.PAPER), site_of("bybit_linear", Mode.TESTNET)


@pytest.mark.parametrize(
    ("site", "method", "url"),
    [
        (LIVE.site, "POST", "https://api.bybit.com/v5/order/create"),
        (LIVE.site, "GET", "wss://stream.bybit.com/v5/private"),
        (DEMO, "POST", "https://api-demo.bybit.com/v5/order/create"),
        (DEMO, "GET", "wss://stream-demo.bybit.com/v5/private"),
        (DEMO, "GET", "wss://stream.bybit.com/v5/public/linear"),
        (PAPER, "GET", "https://api.bybit.com/v5/market/kline?symbol=BTCUSDT"),
        (PAPER, "GET", "wss://stream.bybit.com/v5/public/linear"),
    ],
)
def test_what_a_mode_allows_passes(site, method, url):
    check(site, method, url, {"User-Agent": "x"})


@pytest.mark.parametrize(
    ("site", "method", "url", "headers"),
    [
        (DEMO, "POST", "https://api.bybit.com/v5/order/create", {}),
        (DEMO, "GET", "https://api.bybit.com/v5/market/kline", {}),
        (DEMO, "GET", "wss://stream.bybit.com/v5/private", {}),
        (DEMO, "GET", "https://api-demo.bybit.com.evil.example/v5", {}),
        (DEMO, "GET", "https://api-demo.bybit.com@evil.example/v5", {}),
        (DEMO, "GET", "http://api-demo.bybit.com/v5", {}),
        (DEMO, "GET", "ws://stream-demo.bybit.com/v5", {}),
        (PAPER, "POST", "https://api.bybit.com/v5/order/create", {}),
        (PAPER, "GET", "https://api.bybit.com/v5/order/realtime", {"X-BAPI-API-KEY": "k"}),
        (PAPER, "GET", "https://api.bybit.com/v5/order/realtime?signature=1", {}),
        (PAPER, "GET", "wss://stream.bybit.com/v5/private", {}),
        (PAPER, "GET", "wss://stream.bybit.com/v5/public/linear?listenKey=1", {}),
        (LIVE.site, "POST", "https://api-demo.bybit.com/v5/order/create", {}),
        (LIVE.site, "GET", "https://api.binance.com/", {}),
        (site_of("binance_usdm", Mode.PAPER), "GET", "https://api.binance.com/sapi/v1", {}),
        (site_of("binance_usdm", Mode.PAPER), "GET", "wss://fstream.binance.com/private/ws", {}),
    ],
)
def test_what_a_mode_does_not_allow_is_stopped(site, method, url, headers):
    with pytest.raises(SafetyBlocked):
        check(site, method, url, headers)


def test_a_stopped_request_tells_its_host_and_nothing_of_its_address():
    with pytest.raises(SafetyBlocked) as caught:
        check(PAPER, "GET", "https://fapi.binance.com/x?signature=cafebabe", {"X-MBX-APIKEY": "deadbeef"})
    text = f"{caught.value} {caught.value!r}"
    assert "fapi.binance.com" in text
    assert "cafebabe" not in text
    assert "deadbeef" not in text


def test_settings_that_look_like_the_schemas_are_enough():
    like = SimpleNamespace(
        mode="paper", venue="bybit_linear", account="", account_id="", network="", unknown_rights=0
    )
    assert permit_of(like).site == PAPER
