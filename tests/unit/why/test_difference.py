"""Two runs part where the first of their differences lies, and its cause is named."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from mastertrading.backtest.difference import changed_settings, compare
from mastertrading.backtest.difference_text import render_difference, verdict
from mastertrading.backtest.explain_run import open_run
from mastertrading.domain.errors import DataMissing


def compared(a, b):
    return compare(open_run(a), open_run(b))


def other_code(folder, copy):
    """The same run, made by other code."""
    shutil.copytree(folder, copy)
    summary = json.loads((copy / "summary.json").read_text())
    summary["run"] |= {"code_id": "0" * 16, "run_id": "1" * 16}
    (copy / "summary.json").write_text(json.dumps(summary))
    return copy


@pytest.fixture(scope="session")
def tighter(make_run):
    return make_run("tighter", "--set", "risk.gates.htf_adx_min=30")


def test_run_made_twice_is_the_same(folder, make_run):
    found = compared(folder, make_run("again"))
    assert found.same
    assert (found.first, found.first_trade, found.identity, found.settings) == (None, (), (), ())
    assert found.decisions_differing == 0
    assert verdict(found).startswith(f"The same run: {found.run_a}.")


def test_first_moment_is_the_first_row_that_differs(folder, tighter):
    found = compared(folder, tighter)
    keys = ["ts_ms", "instrument"]
    frames = [pl.read_parquet(path / "decisions.parquet") for path in (folder, tighter)]
    a, b = (frame.with_columns(pl.col(pl.Enum).cast(pl.String)) for frame in frames)
    unequal = [k for k, (one, two) in enumerate(zip(a.rows(), b.rows(), strict=True)) if one != two]
    assert found.decisions_differing == len(unequal)
    assert (found.first.ts_ms, found.first.instrument) == a.select(keys).row(unequal[0])
    assert found.first.kind == "gate"
    assert [(pair.name, pair.a, pair.b) for pair in found.settings] == [
        ("risk.gates.htf_adx_min", 25.0, 30.0)
    ]
    assert found.causes() == ["configuration"]
    assert "Behind it: one setting, risk.gates.htf_adx_min: 25 → 30." in verdict(found)
    assert ("allocation.htf_adx", "passed", "refused") in [
        (pair.name, pair.a, pair.b) for pair in found.first.sides
    ]


def test_other_code_with_equal_results_is_the_same_and_says_so(folder, tmp_path):
    found = compared(folder, other_code(folder, tmp_path / "code"))
    assert found.same
    assert found.causes() == ["code"]
    assert verdict(found) == "The same decisions and trades in every minute, although these differ: code."


SIGNAL = """
def far(bars, width: int = 30, sign: float = 1.0):
    return sign * (bars.close > bars.open) - sign * (bars.close < bars.open) * (width > 10)
