"""The funnel of a window, stretches of minutes, and the story of a trade: nothing is lost between them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import polars as pl
import pytest

from mastertrading.backtest.explain_counts import joined, stretches, summarise
from mastertrading.backtest.explain_tables import bottleneck
from mastertrading.backtest.explain_trade import render_story, story
from mastertrading.domain.errors import DataMissing

BOTH = ("BTCUSDT", "ETHUSDT")
MINUTE = 60_000


def totals(summary):
    """Every gate's three counts by stage, instrument and gate."""
    return {
        (row.stage, row.instrument, row.gate): (row.asked, row.passed, row.refused_first)
        for row in summary.counts
    }


def test_first_refusals_of_all_minutes_are_the_funnel_of_the_run(run, decisions):
    whole = summarise(run, BOTH)
    counted = decisions.group_by("instrument", "first_refusal").len().to_dicts()
    found = {(row["instrument"], row["first_refusal"]): row["len"] for row in counted}
    for (stage, name, gate), (_, _, refused) in totals(whole).items():
        if stage == "allocation":
            assert found.get((name, gate), 0) == refused
    assert whole.decisions() == decisions.height
    assert whole.ordered() == found["BTCUSDT", None] + found["ETHUSDT", None]


def test_two_parts_of_a_run_add_up_to_its_funnel(run):
    middle = run.first_ms + 4321 * MINUTE
    early, late = summarise(run, BOTH, None, middle), summarise(run, BOTH, middle, None)
    assert early.to_ms + MINUTE == late.from_ms
    added = {
        key: tuple(a + b for a, b in zip(one, totals(late)[key], strict=True))
        for key, one in totals(early).items()
    }
    assert added == totals(summarise(run, BOTH))


def test_module_speaks_as_often_as_it_has_a_forecast(run, decisions):
    whole = summarise(run, BOTH)
    for module in ("trend", "meanrev", "carry", "smc"):
        for name in BOTH:
            spoke = decisions.filter(pl.col("instrument") == name, pl.col(module) != 0).height
            assert whole.spoke(module, name) == spoke


def test_window_holds_the_bars_that_open_in_it(run):
    day = run.first_ms - MINUTE + 24 * 60 * MINUTE
    one = summarise(run, ("BTCUSDT",), day, day + 24 * 60 * MINUTE)
    assert one.decisions() == 1440
    assert (one.from_ms, one.to_ms) == (day + MINUTE, day + 1440 * MINUTE)
    assert summarise(run, BOTH, 0, 10**14).decisions() == summarise(run, BOTH).decisions()


def test_window_outside_of_the_run_names_its_span(run):
    with pytest.raises(DataMissing, match="decided nothing in this window") as told:
        summarise(run, BOTH, 0, run.first_ms - MINUTE)
    assert "2024-01-01 00:01" in told.value.why


def test_bottleneck_is_the_gate_that_refused_most_wishes(run, decisions):
    refused = Counter(decisions["first_refusal"].to_list())
    del refused["flat"], refused["holding"], refused[None]
    gate, count = refused.most_common(1)[0]
    summary = summarise(run, BOTH)
    assert (summary.hardest().gate, summary.hardest().refused_first) == (gate, count)
    assert f"The bottleneck is {gate}: it was the first to refuse {count:,d} of" in bottleneck(summary, run)


def test_bottleneck_before_the_gates_names_the_quietest_module(run, decisions):
    quiet = decisions.filter(pl.col("net").abs() >= 0.2)["ts_ms"].min()
    summary = summarise(run, BOTH, None, quiet - 2 * MINUTE)
    assert "The bottleneck is before the gates" in bottleneck(summary, run)
    assert summary.wished() == 0


def test_stretches_cover_every_minute_once_and_count_every_refusal(run, decisions):
    found = stretches(run, "ETHUSDT", None, None)
    one = decisions.filter(instrument="ETHUSDT")
    assert sum(stretch.minutes for stretch in found) == one.height
    assert all(a.to_ms == b.from_ms for a, b in pairwise(found))
    counts = sum((Counter(stretch.counts) for stretch in found), Counter())
    free = one.filter(pl.col("lots") == 0, pl.col("side") == 0)["first_refusal"].to_list()
    assert counts == Counter(free)
    entries = [stretch for stretch in found if stretch.kind == "entry"]
    assert [stretch.lots for stretch in entries] == one.filter(pl.col("lots") != 0)["lots"].to_list()


