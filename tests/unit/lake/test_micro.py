"""Order-book and trade frames into features: true to the frames, causal, and calm about damage."""

from __future__ import annotations

import gzip
import json
import math
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_runs import SHARED
from mastertrading.app.cli import main
from mastertrading.domain.errors import DataMissing, DataUnreadable, UsageError
from mastertrading.domain.market import MINUTE_MS
from mastertrading.lake import micro
from mastertrading.lake.micro import MicroSeries, build, load, store
from mastertrading.lake.micro_bars import BOOK_STATES, COLUMNS, WHOLE, MicroBars
from mastertrading.lake.micro_book import Book
from mastertrading.lake.micro_frames import Depth, FrameReader, Snapshot, units
from mastertrading.lake.panel import load_market
from mastertrading.lake.store import Venue
from mastertrading.lake.synthetic import synthesize, write_synthetic
from oracles import micro_by_hand as by_hand

RAW = SHARED / "l2" / "binance_usdm-BTCUSDT-20240808.gz"
needs_frames = pytest.mark.skipif(not RAW.is_file(), reason=f"no recorded frames in {SHARED}")
T0 = 1_723_161_240_000
"""A full minute."""


@cache
def recorded(timeframe: str) -> MicroSeries:
    return build([RAW], timeframe=timeframe)


# ---------------------------------------------------------------- made frames


def line(at: int, data: dict, lag_ms: int = 0) -> str:
    return f"{(at + lag_ms) * 1_000_000} {json.dumps({'stream': 's', 'data': data})}\n"


def trade(
    at: int, number: int, qty: str = "0.5", *, sold: bool = False, px: str = "100.0", **other: object
) -> str:
    data = {
        "e": "trade",
        "E": at,
        "T": at,
        "s": "BTCUSDT",
        "t": number,
        "p": px,
        "q": qty,
        "X": "MARKET",
        "m": sold,
    }
    return line(at, data | other)


def quote(at: int, bid: str = "99.9", ask: str = "100.1", bid_qty: str = "1", ask_qty: str = "1") -> str:
    return line(
        at, {"e": "bookTicker", "E": at, "s": "BTCUSDT", "b": bid, "B": bid_qty, "a": ask, "A": ask_qty}
    )


def depth(at: int, first: int, last: int, previous: int, bids: list = (), asks: list = ()) -> str:
    data = {"e": "depthUpdate", "E": at, "s": "BTCUSDT", "U": first, "u": last, "pu": previous}
    return line(at, data | {"b": list(bids), "a": list(asks)})


def snapshot(at: int, last: int, bids: list | None = None, asks: list | None = None) -> str:
    sides = {"bids": bids or [["99", "3"], ["98", "1"]], "asks": asks or [["101", "1"], ["102", "2"]]}
    return f"{at * 1_000_000} {json.dumps({'lastUpdateId': last, 'E': at, 'T': at, **sides})}\n"


def written(folder: Path, *lines: str, name: str = "raw.gz") -> Path:
    path = folder / name
    path.write_bytes(
        gzip.compress("".join(lines).encode()) if name.endswith("gz") else "".join(lines).encode()
    )
    return path


def made(folder: Path, *lines: str, timeframe: str = "1s", name: str = "raw.gz") -> MicroSeries:
    return build([written(folder, *lines, name=name)], timeframe=timeframe)


def row(series: MicroSeries, at: int) -> dict[str, float]:
    k = series.ts_ms.tolist().index(at)
    return {name: series.columns[name][k] for name in COLUMNS}


# ---------------------------------------------------------------- against plain code


