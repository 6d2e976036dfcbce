"""The chain of a minute says what was recorded, and derives only what follows from it."""

from __future__ import annotations

import math
from dataclasses import asdict

import polars as pl
import pytest

from command_runs import backtest
from mastertrading.backtest.explain import explain, stop_at
from mastertrading.backtest.explain_gates import worst_breaker
from mastertrading.backtest.explain_run import newest_run, open_run
from mastertrading.domain.errors import DataMissing, DataUnreadable
from mastertrading.domain.reasons import CarryGate, Gate, MeanReversionGate, SmcGate, TrendGate, name_of

SAMPLE = 400
MODULE_GATES = {"trend": TrendGate, "meanrev": MeanReversionGate, "carry": CarryGate, "smc": SmcGate}


def sampled(decisions, condition=None, count=SAMPLE):
    """Rows of the decisions, spread over the run; always those with an order."""
    chosen = decisions if condition is None else decisions.filter(condition)
    spread = chosen.sample(min(count, chosen.height), seed=3)
    return pl.concat([spread, chosen.filter(pl.col("lots") != 0)]).to_dicts()


def bits(asked):
    """Gate verdicts as the masks that the run recorded."""
    masks = {"evaluated": 0, "passed": 0, "unknown": 0}
    for k, gate in enumerate(asked):
        masks["evaluated"] |= (gate.verdict != "not_asked") << k
        masks["passed"] |= (gate.verdict in ("passed", "unknown")) << k
        masks["unknown"] |= (gate.verdict == "unknown") << k
    return masks


def first(decisions, **wanted):
    """The first decision with some values."""
    row = decisions.filter(**wanted).head(1).to_dicts()
    assert row, wanted
    return row[0]


def gate_of(chain, name):
    return next(gate for gate in chain.gates if gate.gate == name)


def test_chain_of_hundreds_of_minutes_is_the_recorded_decision(run, decisions):
    for row in sampled(decisions):
        chain = explain(run, row["instrument"], row["ts_ms"])
        assert (chain.ts_ms, chain.net) == (row["ts_ms"], row["net"])
        assert chain.first_refusal == row["first_refusal"]
        assert [gate.gate for gate in chain.gates] == [name_of(gate) for gate in Gate]
        assert bits(chain.gates) == {name: row[name] for name in ("evaluated", "passed", "unknown")}
        refused = [gate.gate for gate in chain.gates if gate.verdict == "refused"]
        assert (refused[0] if refused else None) == row["first_refusal"]
        for said in chain.modules:
            assert said.now == row[said.module]
            assert said.first_refusal == row[f"{said.module}_refusal"]
            assert [gate.gate for gate in said.gates] == [name_of(gate) for gate in MODULE_GATES[said.module]]
            assert bits(said.gates) == {
                name: row[f"{said.module}_{name}"] for name in ("evaluated", "passed", "unknown")
            }


def test_weights_and_remembered_forecasts_add_up_to_the_recorded_net(run, decisions):
    votes = (pl.col("votes_long") > 0) | (pl.col("votes_short") > 0)
    rows = sampled(decisions, votes)
    for row in rows:
        chain = explain(run, row["instrument"], row["ts_ms"])
        assert chain.weights_known
        total = sum(said.adds for said in chain.modules)
        scale = chain.long_multiplier if total > 0 else 1.0
        assert math.isclose(total * scale, row["net"], rel_tol=1e-9)
        for m, said in enumerate(chain.modules):
            assert (said.votes == "long") == bool(row["votes_long"] >> m & 1)
            assert (said.votes == "short") == bool(row["votes_short"] >> m & 1)
    assert len(rows) > 100


def test_forecast_counts_for_its_time_to_live_and_is_forgotten_a_minute_later(run, decisions):
    one = decisions.filter(instrument="BTCUSDT")
    spoke = one["trend"].to_list()
    last = next(t for t in range(len(spoke) - 5) if spoke[t] != 0 and not any(spoke[t + 1 : t + 5]))
    said = [explain(run, "BTCUSDT", one["ts_ms"][last + k]).modules[0] for k in range(4)]
    assert [item.remembered for item in said] == [spoke[last]] * 3 + [None]  # 130 seconds
    assert [item.expired for item in said] == [False, False, False, True]
    assert {item.said_ms for item in said[:3]} == {one["ts_ms"][last]}


