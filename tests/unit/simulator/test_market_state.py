"""The public side of an instrument: bars of all timeframes, the day, the book, and recorded frames."""

from __future__ import annotations

import gzip
import json

import pytest

from command_runs import SHARED
from mastertrading.domain.errors import DataUnreadable
from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS
from mastertrading.domain.orders import BUY, SELL, OrderKind
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.conductor import Conductor
from mastertrading.simulator.depth import Depth
from mastertrading.simulator.events import BarChanged, BookChanged
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Liquidity, NewOrder
from mastertrading.simulator.tape import BarTape, FrameTape
from unit.simulator.trading import INSTRUMENT, SYMBOL, Desk, panel

MIDNIGHT_MS = 1_700_006_400_000


def walked(minutes, *, start_ms=MIDNIGHT_MS, first=0, played=None):
    bars = [(1_000.0 + k, 1_003.0 + k, 999.0 + k, 1_001.0 + k, 4.0) for k in range(minutes)]
    market = panel(bars, start_ms=start_ms)
    exchange = Exchange([Listing(INSTRUMENT)], VirtualClock(0))
    conductor = Conductor(exchange, BarTape(market, first))
    conductor.play(None if played is None else start_ms + played * MINUTE_MS)
    return exchange, conductor, exchange.markets[SYMBOL]


@pytest.mark.parametrize("first", [0, 70, 130])
def test_coarser_bars_are_made_of_base_bars_whether_these_were_played_or_loaded(first):
    _, _, state = walked(150, first=first)
    hours = state.bars("1h")
    assert [b.closed for b in hours] == [True, True, False]
    assert [(b.open, b.high, b.low, b.close, b.volume_lots) for b in hours[:2]] == [
        (10_000, 10_620, 9_990, 10_600, 240_000),
        (10_600, 11_220, 10_590, 11_200, 240_000),
    ]
    assert (hours[2].ts_ms, hours[2].close) == (MIDNIGHT_MS + 2 * HOUR_MS, 11_500)


def test_bars_are_cut_by_start_end_and_limit():
    _, _, state = walked(30)
    minutes = state.bars("1m")
    at = minutes[10].ts_ms
    assert state.bars("1m", limit=3) == minutes[-3:]
    assert state.bars("1m", at, limit=3) == minutes[10:13]
    assert state.bars("1m", at, minutes[12].ts_ms) == minutes[10:13]
    assert state.bars("1m", None, at, 2) == minutes[9:11]
    assert state.bars("1m", at + 40 * MINUTE_MS) == []
    assert [b.closed for b in state.bars("5m", minutes[25].ts_ms)] == [True]


def test_the_forming_bar_of_a_timeframe_grows_with_every_point_and_closes_with_its_last_base_bar():
    exchange, conductor, state = walked(10, played=4)
    state.watched.add("5m")
    heard = []
    exchange.subscribe(heard.append)
    conductor.play(MIDNIGHT_MS + 5 * MINUTE_MS)
    five = [e for e in heard if isinstance(e, BarChanged) and e.timeframe == "5m"]
    assert [e.closed for e in five] == [False] * 4 + [True]
    assert (five[-1].open, five[-1].high, five[-1].close) == (10_000, 10_070, 10_050)
    assert state.bars("5m")[-1].closed


def test_the_day_counts_the_last_24_hours_only():
    _, _, state = walked(1_500)
    day = state.day
    assert day.trades == 4 * 1_440
    assert (day.open, day.last, day.volume_lots) == (10_600, 25_000, 1_440 * 4_000)
    assert day.close_ms + 1 - day.open_ms == DAY_MS


def test_there_are_no_bars_finer_than_the_base():
    _, _, state = walked(3)
    state.base_ms = 5 * MINUTE_MS
    assert state.bars("1m") == []
    assert state.newest("1m", 0) is None


def test_marks_have_bars_of_their_own():
    _, _, state = walked(3)
    assert [b.close for b in state.mark_bars("1m")] == [10_010, 10_020, 10_030]


def test_the_made_book_never_crosses_and_is_the_same_for_the_same_seed():
    first, second = Desk().market, Desk().market
    bids, asks = first.book(10)
    assert first.book(10) == second.book(10)
    assert bids[0][0] < asks[0][0]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert (bids[0], asks[0]) == first.top()
    assert all(lots > 0 for _, lots in bids + asks)


def test_a_market_order_fills_at_the_best_level_of_the_book_that_is_shown():
    desk = Desk()
    (_, (ask, _)) = desk.market.top()
    desk.market_order(BUY, 1)
    assert desk.fills == [(1, ask)]


