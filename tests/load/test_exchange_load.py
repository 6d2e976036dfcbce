"""What the local exchange bears. How fast it is, is printed; judged only where ``CI`` is set, by the processor's time,
since others may be at work on the machine. Longer: ``scenario/exchange_load.py``.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from scenario import exchange_load

JUDGED = bool(os.environ.get("CI"))
MARKET_S = 30.0 if JUDGED else 3.0
GROWTH_MIB = 8.0
MS_AN_ORDER, DAY_S, HOUR_S = 2.0, 60.0, 0.4


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
    assert not JUDGED or told["messages_per_s"] > 0.95 * exchange_load.RATE


def test_every_order_of_a_burst_is_accepted_and_the_books_balance(folder, capsys):
    told = asyncio.run(exchange_load.orders(1.5, folder))
    with capsys.disabled():
        print(f"\n{told}")
    assert told["refused"] == 0
    assert told["held"] == told["accepted"] > 10
    assert told["books_total"] == 0
    assert not JUDGED or told["server_cpu_ms_an_order"] < MS_AN_ORDER


def test_seven_instruments_in_lockstep_reach_their_client_bar_by_bar(folder, capsys):
    told = asyncio.run(exchange_load.lockstep(2.0, folder))
    with capsys.disabled():
        print(f"\n{told}")
    assert told["points"] == 4 * 120
    assert told["bars_heard"] == told["bars"]
    assert not JUDGED or 12 * told["cpu_seconds"] < DAY_S


def test_an_hour_in_process_is_the_same_hour_again(capsys):
    first = exchange_load.hour(3)
    markets = first.pop("markets")
    again = exchange_load.hour(3, markets)
    assert again["markets"]
    same = ("updates", "reads", "orders", "troubles", "faults_hit", "total")
    assert {name: first[name] for name in same} == {name: again[name] for name in same}
    assert first["updates"] > 200
    assert first["faults_hit"] > 0
    assert first["total"] == 0
    with capsys.disabled():
        print(f"\nan hour in process: {first['cpu_seconds']} s, then {again['cpu_seconds']} s")
    assert not JUDGED or again["cpu_seconds"] < HOUR_S
