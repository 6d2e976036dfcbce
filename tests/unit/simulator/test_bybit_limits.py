"""Bybit's façade: how often one may ask, and what is said to who asks more often."""

from __future__ import annotations

import json

from bybit_world import BTC, Bybit
from mastertrading.simulator.limits import FixedWindow, RollingWindow

INFO = "/v5/account/info"


def test_replies_carry_what_is_left_of_the_second():
    venue = Bybit(limits=1)
    first = venue.signed("GET", INFO).headers
    assert (first["X-Bapi-Limit"], first["X-Bapi-Limit-Status"]) == ("50", "49")
    assert venue.signed("GET", INFO).headers["X-Bapi-Limit-Status"] == "48"


def test_the_eleventh_order_of_a_second_is_10006_and_the_window_rolls():
    venue = Bybit(limits=1)
    codes = []
    for _ in range(11):
        codes.append(venue.limit("49000")["retCode"])
        venue.clock.advance(0.05)
    assert codes == [0] * 10 + [10006]
    refused = venue.signed("POST", "/v5/order/create", body=b"{}")
    assert refused.headers["X-Bapi-Limit-Status"] == "0"
    reset = int(refused.headers["X-Bapi-Limit-Reset-Timestamp"])
    assert 0 < reset - venue.clock.now_ms() <= 1_000
    venue.clock.set_ms(reset)
    assert venue.limit("49000")["retCode"] == 0
    assert len(venue.open_rows()) == 11


def test_a_refused_visit_places_nothing_and_each_path_counts_for_itself():
    venue = Bybit(limits=1)
    for _ in range(12):
        venue.limit("49000")
    assert len(venue.open_rows()) == 10
    assert venue.post("/v5/order/cancel-all", symbol=BTC)["retCode"] == 0


def test_a_batch_counts_its_orders_and_what_is_beyond_the_limit_fails_alone():
    venue = Bybit(limits=1)
    order = {"symbol": BTC, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "49000"}
    told = venue.post("/v5/order/create-batch", request=[order] * 12)["retExtInfo"]["list"]
    assert [one["code"] for one in told] == [0] * 10 + [10006] * 2


def test_rest_and_the_stream_share_a_limit():
    venue = Bybit(limits=1)
    stream = venue.trading()
    for _ in range(9):
        venue.limit("49000")
    order = {
        "category": "linear",
        "symbol": BTC,
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.01",
        "price": "49000",
    }
    header = {"X-BAPI-TIMESTAMP": venue.clock.now_ms()}
    assert stream.say(op="order.create", header=header, args=[order])["header"]["X-Bapi-Limit-Status"] == "0"
    refused = stream.say(op="order.create", header=header, args=[order])
    assert (refused["retCode"], refused["header"]["X-Bapi-Limit"]) == (10006, "10")


def test_an_address_that_asks_too_often_is_shut_out_for_ten_minutes():
    venue = Bybit(limits=1)
    assert {venue.answer("GET", "/v5/market/time").status for _ in range(600)} == {200}
    shut = venue.answer("GET", "/v5/market/time")
    assert (shut.status, b"access too frequent" in shut.body) == (403, True)
    venue.clock.advance(599)
    assert venue.answer("GET", "/v5/market/time").status == 403
    venue.clock.advance(2)
    assert venue.answer("GET", "/v5/market/time").status == 200


def test_limits_can_be_switched_off():
    venue = Bybit(limits=None)
    assert {venue.answer("GET", "/v5/market/time").status for _ in range(700)} == {200}
    assert "X-Bapi-Limit" not in venue.signed("GET", INFO).headers


def test_an_address_with_too_many_new_connections_is_refused():
    venue = Bybit(limits=1)
    sessions = [venue.dial("/v5/public/linear").session for _ in range(501)]
    assert not hasattr(sessions[499], "status")
    assert sessions[500].status == 403


def test_a_path_that_does_not_exist_is_404_and_a_wrong_method_too():
    venue = Bybit()
    assert venue.answer("GET", "/v5/nothing").status == 404
    assert json.loads(venue.answer("GET", "/v5/nothing").body)["retCode"] == 10017
    assert venue.answer("POST", "/v5/market/time").status == 404
    assert venue.answer("GET", "/v5/order/create").status == 404
    assert venue.answer("PATCH", "/v5/market/time").status == 400


def test_fixed_windows_begin_at_whole_multiples_and_empty_themselves():
    window = FixedWindow(1_000)
    assert [window.add("a", 1_500, 3).weight, window.add("a", 1_999).weight] == [3, 4]
    assert window.add("b", 1_999).weight == 1
    assert (window.add("a", 2_000).weight, window.add("a", 2_000).resets_ms) == (1, 3_000)


def test_a_rolling_window_does_not_count_what_it_refuses():
    window = RollingWindow(1_000)
    assert [window.add("a", t, 2).weight for t in (0, 500, 600, 700)] == [1, 2, 3, 3]
    assert window.add("a", 1_000, 2).weight == 2
    assert window.add("a", 1_400, 2).resets_ms == 1_500
