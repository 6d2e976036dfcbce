"""The folder of a run: whole or absent, readable, the same bytes twice."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tomllib
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from factories import MODULES, MONDAY_MS, UNIT, Deal, Scene, make_instrument, make_result
from mastertrading.backtest import folder as room
from mastertrading.backtest.folder import RunFolder, read_run
from mastertrading.backtest.result import Result
from mastertrading.backtest.statistics import statistics
from mastertrading.compiled import records
from mastertrading.domain.errors import DataMissing, DataUnreadable, InvariantBroken, OutputError
from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.reasons import FillReason, Gate, TrendGate
from mastertrading.engine.book import DECISION, ROW
from mastertrading.settings.load import config_hash
from mastertrading.settings.schema import Settings
from mastertrading.signals.rows import VERDICT

SYMBOLS = ("BTCUSDT", "ETHUSDT")


def small_result() -> Result:
    return make_result(
        Deal(gross=32, fees=2, modules=0b1001, reason=FillReason.TRAILING, partial=1, entry_ticks=1_000_001),
        Deal(gross=-9, fees=1, funding=0.5, opened_min=70, side=-1, instrument=1, lots=33, ambiguous=1),
        seconds={"replay": 1.5},
    )


def minutes(count: int, first: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times, verdicts, decisions and rows with something in every column."""
    numbers = np.arange(first, first + count)
    verdicts = records(VERDICT, (count, 2, 4))
    decisions = records(DECISION, (count, 2))
    verdicts["forecast"] = (numbers[:, None, None] % 5 - 2) / 4
    verdicts["refusal"] = numbers[:, None, None] % 6
    verdicts["evaluated"], verdicts["passed"] = 0b111, 0b011
    decisions["net"] = numbers[:, None] / 100
    decisions["refusal"] = numbers[:, None] % 27
    decisions["lots"] = numbers[:, None]
    rows = records(ROW, (count, 2))
    rows["valid"] = numbers[:, None] % 7 != 3
    rows["close"] = np.where(rows["valid"], 1_000_000 + numbers[:, None], 0)
    rows["htf_adx"] = np.where(numbers[:, None] < 5, np.nan, 10 + numbers[:, None] / 3)
    rows["volatility"] = np.where(numbers[:, None] < 6, np.nan, numbers[:, None] / 7000)
    return MONDAY_MS + (numbers + 1) * MINUTE_MS, verdicts, decisions, rows


def write(target: Path, result: Result | None = None, chunks: tuple[int, ...] = (40,)) -> Path:
    result = result or small_result()
    with RunFolder(target) as folder:
        first = 0
        for count in chunks:
            folder.write_decisions(*minutes(count, first), SYMBOLS, MODULES)
            first += count
        folder.write_result(result, statistics(result))
    return target


def bytes_of(target: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(target.iterdir())}


def test_a_run_leaves_exactly_the_files_of_the_design(tmp_path):
    names = {p.name for p in write(tmp_path / "run").iterdir()}
    tables = {f"{name}.parquet" for name in room.TABLES}
    assert names == tables | {"summary.json", "instruments.json", "config.toml", "timing.json"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (
            "trades",
            "trade_id instrument side opened_ms closed_ms entry_px exit_px qty gross_atoms fees_atoms "
            "funding_atoms net_atoms exit_reason modules",
        ),
        ("fills", "trade_id instrument ts_ms order_side lots px_ticks fee_atoms reason"),
        ("funding", "trade_id instrument ts_ms atoms"),
        ("equity", "ts_ms equity_atoms balance_atoms exposure_atoms nav drawdown"),
        (
            "decisions",
            "ts_ms instrument trend meanrev carry smc net evaluated passed first_refusal smc_evaluated "
            "smc_passed lots budget_frac risk_frac risk_lots instrument_lots leverage_lots correlated_lots",
        ),
    ],
)
def test_tables_begin_with_the_columns_of_the_design(tmp_path, table, columns):
    frame = read_run(write(tmp_path / "run")).table(table)
    assert frame.columns[: len(columns.split())] == columns.split()