"""


def test_other_parameter_of_a_signal_is_the_cause(make_run, tmp_path):
    file = tmp_path / "far.py"
    file.write_text(SIGNAL)
    one = make_run("far", "--signal", file)
    other = compared(one, make_run("farther", "--signal", file, "--param", "sign=-0.5"))
    assert other.causes() == ["signal"]
    assert "Behind it: one parameter of the signal, sign: 1 → -0.5." in verdict(other)
    file.write_text(SIGNAL.replace("> bars.open", ">= bars.open"))
    edited = compared(one, make_run("edited", "--signal", file))
    assert [pair.name for pair in edited.signal] == ["sha256"]
    if not edited.same:
        assert "Behind it: another version of the signal's file." in verdict(edited)


def test_own_signal_beside_the_modules_is_a_cause(folder, make_run, tmp_path):
    file = tmp_path / "far.py"
    file.write_text(SIGNAL)
    found = compared(folder, make_run("own", "--signal", file))
    assert found.causes() == ["signal", "span"]
    assert "another signal, or other parameters of it (name, sha256, width, …)" in verdict(found)


def test_other_forecasts_of_a_file_are_the_cause(make_run, tmp_path):
    runs = []
    for forecast in (0.9, -0.9):
        file = tmp_path / "given.csv"
        rows = "".join(
            f"{1_704_067_200_000 + k * 3_600_000},{name},{forecast}\n"
            for k in range(190)
            for name in ("BTCUSDT", "ETHUSDT")
        )
        file.write_text("ts,instrument,forecast\n" + rows)
        runs.append(make_run(f"given{forecast}", "--signals", file))
    found = compared(*runs)
    assert found.causes() == ["forecasts"]
    assert verdict(found).endswith("Behind it: other forecasts (--signals).")


def test_setting_that_changes_nothing_is_told_beside_equal_results(folder, make_run):
    found = compared(folder, make_run("seeded", "--set", "risk.gates.min_equity=6"))
    assert found.same
    assert [pair.name for pair in found.settings] == ["risk.gates.min_equity"]


@pytest.mark.parametrize(
    ("cells", "kind", "subject", "told"),
    [
        ({"smc": 0.5}, "module", "smc", "smc said nothing in A and +0.500 in B"),
        ({"trend_refusal": "bounce"}, "module", "trend", "trend answered differently"),
        ({"net": 0.9}, "allocation", "", "weighed differently"),
        ({"first_refusal": "macro"}, "gate", "", "a gate answered differently"),
        ({"risk_lots": 7.0}, "size", "", "got another size"),
        ({"exit_reason": "stale"}, "exit", "", "ordered an exit"),
        ({"side": 1}, "position", "", "held a position"),
        ({"net": 0.9, "smc": 0.5, "lots": 3}, "module", "smc", "smc said"),
    ],
)
def test_changed_cell_of_a_decision_is_found_with_its_kind(
    folder, tampered, decisions, cells, kind, subject, told
):
    row = 777
    found = compared(folder, tampered("decisions", row, **cells))
    assert not found.same
    assert found.decisions_differing == 1
    assert (found.first.ts_ms, found.first.kind) == (decisions["ts_ms"][row], kind)
    assert found.first.instrument == decisions["instrument"][row]
    assert subject in ("", found.first.subject)
    assert told in verdict(found)
    assert verdict(found).endswith("Please report this.")  # equal inputs cannot give this


def test_other_closes_are_a_cause_and_their_first_minute_is_named(folder, tampered, decisions):
    found = compared(folder, tampered("decisions", 777, close_ticks=5, smc=0.5))
    assert (found.prices.ts_ms, found.prices.instrument) == (
        decisions["ts_ms"][777],
        decisions["instrument"][777],
    )
    assert [(pair.name, pair.a, pair.b) for pair in found.prices.sides] == [
        ("close_ticks", decisions["close_ticks"][777], 5)
    ]
    assert found.causes() == ["data"]
    when = "2024-01-01 06:29"
    name = decisions["instrument"][777]
    assert verdict(found).endswith(f"Behind it: other data: prices differ from {when} UTC on ({name} first).")
    assert "close_ticks" in {pair.name for pair in found.first.sides}


def test_other_inputs_are_no_other_decisions(folder, tampered):
    found = compared(folder, tampered("decisions", 777, close_ticks=None, htf_adx=1.0))
    assert found.same
    assert (found.decisions_differing, found.first) == (0, None)
    assert found.prices is not None


def test_run_of_an_earlier_version_is_compared_in_what_it_recorded(folder, earlier, tighter):
    assert compared(folder, earlier).same
    found = compared(earlier, tighter)
    assert found.prices is None
    assert found.first.kind == "gate"


def test_real_difference_of_data_is_told_with_its_minute(folder, make_run):
    found = compared(folder, make_run("reseeded", "--set", "seed=2"))
    assert "data" in found.causes()
    assert found.prices.ts_ms == found.from_ms
    assert "other data: prices differ from 2024-01-01 00:01 UTC on" in verdict(found)


def test_changed_fill_payment_or_account_is_found_at_its_own_moment(folder, tampered, tmp_path):
    for table, column, kind in (
        ("fills", "fee_atoms", "fill"),
        ("funding", "atoms", "funding"),
        ("equity", "equity_atoms", "account"),
    ):
        frame = pl.read_parquet(folder / f"{table}.parquet")
        changed = tampered(table, 2, **{column: 5})
        found = compared(folder, changed)
        assert (found.first.kind, found.first.ts_ms) == (kind, frame["ts_ms"][2])
        assert found.decisions_differing == 0
        shutil.rmtree(changed)


def test_fill_of_a_minute_comes_after_its_decision(folder, tampered, tmp_path):
    fills = pl.read_parquet(folder / "fills.parquet")
    changed = tampered("fills", 0, px_ticks=1)
    decisions = pl.read_parquet(changed / "decisions.parquet")
    at = pl.col("ts_ms") == fills["ts_ms"][0]
    decisions.with_columns(net=pl.when(at).then(0.77).otherwise("net")).write_parquet(
        changed / "decisions.parquet"
    )
    assert compared(folder, changed).first.kind == "allocation"


def test_trade_alone_that_differs_is_told(folder, tampered):
    found = compared(folder, tampered("trades", 1, exit_reason="flip"))
    assert found.first is None
    assert not found.same
    assert ("exit_reason", "flip") in [(pair.name, pair.b) for pair in found.first_trade]
    assert "a trade is not" in verdict(found)


def test_other_window_and_fewer_instruments_are_compared_where_both_have_them(folder, make_run):
    shorter = make_run("shorter", "--instruments", "ETH", "--days", 6)
    found = compared(folder, shorter)
    assert not found.whole
    assert found.instruments == ("ETHUSDT",)
    assert {pair.name for pair in found.spans} == {"to_ms", "instruments"}
    assert found.decisions == 6 * 1440
    assert found.prices.ts_ms == found.from_ms  # ETH made alone is another ETH
    assert "data" in found.causes()


def test_shorter_run_of_equal_bars_has_no_other_data(folder, make_run):
    found = compared(folder, make_run("six", "--days", 6))
    assert found.prices is None
    assert found.causes() == ["span"]


def test_runs_without_a_common_instrument_or_minute_are_refused(folder, make_run):
    other = make_run("other", "--instruments", "SOL", "--days", 1)
    with pytest.raises(DataMissing, match="no decision in common") as told:
        compared(folder, other)
    assert "one traded BTCUSDT, ETHUSDT, the other SOLUSDT" in told.value.why


def test_settings_are_compared_key_by_key_with_absent_ones():
    pairs = changed_settings({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1, "c": 3, "e": 4}, "d": [1]})
    assert [(pair.name, pair.a, pair.b) for pair in pairs] == [("a.c", 2, 3), ("a.e", "absent", 4)]


@pytest.mark.parametrize("width", [80, 120])
def test_difference_stays_inside_the_width(folder, tighter, printed, width):
    lines = printed(render_difference(compared(folder, tighter), width), width).splitlines()
    assert max(map(len, lines)) <= width
    titles = {"What ran", "Settings that differ", "That minute", "First trade that differs"}
    assert titles <= {line.strip() for line in lines}