def test_changes_of_the_book_are_announced_to_who_wants_them_one_after_the_other():
    desk = Desk()
    desk.market.watches_book = True
    desk.move(100_100, 100_200)
    told = [e for e in desk.events if isinstance(e, BookChanged)]
    assert [e.last_id - e.previous_id for e in told] == [1, 1]
    assert told[0].last_id == told[1].previous_id


def test_a_level_set_to_nothing_is_gone_and_a_level_set_again_is_there():
    depth = Depth()
    depth.update([(10, 5), (9, 1)], [(11, 2)])
    depth.update([(10, 0)], [(11, 3)])
    assert depth.levels(5) == ([(9, 1)], [(11, 3)])
    assert depth.within(BUY, 0, 10) == 3
    assert list(depth.sweep(BUY, 2, 10)) == []


def test_a_recorded_trade_through_a_resting_limit_fills_it_as_far_as_was_traded():
    desk = Desk(px=0)
    desk.exchange.set_book(SYMBOL, [(99_990, 50)], [(100_000, 50)], snapshot=True)
    order = desk.limit(SELL, 5, 100_000)
    desk.exchange.print_trade(SYMBOL, 100_000, 9, BUY)
    assert order.filled == 0
    desk.exchange.print_trade(SYMBOL, 100_001, 3, BUY)
    assert desk.fills == [(-3, 100_000)]


# ---------------------------------------------------------------- frames
def frames(tmp_path, lines):
    path = tmp_path / "frames.gz"
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for n, frame in enumerate(lines):
            out.write(f"{n} {json.dumps(frame)}\n")
    return path


def test_frames_before_the_snapshot_do_not_count_and_later_ones_change_the_book(tmp_path):
    update = {"e": "depthUpdate", "U": 1, "pu": 0, "a": []}
    path = frames(
        tmp_path,
        [
            {"data": update | {"E": 1_000, "u": 4, "b": [["9999.0", "7"]]}},
            {"lastUpdateId": 5, "E": 1_010, "bids": [["9999.9", "0.005"]], "asks": [["10000.1", "0.003"]]},
            {"data": update | {"E": 1_020, "u": 5, "b": [["9998.0", "7"]]}},
            {"data": update | {"E": 1_030, "u": 6, "b": [["10000.0", "0.001"]]}},
            {"data": {"e": "trade", "E": 1_040, "p": "10000.1", "q": "0.002", "m": False, "X": "MARKET"}},
        ],
    )
    exchange = Exchange([Listing(INSTRUMENT)], VirtualClock(0))
    conductor = Conductor(exchange, FrameTape(path, SYMBOL))
    assert conductor.play() == 3
    state = exchange.markets[SYMBOL]
    assert state.book(5) == ([(100_000, 1), (99_999, 5)], [(100_001, 3)])
    assert (state.last_ticks, state.mark_ticks) == (100_001, 100_000)
    assert [(t.px_ticks, t.lots, t.taker_side) for t in state.recent_trades] == [(100_001, 2, 1)]


@pytest.mark.parametrize("line", ['0 {"broken', '0 {"e": "trade"}'])
def test_frames_that_cannot_be_read_are_refused_with_their_place(tmp_path, line):
    path = tmp_path / "frames.txt"
    path.write_text(line + "\n", encoding="utf-8")
    exchange = Exchange([Listing(INSTRUMENT)], VirtualClock(0))
    with pytest.raises(DataUnreadable, match="frame"):
        Conductor(exchange, FrameTape(path, SYMBOL))


def test_on_a_recorded_book_a_market_order_pays_its_levels_and_a_limit_fills_when_crossed():
    path = SHARED / "l2" / "binance_usdm-BTCUSDT-20240808.gz"
    if not path.is_file():
        pytest.skip("no recorded frames here")
    exchange = Exchange([Listing(INSTRUMENT)], VirtualClock(0))
    me = exchange.open_account("me", deposit_atoms=10**14)
    conductor = Conductor(exchange, FrameTape(path, SYMBOL, limit=12_000))
    for _ in range(200):
        conductor.step()
    bids, asks = exchange.markets[SYMBOL].book(50)
    assert bids[0][0] < asks[0][0]
    order = exchange.place(me, NewOrder(SYMBOL, BUY, OrderKind.MARKET, asks[0][1] + 1))
    assert order.spent == asks[0][0] * asks[0][1] + asks[1][0]
    limit = exchange.place(me, NewOrder(SYMBOL, SELL, OrderKind.LIMIT, 1, asks[5][0]))
    conductor.play()
    assert (limit.filled, me.executions[-1].liquidity) == (1, Liquidity.MAKER)
    assert exchange.books().total == 0
