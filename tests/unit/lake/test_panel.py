"""The panel: where it begins and ends, what is NaN, what is told, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mastertrading.domain.errors import DataError, DataMissing
from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS, Bars
from mastertrading.lake.names import SeriesId
from mastertrading.lake.panel import load_market
from mastertrading.lake.quality import Charges, take
from mastertrading.lake.store import Venue
from mastertrading.lake.universe import DEFAULT_SYMBOLS
from mastertrading.settings.schema import Settings

START = 1_700_006_400_000
BTC, ETH = SeriesId("bars", "BTCUSDT", "1m"), SeriesId("bars", "ETHUSDT", "1m")
HOURS = SeriesId("bars", "BTCUSDT", "1h")


def hourly(minutes: Bars) -> Bars:
    rows = minutes.close.reshape(-1, 60)
    columns = (
        minutes.open[::60],
        minutes.high.reshape(-1, 60).max(1),
        minutes.low.reshape(-1, 60).min(1),
        rows[:, -1],
    )
    return Bars(minutes.ts_ms[::60], *columns, minutes.volume.reshape(-1, 60).sum(1))


def funding(count: int, first_ms: int = START) -> Charges:
    ts = first_ms + 8 * HOUR_MS * np.arange(count, dtype=np.int64)
    return Charges(ts, np.full(count, 1e-4), ts * 0)


@pytest.fixture
def lake(tmp_path: Path, make_bars) -> Path:
    """BTC from 00:00 for a day; ETH an hour later and an hour shorter; funding for both."""
    venue, bars = Venue(tmp_path / "binance_usdm"), make_bars(1440)
    venue.append_bars(BTC, bars, "test")
    venue.append_bars(ETH, take(bars, slice(60, 1380)), "test")
    for symbol in ("BTCUSDT", "ETHUSDT"):
        venue.append_funding(symbol, funding(8, START - 2 * DAY_MS), "test")
        venue.append_funding(symbol, funding(4), "test")
    return tmp_path


def rewrite(lake: Path, series: SeriesId, bars: Bars) -> None:
    """Put rows into a file as they are, past the door."""
    columns = {"ts": bars.ts_ms, **{n: getattr(bars, n) for n in ("open", "high", "low", "close", "volume")}}
    path = Venue(lake / "binance_usdm").path(series)
    path.parent.mkdir(exist_ok=True)
    pl.DataFrame(columns).write_parquet(path)


def test_panel_spans_from_the_first_bar_of_any_to_the_last_bar_of_all(lake, quiet):
    market = load_market(lake, ["BTC", "ETH/USDT"], notice=quiet.append)
    assert market.symbols == ("BTCUSDT", "ETHUSDT")
    assert market.ts_ms[0] == START
    assert market.common_from_ms == START + HOUR_MS
    assert market.ts_ms[-1] == START + 1379 * MINUTE_MS
    assert np.array_equal(np.diff(market.ts_ms), np.full(1379, MINUTE_MS))
    assert market.valid[:, 0].all()
    assert not market.valid[:60, 1].any()
    assert market.valid[60:, 1].all()
    assert np.isnan(market.close[:60, 1]).all()
    assert market.close.flags.c_contiguous
    assert (market.grade, quiet) == ("A", [])


def test_without_names_every_instrument_with_the_base_timeframe_is_taken(lake, quiet):
    assert load_market(lake, notice=quiet.append).symbols == ("BTCUSDT", "ETHUSDT")


def test_from_cuts_nothing_and_to_cuts_bars_that_close_after_it(lake, quiet):
    whole = load_market(lake, notice=quiet.append)
    start, end = START + 5 * HOUR_MS, START + 10 * HOUR_MS + 30_000
    cut = load_market(lake, start=start, end=end, notice=quiet.append)
    assert cut.ts_ms[0] == whole.ts_ms[0]
    assert cut.ts_ms[-1] + MINUTE_MS == START + 10 * HOUR_MS
    assert np.array_equal(cut.close, whole.close[:600], equal_nan=True)
    assert quiet == []


def test_window_that_reaches_beyond_the_data_is_told(lake, quiet):
    load_market(lake, start=START - DAY_MS, end=START + 5 * DAY_MS, notice=quiet.append)
    assert [sentence.split(" at ")[0] for sentence in quiet] == ["the data begin", "the data end"]


@pytest.mark.parametrize(
    ("start", "end"), [(START + 9 * DAY_MS, None), (None, START - DAY_MS), (None, START + 30_000)]
)
def test_window_without_bars_is_missing_and_says_which_there_are(lake, start, end):
    with pytest.raises(DataMissing, match="no bars from") as raised:
        load_market(lake, start=start, end=end)
    assert "BTCUSDT 2023-11-15 00:00 … 2023-11-16 00:00" in raised.value.why


def test_instruments_without_a_bar_in_common_are_refused(lake, make_bars):
    Venue(lake / "binance_usdm").append_bars(
        SeriesId("bars", "XRPUSDT", "1m"), make_bars(9, START + 9 * DAY_MS), "test"
    )
    with pytest.raises(DataMissing, match="no bars in common"):
        load_market(lake)


@pytest.mark.parametrize(
    ("symbols", "base", "why", "hint"),
    [
        (["DOGE", "ETH", "BTC"], "1m", "there are 1m bars of BTCUSDT, ETHUSDT", "--instruments BTC,ETH"),
        (["DOGE"], "1m", "there are 1m bars of BTCUSDT, ETHUSDT", "--instruments BTC,ETH"),
        (["BTC"], "5m", "there are bars of 1m only", "--set data.base_minutes=1"),
        (None, "5m", "there are bars of 1m only", "--set data.base_minutes=1"),
    ],
)
def test_missing_bars_say_what_there_is_and_the_option_that_trades_it(lake, symbols, base, why, hint):
    with pytest.raises(DataMissing, match=f"no {base} bars of .* are in binance_usdm") as raised:
        load_market(lake, symbols, base=base)
    assert (raised.value.why, raised.value.hint) == (why, hint)


def test_market_knows_its_venue_and_several_venues_are_told(lake, make_bars, quiet):
    assert load_market(lake, ["BTC"], notice=quiet.append).source == "binance_usdm"
    assert quiet == []
    Venue(lake / "bybit_linear").append_bars(SeriesId("bars", "BTCUSDT", "1m"), make_bars(50), "test")
    assert load_market(lake, ["BTC"], notice=quiet.append).source == "binance_usdm"
    assert quiet[0] == "binance_usdm is read; not bybit_linear (choose with --venue)"
    chosen = load_market(lake, ["BTC"], venue="bybit_linear", notice=quiet.append)
    assert (chosen.source, "bybit_linear is read" in " ".join(quiet)) == ("bybit_linear", False)


def test_hole_that_is_refused_is_told_once_with_what_can_be_done(lake, make_bars, quiet):
    series = SeriesId("bars", "BTCUSDT", "1m")
    bars = Venue(lake / "binance_usdm").read_bars(series)
    rewrite(lake, series, take(bars, np.abs(np.arange(len(bars)) - 60) > 20))
    with pytest.raises(DataError) as raised:
        load_market(lake, ["BTC"], settings=Settings(), notice=quiet.append)
    assert "1 gap of 41 bars (first at" in raised.value.why
    assert "--set data.worst_grade=D" in raised.value.hint
    assert "import" not in raised.value.hint
    assert quiet == []


def test_hole_is_nan_and_invalid_and_never_filled(lake, make_bars, quiet):
    rewrite(lake, BTC, take(make_bars(1440), np.r_[0:100, 102:1440]))
    market = load_market(lake, ["BTC"], notice=quiet.append)
    assert np.flatnonzero(~market.valid[:, 0]).tolist() == [100, 101]
    for name in ("open", "high", "low", "close", "volume"):
        assert np.isnan(getattr(market, name)[[100, 101], 0]).all()
    assert market.grade == "C"
    assert "2 of 1440 bars are missing" in quiet[0]


BAD = {
    "nan": ("close", np.nan),
    "negative": ("low", -1.0),
    "high below low": ("high", 1.0),
    "close outside": ("close", 9e9),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_bar_that_passed_no_door_is_invalid_and_refused_by_default(lake, make_bars, quiet, kind):
    bars = make_bars(1440)
    getattr(bars, BAD[kind][0])[500] = BAD[kind][1]
    rewrite(lake, BTC, bars)
    market = load_market(lake, ["BTC"], notice=quiet.append)
    assert np.flatnonzero(~market.valid[:, 0]).tolist() == [500]
    assert np.isnan(market.open[500, 0])
    assert market.grade == "D"
    assert quiet
    with pytest.raises(DataError, match="BTCUSDT is graded D") as raised:
        load_market(lake, ["BTC"], settings=Settings(), notice=quiet.append)
    assert "2023-11-15 08:20" in raised.value.why
    assert "data import" in raised.value.hint


@pytest.mark.parametrize("order", ["unsorted", "duplicate"])
def test_file_out_of_order_is_put_right_in_memory_and_refused_by_default(lake, make_bars, quiet, order):
    bars = make_bars(1440)
    rows = np.r_[0:700, 701, 700, 702:1440] if order == "unsorted" else np.r_[0:700, 699, 700:1440]
    rewrite(lake, BTC, take(bars, rows))
    market = load_market(lake, ["BTC"], notice=quiet.append)
    assert np.array_equal(market.close[:, 0], bars.close)
    with pytest.raises(DataError):
        load_market(lake, ["BTC"], settings=Settings(), notice=quiet.append)


def test_missing_settlement_inside_the_window_is_refused_by_default(lake, quiet):
    path = Venue(lake / "binance_usdm").path(SeriesId("funding", "BTCUSDT"))
    frame = pl.read_parquet(path)
    frame.filter(pl.col("ts") != START + 8 * HOUR_MS).write_parquet(path)
    with pytest.raises(DataError) as raised:
        load_market(lake, ["BTC"], settings=Settings(), notice=quiet.append)
    assert "settlements are missing inside the window" in raised.value.why


def test_no_funding_is_told_and_allowed(lake, quiet):
    Venue(lake / "binance_usdm").path(SeriesId("funding", "BTCUSDT")).unlink()
    market = load_market(lake, ["BTC"], settings=Settings(), notice=quiet.append)
    assert (len(market.settlements[0].ts_ms), market.grade) == (0, "C")
    assert "none is charged" in quiet[0]


def test_settlements_carry_all_history_and_none_after_the_end(lake, quiet):
    market = load_market(lake, ["BTC"], end=START + 9 * HOUR_MS, notice=quiet.append)
    ts = market.settlements[0].ts_ms
    assert ts[0] == START - 2 * DAY_MS
    assert ts[-1] == START + 8 * HOUR_MS


# ---------------------------------------------------------------- primer and mark


def with_hours(lake: Path, make_bars, hours: list[int]) -> None:
    """1 h bars that open at these hours before (negative) or after the base's start."""
    bars = make_bars(len(hours), step_ms=HOUR_MS)
    ts = START + HOUR_MS * np.array(hours, np.int64)
    rewrite(lake, HOURS, Bars(ts, bars.open, bars.high, bars.low, bars.close, bars.volume))


