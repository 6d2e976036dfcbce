"""The sweep: the same bytes however it ran, and every case equal to a run of its own."""

from __future__ import annotations

import sys
import threading
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mastertrading.backtest.run import Ask, run
from mastertrading.backtest.statistics import statistics
from mastertrading.domain.errors import ConfigError, UsageError
from mastertrading.domain.market import Market
from mastertrading.lake.synthetic import synthesize
from mastertrading.research import sweep as room
from mastertrading.research.case_store import LINES, TABLE, create, read, resume
from mastertrading.research.cases import cases_of, checked_space, settings_of
from mastertrading.research.conditions import parse
from mastertrading.research.features import Features
from mastertrading.research.own_signal import OwnSignal, evaluate, signal_of
from mastertrading.research.space import Space, parse_axes
from mastertrading.research.sweep import Shared, results_frame, rows_of, sweep, write_results
from mastertrading.settings.schema import Settings

VARY = ("fast=5:15:5", "slow=20,40", "risk.per_trade=0.002,0.004", "position.trail_lock=0.5,0.9")


def lean_on(bars, fast: int = 5, slow: int = 20, scale: float = 1.0, style: str = "plain"):
    """Sign of the change over ``fast`` bars, where it agrees with that over ``slow`` bars."""
    if fast >= slow:
        raise ValueError("fast must be shorter than slow")
    quick, calm = np.zeros(len(bars)), np.zeros(len(bars))
    quick[fast:] = np.sign(bars.close[fast:] - bars.close[:-fast])
    calm[slow:] = np.sign(bars.close[slow:] - bars.close[:-slow])
    print("a signal that talks")
    return scale * np.where(quick == calm, quick, 0.0)


@cache
def market() -> Market:
    return synthesize(("BTCUSDT", "ETHUSDT"), 2.0, 5)


@cache
def signal() -> OwnSignal:
    return signal_of(lean_on)


def space(*vary: str, where: tuple[str, ...] = ()) -> Space:
    return checked_space(parse_axes(vary or VARY), [parse(text) for text in where], signal())


def swept(
    folder: Path,
    of: Space | None = None,
    *,
    workers: int = 1,
    shared: Shared | None = None,
    again: bool = False,
) -> bytes:
    """Sweep a space into a folder; returns the bytes of the final table."""
    of = of or space()
    shared = shared or Shared(market(), Settings(), signal=signal())
    cases = cases_of(of, of.places(), shared.signal)
    store = (resume if again else create)(folder, {"space": {}})
    sweep(shared, cases, store, workers=workers, features=Features(workers + 1))
    write_results(of, rows_of(cases, store), store)
    return (folder / TABLE).read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("whole") / "s"
    return folder, swept(folder)


def test_two_workers_leave_the_same_bytes_as_one(whole, tmp_path):
    assert swept(tmp_path / "two", workers=2) == whole[1]