@needs_frames
@pytest.mark.parametrize("timeframe", ["1m", "1s"])
def test_signed_volume_of_every_bar_is_the_exact_sum_of_the_raw_trades(timeframe):
    series, length = recorded(timeframe), 60_000 if timeframe == "1m" else 1000
    wanted = by_hand.signed_volume(RAW, length)
    got = {
        ts: (Fraction(int(buy), 10**8), Fraction(int(sell), 10**8), int(count))
        for ts, buy, sell, count in zip(
            series.ts_ms.tolist(), *(series.columns[c] for c in ("buy_e8", "sell_e8", "trades")), strict=True
        )
        if count
    }
    assert got == {at: (bought, sold, count) for at, (bought, sold, _, count) in wanted.items()}
    delta = sum(bought - sold for bought, sold, _, _ in wanted.values())
    assert Fraction(int(series.columns["delta_e8"].sum()), 10**8) == delta
    for ts, vwap in zip(series.ts_ms.tolist(), series.columns["vwap"].tolist(), strict=True):
        if ts in wanted:
            bought, sold, notional, _ = wanted[ts]
            assert vwap == pytest.approx(float(notional / (bought + sold)), rel=1e-15)


@needs_frames
def test_imbalance_at_each_close_is_that_of_a_book_rebuilt_by_hand():
    series = recorded("1s")
    inner = series.ts_ms[3:340:24].tolist()
    books = by_hand.books_at(RAW, [ts + 1000 for ts in inner])
    assert len(books) == len(inner) > 12
    for ts in inner:
        found = row(series, ts)
        for name, levels in zip(BOOK_STATES, (1, 5, 10), strict=True):
            assert found[name] == float(by_hand.imbalance(books[ts + 1000], levels))


@needs_frames
def test_spread_of_a_minute_is_the_time_weighted_mean_of_its_quotes():
    series = recorded("1m")
    for ts in series.ts_ms[1:3].tolist():
        mean, most, last = by_hand.timed_spread(RAW, ts, ts + MINUTE_MS)
        found = row(series, ts)
        assert found["spread_bps_mean"] == pytest.approx(float(mean), rel=1e-12)
        assert found["spread_bps_max"] == pytest.approx(float(most), rel=1e-14)
        assert found["spread_bps"] == pytest.approx(float(last), rel=1e-14)
        final = [one for one in by_hand.quotes(RAW) if one[0] < ts + MINUTE_MS][-1]
        assert found["microprice_bps"] == pytest.approx(float(by_hand.microprice_bps(final)), rel=1e-12)


@needs_frames
def test_the_recording_has_no_gap_and_a_true_book_from_its_snapshot_on():
    series = recorded("1m")
    assert series.counts["lines"] == 93_954
    assert not [name for name in series.counts if name.startswith("book_") or name in ("malformed", "late")]
    assert series.columns["book_coverage"][1:-1].tolist() == [1.0] * 5
    assert series.symbol == "BTCUSDT"


@needs_frames
def test_what_comes_after_a_close_changes_nothing_at_or_before_it(tmp_path):
    lines = gzip.decompress(RAW.read_bytes()).decode().splitlines(keepends=True)
    cut = T0 + 3 * MINUTE_MS
    early = [one for one in lines if event_time(one) < cut]
    whole, part = recorded("1m"), made(tmp_path, *early, timeframe="1m")
    for k, ts in enumerate(part.ts_ms.tolist()):
        if ts + MINUTE_MS < cut:
            assert all(same(part.columns[c][k], whole.columns[c][k]) for c in COLUMNS), ts
    final = len(part.ts_ms) - 1  # its last milliseconds are missing, its sums are not
    assert all(part.columns[c][final] == whole.columns[c][final] for c in WHOLE)


def event_time(text: str) -> int:
    content = json.loads(text.split(" ", 1)[1])
    return content.get("data", content)["E"]


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


# ---------------------------------------------------------------- bars


def test_a_frame_exactly_at_the_close_belongs_to_the_next_bar(tmp_path):
    series = made(tmp_path, trade(T0 + 999, 1), trade(T0 + 1000, 2, "2"), trade(T0 + 1999, 3, sold=True))
    assert row(series, T0)["buy_e8"] == 50_000_000
    assert [row(series, T0 + 1000)[c] for c in ("buy_e8", "sell_e8", "delta_e8", "trades")] == [
        200_000_000, 50_000_000, 150_000_000, 2,
    ]  # fmt: skip


