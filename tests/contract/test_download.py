"""Downloads from a peer that pages, limits and fails as exchanges do: what is stored equals what it has, to the bit."""

from __future__ import annotations

import json
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from exchange_peer import CLEAN, DAY, HOUR, MINUTE, START, Asked, FakeClock, Peer, some_faults, walk
from mastertrading.app.download.plan import Wish
from mastertrading.app.download.work import Desk, download
from mastertrading.domain.errors import ExchangeUnavailable, OutputError, UsageError
from mastertrading.exchange import client
from mastertrading.lake.lock import writing
from mastertrading.lake.names import SeriesId
from mastertrading.lake.store import Venue

NOW = START + 3 * DAY + 37_000
ALL = ("candles", "mark", "funding", "open-interest")
EXCHANGES = ("binanceusdm", "bybit")
HOLE = (START + DAY + 3 * HOUR, START + DAY + 4 * HOUR)


@pytest.fixture(scope="module")
def books():
    """Two instruments, one listed later than the other; the first was down for an hour."""
    return {
        "BTCUSDT": walk(1, START, START + 4 * DAY, holes=(HOLE,)),
        "ETHUSDT": walk(2, START + DAY + 5 * HOUR, START + 4 * DAY),
    }


@pytest.fixture
def clock():
    return FakeClock(NOW)


def wish(lake: Path, exchange: str = "binanceusdm", **changes) -> Wish:
    usual = {
        "exchange": exchange,
        "symbols": ("BTCUSDT", "ETHUSDT"),
        "kinds": ALL,
        "timeframes": ("1m",),
        "from_ms": START,
        "to_ms": None,
        "lake": lake,
        "venue": "v",
        "jobs": 3,
    }
    return Wish(**(usual | changes))


def fetch(peer: Peer, asked: Wish, said: list[str] | None = None):
    desk = Desk(
        peer.clock, threading.Event(), say=(said if said is not None else []).append, session=peer.session
    )
    return download(asked, desk)


def bars(book_rows, until_ms, width, length=MINUTE):
    times = [t for t in sorted(book_rows) if t + length <= until_ms]
    return np.array(times), np.array([[float(v) for v in book_rows[t][:width]] for t in times])


def assert_whole(lake: Path, books, until_ms: int, valued: bool) -> None:
    """Every series equals what the peer has, bit by bit."""
    venue = Venue(lake / "v")
    for symbol, book in books.items():
        for kind, rows, width in (("bars", book.bars, 5), ("mark", book.mark, 4)):
            times, values = bars(rows, until_ms, width)
            stored = venue.read_bars(SeriesId(kind, symbol, "1m"))
            columns = [stored.open, stored.high, stored.low, stored.close, stored.volume][:width]
            assert np.array_equal(stored.ts_ms, times)
            assert np.array_equal(np.column_stack(columns).view(np.int64), values.view(np.int64))
        charges = venue.read_funding(symbol)
        due = {t: float(rate) for t, rate in book.funding.items() if t < until_ms}
        assert dict(zip(charges.ts_ms.tolist(), charges.rate.tolist(), strict=True)) == due
        interest = venue.read_open_interest(SeriesId("open-interest", symbol, "5m"))
        measured = {t: row for t, row in book.interest.items() if t + 5 * MINUTE <= until_ms}
        assert interest.ts_ms.tolist() == sorted(measured)
        assert interest.amount.tolist() == [float(measured[t][0]) for t in sorted(measured)]
        if valued:
            assert interest.value.tolist() == [float(measured[t][1]) for t in sorted(measured)]


def tree(lake: Path) -> dict[str, bytes]:
    return {p.relative_to(lake).as_posix(): p.read_bytes() for p in sorted(lake.rglob("*")) if not p.is_dir()}