def test_order_is_followed_to_its_fill_and_its_close(run, folder, decisions):
    fills = pl.read_parquet(folder / "fills.parquet").filter(reason="entry").to_dicts()
    for fill in fills:
        chain = explain(run, fill["instrument"], fill["ts_ms"])
        trade = next(row for row in run.rows("trades") if row["trade_id"] == fill["trade_id"])
        assert chain.order.outcome == "filled"
        assert chain.order.trade_id == fill["trade_id"]
        assert chain.order.side == trade["side"]
        assert float(chain.order.px) == trade["entry_px"]
        assert float(chain.order.qty) == pytest.approx(trade["qty"])
        assert chain.closed.reason == trade["exit_reason"]
        assert next(item.reason for item in chain.next_bar) == "entry"
        side = 1 if trade["side"] == "long" else -1
        risk = side * (trade["entry_px"] - float(chain.order.stop_px)) * trade["qty"]
        assert risk * 1e8 == pytest.approx(trade["risk_atoms"], rel=1e-9)
    assert len(fills) == decisions.filter(pl.col("lots") != 0).height > 5


def test_sizes_shrink_from_limit_to_limit_and_the_last_that_cut_is_named(run, decisions):
    for row in decisions.filter(pl.col("lots") != 0).to_dicts():
        sizing = explain(run, row["instrument"], row["ts_ms"]).sizing
        lots = [step.lots for step in sizing.steps]
        assert lots == sorted(lots, reverse=True)
        assert lots[0] == row["risk_lots"]
        assert lots[-1] == abs(row["lots"])
        cut = [step.limit for step in sizing.steps if step.cut]
        expected = cut[-1] if cut else sizing.cap or "risk_budget"
        assert sizing.deciding == expected
        assert math.prod(sizing.parts.values()) == pytest.approx(row["budget_frac"], rel=1e-4)
        assert 0.5999 < sizing.parts["volatility"] <= 1.0001  # so that no other factor is wrong
        if row["instrument"] == "BTCUSDT" and row["risk_frac"] < row["budget_frac"]:
            assert sizing.cap == "tier"


def test_breaker_of_a_minute_is_the_one_its_gate_saw(run, decisions):
    asked = decisions.filter((pl.col("evaluated") & (1 << (Gate.BREAKER - 1))) != 0)
    for row in asked.to_dicts():
        refused = not row["passed"] >> (Gate.BREAKER - 1) & 1
        assert (worst_breaker(run, row["ts_ms"])[1] in ("no_entries", "flatten")) == refused


def test_position_is_told_with_what_is_left_after_its_partial(run, decisions):
    trade = next(row for row in run.rows("trades") if row["partial"])
    partial = next(row for row in run.rows("fills") if row["reason"] == "partial")
    name = trade["instrument"]
    before = explain(run, name, trade["opened_ms"] + run.base_ms)
    after = explain(run, name, partial["ts_ms"] + run.base_ms)
    assert before.position.trade_id == after.position.trade_id == trade["trade_id"]
    assert float(before.position.qty) == pytest.approx(trade["qty"])
    assert float(after.position.qty) < float(before.position.qty)
    assert before.first_refusal == "holding"
    assert before.order is None


def test_exit_by_the_clock_is_told_in_the_minute_that_ordered_it(run, decisions):
    row = first(decisions, exit_reason="stale")
    chain = explain(run, row["instrument"], row["ts_ms"])
    assert chain.position.exit_ordered == "stale"
    assert [item.reason for item in chain.next_bar] == ["stale"]


def test_direction_session_and_daily_entries_say_what_was_compared_with_what(run, decisions):
    row = first(decisions, first_refusal="direction")
    gate = gate_of(explain(run, row["instrument"], row["ts_ms"]), "direction")
    assert (gate.value, gate.limit) == ("short", "long_only")
    row = first(decisions, first_refusal="session")
    gate = gate_of(explain(run, row["instrument"], row["ts_ms"]), "session")
    assert (gate.value, gate.setting) == ("dead 0.0", "allocation.sessions.dead.risk")
    row = first(decisions, first_refusal="daily_entries")
    gate = gate_of(explain(run, row["instrument"], row["ts_ms"]), "daily_entries")
    assert gate.value >= 1
    adx = row["htf_adx"]
    assert adx > 25  # the gate of the HTF ADX wants 25 here
    assert gate.limit == f"2: ADX {adx:.4g} > 25"