def test_states_weigh_by_how_long_they_lasted(tmp_path):
    wide = quote(T0 + 250, "99", "101")
    series = made(
        tmp_path, quote(T0, "99.9", "100.1"), wide, quote(T0 + 500, "99.9", "100.1"), quote(T0 + 3000)
    )
    found = row(series, T0)
    assert found["spread_bps_mean"] == pytest.approx(0.75 * 20 + 0.25 * 200)
    assert found["spread_bps_max"] == pytest.approx(200)
    assert found["spread_bps"] == pytest.approx(20)
    assert row(series, T0 + 1000)["spread_bps_mean"] == pytest.approx(20)
    assert row(series, T0 + 1000)["quote_coverage"] == 1.0


def test_the_microprice_leans_to_the_side_with_less_on_it(tmp_path):
    series = made(tmp_path, quote(T0, "99", "101", bid_qty="3", ask_qty="1"), quote(T0 + 2500))
    assert row(series, T0)["microprice_bps"] == pytest.approx(50.0)


def test_without_a_ticker_the_spread_is_that_of_the_book(tmp_path):
    series = made(tmp_path, snapshot(T0, 10), depth(T0 + 100, 10, 12, 9), depth(T0 + 2500, 13, 13, 12))
    found = row(series, T0)
    assert found["spread_bps"] == pytest.approx(200)
    assert found["imbalance_1"] == 0.5
    assert found["imbalance_5"] == pytest.approx(1 / 7)


def test_a_recording_that_stood_still_knows_nothing_of_that_time(tmp_path):
    later = T0 + 3_600_000
    series = made(
        tmp_path,
        quote(T0),
        trade(T0 + 500, 1),
        trade(later + 250, 9),
        quote(later + 500),
        trade(later + 1600, 10),
    )
    assert series.ts_ms.tolist() == [T0, later, later + 1000]
    assert series.counts["pauses"] == 1
    assert series.counts["missing_trades"] == 7
    assert row(series, T0)["coverage"] == pytest.approx(0.501)
    assert row(series, later)["coverage"] == 0.75
    assert row(series, later)["quote_coverage"] == 0.5


def test_a_quiet_bar_in_a_running_recording_is_a_row_without_trades(tmp_path):
    series = made(tmp_path, trade(T0, 1), trade(T0 + 3500, 2))
    assert series.ts_ms.tolist() == [T0 + k * 1000 for k in range(4)]
    quiet = row(series, T0 + 1000)
    assert (quiet["trades"], quiet["coverage"]) == (0, 1.0)
    assert math.isnan(quiet["vwap"])


def test_a_frame_that_comes_after_its_bar_was_finished_is_counted_and_left_out(tmp_path):
    series = made(
        tmp_path, trade(T0, 1), quote(T0 + 2100), trade(T0 + 900, 2), trade(T0 + 1500, 3), trade(T0 + 4000, 4)
    )
    assert row(series, T0)["trades"] == 1
    assert row(series, T0 + 1000)["trades"] == 1
    assert series.counts["late"] == 1


def test_a_trade_told_twice_counts_once_and_missing_numbers_are_counted(tmp_path):
    series = made(
        tmp_path, trade(T0, 1), trade(T0 + 1, 1), trade(T0 + 2, 5), trade(T0 + 3, 4), trade(T0 + 1500, 6)
    )
    assert row(series, T0)["trades"] == 2
    assert series.counts["duplicate_trades"] == 2
    assert series.counts["missing_trades"] == 3


def test_aggregated_trades_beside_plain_ones_are_not_counted_again(tmp_path):
    twin = trade(T0 + 5, 0, e="aggTrade", a=77)
    series = made(tmp_path, trade(T0, 1), twin, trade(T0 + 1500, 2))
    assert row(series, T0)["trades"] == 1
    assert series.counts["second_trade_stream"] == 1
    alone = made(tmp_path, twin, timeframe="1s", name="alone.gz")
    assert row(alone, T0)["buy_e8"] == 50_000_000