# ---------------------------------------------------------------- what is stored is what there is


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_everything_stored_equals_the_exchange_to_the_bit_whatever_fails(
    books, clock, tmp_path, exchange, seed
):
    with Peer(clock, books, fault=None if seed is None else some_faults(seed, share=0.6)) as peer:
        outcome = fetch(peer, wish(tmp_path, exchange, from_ms=START - 40 * DAY, to_ms=NOW - 60 * MINUTE))
        assert peer.log[-1].host in ("fapi.binance.com", "api.bybit.com")
    assert_whole(tmp_path, books, NOW - 60 * MINUTE - 37_000, valued=exchange == "binanceusdm")
    assert [task.failed for task, _ in outcome.kept] == [""] * 8
    if seed is not None:
        assert sum(bool(asked.fault) for asked in peer.log) > 15


@pytest.mark.parametrize("kind", CLEAN)
def test_each_fault_alone_is_survived(books, clock, tmp_path, kind):
    def twice(path, query, before):
        return kind if before < (1 if kind == "empty-page" else 2) else ""

    with Peer(clock, books, fault=twice) as peer:
        fetch(peer, wish(tmp_path, kinds=("candles",), symbols=("ETHUSDT",), to_ms=START + 2 * DAY))
    stored = Venue(tmp_path / "v").read_bars(SeriesId("bars", "ETHUSDT", "1m"))
    assert stored.ts_ms.tolist() == bars(books["ETHUSDT"].bars, START + 2 * DAY, 5)[0].tolist()


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_exchange_that_gives_less_than_asked_for_is_asked_for_the_rest(books, clock, tmp_path, exchange):
    with Peer(clock, books, most=90) as peer:
        fetch(peer, wish(tmp_path, exchange, kinds=ALL, to_ms=START + 2 * DAY))
    assert_whole(tmp_path, books, START + 2 * DAY, valued=exchange == "binanceusdm")


