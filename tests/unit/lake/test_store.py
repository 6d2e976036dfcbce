"""The store: appended once, never half-written, errors that say what is there instead."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mastertrading.domain.errors import DataMissing, DataUnreadable, OutputError
from mastertrading.domain.market import HOUR_MS, MINUTE_MS
from mastertrading.lake import files
from mastertrading.lake.names import SeriesId
from mastertrading.lake.quality import Charges, take
from mastertrading.lake.source import LooseFiles, open_source
from mastertrading.lake.store import Added, Venue, in_order

MINUTES = SeriesId("bars", "BTCUSDT", "1m")
COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume")


def assert_same(a, b):
    for name in COLUMNS:
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


def test_appended_bars_are_read_back_equal(tmp_path, make_bars):
    venue, bars = Venue(tmp_path / "binance_usdm"), make_bars()
    assert venue.append_bars(MINUTES, bars, "test") == Added(200, 0, 0, 0)
    assert_same(venue.read_bars(MINUTES), bars)
    assert (tmp_path / "binance_usdm/1m/BTCUSDT-1m.parquet").is_file()


def test_appending_again_changes_no_byte(tmp_path, make_bars):
    venue, bars = Venue(tmp_path / "v"), make_bars()
    venue.append_bars(MINUTES, bars, "test")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert venue.append_bars(MINUTES, bars, "test") == Added(0, 200, 0, 0)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_overlapping_parts_in_any_order_make_one_series(tmp_path, make_bars):
    venue, bars = Venue(tmp_path / "v"), make_bars()
    venue.append_bars(MINUTES, take(bars, slice(90, 200)), "late")
    assert venue.append_bars(MINUTES, take(bars, slice(0, 120)), "early") == Added(90, 30, 0, 0)
    assert_same(venue.read_bars(MINUTES), bars)
    assert venue.manifest()["1m/BTCUSDT"]["source"] == ["late", "early"]


def test_stored_row_stays_and_the_contradicting_one_is_quarantined(tmp_path, make_bars):
    venue, bars, other = Venue(tmp_path / "v"), make_bars(), make_bars()
    other.close[3] += 0.1
    venue.append_bars(MINUTES, bars, "test")
    assert venue.append_bars(MINUTES, other, "test") == Added(0, 199, 1, 0)
    assert_same(venue.read_bars(MINUTES), bars)
    kept = pl.read_parquet(tmp_path / "v/1m/BTCUSDT-1m.quarantine.parquet")
    assert kept.select("ts", "reason").rows() == [(int(bars.ts_ms[3]), "conflict")]


def test_bad_bars_go_to_the_quarantine_file_once_and_leave_a_gap(tmp_path, make_bars):
    venue, bars = Venue(tmp_path / "v"), make_bars()
    bars.close[7], bars.low[8] = np.nan, -1.0
    for expected in (Added(198, 0, 0, 2), Added(0, 198, 0, 2)):
        assert venue.append_bars(MINUTES, bars, "test") == expected
    kept = pl.read_parquet(tmp_path / "v/1m/BTCUSDT-1m.quarantine.parquet")
    assert kept["reason"].to_list() == ["not_finite", "not_positive"]
    assert len(venue.read_bars(MINUTES)) == 198
    assert venue.series() == [MINUTES]


def test_manifest_holds_rows_window_gaps_hash_and_grade(tmp_path, make_bars):
    venue, bars = Venue(tmp_path / "v"), make_bars()
    venue.append_bars(MINUTES, take(bars, np.r_[0:100, 103:200]), "somewhere")
    facts = venue.manifest()["1m/BTCUSDT"]
    assert facts["rows"] == 197
    assert (facts["first_ms"], facts["last_ms"]) == (int(bars.ts_ms[0]), int(bars.ts_ms[-1]))
    assert facts["gaps"] == [[int(bars.ts_ms[100]), int(bars.ts_ms[102]), 3]]
    assert facts["grade"] == "D"
    assert len(facts["sha256"]) == 64


def test_range_read_gives_bars_that_open_inside(tmp_path, make_bars):
    venue, bars = Venue(tmp_path / "v"), make_bars()
    venue.append_bars(MINUTES, bars, "test")
    start, end = int(bars.ts_ms[10]), int(bars.ts_ms[20])
    assert venue.read_range(MINUTES, start, end).ts_ms.tolist() == bars.ts_ms[10:20].tolist()


def test_funding_is_appended_once_and_bad_rates_are_counted(tmp_path):
    venue = Venue(tmp_path / "v")
    ts = 8 * HOUR_MS * np.arange(1, 6, dtype=np.int64)
    rate = np.array([1e-4, 2e-4, np.nan, -1e-4, 5e-5])
    charges = Charges(ts, rate, np.zeros(5, np.int64))
    assert venue.append_funding("BTCUSDT", charges, "test") == Added(4, 0, 0, 1)
    assert venue.append_funding("BTCUSDT", charges, "test") == Added(0, 4, 0, 1)
    assert venue.read_funding("BTCUSDT").rate.tolist() == [1e-4, 2e-4, -1e-4, 5e-5]


def test_changed_rate_is_a_conflict_and_the_stored_one_stays(tmp_path):
    venue, ts = Venue(tmp_path / "v"), 8 * HOUR_MS * np.arange(1, 3, dtype=np.int64)
    venue.append_funding("BTCUSDT", Charges(ts, np.array([1e-4, 2e-4]), ts * 0), "test")
    assert venue.append_funding("BTCUSDT", Charges(ts, np.array([2e-4, 2e-4]), ts * 0), "test") == Added(
        0, 1, 1, 0
    )
    assert venue.read_funding("BTCUSDT").rate.tolist() == [1e-4, 2e-4]


def test_interval_that_the_venue_states_is_kept(tmp_path):
    venue, ts = Venue(tmp_path / "v"), 8 * HOUR_MS * np.arange(1, 3, dtype=np.int64)
    venue.append_funding("BTCUSDT", Charges(ts, np.array([1e-4, 2e-4]), ts * 0 + 4 * HOUR_MS), "test")
    assert venue.read_funding("BTCUSDT").stated_ms.tolist() == [4 * HOUR_MS] * 2


# ---------------------------------------------------------------- writing whole or not at all


def failing_write(error):
    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    return write


@pytest.mark.parametrize(
    ("error", "raised"),
    [(OSError(28, "No space left on device"), OutputError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, error, raised):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"old")
    with pytest.raises(raised):
        files.write_whole(path, failing_write(error))
    assert os.listdir(tmp_path) == ["a.parquet"]
    assert path.read_bytes() == b"old"


def test_folder_that_cannot_be_made_is_an_output_error(tmp_path, make_bars):
    (tmp_path / "v").write_text("a file stands where the folder should be")
    with pytest.raises(OutputError, match="can't be written"):
        Venue(tmp_path / "v").append_bars(MINUTES, make_bars(), "test")


# ---------------------------------------------------------------- what is not there, what is not what it says


def test_missing_series_says_what_is_there(tmp_path, make_bars):
    venue = Venue(tmp_path / "v")
    venue.append_bars(MINUTES, make_bars(), "test")
    with pytest.raises(DataMissing) as raised:
        venue.read_bars(SeriesId("bars", "ETHUSDT", "1m"))
    assert "BTCUSDT 1m" in raised.value.why


@pytest.mark.parametrize("content", [b"ts,open\n1,2\n", b"", b"PAR1 and then rubbish PAR1"])
def test_file_that_is_no_parquet_is_unreadable(tmp_path, content):
    path = tmp_path / "v/1m/BTCUSDT-1m.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DataUnreadable, match="can't be read as Parquet") as raised:
        Venue(tmp_path / "v").read_bars(MINUTES)
    assert raised.value.where == str(path)


@pytest.mark.parametrize("drop", ["ts", "close"])
def test_parquet_without_a_column_is_unreadable(tmp_path, make_bars, drop):
    venue = Venue(tmp_path / "v")
    venue.append_bars(MINUTES, make_bars(), "test")
    path = venue.path(MINUTES)
    pl.read_parquet(path).drop(drop).write_parquet(path)
    with pytest.raises(DataUnreadable, match=f"no usable column '{drop}'"):
        venue.read_bars(MINUTES)


def test_damaged_manifest_is_unreadable(tmp_path):
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataUnreadable, match="damaged"):
        Venue(tmp_path).manifest()


def test_unsorted_funding_file_is_unreadable(tmp_path):
    path = tmp_path / "v/funding/BTCUSDT-funding.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame({"ts": [2, 1], "rate": [0.1, 0.1]}).write_parquet(path)
    with pytest.raises(DataUnreadable, match="not in order"):
        Venue(tmp_path / "v").read_funding("BTCUSDT")


# ---------------------------------------------------------------- choosing a source


def lake_of(root: Path, make_bars, *venues: str) -> None:
    for name in venues:
        Venue(root / name).append_bars(MINUTES, make_bars(60), "test")


def test_lake_opens_its_only_venue_or_the_default_or_the_one_asked_for(tmp_path, make_bars):
    lake_of(tmp_path, make_bars, "bybit_linear")
    assert open_source(tmp_path).name == "bybit_linear"
    lake_of(tmp_path, make_bars, "binance_usdm")
    assert open_source(tmp_path).name == "binance_usdm"
    assert open_source(tmp_path, "bybit_linear").name == "bybit_linear"
    assert open_source(tmp_path / "bybit_linear").name == "bybit_linear"


def test_venue_that_is_not_there_names_those_that_are(tmp_path, make_bars):
    lake_of(tmp_path, make_bars, "bybit_linear", "kucoin")
    for asked in ("binance_spot", None):
        with pytest.raises(DataMissing) as raised:
            open_source(tmp_path, asked)
        assert "bybit_linear, kucoin" in raised.value.why


@pytest.mark.parametrize("kind", ["nothing", "file", "empty folder"])
def test_root_without_data_is_missing(tmp_path, kind):
    root = tmp_path / "data"
    if kind == "file":
        root.write_text("x")
    elif kind == "empty folder":
        root.mkdir()
    with pytest.raises(DataMissing):
        open_source(root)


def test_folder_of_loose_files_is_read_as_a_venue(tmp_path, make_bars):
    bars = make_bars(30)
    frame = pl.DataFrame({"date": bars.ts_ms, **{n: getattr(bars, n) for n in COLUMNS[1:]}}).reverse()
    frame.write_csv(tmp_path / "BTC-USDT-1m.csv")
    frame.head(12).write_csv(tmp_path / "BTC-USDT-1m-again.csv")
    source = open_source(tmp_path)
    assert isinstance(source, LooseFiles)
    assert source.series() == [MINUTES]
    assert_same(source.read_bars(MINUTES), bars)
    assert len(source.read_funding("BTCUSDT").ts_ms) == 0
    with pytest.raises(DataMissing):
        source.read_bars(SeriesId("bars", "BTCUSDT", "5m"))


def test_default_instruments_come_first_in_their_usual_order():
    assert in_order(["AAVEUSDT", "LINKUSDT", "BTCUSDT"]) == ["BTCUSDT", "LINKUSDT", "AAVEUSDT"]


def test_hidden_and_foreign_files_are_left_alone(tmp_path, make_bars):
    venue = Venue(tmp_path / "v")
    venue.append_bars(MINUTES, make_bars(5), "test")
    (tmp_path / "v/1m/.BTCUSDT-1m.parquet.77.unfinished").write_bytes(b"half")
    (tmp_path / "v/1m/notes.txt").write_text("mine")
    (tmp_path / "v/open-interest").mkdir()
    assert venue.series() == [MINUTES]
    assert venue.read_bars(MINUTES).ts_ms[1] - venue.read_bars(MINUTES).ts_ms[0] == MINUTE_MS