@pytest.mark.parametrize("after", [0, 1, 7])
def test_an_interrupted_and_resumed_sweep_leaves_the_same_bytes(whole, tmp_path, monkeypatch, after):
    usual, seen = room.wait, []

    def interrupted(running, **how):
        done = usual(running, **how)
        seen.append(len(done[0]))
        if sum(seen) > after:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patch:
        patch.setattr(room, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            swept(tmp_path / "s", workers=2)
    kept = len(read(tmp_path / "s").rows)
    assert after < kept < 24
    assert not (tmp_path / "s" / TABLE).exists()
    assert swept(tmp_path / "s", workers=2, again=True) == whole[1]


def test_a_resumed_sweep_runs_no_case_twice(whole, tmp_path, monkeypatch):
    folder = tmp_path / "s"
    swept(folder, space("fast=5:15:5", "slow=20,40", "risk.per_trade=0.002,0.004", "position.trail_lock=0.5"))
    ran: list[str] = []
    usual = room.evaluate_case
    monkeypatch.setattr(room, "evaluate_case", lambda *a: (ran.append(a[1].key), usual(*a))[1])
    assert swept(folder, again=True) == whole[1]
    assert len(ran) == len(set(ran)) == 12


def test_torn_and_killed_in_the_middle_of_a_line_it_still_ends_in_the_same_bytes(whole, tmp_path):
    folder = tmp_path / "s"
    swept(folder, workers=2)
    lines = (folder / LINES).read_bytes()
    (folder / LINES).write_bytes(lines[: len(lines) // 2])
    (folder / TABLE).unlink()
    assert swept(folder, again=True) == whole[1]


def test_every_case_equals_a_run_of_its_own_to_the_bit(whole):
    frame = pl.read_parquet(whole[0] / TABLE)
    assert frame.height == 24
    assert frame["trades"].sum() > 100
    for at in (0, 9, 23):
        row = frame.row(at, named=True)
        own = signal().with_params(fast=row["fast"], slow=row["slow"])
        changes = {name: row[name] for name in ("risk.per_trade", "position.trail_lock")}
        values = evaluate(own, market())
        given = {symbol: (market().ts_ms, values[:, k]) for k, symbol in enumerate(market().symbols)}
        told = statistics(run(market(), settings_of(Settings(), changes), Ask(forecasts=given)))
        assert row["net_atoms"] == told.money.net_atoms
        assert row["trades"] == told.trades.trades
        assert row["return_frac"] == told.returns.total
        assert (row["sharpe"], row["sortino"]) == (told.returns.sharpe, told.returns.sortino)
        assert row["calmar"] == told.returns.calmar
        assert row["max_drawdown"] == told.drawdown.frac
        assert (row["win_rate"], row["profit_factor"]) == (told.trades.win_rate, told.trades.profit_factor)
        assert row["expectancy_r"] == told.trades.expectancy_r
        assert row["fees_atoms"] == told.costs.fees_atoms
        assert row["funding_atoms"] == told.costs.funding_atoms


def test_cases_of_the_modules_and_with_transfers_equal_runs_of_their_own(tmp_path):
    settings = settings_of(Settings(), {}).model_copy(
        update={"account": Settings().account.model_validate(
            {"transfers": [{"at": "2024-01-02T12:00Z", "amount": -500.0}]}
        )}
    )  # fmt: skip
    of = checked_space(parse_axes(["allocation.threshold=0.1,0.3"]), [], None)
    swept(tmp_path / "s", of, shared=Shared(market(), settings))
    frame = pl.read_parquet(tmp_path / "s" / TABLE)
    for row in frame.iter_rows(named=True):
        changed = settings_of(settings, {"allocation.threshold": row["allocation.threshold"]})
        told = statistics(run(market(), changed, Ask(all_paths=False)))
        assert row["net_atoms"] == told.money.net_atoms
        assert row["return_frac"] == told.returns.total
        assert row["sharpe"] == told.returns.sharpe


def test_cases_that_share_no_preparation_equal_runs_of_their_own_and_run_beside_their_like(
    tmp_path, monkeypatch
):
    axes = ["allocation.threshold=0.1,0.3", "signals.trend.ltf_adx_min=10,25", "costs.taker_fee=0.0002,0.001"]
    of = checked_space(parse_axes(axes), [], None)
    made: list[str] = []
    usual = room.prepare
    monkeypatch.setattr(room, "prepare", lambda *a: (made.append(room.basis_of(a[1])), usual(*a))[1])
    swept(tmp_path / "s", of, workers=2, shared=Shared(market(), Settings()))
    assert len(made) == len(set(made)) == 2
    for row in pl.read_parquet(tmp_path / "s" / TABLE).iter_rows(named=True):
        changed = settings_of(Settings(), {axis.name: row[axis.name] for axis in of.axes})
        told = statistics(run(market(), changed, Ask(all_paths=False)))
        assert (row["net_atoms"], row["trades"]) == (told.money.net_atoms, told.trades.trades)
        assert row["max_drawdown"] == told.drawdown.frac


def test_a_window_and_a_calendar_reach_every_case(tmp_path):
    begin = int(market().ts_ms[900])
    macro = np.array([begin + 3_600_000], np.int64)
    of = space("fast=5", "slow=20")
    shared = Shared(market(), Settings(), begin, begin + 20_000_000, macro, signal())
    swept(tmp_path / "s", of, shared=shared)
    row = pl.read_parquet(tmp_path / "s" / TABLE).row(0, named=True)
    dense = evaluate(signal().with_params(fast=5, slow=20), market())
    ask = Ask(begin, begin + 20_000_000, dense, macro, all_paths=False)
    told = statistics(run(market(), Settings(), ask))
    assert (row["net_atoms"], row["return_frac"]) == (told.money.net_atoms, told.returns.total)
    assert row["trades"] == told.trades.trades > 0


def test_only_settings_that_touch_the_preparation_ask_for_room_for_two():
    rules = parse_axes(["risk.per_trade=0.001,0.002", "fast=3,4", "risk.breakers.day.half_size=0.9"])
    assert room.preparations(Settings(), rules, {"fast"}) == 1
    assert room.preparations(Settings(), parse_axes(["signals.trend.ltf_adx_min=20,30"]), set()) == 2


def test_forecasts_are_computed_once_for_all_cases_that_share_them(tmp_path):
    of = space()
    shared = Shared(market(), Settings(), signal=signal())
    features = Features(3)
    store = create(tmp_path / "s", {})
    sweep(shared, cases_of(of, of.places(), signal()), store, workers=2, features=features)
    assert features.computed == 6
    assert len(store.rows) == 24


def test_a_case_that_fails_is_a_row_with_its_reason(tmp_path):
    of = space("fast=5,20", "slow=20", "risk.breakers.day.half_size=0.02,0.9")
    swept(tmp_path / "s", of)
    frame = pl.read_parquet(tmp_path / "s" / TABLE)
    errors = dict(
        zip(
            zip(frame["fast"], frame["risk.breakers.day.half_size"], strict=True), frame["error"], strict=True
        )
    )
    assert errors[5, 0.02] is None
    assert "half_size <= no_entries" in errors[5, 0.9]
    assert "fast must be shorter" in errors[20, 0.02]
    assert frame["net_atoms"].null_count() == 3


def test_a_bug_in_a_case_ends_the_sweep_and_keeps_what_was_done(tmp_path, monkeypatch):
    usual, calls = room.evaluate_case, []

    def buggy(*given):
        calls.append(1)
        if len(calls) == 5:
            raise ZeroDivisionError
        return usual(*given)

    monkeypatch.setattr(room, "evaluate_case", buggy)
    with pytest.raises(ZeroDivisionError):
        swept(tmp_path / "s")
    assert len(read(tmp_path / "s").rows) >= 4


def test_what_signals_print_never_reaches_stdout(tmp_path, capsys):
    before = sys.stdout
    swept(tmp_path / "s", space("fast=5,6,7,8", "slow=20"), workers=2)
    assert sys.stdout is before
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a signal that talks" in captured.err


def test_no_thread_is_left_behind(tmp_path):
    before = threading.active_count()
    swept(tmp_path / "s", space("fast=5", "slow=20"), workers=2)
    assert threading.active_count() == before


def test_the_table_has_typed_columns_even_where_every_case_failed(tmp_path):
    of = space("fast=30", "slow=20")
    swept(tmp_path / "s", of)
    frame = pl.read_parquet(tmp_path / "s" / TABLE)
    assert frame.schema == results_frame(of, []).schema
    assert frame.schema["sharpe"] == pl.Float64


@pytest.mark.parametrize(
    ("vary", "why"),
    [
        ("fasst=5", "did you mean fast"),
        ("risk.per_tradee=0.1", "did you mean risk.per_trade"),
        ("risk=1", "table"),
        ("account.transfers=1", "list"),
        ("data.base_minutes=5", "market itself"),
        ("seed=1,2", "market itself"),
        ("instruments.BTCUSDT.tick=0.1", "market itself"),
        ("fast=5.5", "whole number"),
        ("fast=calm", "whole number"),
        ("scale=true", "a number"),
        ("risk.per_trade=calm", "a number"),
        ("risk.kelly.enabled=1", "true or false"),
        ("fills.path=sideways", "nearest_first"),
    ],
)
def test_a_parameter_that_is_none_is_refused_with_what_was_meant(vary, why):
    with pytest.raises((UsageError, ConfigError)) as refused:
        space(vary)
    assert why in str(refused.value)


def test_a_fixed_parameter_cannot_be_varied_and_a_condition_speaks_of_varied_ones():
    with pytest.raises(UsageError, match="given twice"):
        checked_space(parse_axes(["fast=5"]), [], signal(), ["fast"])
    with pytest.raises(UsageError, match="not varied"):
        space("fast=5", where=("slow > fast",))


def test_values_become_the_kind_of_their_parameter():
    of = space(
        "scale=1,0", "risk.per_trade=0.01", "style=1,2", "instruments.XBTUSDTM.directions=both,long_only"
    )
    types = {axis.name: {type(value) for value in axis.values} for axis in of.axes}
    assert types == {
        "scale": {float},
        "risk.per_trade": {float},
        "style": {str},
        "instruments.BTCUSDT.directions": {str},
    }


def test_true_and_false_stay_as_written_where_a_signal_wants_a_text():
    (axis,) = space("style=true,false").axes
    assert axis.values == ("true", "false")


class TestFeatures:
    def test_many_threads_make_an_array_once(self):
        features, made, start = Features(2), [], threading.Barrier(8)
        got: list[np.ndarray] = []

        def make() -> np.ndarray:
            made.append(1)
            return np.ones(3)

        def ask() -> None:
            start.wait()
            got.append(features.get("k", make))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 1
        assert len({id(array) for array in got}) == 1
        assert not got[0].flags.writeable

    def test_the_least_recently_used_is_forgotten(self):
        features = Features(2)
        for key in ("a", "b", "a", "c", "a", "b"):
            features.get(key, lambda: np.ones(1))
        assert features.computed == 4

    def test_a_failure_is_told_and_tried_again(self):
        features = Features(2)

        def fail() -> np.ndarray:
            raise ConfigError("no")

        with pytest.raises(ConfigError):
            features.get("k", fail)
        assert features.get("k", lambda: np.ones(1)).sum() == 1

    def test_arrays_on_disk_are_read_and_damaged_ones_made_again(self, tmp_path):
        first = Features(1, tmp_path / "f")
        first.get("k", lambda: np.arange(4.0))
        second = Features(1, tmp_path / "f")
        assert second.get("k", lambda: np.zeros(4)).tolist() == [0, 1, 2, 3]
        assert second.computed == 0
        (tmp_path / "f" / "k.npy").write_bytes(b"\x93NUMPY torn")
        assert Features(1, tmp_path / "f").get("k", lambda: np.ones(4)).tolist() == [1] * 4