def test_open_interest_and_its_change_are_of_the_last_one_known(tmp_path):
    def interest(at: int, amount: str) -> str:
        return (
            f"{at * 1_000_000} "
            + json.dumps({"openInterest": amount, "symbol": "BTCUSDT", "time": at})
            + "\n"
        )

    series = made(
        tmp_path, trade(T0, 1), interest(T0 + 10, "100.5"), interest(T0 + 1200, "90"), trade(T0 + 3500, 2)
    )
    assert series.columns["open_interest"].tolist() == [100.5, 90.0, 90.0, 90.0]
    assert np.isnan(series.columns["open_interest_change"][0])
    assert series.columns["open_interest_change"][1:].tolist() == [-10.5, 0.0, 0.0]


# ---------------------------------------------------------------- the book


def change(first: int, last: int, previous: int, bids: tuple = (), asks: tuple = ()) -> Depth:
    return Depth(T0, first, last, previous, bids, asks)


def whole(last: int) -> Snapshot:
    return Snapshot(T0, last, ((99, 3), (98, 1)), ((101, 1), (102, 2)))


def test_changes_before_the_snapshot_are_joined_and_older_ones_left_out():
    book = Book()
    book.change(change(1, 5, 0, ((99, 50),)))
    book.change(change(6, 9, 5, ((97, 7),)))
    book.change(change(10, 12, 9, ((99, 0),)))
    assert not book.valid
    book.snapshot(whole(8))
    assert book.valid
    assert book.top(10) == (1 + 7, 3)
    assert book.bids.prices == [97, 98]


def test_a_missing_change_makes_the_book_unknown_until_the_next_snapshot():
    book = Book()
    book.snapshot(whole(8))
    book.change(change(7, 9, 6, ((99, 4),)))
    book.change(change(11, 12, 10))
    assert not book.valid
    assert book.counts["gaps"] == 1
    book.change(change(13, 14, 12, ((98, 9),)))
    book.snapshot(whole(13))
    assert book.valid
    assert book.top(10) == (3 + 9, 3)


def test_a_snapshot_that_no_change_joins_makes_nothing_true():
    book = Book()
    book.change(change(20, 25, 19))
    book.snapshot(whole(8))
    assert not book.valid
    assert book.counts["unjoined_snapshots"] == 1


def test_a_first_change_after_the_snapshot_that_does_not_span_it_is_a_gap():
    book = Book()
    book.snapshot(whole(8))
    book.change(change(1, 7, 0))
    assert book.valid
    assert book.counts["stale_changes"] == 1
    book.change(change(10, 12, 9))
    assert not book.valid


def test_a_newer_snapshot_that_came_before_the_gap_is_gone_on_from():
    book = Book()
    book.snapshot(whole(8))
    book.change(change(8, 9, 7))
    book.snapshot(whole(30))
    book.change(change(29, 31, 28, ((99, 8),)))
    assert book.valid
    assert book.top(1) == (8, 1)
    assert (book.counts["gaps"], book.counts["spare_snapshots"]) == (1, 1)


def test_a_bid_at_an_ask_makes_the_book_unknown():
    book = Book()
    book.snapshot(whole(8))
    book.change(change(8, 9, 7, ((101, 1),)))
    assert not book.valid
    assert book.counts["crossed"] == 1


def test_a_gap_in_a_recording_leaves_time_without_a_book(tmp_path):
    series = made(
        tmp_path,
        snapshot(T0, 10),
        depth(T0 + 100, 10, 12, 9),
        depth(T0 + 500, 15, 16, 14),
        trade(T0 + 1900, 1),
        snapshot(T0 + 2000, 20),
        depth(T0 + 2100, 19, 21, 18),
        depth(T0 + 3500, 22, 22, 21),
    )
    assert row(series, T0)["book_coverage"] == 0.5
    assert math.isnan(row(series, T0)["imbalance_1"])
    assert row(series, T0 + 1000)["book_coverage"] == 0.0
    assert row(series, T0 + 2000)["imbalance_1"] == 0.5
    assert series.counts["book_gaps"] == 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)), max_size=60))