@pytest.mark.parametrize(
    ("adx", "limit", "setting"),
    [
        (19.99, "1: ADX 19.99 < 20", "low"),
        (20.0, "1: ADX 20 in 20 … 25", "middle"),
        (25.0, "1: ADX 25 in 20 … 25", "middle"),
        (25.5, "2: ADX 25.5 > 25", "high"),
    ],
)
def test_daily_entries_names_the_step_that_the_adx_falls_into(tampered, decisions, adx, limit, setting):
    k = decisions.with_row_index("row").filter(first_refusal="daily_entries")["row"][0]
    row = decisions.row(k, named=True)
    changed = open_run(tampered("decisions", k, htf_adx=adx))
    gate = gate_of(explain(changed, row["instrument"], row["ts_ms"]), "daily_entries")
    assert gate.limit == limit
    assert gate.setting == f"risk.gates.throttle.{setting}"


def test_recorded_inputs_agree_with_what_their_gates_said(run, decisions):
    for row in sampled(decisions):
        chain = explain(run, row["instrument"], row["ts_ms"])
        assert float(chain.close_px) == pytest.approx(
            row["close_ticks"] * float(run.price(chain.instrument, 1))
        )
        assert (chain.htf_adx, chain.volatility) == (row["htf_adx"], row["volatility"])
        own = [gate for said in chain.modules for gate in said.gates if gate.gate == "htf_adx"]
        for gate in [*own, gate_of(chain, "htf_adx")]:
            if gate.verdict not in ("passed", "refused"):
                continue
            enough = gate.value <= gate.limit if gate.stage == "meanrev" else gate.value >= gate.limit
            assert enough == (gate.verdict == "passed")
        stop = gate_of(chain, "stop_distance")
        if chain.order is not None and chain.order.stop_px is not None:
            px = float(chain.close_px)
            assert stop.value == pytest.approx(abs(float(chain.order.stop_px) - px) / px, rel=0.02)


def test_volatility_is_told_against_its_ramp_and_gives_the_recorded_factor(run, decisions):
    for row in decisions.filter(pl.col("lots") != 0).to_dicts():
        chain = explain(run, row["instrument"], row["ts_ms"])
        gate = gate_of(chain, "volatility")
        assert (gate.value, gate.limit) == (row["volatility"], "0.8 … 1.5 %")
        scale = 1.0 - min(1.0, max(0.0, (gate.value - 0.008) / 0.007)) * 0.4
        assert chain.sizing.parts["volatility"] == pytest.approx(scale, rel=1e-4)
        assert gate_of(chain, "min_notional").value > gate_of(chain, "min_notional").limit


def test_run_of_an_earlier_version_is_told_without_what_it_did_not_record(earlier, decisions):
    old = open_run(earlier)
    row = first(decisions, first_refusal="daily_entries")
    chain = explain(old, row["instrument"], row["ts_ms"])
    assert (chain.close_px, chain.htf_adx, chain.volatility) == (None, None, None)
    assert gate_of(chain, "daily_entries").limit == "1 / 1 / 2"
    row = first(decisions, first_refusal="htf_adx")
    gate = gate_of(explain(old, row["instrument"], row["ts_ms"]), "htf_adx")
    assert (gate.value, gate.trial) == (None, "risk.gates.htf_adx_min=0")
    row = decisions.filter(pl.col("lots") != 0).to_dicts()[0]
    chain = explain(old, row["instrument"], row["ts_ms"])
    assert [gate_of(chain, name).value for name in ("volatility", "stop_distance", "min_notional")] == [
        None
    ] * 3


def test_missing_bar_and_unknown_inputs_are_told_as_such(tampered, decisions):
    k = decisions.with_row_index("row").filter(first_refusal="htf_adx")["row"][0]
    row = decisions.row(k, named=True)
    changed = open_run(tampered("decisions", k, close_ticks=None, htf_adx=None, volatility=None))
    chain = explain(changed, row["instrument"], row["ts_ms"])
    assert (chain.close_px, chain.htf_adx, chain.volatility) == (None, None, None)
    assert gate_of(chain, "htf_adx").value is None