@pytest.mark.parametrize(
    ("hours", "primed"),
    [
        ([-4, -3, -2, -1, 0, 1], [-4, -3, -2, -1]),
        ([-6, -5, -3, -2, -1], [-3, -2, -1]),
        ([-4, -3, -2, 0], []),
        ([0, 1], []),
    ],
)
def test_primer_is_the_unbroken_run_of_hours_that_ends_where_the_base_begins(
    lake, make_bars, quiet, hours, primed
):
    with_hours(lake, make_bars, hours)
    market = load_market(lake, ["BTC"], notice=quiet.append)
    assert ((market.primer[0].ts_ms - START) // HOUR_MS).tolist() == primed


def test_primer_ends_with_the_last_whole_hour_where_the_base_begins_inside_one(lake, make_bars, quiet):
    rewrite(lake, BTC, take(make_bars(1440), slice(95, 1440)))
    with_hours(lake, make_bars, [-2, -1, 0, 1, 2])
    market = load_market(lake, ["BTC"], notice=quiet.append)
    assert ((market.primer[0].ts_ms - START) // HOUR_MS).tolist() == [-2, -1, 0]


def test_bad_hour_breaks_the_primer(lake, make_bars, quiet):
    with_hours(lake, make_bars, [-4, -3, -2, -1])
    path = Venue(lake / "binance_usdm").path(HOURS)
    frame = pl.read_parquet(path)
    frame.with_columns(
        close=pl.when(pl.col("ts") == START - 3 * HOUR_MS).then(-1.0).otherwise("close")
    ).write_parquet(path)
    market = load_market(lake, ["BTC"], notice=quiet.append)
    assert ((market.primer[0].ts_ms - START) // HOUR_MS).tolist() == [-2, -1]


def test_priming_can_be_switched_off(lake, make_bars, quiet):
    with_hours(lake, make_bars, [-2, -1])
    off = Settings.model_validate({"data": {"prime": False}})
    assert len(load_market(lake, ["BTC"], settings=off, notice=quiet.append).primer[0]) == 0


def test_minutes_in_another_timezone_than_the_hours_are_refused_by_default(lake, make_bars, quiet):
    venue, bars = Venue(lake / "binance_usdm"), make_bars(60 * 72)
    venue.path(BTC).unlink()
    venue.append_bars(BTC, bars, "test")
    hours = hourly(bars)
    moved = Bars(hours.ts_ms + 2 * HOUR_MS, hours.open, hours.high, hours.low, hours.close, hours.volume)
    venue.append_bars(HOURS, moved, "test")
    venue.append_funding("BTCUSDT", funding(10), "test")
    with pytest.raises(DataError) as raised:
        load_market(lake, ["BTC"], settings=Settings(), notice=quiet.append)
    assert "timezone_slip" in raised.value.why


def test_mark_price_is_taken_where_recorded_and_the_close_elsewhere(lake, make_bars, quiet):
    bars = make_bars(1440)
    assert load_market(lake, ["BTC"], notice=quiet.append).mark_close is None
    mark = Bars(bars.ts_ms, bars.open + 1, bars.high + 1, bars.low + 1, bars.close + 1, bars.volume * 0)
    Venue(lake / "binance_usdm").append_bars(
        SeriesId("mark", "BTCUSDT", "1m"), take(mark, slice(0, 700)), "test"
    )
    market = load_market(lake, ["BTC"], notice=quiet.append)
    assert np.array_equal(market.mark_close[:700, 0], bars.close[:700] + 1)
    assert np.array_equal(market.mark_close[700:, 0], bars.close[700:])


# ---------------------------------------------------------------- identity


def test_data_id_is_of_the_values_and_not_of_the_files(lake, tmp_path, quiet):
    before = load_market(lake, notice=quiet.append).data_id
    path = Venue(lake / "binance_usdm").path(BTC)
    frame = pl.read_parquet(path)
    frame.write_parquet(path, compression="snappy", row_group_size=100)
    assert load_market(lake, notice=quiet.append).data_id == before
    changed = frame.with_columns(volume=pl.when(pl.col("ts") == START).then(99.0).otherwise("volume"))
    changed.write_parquet(path)
    assert load_market(lake, notice=quiet.append).data_id != before


def test_settings_override_contract_facts_and_change_the_identity(lake, quiet):
    coarse = Settings.model_validate({"instruments": {"BTCUSDT": {"lot": "0.01"}}})
    one, other = (load_market(lake, ["BTC"], settings=s, notice=quiet.append) for s in (None, coarse))
    assert str(other.instruments[0].lot) == "0.01"
    assert one.data_id != other.data_id


def test_notices_go_to_the_log_if_nobody_listens(lake, caplog):
    Venue(lake / "binance_usdm").path(SeriesId("funding", "BTCUSDT")).unlink()
    load_market(lake, ["BTC"])
    assert "no funding is recorded" in caplog.text


# ---------------------------------------------------------------- recorded bars


def test_seven_recorded_instruments_share_the_known_window(shared, quiet):
    market = load_market(shared, DEFAULT_SYMBOLS, settings=Settings(), notice=quiet.append)
    common = market.ts_ms >= market.common_from_ms
    assert market.common_from_ms == 1_748_169_300_000  # 2025-05-25 10:35
    assert market.ts_ms[-1] == 1_748_964_780_000  # 2025-06-03 15:33
    assert int(common.sum()) == 13_259
    assert market.valid[common].all()
    assert (market.grade, market.source, len(quiet)) == ("A", "binance_usdm", 1)
    assert "binance_spot" in quiet[0]
    assert all(len(settled.ts_ms) == 1697 for settled in market.settlements)
    assert all((settled.interval_ms == 8 * HOUR_MS).all() for settled in market.settlements)
    for k, primer in enumerate(market.primer):
        first = int(market.ts_ms[np.argmax(market.valid[:, k])])
        assert primer.ts_ms[-1] == first // HOUR_MS * HOUR_MS - HOUR_MS
        assert primer.ts_ms[0] == 1_740_787_200_000  # 2025-03-01, after the hole


def test_recorded_panel_equals_the_files_bar_by_bar(shared, quiet):
    market = load_market(shared, ["DOGE", "LINK"], notice=quiet.append)
    for k, symbol in enumerate(market.symbols):
        frame = pl.read_parquet(shared / f"binance_usdm/1m/{symbol}-1m.parquet")
        frame = frame.filter(pl.col("ts").is_between(int(market.ts_ms[0]), int(market.ts_ms[-1])))
        rows = market.valid[:, k]
        assert np.array_equal(market.ts_ms[rows], frame["ts"].to_numpy())
        for name in ("open", "high", "low", "close", "volume"):
            assert np.array_equal(getattr(market, name)[rows, k], frame[name].to_numpy())


def test_recorded_gap_on_spot_is_found_and_stays_empty(shared, quiet):
    market = load_market(shared, ["ETH"], venue="binance_spot", notice=quiet.append)
    assert int((~market.valid).sum()) == 80
    assert any("80 of" in sentence for sentence in quiet)
