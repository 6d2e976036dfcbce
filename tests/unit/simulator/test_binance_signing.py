"""Keys, signatures, clocks and rights, as the venue checks them."""

from __future__ import annotations

import json

import pytest

from binance_client import BEGIN_MS, KEY, BinanceClient, signature

ACCOUNT = "/fapi/v3/account"


@pytest.fixture
def client():
    return BinanceClient()


def code(client, query, body=b"", key=KEY, method="GET", path=ACCOUNT):
    response = client.send(method, path, query, body, key)
    answer = json.loads(response.body)
    return response.status, answer.get("code", 0) if isinstance(answer, dict) else 0


def test_a_signed_request_is_answered(client):
    assert code(client, client.sign()) == (200, 0)


def test_a_signature_covers_query_and_body_as_they_were_sent(client):
    query = "symbol=BTCUSDT&side=BUY&type=LIMIT"
    body = f"quantity=0.01&price=59000&timeInForce=GTC&timestamp={BEGIN_MS}"
    signed = f"{body}&signature={signature(query + body)}".encode()
    assert code(client, query, signed, method="POST", path="/fapi/v1/order") == (200, 0)
    assert code(client, query, signed.replace(b"59000", b"59001"), method="POST", path="/fapi/v1/order") == (
        400,
        -1022,
    )


def test_parameters_are_signed_in_the_order_and_spelling_in_which_they_come(client):
    query = f"timestamp={BEGIN_MS}&symbol=%42TCUSDT"
    assert code(client, f"{query}&signature={signature(query)}", path="/fapi/v1/openOrders") == (200, 0)
    assert code(client, f"signature={signature(query)}&{query}", path="/fapi/v1/openOrders") == (200, 0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"timestamp={BEGIN_MS}", (400, -1102)),
        (f"timestamp={BEGIN_MS}&signature=", (400, -1102)),
        (f"timestamp={BEGIN_MS}&signature=nothing", (400, -1100)),
        (f"timestamp={BEGIN_MS}&signature={'0' * 64}", (400, -1022)),
        (f"signature={signature('')}", (400, -1102)),
    ],
)
def test_a_request_that_is_not_rightly_signed_is_refused(client, query, expected):
    assert code(client, query) == expected


def test_without_a_key_and_with_an_unknown_key_it_is_the_keys_fault(client):
    assert code(client, client.sign(), key="") == (401, -2014)
    assert code(client, client.sign(), key="somebody") == (401, -2015)


@pytest.mark.parametrize(
    ("late_ms", "window", "expected"),
    [
        (5_000, None, 0),
        (5_001, None, -1021),
        (-999, None, 0),
        (-1_000, None, -1021),
        (60_000, 60_000, 0),
        (1, 0, -1021),
        (0, 60_001, -1131),
    ],
)
def test_a_request_is_good_for_its_window_and_a_second_ahead(client, late_ms, window, expected):
    query = f"timestamp={BEGIN_MS - late_ms}" + (f"&recvWindow={window}" if window is not None else "")
    assert code(client, f"{query}&signature={signature(query)}")[1] == expected


def test_a_key_that_may_only_read_places_nothing():
    client = BinanceClient(permissions=frozenset({"read"}))
    assert client.order() == -2015
    assert isinstance(client.signed("GET", ACCOUNT), dict)
    assert client.exchange.order_history(client.account) == []


def test_a_keys_rights_are_told_with_the_right_to_withdraw_among_them():
    client = BinanceClient(permissions=frozenset({"read", "trade", "withdraw"}), ip_restricted=False)
    rights = client.signed("GET", "/sapi/v1/account/apiRestrictions")
    assert (rights["enableFutures"], rights["enableWithdrawals"], rights["ipRestrict"]) == (True, True, False)
    assert client.signed("GET", "/fapi/v2/account")["canWithdraw"] is True