def test_holding_stretches_name_their_trade(run):
    trades = {row["trade_id"]: row for row in run.rows("trades") if row["instrument"] == "BTCUSDT"}
    held = [stretch for stretch in stretches(run, "BTCUSDT", None, None) if stretch.kind == "holding"]
    assert {stretch.trade_id for stretch in held} <= set(trades)
    for stretch in held:
        assert stretch.side == trades[stretch.trade_id]["side"]


def test_joining_short_stretches_loses_no_minute_and_keeps_entries_apart(run):
    found = stretches(run, "BTCUSDT", None, None)
    lines, minutes = joined(found, 12)
    assert len(lines) < len(found)
    assert minutes >= 2
    assert sum(stretch.minutes for stretch in lines) == sum(stretch.minutes for stretch in found)
    kinds = Counter(stretch.kind for stretch in found)
    after = Counter(stretch.kind for stretch in lines)
    assert {kind: after[kind] for kind in ("entry", "exit", "holding")} == {
        kind: kinds[kind] for kind in ("entry", "exit", "holding")
    }
    gates = sum((Counter(stretch.counts) for stretch in found), Counter())
    assert sum((Counter(stretch.counts) for stretch in lines), Counter()) == gates
    assert joined(found, len(found)) == (found, 0)


def test_story_holds_every_fill_and_payment_of_its_trade_in_order(run):
    for trade in run.rows("trades"):
        told = story(run, trade["trade_id"])
        fills = [row for row in run.rows("fills") if row["trade_id"] == trade["trade_id"]]
        paid = [row for row in run.rows("funding") if row["trade_id"] == trade["trade_id"]]
        kinds = Counter(row.kind for row in told.happened if not row.kind.startswith("stop"))
        assert kinds["entry"] == kinds["exit"] == 1
        assert kinds["partial"] == trade["partial"]
        assert kinds["funding"] == len(paid)
        assert sum(kinds.values()) == len(fills) + len(paid)
        times = [row.ts_ms for row in told.happened]
        assert times == sorted(times)
        fees = sum(row.atoms for row in told.happened if row.kind in ("entry", "partial", "exit"))
        assert fees == trade["fees_atoms"]
        assert told.entry.order.trade_id == trade["trade_id"]


def test_partial_close_lies_one_r_above_its_entry(run):
    partials = [
        row
        for trade in run.rows("trades")
        for row in story(run, trade["trade_id"]).happened
        if row.kind == "partial"
    ]
    assert partials
    for row in partials:
        assert row.r == pytest.approx(1.0, abs=0.01)


def test_stop_that_moved_often_is_told_by_its_first_and_last_move(run, printed):
    trade = run.rows("trades")[0]
    px = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]
    reasons = ["stop", "breakeven", "trailing", "trailing", "trailing", "trailing"]
    run._tables["stops"] = [
        {
            "trade_id": trade["trade_id"],
            "instrument": trade["instrument"],
            "ts_ms": trade["opened_ms"] + k * MINUTE,
            "stop_px": px[k],
            "reason": reason,
        }
        for k, reason in enumerate(reasons)
    ]
    told = story(run, trade["trade_id"])
    assert [row.px for row in told.happened if row.kind == "stop_moved"] == [
        "101",
        "102",
        "103",
        "104",
        "105",
    ]
    text = printed(render_story(told, run, 80), 80)
    assert ("102" in text, " 103 " in text, " 104 " in text) == (True, False, False)
    assert "in 3 moves" in next(line for line in text.splitlines() if " 105 " in line)


def test_trade_that_is_not_there_names_those_that_are(run):
    with pytest.raises(DataMissing, match="the run has no trade 999") as told:
        story(run, 999)
    assert "its trades are 1 to" in told.value.why
