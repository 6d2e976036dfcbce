"""Every layout that can be imported, and what is refused."""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from mastertrading.domain.errors import DataMissing, DataUnreadable, UsageError
from mastertrading.domain.market import HOUR_MS, Bars
from mastertrading.lake.importers import import_files
from mastertrading.lake.layouts import read_file
from mastertrading.lake.names import SeriesId
from mastertrading.lake.source import open_source
from mastertrading.lake.store import Added, Venue

PRICES = ("open", "high", "low", "close")
HEADER = (
    "open_time,open,high,low,close,volume,close_time,"
    "quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def binance_lines(bars: Bars, scale: int = 1) -> list[str]:
    rows = zip(bars.ts_ms.tolist(), *(getattr(bars, n).tolist() for n in (*PRICES, "volume")), strict=True)
    return [
        f"{ts * scale},{o},{h},{lo},{c},{v},{(ts + 59_999) * scale},1.0,5,0.5,0.5,0"
        for ts, o, h, lo, c, v in rows
    ]


def only(path, **options):
    (found,) = read_file(path, **options)
    return found


def assert_bars(found, series: SeriesId, bars: Bars, *, reverse: bool = False) -> None:
    assert found.series == series
    order = slice(None, None, -1 if reverse else 1)
    for name in ("ts_ms", *PRICES, "volume"):
        assert np.array_equal(getattr(found.bars, name), getattr(bars, name)[order]), name


MINUTES = SeriesId("bars", "BTCUSDT", "1m")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("scale", [1, 1000])
@pytest.mark.parametrize("packed", ["csv", "zip", "csv.gz"])
def test_binance_dump_is_read_with_and_without_header_in_ms_and_us(
    tmp_path, make_bars, header, scale, packed
):
    bars = make_bars(30)
    text = "\n".join(([HEADER] if header else []) + binance_lines(bars, scale)) + "\n"
    path = tmp_path / f"BTCUSDT-1m-2023-11.{packed}"
    if packed == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("BTCUSDT-1m-2023-11.csv", text)
    else:
        path.write_bytes(gzip.compress(text.encode()) if packed == "csv.gz" else text.encode())
    assert_bars(only(path), MINUTES, bars)


def test_binance_funding_dump_states_its_interval(tmp_path):
    path = tmp_path / "BTCUSDT-fundingRate-2023-11.csv"
    path.write_text(
        "calc_time,funding_interval_hours,last_funding_rate\n1699999200004,8,0.00010000\n1700028000000,4,-0.00020000\n"
    )
    found = only(path)
    assert found.series == SeriesId("funding", "BTCUSDT")
    assert found.charges.ts_ms.tolist() == [1_699_999_200_000, 1_700_028_000_000]
    assert found.charges.rate.tolist() == [0.0001, -0.0002]
    assert found.charges.stated_ms.tolist() == [8 * HOUR_MS, 4 * HOUR_MS]


def test_binance_funding_answer_of_the_api_is_read(tmp_path):
    path = tmp_path / "funding.json"
    path.write_text(
        json.dumps([{"symbol": "ETHUSDT", "fundingTime": 1_700_028_000_000, "fundingRate": "0.0003"}])
    )
    found = only(path)
    assert found.series == SeriesId("funding", "ETHUSDT")
    assert found.charges.rate.tolist() == [0.0003]


def test_binance_mark_price_dump_is_told_by_its_folder(tmp_path, make_bars):
    path = tmp_path / "markPriceKlines/BTCUSDT-1m-2023-11.csv"
    path.parent.mkdir()
    path.write_text("\n".join(binance_lines(make_bars(20))))
    found = only(path)
    assert found.series == SeriesId("mark", "BTCUSDT", "1m")
    assert not found.bars.volume.any()


def freqtrade_frame(bars: Bars) -> pl.DataFrame:
    dates = pl.from_epoch(pl.Series(bars.ts_ms), time_unit="ms").dt.replace_time_zone("UTC")
    return pl.DataFrame({"date": dates, **{n: getattr(bars, n) for n in (*PRICES, "volume")}})


def test_freqtrade_feather_is_read(tmp_path, make_bars):
    bars = make_bars(20)
    path = tmp_path / "BTC_USDT_USDT-1m-futures.feather"
    freqtrade_frame(bars).write_ipc(path)
    assert_bars(only(path), MINUTES, bars)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_datetimes_of_any_unit_become_ms(tmp_path, make_bars, unit):
    bars = make_bars(20)
    path = tmp_path / "BTC_USDT-1m.feather"
    freqtrade_frame(bars).with_columns(pl.col("date").dt.cast_time_unit(unit)).write_ipc(path)
    assert only(path).bars.ts_ms.tolist() == bars.ts_ms.tolist()


@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_freqtrade_json_is_read(tmp_path, make_bars, ending):
    bars = make_bars(20)
    rows = [
        list(row)
        for row in zip(
            bars.ts_ms.tolist(), *(getattr(bars, n).tolist() for n in (*PRICES, "volume")), strict=True
        )
    ]
    content = json.dumps(rows).encode()
    path = tmp_path / f"BTC_USDT_USDT-1m-futures.{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    assert_bars(only(path), MINUTES, bars)


def test_freqtrade_funding_keeps_its_rate_in_open(tmp_path):
    path = tmp_path / "BTC_USDT_USDT-8h-funding_rate.feather"
    dates = pl.from_epoch(pl.Series([1_700_006_400_000, 1_700_035_200_000]), time_unit="ms")
    zero = [0.0, 0.0]
    pl.DataFrame(
        {"date": dates, "open": [1e-4, -2e-4], "high": zero, "low": zero, "close": zero, "volume": zero}
    ).write_ipc(path)
    found = only(path)
    assert found.series == SeriesId("funding", "BTCUSDT")
    assert found.charges.rate.tolist() == [1e-4, -2e-4]


@pytest.mark.parametrize("per_second", [1000, 1])
def test_cryptodatadownload_is_read_newest_first_in_s_or_ms(tmp_path, make_bars, per_second):
    bars = make_bars(20, step_ms=HOUR_MS)
    lines = [
        "https://www.CryptoDataDownload.com",
        "Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount",
    ]
    for k in reversed(range(20)):
        prices = ",".join(str(getattr(bars, n)[k]) for n in PRICES)
        date = datetime.fromtimestamp(bars.ts_ms[k] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        lines.append(f"{bars.ts_ms[k] // per_second},{date},BTC/USDT,{prices},{bars.volume[k]},99.0,5")
    path = tmp_path / "Binance_BTCUSDT_1h.csv"
    path.write_text("\n".join(lines) + "\n")
    assert_bars(only(path), SeriesId("bars", "BTCUSDT", "1h"), bars, reverse=True)


def test_cryptodatadownload_minute_file_names_its_timeframe_in_words(tmp_path, make_bars):
    bars = make_bars(20)
    body = "\n".join(f"{t},BTC/USDT,1,2,0.5,1.5,3,4" for t in reversed(bars.ts_ms.tolist()))
    path = tmp_path / "gemini_2023_minute.csv"
    path.write_text(
        "https://www.CryptoDataDownload.com\nunix,symbol,open,high,low,close,Volume BTC,Volume USD\n" + body
    )
    found = only(path)
    assert found.series == MINUTES
    assert found.bars.volume.tolist() == [3.0] * 20


def test_plain_csv_with_iso_dates_and_semicolons_is_read(tmp_path):
    path = tmp_path / "ETH-USDT.csv"
    rows = [f"2023-11-15T00:{m:02d}:00Z;1;2;0.5;1.5;7" for m in range(3)]
    path.write_text("date;open;high;low;close;volume\n" + "\n".join(rows))
    found = only(path)
    assert found.series == SeriesId("bars", "ETHUSDT", "1m")
    assert found.bars.ts_ms.tolist() == [1_700_006_400_000, 1_700_006_460_000, 1_700_006_520_000]


def test_symbol_and_timeframe_may_be_given_where_nothing_says_them(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("time,open,high,low,close\n1700006400,1,2,0.5,1.5\n")
    found = only(path, symbol="sol", timeframe="5m")
    assert found.series == SeriesId("bars", "SOLUSDT", "5m")


def test_text_among_numbers_becomes_nan_and_so_is_quarantined(tmp_path):
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text(
        "ts,open,high,low,close,volume\n1700006400000,1,2,0.5,n/a,1\n1700006460000,1,2,0.5,1.5,1\n"
    )
    (item,) = import_files([path], tmp_path / "lake")
    assert item.added == Added(1, 0, 0, 1)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "BTCUSDT-1m.parquet",
            b"ts,open,high,low,close\n1,1,1,1,1\n",
            "its name says parquet but its content is text",
        ),
        ("BTCUSDT-1m.csv", b"PAR1xxxxPAR1", "its name says text but its content is parquet"),
        ("BTCUSDT-1m.feather", b"FEA1....", "Feather version 1"),
        ("BTCUSDT-1m.csv", bytes(range(256)), "no Parquet"),
        ("BTCUSDT-1m.csv", b"", "no Parquet"),
        ("BTCUSDT-1m.parquet", b"PAR1 rubbish", "damaged"),
        ("BTCUSDT-1m.zip", b"PK\x03\x04 rubbish", "damaged"),
        ("BTCUSDT-1m.json", b'{"code": -1121, "msg": "Invalid symbol."}', "not a list"),
        ("BTCUSDT-1m.csv", b"<html><body>404 Not Found</body></html>", "no columns"),
        ("BTCUSDT-1m.csv", b"ts,open,high,low\n1700006400000,1,2,1\n", "it has no close"),
        ("BTCUSDT-1m.csv", b"when,open,high,low,close\n1,1,1,1,1\n", "no column of times"),
        ("BTCUSDT-1m.csv", b"date,open,high,low,close\nyesterday,1,1,1,1\n", "is no time"),
        ("BTCUSDT-1m.csv", b"ts,open,high,low,close\n1700006400000,a,b,c,d\n", "holds no numbers"),
        ("prices.csv", b"ts,open,high,low,close\n1700006400000,1,2,1,1\n", "which instrument"),
        ("BTCUSDT.csv", b"ts,open,high,low,close\n1700006400000,1,2,1,1\n", "timeframe"),
    ],
)
def test_file_that_is_not_what_it_should_be_is_refused_with_the_reason(tmp_path, name, content, why):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataUnreadable) as raised:
        read_file(path)
    assert why in raised.value.why
    assert raised.value.where == str(path)
    assert raised.value.hint


