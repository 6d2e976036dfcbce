"""What the local exchange bears; how fast it is, is printed and not judged. Longer: ``scenario/exchange_load.py``."""

from __future__ import annotations

import asyncio
import os

import pytest

from scenario import exchange_load

MARKET_S = 30.0 if os.environ.get("CI") else 3.0
GROWTH_MIB = 8.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("authority")


def test_a_stream_of_market_messages_loses_none_and_takes_no_more_memory(folder, capsys):
    told = asyncio.run(exchange_load.market(MARKET_S, folder)) | asyncio.run(exchange_load.ccxt_rate(1_000))
    with capsys.disabled():
        print(f"\n{told}")
    assert told["received"] == told["sent"] > 1_000
    assert told["trades_missing"] == 0
    assert told["server_growth_mib"] < GROWTH_MIB
    assert told["client_growth_mib"] < GROWTH_MIB


def test_every_order_of_a_burst_is_accepted_and_the_books_balance(folder, capsys):
    told = asyncio.run(exchange_load.orders(1.5, folder))
    with capsys.disabled():
        print(f"\n{told}")
    assert told["refused"] == 0
    assert told["held"] == told["accepted"] > 10
    assert told["books_total"] == 0


def test_seven_instruments_in_lockstep_reach_their_client_bar_by_bar(folder, capsys):
    told = asyncio.run(exchange_load.lockstep(2.0, folder))
    with capsys.disabled():
        print(f"\n{told}")
    assert told["points"] == 4 * 120
    assert told["bars_heard"] == told["bars"]


def test_an_hour_in_process_is_the_same_hour_again():
    first = exchange_load.hour(3)
    markets = first.pop("markets")
    again = exchange_load.hour(3, markets)
    assert again["markets"]
    same = ("updates", "reads", "orders", "total")
    assert {name: first[name] for name in same} == {name: again[name] for name in same}
    assert first["updates"] > 200
    assert first["total"] == 0