def test_a_side_is_the_dict_of_its_last_quantities(changes):
    book = Book()
    book.snapshot(whole(8))
    expected = {99: 3, 98: 1}
    for k, (price, qty) in enumerate(changes):
        book.change(change(8 + k, 9 + k, 8 + k, ((price, qty),)))
        expected[price] = qty
    left = {price: qty for price, qty in expected.items() if qty}
    if book.valid:
        assert (book.bids.qty, book.bids.prices) == (left, sorted(left))
    else:
        assert book.counts["emptied"] == 1


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("61800.20", 6_180_020_000_000),
        ("0.001", 100_000),
        ("5", 500_000_000),
        ("0.123456780000", 12_345_678),
        ("0", 0),
    ],
)
def test_a_decimal_is_a_whole_number_of_units(text, value):
    assert units(text) == value


BAD = [
    "no number here\n",
    f"{T0 * 10**6} {{\n",
    f"{T0 * 10**6} []\n",
    f"{T0 * 10**6} 5\n",
    f"{T0 * 10**6} " + "[" * 100_000 + "\n",
    "-5 {}\n",
    f"{T0 * 10**6}\n",
    "\x00\x01\x02\n",
    trade(T0, 1, "-1"),
    trade(T0, 1, "NaN"),
    trade(T0, 1, "1e9"),
    trade(T0, 1, "0.123456789"),
    trade(T0, 1, "99999999999"),
    trade(T0, 1, m="yes"),
    trade(T0, 1, t="five"),
    trade(T0, 1, t=True),
    trade(T0, 1, q=None),
    trade(T0, 1, s=5),
    depth(T0, 5, 4, 3),
    depth(T0, 5, 6, 3, bids=[["1"]]),
    depth(T0, 5, 6, 3, bids=[["0", "1"]]),
    depth(T0, 5, 6, 3, bids=[[1.0, 2.0]]),
    line(T0, {"e": "trade"}),
    line(T0, {"e": 5}),
    line(T0, {}),
]


@pytest.mark.parametrize("bad", BAD)
def test_a_malformed_line_is_counted_and_nothing_else(tmp_path, bad):
    good = [trade(T0, 1), trade(T0 + 1500, 2)]
    series = made(tmp_path, good[0], bad, good[1])
    clean = made(tmp_path, *good, name="clean.gz")
    assert series.counts["malformed"] == 1
    assert series.sha256 == clean.sha256


@pytest.mark.parametrize(
    ("odd", "count"),
    [
        (line(T0, {"e": "markPriceUpdate", "E": T0, "s": "BTCUSDT"}), "unknown_type"),
        (trade(T0, 1, s="ETHUSDT"), "other_symbol"),
        (trade(T0, 1, s=""), "other_symbol"),
        (trade(T0, 9, E=T0 + 10**9), "implausible_time"),
        (trade(T0, 9, X="INSURANCE_FUND"), "no_execution"),
        (trade(T0, 9, "0"), "no_execution"),
        (quote(T0, "100", "100"), "crossed_quote"),
        (f"{T0 * 10**6} " + "x" * (5 << 20) + "\n", "too_long"),
    ],
)
def test_what_cannot_be_used_is_counted_by_its_reason(tmp_path, odd, count):
    series = made(tmp_path, trade(T0, 1), odd, trade(T0 + 1500, 2))
    assert series.counts[count] == 1
    assert series.columns["trades"].sum() == 2


def test_unknown_types_are_told_by_name(tmp_path):
    odd = [
        line(T0, {"e": "kline", "E": T0}),
        line(T0, {"e": "kline", "E": T0}),
        line(T0, {"e": "forceOrder", "E": T0}),
    ]
    assert made(tmp_path, trade(T0, 1), *odd).unknown == {"kline": 2, "forceOrder": 1}