def test_name_that_contradicts_the_distance_between_rows_is_refused(tmp_path, make_bars):
    path = tmp_path / "BTCUSDT-5m-2023-11.csv"
    path.write_text("\n".join(binance_lines(make_bars(30))))
    with pytest.raises(DataUnreadable) as raised:
        read_file(path)
    assert "its name says 5m but its rows are 1 minutes apart" in raised.value.why


# ---------------------------------------------------------------- into a lake


@pytest.mark.parametrize("venue", ["../x", "", ".", "a/b", "/x", "-x", "a b"])
def test_venue_that_is_no_plain_name_is_refused_and_writes_nothing(tmp_path, make_bars, venue):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "BTCUSDT-1m.csv").write_text("\n".join(binance_lines(make_bars(20))))
    with pytest.raises(UsageError, match="is not the name of a venue"):
        import_files([tmp_path / "in"], tmp_path / "lake", venue=venue)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_rows_in_any_order_are_read(tmp_path, make_bars):
    lines = binance_lines(make_bars(200))
    shuffled = [lines[k] for k in np.random.default_rng(1).permutation(len(lines))]
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("\n".join(shuffled))
    assert len(only(path).bars) == 200


def test_contradicted_timeframe_names_who_said_it(tmp_path, make_bars):
    (tmp_path / "BTCUSDT.csv").write_text("\n".join(binance_lines(make_bars(20))))
    with pytest.raises(DataUnreadable) as raised:
        read_file(tmp_path / "BTCUSDT.csv", timeframe="5m")
    assert raised.value.why == "--timeframe says 5m but its rows are 1 minutes apart"


