"""The Python door: panels from anywhere, a backtest, and what it leaves; the page about it is run as it stands."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

import mastertrading as mt
from mastertrading.app.door import Checked
from mastertrading.backtest.folder import read_run
from mastertrading.domain.errors import ConfigError, DataError, DataMissing, OutputError, UsageError
from mastertrading.domain.market import MINUTE_MS
from mastertrading.settings.schema import Settings

ROOT = Path(__file__).resolve().parents[3]


def cross(bars, fast: int = 20):
    return np.sign(mt.ema(bars.close, fast) - mt.ema(bars.close, 50))


@pytest.fixture(scope="module")
def market():
    return mt.panel(instruments=["BTC", "ETH"], days=1)


@pytest.fixture(scope="module")
def run(market):
    return mt.backtest(market, mt.signal(cross, fast=10), **{"risk.per_trade": 0.002})


@pytest.fixture(scope="module")
def table(market):
    """Bars of BTC as a data frame."""
    columns = {name: getattr(market, name)[:, 0] for name in ("open", "high", "low", "close", "volume")}
    return pl.DataFrame({"ts": market.ts_ms, **columns})


# ---------------------------------------------------------------- the page


def test_the_block_of_the_page_runs_and_is_ten_lines_at_most(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)\n```$", text, flags=re.MULTILINE | re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    names: dict = {}
    exec(block, names)
    assert len(names["run"].trades) > 0
    assert "No look-ahead found" in capsys.readouterr().out


def test_the_example_of_a_notebook_runs(tmp_path, capsys):
    runpy.run_path(str(ROOT / "examples" / "notebook.py"))["main"](tmp_path, days=2)
    assert (tmp_path / "equity.svg").is_file()
    assert capsys.readouterr().out.count("Run ") == 2


def test_the_package_offers_its_names_without_importing_anything_heavy():
    text = (
        "import sys, mastertrading as mt; assert 'ema' in dir(mt) and 'panel' in dir(mt)\n"
        "assert not {'numpy', 'numba', 'polars', 'pydantic'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", text], env={"PYTHONPATH": str(ROOT / "src")}, check=False)
    assert done.returncode == 0
    with pytest.raises(AttributeError):
        _ = mt.nothing_of_that_name


# ---------------------------------------------------------------- panels


def test_a_panel_of_tables_in_memory_is_the_market_they_were_made_from(market, table):
    other = table.with_columns(pl.col("close"))
    made = mt.panel({"BTC": table, "XRP": other})
    assert made.symbols == ("BTCUSDT", "XRPUSDT")
    assert made.base_ms == MINUTE_MS
    assert np.array_equal(made.close[:, 0], market.close[:, 0])
    assert made.valid.all()


def test_one_table_may_hold_all_instruments_or_be_one(table):
    both = pl.concat([table.with_columns(instrument=pl.lit(name)) for name in ("BTC", "ETH/USDT")])
    assert mt.panel(both).symbols == ("BTCUSDT", "ETHUSDT")
    assert mt.panel(both, ["ETH"]).symbols == ("ETHUSDT",)
    assert mt.panel(table, ["BTC"]).symbols == ("BTCUSDT",)
    with pytest.raises(DataMissing, match="without an instrument"):
        mt.panel(table)


def test_times_may_be_datetimes_and_columns_arrays(table):
    stamps = [datetime.fromtimestamp(ms / 1000, UTC) for ms in table["ts"]]
    arrays = {name: table[name].to_numpy() for name in table.columns if name != "ts"}
    made = mt.panel({"BTC": {"time": np.array([s.replace(tzinfo=None) for s in stamps], "M8[us]"), **arrays}})
    assert made.data_id == mt.panel(table, ["BTC"]).data_id
    assert made.data_id == mt.panel(table.with_columns(ts=pl.Series(stamps)), ["BTC"]).data_id


def test_bad_and_missing_bars_in_memory_stay_out(table, capsys):
    rows = table.with_row_index().filter(pl.col("index") != 7).drop("index")
    rows = rows.with_columns(high=pl.when(pl.col("ts") == table["ts"][9]).then(1.0).otherwise("high"))
    made = mt.panel(rows, ["BTC"])
    assert np.flatnonzero(~made.valid[:, 0]).tolist() == [7, 9]
    assert made.grade == "D"
    assert "high is below low" in capsys.readouterr().err


def test_funding_and_older_hours_in_memory_make_the_same_market():
    alone = mt.panel(instruments=["BTC"], days=1)
    (hours,), (paid,), names = alone.primer, alone.settlements, ("open", "high", "low", "close", "volume")
    table = {"ts": alone.ts_ms, **{name: getattr(alone, name)[:, 0] for name in names}}
    older = {"btc": {"ts": hours.ts_ms, **{name: getattr(hours, name) for name in names}}}
    funding = {"BTC/USDT": {"ts": paid.ts_ms, "rate": paid.rate}}
    assert mt.panel(table, ["BTC"], funding=funding, hours=older).data_id == alone.data_id
    opened = mt.backtest(alone, cross, all_paths=False).trades["opened_ms"].to_list()
    held_ms = opened[0] + MINUTE_MS
    paying = mt.panel(table, ["BTC"], funding={"BTC": {"ts": [held_ms], "rate": [0.01]}}, hours=older)
    assert mt.backtest(paying, cross, all_paths=False).funding["ts_ms"].to_list() == [held_ms]


def test_without_older_hours_no_entry_is_sized_before_a_hundred_hours(table):
    run = mt.backtest(mt.panel(table, ["BTC"]), cross, all_paths=False)
    assert len(run.trades) == 0


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: t.drop("low"), "no column low"),
        (lambda t: t.drop("ts"), "no time"),
        (lambda t: t.with_columns(pl.col("ts") / 2), "neither whole milliseconds"),
        (lambda t: t.with_columns(close=pl.lit("x")), "not numbers"),
        (lambda t: t.head(1), "not two bars"),
        (lambda t: t.with_columns(pl.col("ts") // 1000), "looks like seconds"),
        (lambda t: t.with_columns(pl.col("ts") * 1_000_000), "looks like nanoseconds"),
    ],
)
def test_a_table_that_is_no_bars_says_what_is_wrong(table, spoil, told):
    with pytest.raises(DataError) as raised:
        mt.panel(spoil(table), ["BTC"])
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rates": [0.1]}, "the funding of BTCUSDT has no column rate"),
        ({"rate": [0.1, 0.2]}, "not of one length"),
        ({"rate": ["much"]}, "column rate of the funding of BTCUSDT is not numbers"),
    ],
)
def test_a_table_that_is_no_funding_says_what_is_wrong(table, given, told):
    with pytest.raises(DataError, match=told):
        mt.panel(table, ["BTC"], funding={"BTC": {"ts": [int(table["ts"][0])], **given}})


def test_funding_of_what_is_not_in_the_market_is_told(table, capsys):
    mt.panel(table, ["BTC"], funding={"BTX": {"ts": [int(table["ts"][0])], "rate": [0.1]}})
    assert "funding is not used: BTXUSDT" in capsys.readouterr().err


# ---------------------------------------------------------------- backtests


def test_a_run_has_its_tables_and_its_summary(run):
    assert len(run.trades) == run.summary["trades"]["trades"] > 0
    assert len(run.fills) == 2 * len(run.trades)
    assert run.equity["ts_ms"].is_sorted()
    assert run.decisions.shape[0] == 2 * 1440
    assert set(run.funnel["instrument"].cast(pl.String)) == {"BTCUSDT", "ETHUSDT"}
    assert run.summary["signal"]["params"] == {"fast": 10}
    assert repr(run).startswith(f"Run {run.result.run_id}: cross(fast=10), 2 instruments, ")


def test_an_array_a_function_and_its_name_trade_alike(market, run, monkeypatch, tmp_path):
    values = mt.forecasts(market, cross, fast=10)
    assert values.shape == market.close.shape
    by_array = mt.backtest(market, values, {"risk": {"per_trade": 0.002}})
    assert by_array.trades.equals(run.trades)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signals").mkdir()
    source = "import numpy as np\nimport mastertrading as mt\n\ndef cross(bars, fast: int = 10):\n"
    source += "    return np.sign(mt.ema(bars.close, fast) - mt.ema(bars.close, 50))\n"
    (tmp_path / "signals" / "cross.py").write_text(source)
    assert mt.backtest(market, "cross", risk__per_trade=0.002).trades.equals(run.trades)


def test_settings_are_taken_from_a_mapping_a_file_an_object_and_single_values(market, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[risk]\nper_trade = 0.001\n")
    by_file = mt.backtest(market, cross, file, all_paths=False).settings
    assert by_file == mt.backtest(market, cross, {"risk.per_trade": 0.001}, all_paths=False).settings
    assert by_file == mt.backtest(market, cross, by_file, all_paths=False).settings
    changed = mt.backtest(market, cross, by_file, all_paths=False, seed=np.int64(7)).settings
    assert (changed.seed, changed.risk.per_trade) == (7, 0.001)
    assert mt.backtest(market, cross, Settings(), all_paths=False).settings == Settings()
    with pytest.raises(ConfigError):
        mt.backtest(market, cross, **{"risk.per_trad": 0.1})


def test_forecasts_that_do_not_fit_are_refused(market):
    with pytest.raises(DataError, match="do not fit"):
        mt.backtest(market, np.zeros(5))
    with pytest.raises(DataError, match="within"):
        mt.backtest(market, np.full(market.close.shape, 2.0))
    with pytest.raises(DataError, match="not numbers"):
        mt.backtest(market, np.full(market.close.shape, "long"))


def test_forecasts_that_are_changed_afterwards_change_no_run(market):
    values = mt.forecasts(market, cross)
    run = mt.backtest(market, values, all_paths=False)
    before = run.trades
    values[:] = 0.0
    assert run.decisions["user"].to_numpy().any()
    assert (
        run.result.run_id == mt.backtest(market, mt.forecasts(market, cross), all_paths=False).result.run_id
    )
    assert len(before) > 0


def test_start_and_end_bound_the_decisions(market):
    part = mt.backtest(market, cross, start="2024-01-01T06:00", end="2024-01-01T07:00", all_paths=False)
    assert len(part.equity) == 61
    with pytest.raises(UsageError):
        mt.backtest(market, cross, start="soon")


# ---------------------------------------------------------------- questions and pictures


def test_why_tells_the_chain_of_one_minute(run):
    told = run.why("btc", "2024-01-01T12:00")
    assert "decided at 12:00" in repr(told)
    assert told.as_dict()["instrument"] == "BTCUSDT"
    with pytest.raises(DataMissing):
        run.why("BTC", "2030-01-01")
    with pytest.raises(UsageError, match="not a date"):
        run.why("BTC", "noon")
    assert str(run.why("BTC", datetime(2024, 1, 1, 12, tzinfo=UTC))) == str(told)


def test_a_saved_run_is_the_folder_of_the_command_line(run, tmp_path):
    files = read_run(run.save(tmp_path / "run"))
    assert files.summary["signal"]["name"] == "cross"
    assert files.table("trades").equals(run.trades)
    assert files.table("decisions").height == run.decisions.height


def test_the_report_is_written_where_it_was_asked_for(run, tmp_path):
    assert (
        run.report(tmp_path / "page.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    )


@pytest.mark.parametrize("instrument", [None, "ETH"])
def test_a_picture_is_svg_that_can_be_saved(run, tmp_path, instrument):
    picture = run.plot(instrument)
    root = ElementTree.fromstring(picture.svg)
    assert root.find("{*}polyline") is not None
    assert picture.save(tmp_path / "one.svg").read_text(encoding="utf-8") == picture.svg
    assert picture.svg in picture.save(tmp_path / "one.html").read_text(encoding="utf-8")
    with pytest.raises(OutputError):
        picture.save(tmp_path / "no" / "one.svg")


def test_a_picture_of_a_price_shows_every_trade(run):
    mine = run.trades.filter(pl.col("instrument").cast(pl.String) == "ETHUSDT")
    root = ElementTree.fromstring(run.plot("ETH").svg)
    assert len(root.findall("{*}path")) == len(mine) > 0
    with pytest.raises(DataMissing):
        run.plot("SOL")


def test_a_notebook_shows_a_run_with_its_picture(run):
    assert "<svg" in run._repr_html_()
    assert "<pre>" in run.why("BTC", "2024-01-01T12:00")._repr_html_()


def test_the_check_of_a_function_tells_whether_it_is_biased(market):
    def ahead(bars):
        return np.sign(np.append(bars.close[1:], np.nan) - bars.close)

    found = mt.lookahead(ahead, market, cuts=6)
    assert isinstance(found, Checked)
    assert found.biased
    assert "ahead looks ahead" in repr(found)
    assert not mt.lookahead(cross, market, cuts=6, fast=5).biased