def test_a_slow_answer_is_asked_for_again(books, clock, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_MS", 150)

    def first_page(path, query, before):
        return "slow" if path == "/fapi/v1/klines" and query["interval"] == "1m" and before == 0 else ""

    with Peer(clock, books, fault=first_page) as peer:
        fetch(peer, wish(tmp_path, kinds=("candles",), symbols=("BTCUSDT",), to_ms=START + 4 * HOUR))
        assert [asked.fault for asked in peer.pages()[1:]] == ["slow", ""]
    assert len(Venue(tmp_path / "v").read_bars(SeriesId("bars", "BTCUSDT", "1m"))) == 240


def test_a_bar_that_is_still_forming_is_never_stored(books, clock, tmp_path):
    with Peer(clock, books) as peer:
        asked = wish(tmp_path, symbols=("BTCUSDT",), kinds=("candles",), timeframes=("1m", "1h"))
        fetch(peer, asked)
        venue = Venue(tmp_path / "v")
        assert venue.read_bars(SeriesId("bars", "BTCUSDT", "1m")).ts_ms[-1] == NOW - 37_000 - MINUTE
        assert venue.read_bars(SeriesId("bars", "BTCUSDT", "1h")).ts_ms[-1] == NOW - 37_000 - HOUR
        clock.passed += 90
        until_ms = clock.now_ms() // MINUTE * MINUTE
        fetch(peer, asked)
    times, values = bars(books["BTCUSDT"].bars, until_ms, 5)
    stored = venue.read_bars(SeriesId("bars", "BTCUSDT", "1m"))
    assert np.array_equal(stored.ts_ms, times)
    assert np.array_equal(stored.close, values[:, 3])


def test_holes_are_told_apart_from_what_was_not_fetched(books, clock, tmp_path):
    with Peer(clock, books) as peer:
        asked = wish(tmp_path, symbols=("BTCUSDT",), kinds=("candles",), to_ms=START + 2 * DAY)
        [(_, kept)] = fetch(peer, asked).kept
        assert (kept.none_there, kept.not_fetched, kept.rows) == ([HOLE], [], 2 * 1440 - 60)
        count = len(peer.pages())
        [(_, again)] = fetch(peer, asked).kept
        assert (again.added.rows, again.none_there) == (0, [HOLE])
        assert len(peer.pages()) == count
    noted = Venue(tmp_path / "v").manifest()["1m/BTCUSDT"]
    assert noted["fetched"] == [[START, START + 2 * DAY]]
    assert (noted["source"], noted["rows"], noted["gaps"][0][2]) == (["ccxt binanceusdm"], 2 * 1440 - 60, 60)


def test_times_before_the_listing_are_not_asked_minute_by_minute(books, clock, tmp_path):
    said: list[str] = []
    with Peer(clock, books) as peer:
        asked = wish(tmp_path, symbols=("ETHUSDT",), kinds=("candles",), from_ms=START - 3000 * DAY)
        fetch(peer, asked, said)
        assert len(peer.pages()) < 30
        before = len(peer.pages())
        fetch(peer, asked)
        assert len(peer.pages()) == before
    assert said == ["ETHUSDT: listed on 2025-06-02; there is nothing before"]


def test_a_window_before_the_listing_stores_nothing(books, clock, tmp_path):
    with Peer(clock, books) as peer:
        asked = wish(tmp_path, symbols=("ETHUSDT",), kinds=("candles", "funding"), to_ms=START + DAY)
        outcome = fetch(peer, asked)
    assert [kept.rows for _, kept in outcome.kept] == [0, 0]
    assert sorted(p.name for p in (tmp_path / "v").iterdir()) == ["instruments.json"]


def test_open_interest_older_than_the_exchange_publishes_is_not_asked_for(clock, tmp_path):
    books = {"BTCUSDT": walk(5, START - 40 * DAY, START + DAY)}
    clock.start_ms = START + HOUR
    with Peer(clock, books) as peer:
        asked = wish(tmp_path, symbols=("BTCUSDT",), kinds=("open-interest",), from_ms=START - 40 * DAY)
        [(task, kept)] = fetch(peer, asked).kept
    assert task.remarks == ["binanceusdm publishes open-interest 5m of the last 30 days only"]
    assert 29 * 288 < kept.rows < 30 * 288


def test_what_was_imported_is_not_asked_for_again(books, clock, tmp_path):
    with Peer(clock, books) as peer:
        fetch(peer, wish(tmp_path / "a", symbols=("BTCUSDT",), kinds=("candles",), to_ms=START + DAY))
        source = Venue(tmp_path / "a/v").read_bars(SeriesId("bars", "BTCUSDT", "1m"))
        Venue(tmp_path / "b/v").append_bars(SeriesId("bars", "BTCUSDT", "1m"), source, "import")
        before = len(peer.pages())
        fetch(
            peer, wish(tmp_path / "b", symbols=("BTCUSDT",), kinds=("candles",), to_ms=START + DAY + 6 * HOUR)
        )
        minutes = [a for a in peer.pages()[before:] if a.query["interval"] == "1m"]
    assert min(int(a.query["startTime"]) for a in minutes) == START + DAY
    assert Venue(tmp_path / "b/v").manifest()["1m/BTCUSDT"]["source"] == ["import", "ccxt binanceusdm"]


@pytest.mark.parametrize(
    ("exchange", "lot", "share"), [("kucoinfutures", "1", 0.001), ("bingx", "0.0001", 1.0)]
)
def test_kucoin_and_bingx_give_their_candles_and_funding_in_base_units(
    books, clock, tmp_path, exchange, lot, share
):
    with Peer(clock, books, fault=some_faults(4)) as peer:
        asked = wish(
            tmp_path, exchange, symbols=("BTCUSDT",), kinds=("candles", "funding"), to_ms=START + 2 * DAY
        )
        fetch(peer, asked)
    venue = Venue(tmp_path / "v")
    times, values = bars(books["BTCUSDT"].bars, START + 2 * DAY, 5)
    stored = venue.read_bars(SeriesId("bars", "BTCUSDT", "1m"))
    assert np.array_equal(stored.ts_ms, times)
    assert np.array_equal(stored.high, values[:, 1])
    assert np.array_equal(stored.low, values[:, 2])
    assert np.array_equal(stored.volume, values[:, 4] * share)
    due = [t for t in sorted(books["BTCUSDT"].funding) if t < START + 2 * DAY]
    assert venue.read_funding("BTCUSDT").ts_ms.tolist() == due
    facts = venue.instruments()["BTCUSDT"]
    assert (str(facts.tick), str(facts.lot), float(facts.multiplier)) == ("0.1", lot, share)


# ---------------------------------------------------------------- contract facts


def test_contract_facts_of_the_exchange_count_more_than_the_built_in_ones(books, clock, tmp_path):
    for exchange in EXCHANGES:
        with Peer(clock, books) as peer:
            fetch(peer, wish(tmp_path, exchange, venue=exchange, kinds=("funding",)))
    binance, bybit = (Venue(tmp_path / name).instruments()["BTCUSDT"] for name in EXCHANGES)
    assert (str(binance.tick), str(binance.lot), binance.min_lots, str(binance.min_notional)) == (
        "0.2",
        "0.002",
        2,
        "75",
    )
    assert len(binance.tiers) == 12  # not public: the built-in ladder stays
    assert [(int(t.floor), str(t.maintenance_rate)) for t in bybit.tiers] == [
        (0, "0.005"),
        (2_000_000, "0.0065"),
        (2_600_000, "0.01"),
    ]


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_pace_of_the_exchange_is_kept(books, clock, tmp_path, exchange):
    with Peer(clock, books) as peer:
        fetch(peer, wish(tmp_path, exchange, jobs=1))
        asked = peer.log
        units = {"binanceusdm": (50, lambda a: a.weight), "bybit": (20, lambda a: 5)}
        unit_ms, weight = units[exchange]
        for one, after in pairwise(asked):
            assert after.at_ms - one.at_ms >= unit_ms * weight(one) - 1


def test_a_minutes_weight_that_others_use_too_is_not_overdrawn(books, clock, tmp_path):
    with Peer(clock, books) as peer:
        peer.log.append(Asked(NOW, "fapi.binance.com", "/somebody/else", {}, 2200, ""))
        fetch(peer, wish(tmp_path, symbols=("BTCUSDT",), kinds=("candles",), jobs=1))
        mine = peer.log[1:]
    assert [asked.fault for asked in mine] == [""] * len(mine)
    assert sum(asked.at_ms // MINUTE == NOW // MINUTE for asked in mine) == 1


def test_too_many_requests_are_answered_by_waiting_as_long_as_told(books, clock, tmp_path):
    with Peer(clock, books, weight_limit=7) as peer:
        fetch(peer, wish(tmp_path, symbols=("BTCUSDT",), kinds=("candles",), jobs=1, to_ms=START + DAY))
        refused = [k for k, asked in enumerate(peer.log) if asked.fault == "429"]
        assert refused
        for k in refused:
            assert peer.log[k + 1].at_ms // MINUTE > peer.log[k].at_ms // MINUTE
    assert len(Venue(tmp_path / "v").read_bars(SeriesId("bars", "BTCUSDT", "1m"))) == 1440


def test_bybits_refusal_of_too_many_visits_is_waited_out(books, clock, tmp_path):
    def once(path, query, before):
        return "10006" if path.endswith("kline") and query["interval"] == "1" and not before else ""

    with Peer(clock, books, fault=once) as peer:
        fetch(peer, wish(tmp_path, "bybit", symbols=("BTCUSDT",), kinds=("candles",), jobs=1))
        at = next(k for k, asked in enumerate(peer.log) if asked.fault)
        assert peer.log[at + 1].at_ms - peer.log[at].at_ms >= 7000
    assert len(Venue(tmp_path / "v").read_bars(SeriesId("bars", "BTCUSDT", "1m"))) == 3 * 1440 - 60


def test_a_short_ban_is_waited_out_by_all_threads(books, clock, tmp_path):
    banned = []

    def once(path, query, before):
        if banned or query.get("interval") != "1m":
            return ""
        banned.append(path)
        return "418 120"

    with Peer(clock, books, fault=once) as peer:
        fetch(peer, wish(tmp_path, symbols=("BTCUSDT",), kinds=("candles",), to_ms=START + DAY))
    assert clock.passed >= 120
    assert len(Venue(tmp_path / "v").read_bars(SeriesId("bars", "BTCUSDT", "1m"))) == 1440


# ---------------------------------------------------------------- giving up


def late(fault: str):
    """Everything fails from the second day on."""

    def failing(path, query, before):
        return (
            fault if int(query.get("startTime", 0)) >= START + DAY and query.get("interval") == "1m" else ""
        )

    return failing


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("503", "8 tries"),
        ("418 86400", "wants no question for 1440 minutes"),
        ("stuck", "rows of an earlier time"),
        ("html", "no JSON"),
        ("dropped", "no answer"),
    ],
)
def test_an_exchange_that_goes_on_failing_is_given_up_and_taken_up_again(
    books, clock, tmp_path, fault, words
):
    asked = wish(tmp_path, symbols=("BTCUSDT",), kinds=("candles",), jobs=1, to_ms=START + 3 * DAY)
    with Peer(clock, books, fault=late(fault)) as peer:
        with pytest.raises(ExchangeUnavailable) as told:
            fetch(peer, asked)
        assert words in str(told.value)
        assert "same command again" in told.value.hint
        stored = Venue(tmp_path / "v").read_bars(SeriesId("bars", "BTCUSDT", "1m"))
        assert START + DAY - 500 * MINUTE < stored.ts_ms[-1] < START + DAY + 500 * MINUTE
        failed = [a for a in peer.log if a.fault]
        assert len(failed) == (1 if fault.startswith("418") else client.TRIES)
        peer.fault = None
        fetch(peer, asked)
        again = peer.log[-1]
        assert int(again.query["startTime"]) >= START + DAY
    with Peer(clock, books) as peer:
        fetch(peer, wish(tmp_path / "whole", symbols=("BTCUSDT",), kinds=("candles",), to_ms=START + 3 * DAY))
    whole = tree(tmp_path / "whole/v")
    assert {name: tree(tmp_path / "v")[name] for name in whole} == whole