@pytest.mark.parametrize("keep", [0.3, 0.8, 0.99])
def test_a_truncated_file_gives_what_was_readable(tmp_path, keep):
    path = written(tmp_path, *(trade(T0 + k * 7, k, f"0.{k + 1}") for k in range(5000)))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    series = build([path], timeframe="1s")
    assert series.counts["truncated_file"] == 1
    assert 0 < series.counts["trade"] < 5000


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_frames_or_counted(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("raw") / "raw"
    path.write_bytes(content)
    reader = FrameReader(path)
    bars = MicroBars(1000)
    for frame in reader:
        bars.add(frame)
    bars.finish()


def test_plain_text_and_bare_events_are_read_as_well(tmp_path):
    bare = f"{T0 * 10**6} " + json.dumps(
        {"e": "trade", "E": T0, "s": "BTCUSDT", "t": 1, "p": "1", "q": "1", "m": True}
    )
    assert made(tmp_path, bare, name="raw.txt").columns["sell_e8"].tolist() == [10**8]


@pytest.mark.parametrize("lines", [[], ["nothing\n"], [line(T0, {"e": "kline"})], [snapshot(T0, 5)]])
def test_a_file_without_a_usable_frame_says_what_was_there(tmp_path, lines):
    with pytest.raises(DataMissing, match="no usable frame"):
        made(tmp_path, *lines)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no file"):
        build([tmp_path / "nowhere.gz"])


def test_recordings_are_read_in_the_order_of_their_time(tmp_path):
    later = written(tmp_path, trade(T0 + 700, 3), trade(T0 + 1500, 4), name="a.gz")
    early = written(tmp_path, trade(T0, 1), trade(T0 + 600, 2), name="b.gz")
    series = build([later, early], timeframe="1s")
    assert series.columns["trades"].tolist() == [3, 1]
    assert "late" not in series.counts
    assert build([tmp_path], timeframe="1s").sha256 == series.sha256


def test_memory_holds_only_the_bars_that_are_open(tmp_path):
    bars = MicroBars(1000)
    path = written(tmp_path, *(trade(T0 + k * 100, k + 1) for k in range(3000)), name="raw.txt")
    most = 0
    for frame in FrameReader(path):
        bars.add(frame)
        most = max(most, len(bars._bars))
    assert most <= 3
    assert len(bars.times) >= 297


# ---------------------------------------------------------------- at rest


def test_stored_features_are_read_back_and_appended_without_twins(tmp_path):
    first = made(tmp_path, *(trade(T0 + k * 500, k + 1) for k in range(10)))
    lake = tmp_path / "lake"
    assert store(lake, "binance_usdm", first, ["a"]).added == 5
    again = store(lake, "binance_usdm", first, ["a"])
    assert (again.added, again.replaced, again.rows) == (0, 0, 5)
    more = made(tmp_path, *(trade(T0 + k * 500, k + 1) for k in range(6, 20)), name="more.gz")
    both = store(lake, "binance_usdm", more, ["b"])
    assert (both.added, both.replaced, both.rows) == (5, 1, 10)
    kept = micro.read(both.path, "BTCUSDT", "1s")
    direct = made(tmp_path, *(trade(T0 + k * 500, k + 1) for k in range(20)), name="all.gz")
    assert kept.columns["trades"].tolist() == direct.columns["trades"].tolist()
    note = Venue(lake / "binance_usdm").manifest()["micro-1s/BTCUSDT"]
    assert (note["sha256"], note["rows"], note["source"]) == (kept.sha256, 10, ["a", "b"])
    assert note["counts"]["trade"] == 24


@pytest.fixture
def lake(tmp_path) -> Path:
    """A lake with candles from 2024-01-01 on, and features of some of their minutes."""
    folder = tmp_path / "lake"
    write_synthetic(folder, ("BTCUSDT", "ETHUSDT"), 0.1, 1)
    begin = int(synthesize(("BTCUSDT",), 0.1, 1).ts_ms[0]) + 600_000
    lines = [quote(begin, "99.9", "100.1")]
    lines += [trade(begin + k * 5000, k + 1, "0.1", sold=k % 3 == 0) for k in range(61)]
    store(folder, "synthetic", made(tmp_path, *lines, timeframe="1m"), ["raw"])
    return folder


def test_loaded_features_lie_on_the_bars_of_the_market_and_are_absent_elsewhere(lake):
    market = load_market(lake, ("BTCUSDT", "ETHUSDT"), notice=lambda text: None)
    panel = load(lake, market)
    known = ~np.isnan(panel.columns["delta"])
    assert np.flatnonzero(known[:, 0]).tolist() == list(range(10, 15))
    assert not known[:, 1].any()
    assert panel.columns["delta"][10:15, 0].tolist() == [0.4] * 5
    assert panel.columns["cvd"][10:15, 0] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0], abs=1e-15)
    assert panel.spread[12, 0] == pytest.approx(0.002)
    assert list(panel.sha256) == ["BTCUSDT"]