def test_what_is_advised_lets_that_gate_pass(run, decisions, folder, tmp_path):
    minutes, trials = [], []
    for name in ("direction", "htf_adx", "session", "daily_entries"):
        row = first(decisions, first_refusal=name)
        minutes.append((row["instrument"], row["ts_ms"], name))
        trials.append(gate_of(explain(run, row["instrument"], row["ts_ms"]), name).trial)
    settings = [word for trial in trials for part in trial.split(" --set ") for word in ("--set", part)]
    changed = backtest(tmp_path / "tried", "--synthetic", "--days", 8, "--instruments", "BTC,ETH", "--one-path",
                       *settings, config=(folder.with_name(folder.name + ".toml")).read_text())  # fmt: skip
    tried = open_run(changed)
    for instrument, ts_ms, name in minutes:
        assert gate_of(explain(tried, instrument, ts_ms), name).verdict != "refused"


def test_moment_inside_a_bar_is_decided_at_its_close(run):
    close = run.first_ms + 500 * run.base_ms
    for inside in (close - run.base_ms + 1, close - 1, close):
        assert explain(run, "BTCUSDT", inside).ts_ms == close
    assert explain(run, "BTCUSDT", close + 1).ts_ms == close + run.base_ms
    assert explain(run, "BTCUSDT", close).bar_open_ms == close - run.base_ms


def test_first_and_last_minute_are_told_and_those_beside_them_name_the_nearest(run):
    assert explain(run, "ETHUSDT", run.first_ms).ts_ms == run.first_ms
    assert explain(run, "ETHUSDT", run.last_ms).ts_ms == run.last_ms
    with pytest.raises(DataMissing, match="decided nothing at") as early:
        explain(run, "ETHUSDT", run.first_ms - run.base_ms)
    assert early.value.hint == "--at 2024-01-01T00:01, the nearest"
    with pytest.raises(DataMissing) as late:
        explain(run, "ETHUSDT", run.last_ms + 1)
    assert "2024-01-01 00:01 to 2024-01-09 00:00" in late.value.why
    assert "2024-01-09T00:00" in late.value.hint


def test_instrument_that_the_run_did_not_trade_is_refused_with_those_it_did(run):
    with pytest.raises(DataMissing, match="the run has no SOLUSDT") as told:
        explain(run, "SOLUSDT", run.first_ms)
    assert "BTCUSDT, ETHUSDT" in told.value.why


def test_resting_stop_is_read_where_the_run_recorded_it(run, folder, tmp_path):
    trade = run.rows("trades")[0]
    rows = {
        "trade_id": [trade["trade_id"]] * 2,
        "instrument": [str(trade["instrument"])] * 2,
        "ts_ms": [trade["opened_ms"], trade["opened_ms"] + 5 * run.base_ms],
        "stop_px": [100.5, 101.25],
        "reason": ["stop", "breakeven"],
    }
    run._tables["stops"] = pl.DataFrame(rows).to_dicts()
    at = trade["opened_ms"] + run.base_ms
    assert [stop_at(run, trade["trade_id"], at + k * run.base_ms) for k in (0, 3, 4)] == [
        "100.5",
        "100.5",
        "101.25",
    ]
    held = explain(run, str(trade["instrument"]), at).position
    assert (held.stop_px, held.stop_is_initial) == ("100.5", False)


def test_chain_is_plain_data(run):
    import json

    assert json.loads(json.dumps(asdict(explain(run, "BTCUSDT", run.last_ms))))["instrument"] == "BTCUSDT"


def test_newest_run_is_the_one_written_last(tmp_path):
    import os

    for k, name in enumerate(("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.json").write_text("{}")
        os.utime(tmp_path / name / "summary.json", (1000 + k, 1000 + k))
    assert newest_run(tmp_path).name == "a"
    with pytest.raises(DataMissing, match="there is no run in"):
        newest_run(tmp_path / "nowhere")


def test_run_without_its_settings_or_with_broken_ones_is_told(folder, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "config.toml").write_text("[allocation\n")
    with pytest.raises(DataUnreadable, match=r"config\.toml cannot be read"):
        open_run(copy)
    (copy / "config.toml").unlink()
    with pytest.raises(DataMissing, match=r"the run has no config\.toml"):
        open_run(copy)