def test_a_refused_series_does_not_keep_the_others_back(books, clock, tmp_path):
    with Peer(clock, dict(books)) as peer:

        def taken_off_the_exchange(path, query, before):
            if path == "/fapi/v1/fundingRate":
                peer.books.pop("ETHUSDT", None)
            return ""

        peer.fault = taken_off_the_exchange
        outcome = fetch(peer, wish(tmp_path, kinds=("funding",), jobs=1))
    failed = {task.series.symbol: task.failed for task, _ in outcome.kept}
    assert failed["BTCUSDT"] == ""
    assert "Invalid symbol" in failed["ETHUSDT"]
    assert len(Venue(tmp_path / "v").read_funding("BTCUSDT").ts_ms) == 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbols": ("BTCUSD",)}, "did you mean BTCUSDT"),
        ({"timeframes": ("7m",)}, "candles of 7m are not kept"),
        ({"timeframes": ("20m",)}, "has no candles of 20m"),
        ({"exchange": "bingx", "kinds": ("open-interest",)}, "publishes no history of open-interest"),
    ],
)
def test_what_an_exchange_does_not_have_is_refused_before_anything_is_written(
    books, clock, tmp_path, changes, words
):
    with Peer(clock, books) as peer, pytest.raises(UsageError) as told:
        fetch(peer, wish(tmp_path / "lake", **changes))
    assert words in str(told.value)
    assert not (tmp_path / "lake").exists()


def test_two_downloads_into_one_venue_do_not_meet(books, clock, tmp_path):
    with (
        Peer(clock, books) as peer,
        writing(tmp_path / "v/.download"),
        pytest.raises(OutputError, match="another download"),
    ):
        fetch(peer, wish(tmp_path))


def test_the_manifest_is_the_same_with_one_thread_and_with_many(books, clock, tmp_path):
    with Peer(clock, books) as peer:
        fetch(peer, wish(tmp_path / "one", jobs=1, to_ms=NOW - HOUR))
        fetch(peer, wish(tmp_path / "many", jobs=8, to_ms=NOW - HOUR))
    assert tree(tmp_path / "one") == tree(tmp_path / "many")
    assert json.loads((tmp_path / "one/v/manifest.json").read_text()).keys() >= {
        "1m/BTCUSDT",
        "funding/BTCUSDT",
    }