def test_what_gates_compared_is_recorded_exactly_and_null_where_unknown(tmp_path):
    frame = read_run(write(tmp_path / "run", chunks=(3, 17))).table("decisions")
    rows = minutes(20)[3].reshape(-1)
    known = [None if not row.valid else int(row.close) for row in rows]
    assert frame["close_ticks"].to_list() == known
    assert None in known
    for name in ("htf_adx", "volatility"):
        assert frame[name].to_list() == [None if np.isnan(value) else float(value) for value in rows[name]]
        assert frame[name].null_count() > 0
        assert not frame[name].is_nan().any()


def test_trades_are_told_in_words_and_exact_decimals(tmp_path):
    rows = read_run(write(tmp_path / "run")).table("trades").to_dicts()
    assert [row["instrument"] for row in rows] == list(SYMBOLS)
    assert [row["side"] for row in rows] == ["long", "short"]
    assert [row["exit_reason"] for row in rows] == ["trailing", "target"]
    assert [row["modules"] for row in rows] == ["trend+smc", "trend"]
    assert rows[0]["entry_px"] == float(Decimal("100000.1"))
    assert rows[1]["qty"] == float(Decimal("0.033"))
    assert rows[1]["net_atoms"] == rows[1]["gross_atoms"] - rows[1]["fees_atoms"] - rows[1]["funding_atoms"]
    assert [row["r"] for row in rows] == pytest.approx([3.0, -1.05])
    assert [row["partial"] for row in rows] == [True, False]


def test_quantity_is_in_base_units_where_a_contract_is_not_one(tmp_path):
    scene = Scene(
        [Deal(gross=1, lots=7)], instruments=(make_instrument(lot="1", multiplier=Decimal("0.001")),)
    )
    result = make_result(scene=scene)
    with RunFolder(tmp_path / "run") as folder:
        folder.write_result(result, statistics(result))
    assert read_run(tmp_path / "run").table("trades")["qty"].to_list() == [0.007]


def test_fills_carry_absolute_lots_and_a_side(tmp_path):
    rows = read_run(write(tmp_path / "run")).table("fills").to_dicts()
    assert [(row["order_side"], row["lots"], row["reason"]) for row in rows] == [
        ("buy", 10, "entry"),
        ("sell", 10, "trailing"),
        ("sell", 33, "entry"),
        ("buy", 33, "target"),
    ]