def test_timeframe_that_is_none_is_refused_even_for_one_row(tmp_path, make_bars):
    (tmp_path / "BTCUSDT.csv").write_text(binance_lines(make_bars(1))[0])
    with pytest.raises(UsageError, match="is not a timeframe"):
        read_file(tmp_path / "BTCUSDT.csv", timeframe="../x")


def test_import_is_idempotent_and_counts_what_it_did(tmp_path, make_bars):
    bars = make_bars(30)
    bars.high[4] = 1.0
    lines = binance_lines(bars)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/BTCUSDT-1m-2023-11.csv").write_text("\n".join(reversed(lines)))
    (tmp_path / "in/BTCUSDT-1m-2023-11-15.csv").write_text("\n".join(lines[:10]))
    (tmp_path / "in/README.md").write_text("not market data")
    (first,) = import_files([tmp_path / "in"], tmp_path / "lake")
    (second,) = import_files([tmp_path / "in"], tmp_path / "lake")
    assert (first.venue, first.series, first.files) == ("binance_usdm", MINUTES, 2)
    assert first.added == Added(29, 10, 0, 1)
    assert second.added == Added(0, 39, 0, 1)


def test_import_of_nothing_is_missing(tmp_path):
    (tmp_path / "in").mkdir()
    for source in (tmp_path / "in", tmp_path / "nowhere"):
        with pytest.raises(DataMissing):
            import_files([source], tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def test_import_reports_each_file_and_takes_only_the_instruments_asked_for(tmp_path, make_bars):
    for symbol in ("BTCUSDT", "ETHUSDT"):
        (tmp_path / f"{symbol}-1m.csv").write_text("\n".join(binance_lines(make_bars(10))))
    read: list[str] = []
    imported = import_files([tmp_path], tmp_path / "lake", venue="v", only=["ETHUSDT"], progress=read.append)
    assert [item.series.symbol for item in imported] == ["ETHUSDT"]
    assert read == ["BTCUSDT-1m.csv", "ETHUSDT-1m.csv"]


def test_contract_facts_of_a_lake_are_taken_over_where_the_target_states_none(tmp_path, make_bars):
    source, target = Venue(tmp_path / "from/v"), Venue(tmp_path / "to/v")
    source.append_bars(MINUTES, make_bars(20), "test")
    facts = '{"BTCUSDT": {"tick": "0.5", "lot": "0.01"}, "NEWUSDT": {"tick": "1", "lot": "1"}}'
    (source.folder / "instruments.json").write_text(facts)
    target.folder.mkdir(parents=True)
    (target.folder / "instruments.json").write_text('{"BTCUSDT": {"tick": "2", "lot": "3"}}')
    import_files([tmp_path / "from"], tmp_path / "to")
    assert {name: str(facts.tick) for name, facts in target.instruments().items()} == {
        "BTCUSDT": "2",
        "NEWUSDT": "1",
    }


def test_recorded_lake_imported_and_read_again_is_equal(shared, tmp_path):
    imported = import_files([shared], tmp_path, only=["DOGEUSDT"])
    assert {item.venue for item in imported} == {"binance_usdm", "bybit_linear", "binance_spot"}
    assert all(item.added.quarantined == item.added.duplicates == 0 for item in imported)
    for item in imported:
        before, after = (Venue(root / item.venue).path(item.series) for root in (shared, tmp_path))
        assert pl.read_parquet(after).equals(pl.read_parquet(before))
    assert open_source(tmp_path).series() == [
        s for s in open_source(shared).series() if s.symbol == "DOGEUSDT"
    ]
