"""From settings to a gateway: nothing is opened before the permit and the keys are there."""

from __future__ import annotations

import pytest

from mastertrading.domain.errors import SafetyBlocked, UsageError
from mastertrading.exchange.modes import Mode
from mastertrading.exchange.opening import open_gateway
from mastertrading.settings.load import load
from mastertrading.settings.schema import Exchange

KEYS = {"MASTERTRADING_KEYS_MAIN_API_KEY": "k", "MASTERTRADING_KEYS_MAIN_SECRET": "s"}
LIVE = {"mode": "live", "account": "main", "account_id": "77"}


class Clock:
    def now_ms(self) -> int:
        return 0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


def test_paper_reads_no_key():
    gateway = open_gateway(Exchange(), Clock(), KEYS)
    assert (gateway.permit.mode, gateway.signs, gateway.venue) == (Mode.PAPER, False, "binance_usdm")
    assert not gateway.connection.ccxt.apiKey


@pytest.mark.parametrize("venue", ["binance_usdm", "bybit_linear"])
def test_live_takes_its_second_switch_from_the_environment(venue):
    gateway = open_gateway(Exchange(**LIVE, venue=venue), Clock(), KEYS | {"MASTERTRADING_LIVE": "main"})
    assert (gateway.permit.mode, gateway.signs) == (Mode.LIVE, True)
    with pytest.raises(SafetyBlocked):
        open_gateway(Exchange(**LIVE, venue=venue), Clock(), KEYS)


def test_a_test_site_needs_keys():
    with pytest.raises(SafetyBlocked, match="no keys"):
        open_gateway(Exchange(mode="testnet", account="main"), Clock(), {})


def test_a_gateway_on_a_test_site_has_its_addresses():
    gateway = open_gateway(Exchange(mode="testnet", account="main", venue="bybit_linear"), Clock(), KEYS)
    assert gateway.connection.ccxt.urls["api"]["private"] == "https://api-demo.{hostname}"
    gateway = open_gateway(Exchange(mode="testnet", account="main"), Clock(), KEYS)
    assert gateway.connection.ccxt.urls["api"]["fapiPrivate"].startswith("https://demo-fapi.binance.com/")


def test_a_venue_without_a_gateway_is_refused():
    with pytest.raises(UsageError, match="no gateway"):
        open_gateway(Exchange(venue="bingx_swap"), Clock(), {})


def test_ccxt_is_tame_and_stays_so():
    gateway = open_gateway(Exchange(), Clock(), {})
    ccxt = gateway.connection.ccxt
    assert (ccxt.enableRateLimit, ccxt.verbose, ccxt.options.get("maxRetriesOnFailure", 0)) == (
        False,
        False,
        0,
    )
    for name, value in (("verbose", True), ("enableRateLimit", True)):
        setattr(ccxt, name, value)
        with pytest.raises(Exception, match="must not"):
            gateway.connection.assert_tame()
        setattr(ccxt, name, False)
    ccxt.options["maxRetriesOnFailure"] = 3
    with pytest.raises(Exception, match="must not"):
        gateway.connection.assert_tame()


def test_keys_and_the_second_switch_are_no_misspelt_settings():
    environ = KEYS | {"MASTERTRADING_LIVE": "main", "MASTERTRADING_KEYS_MAIN_FILE": "/x"}
    assert load(environ=environ).settings.exchange == Exchange()


def test_keys_do_not_fit_into_the_configuration(tmp_path):
    path = tmp_path / "mastertrading.toml"
    path.write_text('[exchange]\napi_key = "canary"\n', encoding="utf-8")
    with pytest.raises(Exception, match="api_key"):
        load(path)


def test_the_origin_of_a_mode_is_known(tmp_path):
    path = tmp_path / "mastertrading.toml"
    path.write_text('[exchange]\nmode = "live"\naccount = "main"\naccount_id = "77"\n', encoding="utf-8")
    told = load(path)
    assert open_gateway(
        told.settings.exchange, Clock(), KEYS, switch="main", origin=told.origins["exchange.mode"]
    ).signs
    told = load(path, environ={"MASTERTRADING__EXCHANGE__MODE": "live"})
    with pytest.raises(SafetyBlocked, match="configuration file"):
        open_gateway(
            told.settings.exchange, Clock(), KEYS, switch="main", origin=told.origins["exchange.mode"]
        )