def test_funding_is_positive_where_we_paid(tmp_path):
    frame = read_run(write(tmp_path / "run")).table("funding")
    assert frame.select("trade_id", "atoms").rows() == [(2, UNIT // 2)]


def test_decisions_name_the_first_refusal_and_leave_orders_without_one(tmp_path):
    frame = read_run(write(tmp_path / "run")).table("decisions")
    assert frame.height == 80
    assert frame["ts_ms"].is_sorted()
    refusals = frame.filter(pl.col("instrument") == "BTCUSDT")["first_refusal"].cast(pl.String).to_list()
    assert refusals[0] is None
    assert refusals[1:27] == [gate.name.lower() for gate in Gate]
    trend = frame.filter(pl.col("instrument") == "ETHUSDT")["trend_refusal"].cast(pl.String).to_list()
    assert trend[:6] == [None, *(gate.name.lower() for gate in list(TrendGate)[:5])]
    assert frame["trend"].to_list()[:4] == [-0.5, -0.5, -0.25, -0.25]


def test_decisions_in_chunks_are_the_same_bytes_as_in_one(tmp_path):
    whole = bytes_of(write(tmp_path / "whole", chunks=(60,)))
    assert bytes_of(write(tmp_path / "chunked", chunks=(1, 16, 43))) == whole


def test_the_same_run_twice_is_the_same_bytes_but_for_its_timing(tmp_path):
    first = bytes_of(write(tmp_path / "first"))
    slower = make_result(*[Deal(gross=3)], seconds={"replay": 1.0})
    faster = make_result(*[Deal(gross=3)], seconds={"replay": 9.0})
    one, two = (bytes_of(write(tmp_path / str(k), run)) for k, run in enumerate((slower, faster)))
    assert bytes_of(write(tmp_path / "second")) == first
    assert {name for name in one if one[name] != two[name]} == {"timing.json"}


def test_decisions_of_a_users_own_forecasts_need_no_module_names(tmp_path):
    result = small_result()
    t_ms, verdicts, decisions, rows = minutes(5)
    with RunFolder(tmp_path / "run") as folder:
        folder.write_decisions(t_ms, verdicts[:, :, :1].copy(), decisions, rows, SYMBOLS, ("user",))
        folder.write_result(result, statistics(result))
    frame = read_run(tmp_path / "run").table("decisions")
    assert "user" in frame.columns
    assert not [name for name in frame.columns if name.startswith("smc")]


def test_configuration_is_written_resolved_with_its_hash(tmp_path):
    text = (write(tmp_path / "run") / "config.toml").read_text(encoding="utf-8")
    assert text.startswith(f'# config_hash = "{config_hash(Settings())}"\n')
    assert tomllib.loads(text)["risk"]["per_trade"] == 0.003


def test_instruments_are_written_as_decimal_strings(tmp_path):
    contract = read_run(write(tmp_path / "run")).instruments["ETHUSDT"]
    assert (contract["tick"], contract["lot"], contract["multiplier"]) == ("0.01", "0.001", "1")


def test_the_steps_of_an_instrument_are_written_without_an_exponent():
    written = room.contract(make_instrument(tick="1E-8", lot="1E+1"))
    assert (written["tick"], written["lot"]) == ("0.00000001", "10")


def test_summary_is_read_back_as_it_was_measured(tmp_path):
    result = small_result()
    summary = read_run(write(tmp_path / "run", result)).summary
    expected = json.loads(json.dumps(statistics(result).as_dict()))
    assert {key: summary[key] for key in expected} == expected


def test_an_error_midway_leaves_nothing_not_even_made_parents(tmp_path):
    def fail() -> None:
        with RunFolder(tmp_path / "a" / "b" / "run") as folder:
            folder.write_decisions(*minutes(3), SYMBOLS, MODULES)
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing_and_an_earlier_run_untouched(tmp_path):
    target = write(tmp_path / "run")
    before = bytes_of(target)

    def interrupted() -> None:
        with RunFolder(target) as folder:
            folder.write_decisions(*minutes(3), SYMBOLS, MODULES)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert bytes_of(target) == before
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(OutputError) as caught:
        write(tmp_path / "run")
    assert caught.value.why == "No space left on device"
    assert "--out" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_failed_last_rename_brings_the_earlier_run_back(tmp_path, monkeypatch):
    target = write(tmp_path / "run")
    before, rename = bytes_of(target), os.replace

    def stubborn(source: Path, place: Path) -> None:
        if ".part-" in Path(source).name:
            raise OSError(13, "Permission denied")
        rename(source, place)

    monkeypatch.setattr(os, "replace", stubborn)
    with pytest.raises(OutputError, match="cannot be written"):
        write(target)
    assert bytes_of(target) == before
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_a_dead_process_left_beside_the_target_is_removed_and_nothing_else(tmp_path):
    left, alive = tmp_path / ".run.part-71", tmp_path / ".run.part-72"
    others = [tmp_path / name for name in (".run.part-x", ".other.part-71", ".run-2.part-71", "run.part-71")]
    for folder in (left, alive, *others):
        folder.mkdir()
        (folder / "decisions-000000.arrow").write_bytes(b"half")
    with pytest.raises(InvariantBroken), RunFolder(tmp_path / "run", lambda pid: pid == 72):
        assert not left.exists()
    assert sorted(tmp_path.iterdir()) == sorted([alive, *others])


def test_an_earlier_run_that_a_dead_process_had_moved_away_comes_back(tmp_path):
    target = write(tmp_path / "run")
    before = bytes_of(target)
    os.replace(target, tmp_path / ".run.old-71")
    (tmp_path / ".run.part-71").mkdir()
    with pytest.raises(InvariantBroken), RunFolder(target, lambda pid: False):
        assert bytes_of(target) == before
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_an_interrupt_on_the_very_way_out_leaves_nothing(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.__enter__()
    assert [p.name for p in tmp_path.iterdir()] == [f".run.part-{os.getpid()}"]
    del folder
    assert list(tmp_path.iterdir()) == []


def test_leaving_without_a_result_is_a_bug_and_leaves_nothing(tmp_path):
    with pytest.raises(InvariantBroken, match="without its result"), RunFolder(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_run_is_replaced_whole(tmp_path):
    target = write(tmp_path / "run")
    (target / "report.html").write_text("old", encoding="utf-8")
    write(target, make_result(Deal(gross=1)))
    assert not (target / "report.html").exists()
    assert read_run(target).summary["trades"]["trades"] == 1


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "run").mkdir()
    assert read_run(write(tmp_path / "run")).summary["trades"]["trades"] == 2


@pytest.mark.parametrize("name", ["notes.txt", "trades.parquet", "summary.json"])
def test_a_folder_of_somebody_else_is_refused_and_untouched(tmp_path, name):
    target = tmp_path / "precious"
    target.mkdir()
    (target / name).write_text("{}", encoding="utf-8")
    with pytest.raises(OutputError) as caught:
        write(target)
    assert caught.value.exit_code == 1
    assert caught.value.why
    assert [p.name for p in target.iterdir()] == [name]
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]


def test_a_run_with_a_strangers_file_in_it_is_not_replaced(tmp_path):
    target = write(tmp_path / "run")
    (target / "my_notebook.ipynb").write_text("work", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot take the results"):
        write(target)
    assert (target / "my_notebook.ipynb").read_text(encoding="utf-8") == "work"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot take"):
        write(tmp_path / "run")


def test_a_parent_that_is_a_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "file" / "run")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is unwritable for root")
def test_an_unwritable_place_is_an_output_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            write(tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)


def test_the_working_folder_itself_is_refused(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(OutputError) as caught:
        write(Path())
    assert "you are in" in caught.value.why


def test_a_name_that_is_no_file_of_a_run_is_a_bug(tmp_path):
    folder = RunFolder(tmp_path / "run")
    assert folder.path("report.html").name == "report.html"
    with pytest.raises(InvariantBroken):
        folder.path("other.html")


def test_reading_where_there_is_no_run_says_so(tmp_path):
    with pytest.raises(DataMissing, match="there is no run"):
        read_run(tmp_path)


def test_reading_a_damaged_or_strange_summary_says_so(tmp_path):
    target = write(tmp_path / "run")
    (target / "summary.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataUnreadable, match="not the summary"):
        read_run(target)
    (target / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataUnreadable, match="damaged"):
        read_run(target)


def test_a_table_that_a_run_does_not_have_is_missing(tmp_path):
    result = small_result()
    with RunFolder(tmp_path / "run") as folder:
        folder.write_result(result, statistics(result))
    run = read_run(tmp_path / "run")
    with pytest.raises(DataMissing, match="no table 'decisions'"):
        run.scan("decisions")


def test_a_run_without_any_trade_has_empty_tables_of_the_same_shape(tmp_path):
    empty = read_run(write(tmp_path / "empty", make_result()))
    full = read_run(write(tmp_path / "full"))
    for name in room.TABLES:
        assert empty.table(name).schema == full.table(name).schema
    assert empty.table("trades").height == 0
