"""Request weight, order counts, 429, 418 and the headers that tell of them."""

from __future__ import annotations

import pytest

from binance_client import BinanceClient
from mastertrading.simulator.binance import BinanceRules
from mastertrading.simulator.binance.limits import Limits


@pytest.mark.parametrize(
    ("path", "values", "weight"),
    [
        ("time", {}, 1),
        ("depth", {"symbol": "BTCUSDT", "limit": 50}, 2),
        ("depth", {"symbol": "BTCUSDT", "limit": 1000}, 20),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 99}, 1),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m"}, 5),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1500}, 10),
        ("ticker/24hr", {"symbol": "BTCUSDT"}, 1),
        ("ticker/24hr", {}, 40),
        ("nothing", {}, None),
    ],
)
def test_each_request_weighs_what_is_documented(path, values, weight):
    client = BinanceClient()
    client.ask("GET", f"/fapi/v1/{path}", **values)
    used = client.headers.get("X-MBX-USED-WEIGHT-1M")
    assert used == (str(weight) if weight else None)


def test_orders_are_counted_by_account_in_two_windows():
    client = BinanceClient()
    client.order()
    client.wait(20_000)
    client.order()
    assert client.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    assert client.headers["X-MBX-ORDER-COUNT-1M"] in ("1", "2")
    assert client.headers["X-MBX-USED-WEIGHT-1M"] == "0"


def test_too_many_orders_are_refused_until_the_window_is_over():
    client = BinanceClient(BinanceRules(orders_in_ten_seconds=2))
    assert [client.order() for _ in range(3)][-1] == -1015
    response = client.send("POST", "/fapi/v1/order", client.sign(symbol="BTCUSDT"))
    assert (response.status, response.headers["Retry-After"]) == (429, "10")
    assert len(client.exchange.order_history(client.account)) == 2
    client.wait(10_000)
    assert client.order()["status"] == "FILLED"


def test_too_much_weight_is_a_429_with_how_long_to_wait_and_the_next_minute_is_good():
    client = BinanceClient(BinanceRules(weight_a_minute=3))
    responses = [client.send("GET", "/fapi/v1/time") for _ in range(4)]
    assert [r.status for r in responses] == [200, 200, 200, 429]
    assert 0 < int(responses[-1].headers["Retry-After"]) <= 60
    assert b'"code":-1003' in responses[-1].body
    client.wait(60_000)
    assert client.send("GET", "/fapi/v1/time").status == 200


def test_who_goes_on_after_a_429_is_banned_each_time_for_longer():
    rules = BinanceRules(weight_a_minute=1, ban_after=2)
    client = BinanceClient(rules)

    def statuses(count):
        return [client.send("GET", "/fapi/v1/time").status for _ in range(count)]

    assert statuses(5) == [200, 429, 429, 418, 418]
    assert client.headers["Retry-After"] == "120"
    client.wait(120_000)
    assert statuses(4) == [200, 429, 429, 418]
    assert client.headers["Retry-After"] == "240"
    client.wait(239_999)
    assert statuses(1) == [418]


def test_addresses_are_weighed_apart():
    limits = Limits(BinanceRules(weight_a_minute=1))
    assert limits.weigh("10.0.0.1", 1, 0) == limits.weigh("10.0.0.2", 1, 0)
