"""Every error that a façade can say becomes the class of ccxt's own table, read from ccxt, chosen by the real URL."""

from __future__ import annotations

import json
from typing import Any

import ccxt
import pytest

from local_venues import UNIFIED, World
from mastertrading.simulator.binance import codes as binance_codes
from mastertrading.simulator.bybit import codes as bybit_codes
from mastertrading.simulator.line import Calm
from mastertrading.simulator.wire import ON_TIME, Response

BINANCE_BEYOND_THE_TABLE = {
    "missing": binance_codes.missing("x"),
    "illegal": binance_codes.illegal("x", "y"),
    "unwanted": binance_codes.unwanted("x"),
    "invalid": binance_codes.invalid("x"),
}


class Says(Calm):
    """A venue that answers orders with one error, whatever they are."""

    def __init__(self) -> None:
        self.reply: Response | None = None

    def returns(self, venue: str, request: Any, response: Response) -> tuple[Response, Any]:
        if self.reply is not None and request.method == "POST":
            return self.reply, ON_TIME
        return response, ON_TIME


def expected(exact: dict[str, type], broad: dict[str, type], code: str, text: str) -> type:
    """ccxt's own rule: a sentence that it knows, else the number, else an error like any other."""
    return next((kind for words, kind in broad.items() if words in text), exact.get(code, ccxt.ExchangeError))


BEFORE_ITS_TABLES = {"-4046": ccxt.MarginModeAlreadySet}
"""What ccxt's code knows without a table."""


def binance_errors(client: Any) -> dict[str, tuple[Response, type]]:
    """What the façade can say, and what ccxt's tables of ``fapi.binance.com`` make of it."""
    linear = client.get_exceptions_by_url("https://fapi.binance.com/fapi/v1/order", "exact")
    assert linear  # the real URL has a table of its own
    exact = {**client.exceptions["exact"], **linear}
    said = [binance_codes.VenueError(code) for code in binance_codes.SENTENCES]
    found = {}
    for error in (*said, *BINANCE_BEYOND_THE_TABLE.values()):
        body = error.body()
        kind = exact.get(str(body["msg"])) or expected(
            exact, client.exceptions["broad"], str(error.code), str(body["msg"])
        )
        kind = BEFORE_ITS_TABLES.get(str(error.code), kind)
        headers = {"Content-Type": "application/json"}
        found[str(error.code)] = Response(error.status, json.dumps(body).encode(), headers), kind
    return found


def bybit_errors(client: Any) -> dict[str, tuple[Response, type]]:
    found = {}
    for code in bybit_codes.Code:
        if code is bybit_codes.Code.OK:
            continue
        error = bybit_codes.Wrong(code)
        body = json.dumps(
            {"retCode": int(code), "retMsg": error.text, "result": {}, "retExtInfo": {}, "time": 1}
        )
        tables = client.exceptions
        kind = expected(tables["exact"], tables["broad"], str(int(code)), body)
        headers = {"Content-Type": "application/json"}
        found[str(int(code))] = Response(error.status, body.encode(), headers), kind
    return found


def test_each_of_the_venues_numbers_becomes_ccxts_own_class(play, venue):
    async def scenario(world: World):
        await world.client.load_markets()
        await world.client.create_order(UNIFIED, "market", "buy", 0.01)
        errors = (binance_errors if venue == "binance_usdm" else bybit_errors)(world.client)
        assert len(errors) > 40
        wrong = {}
        for code, (reply, kind) in errors.items():
            weather.reply = reply
            try:
                await world.client.create_order(UNIFIED, "market", "buy", 0.01)
            except ccxt.BaseError as error:
                raised: Any = type(error)
            else:
                raised = None
            if raised is not kind:
                wrong[code] = (raised, kind)
        assert wrong == {}

    weather = Says()
    play(scenario, weather)


REFUSED_FOR_REAL = {
    "binance_usdm": {
        "too little money": ("-2019", ccxt.InsufficientFunds),
        "too fine": ("-1111", ccxt.BadRequest),
        "too small": ("-4164", ccxt.InvalidOrder),
        "no such order": ("-2011", ccxt.OrderNotFound),
        "nothing to reduce": ("-2022", ccxt.InvalidOrder),
        "the clock is late": ("-1021", ccxt.InvalidNonce),
        "not the owner": ("-1022", ccxt.AuthenticationError),
        "nobody's key": ("-2015", ccxt.BaseError),
    },
    "bybit_linear": {
        "too little money": ("110007", ccxt.InsufficientFunds),
        "too fine": ("10001", ccxt.BadRequest),
        "too small": ("110094", ccxt.InvalidOrder),
        "no such order": ("110001", ccxt.OrderNotFound),
        "nothing to reduce": ("110017", ccxt.BaseError),
        "the clock is late": ("10002", ccxt.InvalidNonce),
        "not the owner": ("10004", ccxt.AuthenticationError),
        "nobody's key": ("10003", ccxt.AuthenticationError),
    },
}


async def provoke(world: World, what: str) -> None:
    """Do what the venue refuses."""
    client = world.client
    if what == "too little money":
        await client.create_order(UNIFIED, "limit", "buy", 100, 59_000.0)
    elif what == "too fine":
        client.markets[UNIFIED]["precision"]["amount"] = 0.00001  # ccxt itself would round it
        await client.create_order(UNIFIED, "limit", "buy", 0.01234, 59_000.0)
    elif what == "too small":
        world.exchange.change_listing("BTCUSDT", min_notional=100_000)
        await client.create_order(UNIFIED, "limit", "buy", 0.01, 59_000.0)
    elif what == "no such order":
        await client.cancel_order("123456789", UNIFIED)
    elif what == "nothing to reduce":
        await client.create_order(UNIFIED, "market", "sell", 0.01, None, {"reduceOnly": True})
    elif what == "the clock is late":
        client.options["timeDifference"] = 600_000
        await client.fetch_balance()
    else:
        setattr(client, "secret" if what == "not the owner" else "apiKey", "wrong")
        client.options["hasAlreadyAuthenticatedSuccessfully"] = False
        await client.fetch_balance()


@pytest.mark.parametrize("what", REFUSED_FOR_REAL["binance_usdm"])
def test_what_the_exchange_refuses_arrives_with_the_venues_number(play, venue, what):
    code, kind = REFUSED_FOR_REAL[venue][what]

    async def scenario(world: World):
        await world.client.load_markets()
        with pytest.raises(kind, match=f'"(code|retCode)": ?{code}'):
            await provoke(world, what)

    play(scenario)