def test_a_bar_that_was_recorded_in_part_is_absent_unless_asked_for(lake, tmp_path):
    market = load_market(lake, ("BTCUSDT",), notice=lambda text: None)
    assert np.isnan(load(lake, market).columns["trades"][15, 0])
    assert load(lake, market, least_coverage=0.0).columns["trades"][15, 0] == 1


def test_features_change_no_identity_of_the_candles(lake, tmp_path):
    before = load_market(lake, ("BTCUSDT", "ETHUSDT"), notice=lambda text: None).data_id
    write_synthetic(tmp_path / "plain", ("BTCUSDT", "ETHUSDT"), 0.1, 1)
    assert before == load_market(tmp_path / "plain", ("BTCUSDT", "ETHUSDT"), notice=lambda text: None).data_id


def test_a_lake_without_features_says_what_to_do(tmp_path):
    write_synthetic(tmp_path, ("BTCUSDT",), 0.1, 1)
    market = load_market(tmp_path, ("BTCUSDT",), notice=lambda text: None)
    with pytest.raises(DataMissing) as refused:
        load(tmp_path, market)
    assert "data features" in refused.value.hint


def test_a_damaged_series_is_an_error_of_ours(lake):
    market = load_market(lake, ("BTCUSDT",), notice=lambda text: None)
    path = micro.path_of(lake / "synthetic", "BTCUSDT", "1m")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataUnreadable):
        load(lake, market)


# ---------------------------------------------------------------- the command


@needs_frames
def test_the_command_tells_what_it_read(tmp_path, capsys):
    assert main(["data", "features", str(RAW), "--out", str(tmp_path / "lake"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["symbol"], told["bars"], told["added"]) == ("BTCUSDT", 7, 7)
    assert told["sha256"] == recorded("1m").sha256
    assert told["counts"]["trade"] == 21_313


@pytest.mark.parametrize(
    ("more", "code", "what"),
    [
        (("--timeframe", "1x"), 2, "not a timeframe"),
        (("--venue", "../x"), 2, "not the name of a venue"),
        (("--symbol", "ETHUSDT"), 1, "no usable frame"),
        (("--symbol", "!"), 2, "not the name of an instrument"),
    ],
)
def test_what_the_command_cannot_do_is_said(tmp_path, capsys, more, code, what):
    path = written(tmp_path, trade(T0, 1))
    assert main(["data", "features", str(path), "--out", str(tmp_path / "lake"), *more]) == code
    assert what in capsys.readouterr().err
    assert not (tmp_path / "lake").exists()


def test_people_read_a_table_of_counts(tmp_path, capsys):
    path = written(tmp_path, trade(T0, 1), "broken\n", line(T0, {"e": "kline"}), trade(T0 + 1500, 2))
    assert main(["data", "features", str(path), "--out", str(tmp_path / "lake"), "--timeframe", "1s"]) == 0
    told = capsys.readouterr().out
    assert "malformed" in told
    assert "unknown type kline" in told
