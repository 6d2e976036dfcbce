"""Open interest at rest: recognised, imported once, checked, read in ranges, listed."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from mastertrading.app.cli import main
from mastertrading.domain.errors import DataMissing, DataUnreadable
from mastertrading.domain.market import HOUR_MS
from mastertrading.lake.importers import import_files
from mastertrading.lake.names import SeriesId, series_of
from mastertrading.lake.open_interest import OpenInterest, check_open_interest, no_open_interest, rows_of
from mastertrading.lake.report import examine, spans
from mastertrading.lake.source import open_source
from mastertrading.lake.store import Added, Venue

FOUR_HOURS = 4 * HOUR_MS
SERIES = SeriesId("open-interest", "BTCUSDT", "4h")


def rows(count: int = 12, start_ms: int = 1_700_006_400_000) -> OpenInterest:
    at = start_ms + FOUR_HOURS * np.arange(count, dtype=np.int64)
    amount = 80_000.0 + 10.0 * np.arange(count)
    return OpenInterest(at, amount, amount * 50_000.0)


def kinds(series):
    return [str(finding.kind) for finding in check_open_interest(series, FOUR_HOURS)]


def assert_same(a, b):
    for name in OpenInterest.__dataclass_fields__:
        assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True), name


def test_a_series_of_open_interest_has_its_folder_file_and_name():
    assert (SERIES.folder, SERIES.stem) == ("open-interest", "BTCUSDT-oi-4h")
    assert str(SERIES) == "BTCUSDT open-interest 4h"
    assert series_of("open-interest", "BTCUSDT-oi-4h") == SERIES


@pytest.mark.parametrize("stem", ["BTCUSDT-4h", "BTCUSDT-oi", "-oi-4h", "notes"])
def test_a_file_of_another_name_beside_it_is_none_of_ours(stem):
    assert series_of("open-interest", stem) is None


def test_appended_rows_are_read_back_whole_and_in_a_range(tmp_path):
    venue, given = Venue(tmp_path / "v"), rows()
    assert venue.append_open_interest(SERIES, given, "test") == Added(12, 0, 0, 0)
    assert_same(venue.read_open_interest(SERIES), given)
    part = venue.read_open_interest_range(SERIES, int(given.ts_ms[3]), int(given.ts_ms[7]))
    assert_same(part, rows_of(given, slice(3, 7)))


def test_appending_again_in_any_order_changes_nothing_and_a_contradiction_loses(tmp_path):
    venue, given = Venue(tmp_path / "v"), rows()
    venue.append_open_interest(SERIES, rows_of(given, slice(4, 12)), "late")
    assert venue.append_open_interest(SERIES, rows_of(given, np.arange(11, -1, -1)), "all") == Added(
        4, 8, 0, 0
    )
    other = rows()
    other.amount[2] += 1.0
    assert venue.append_open_interest(SERIES, other, "all") == Added(0, 11, 1, 0)
    assert_same(venue.read_open_interest(SERIES), given)


def test_rows_that_are_no_amount_are_not_stored(tmp_path):
    venue, given = Venue(tmp_path / "v"), rows()
    given.amount[1], given.amount[2], given.value[3] = np.nan, -5.0, np.inf
    assert venue.append_open_interest(SERIES, given, "test") == Added(9, 0, 0, 3)
    assert np.isfinite(venue.read_open_interest(SERIES).amount).all()


def test_without_a_value_only_the_amount_is_stored(tmp_path):
    venue, given = Venue(tmp_path / "v"), rows()
    bare = OpenInterest(given.ts_ms, given.amount, np.full(len(given), np.nan))
    venue.append_open_interest(SERIES, bare, "test")
    assert pl.read_parquet(venue.path(SERIES)).columns == ["ts", "open_interest"]
    assert_same(venue.read_open_interest(SERIES), bare)


def test_the_manifest_keeps_each_timeframe_apart(tmp_path):
    venue = Venue(tmp_path / "v")
    venue.append_open_interest(SERIES, rows(), "a")
    hourly = rows()
    hourly = OpenInterest(hourly.ts_ms[0] + HOUR_MS * np.arange(12), hourly.amount, hourly.value)
    venue.append_open_interest(SeriesId("open-interest", "BTCUSDT", "1h"), hourly, "b")
    facts = venue.manifest()
    assert sorted(facts) == ["open-interest/BTCUSDT-oi-1h", "open-interest/BTCUSDT-oi-4h"]
    assert facts["open-interest/BTCUSDT-oi-4h"]["rows"] == 12
    assert facts["open-interest/BTCUSDT-oi-4h"]["gaps"] == []
    assert venue.series() == sorted([SERIES, SeriesId("open-interest", "BTCUSDT", "1h")])


def test_clean_open_interest_has_no_finding():
    assert kinds(rows()) == []
    assert kinds(no_open_interest()) == []


def test_what_is_wrong_is_found():
    given = rows()
    assert kinds(rows_of(given, np.array([0, 2, 1, 3]))) == ["unsorted"]
    assert kinds(rows_of(given, np.array([0, 1, 1, 2]))) == ["duplicate"]
    assert kinds(rows_of(given, np.array([0, 1, 4, 5]))) == ["gap"]
    given.amount[4], given.amount[5] = np.nan, -1.0
    assert kinds(given) == ["not_finite", "not_positive", "gap"]


def test_a_series_that_is_not_there_and_a_file_that_is_another_are_told(tmp_path):
    venue = Venue(tmp_path / "v")
    venue.append_open_interest(SERIES, rows(), "test")
    with pytest.raises(DataMissing, match="ETHUSDT open-interest 4h"):
        venue.read_open_interest(SeriesId("open-interest", "ETHUSDT", "4h"))
    pl.DataFrame({"ts": [1], "close": [1.0]}).write_parquet(venue.path(SERIES))
    with pytest.raises(DataUnreadable, match="open_interest"):
        venue.read_open_interest(SERIES)


@pytest.mark.parametrize("names", [("ts", "open_interest"), ("create_time", "sum_open_interest")])
def test_a_table_of_open_interest_is_recognised_and_imported(tmp_path, names):
    given = rows()
    columns = {names[0]: given.ts_ms, names[1]: given.amount, f"{names[1]}_value": given.value}
    pl.DataFrame(columns).write_csv(tmp_path / "BTCUSDT-oi-4h.csv")
    (imported,) = import_files([tmp_path / "BTCUSDT-oi-4h.csv"], tmp_path / "lake")
    assert (imported.series, imported.added.rows) == (SERIES, 12)
    assert_same(Venue(tmp_path / "lake/binance_usdm").read_open_interest(SERIES), given)


def test_a_folder_of_loose_files_reads_it_too(tmp_path):
    given = rows()
    pl.DataFrame({"ts": given.ts_ms, "open_interest": given.amount}).reverse().write_csv(
        tmp_path / "BTCUSDT-oi-4h.csv"
    )
    source = open_source(tmp_path)
    assert source.series() == [SERIES]
    assert np.array_equal(source.read_open_interest(SERIES).amount, given.amount)


def test_it_is_listed_and_checked_on_the_command_line(tmp_path, capsys):
    venue = Venue(tmp_path / "lake/binance_usdm")
    given = rows()
    venue.append_open_interest(SERIES, given, "test")
    assert main(["data", "list", "--data", str(tmp_path / "lake"), "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["series"]
    assert (listed["series"], listed["rows"]) == ("open-interest 4h", 12)
    assert main(["data", "check", "--data", str(tmp_path / "lake")]) == 0
    given.amount[3] = -1.0
    pl.DataFrame({"ts": given.ts_ms, "open_interest": given.amount}).write_parquet(venue.path(SERIES))
    capsys.readouterr()
    assert main(["data", "check", "--data", str(tmp_path / "lake")]) == 4
    assert "open interest is negative" in " ".join(capsys.readouterr().out.split())


def test_recorded_open_interest_is_clean_and_imports_as_it_is(tmp_path, shared):
    source = open_source(shared, "binance_usdm")
    reports = [report for report in examine(source) if report.series.kind == "open-interest"]
    assert len(reports) == 7
    assert {report.grade for report in reports} == {"A"}
    assert all(count > 50 for series, count, *_ in spans(source) if series.kind == "open-interest")
    import_files([source.folder / "open-interest"], tmp_path)
    kept = Venue(tmp_path / "binance_usdm")
    assert kept.series() == [report.series for report in sorted(reports, key=lambda r: r.series)]
    assert_same(kept.read_open_interest(SERIES), source.read_open_interest(SERIES))
