"""Statistics of small runs whose every number can be worked out on paper."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from factories import INITIAL, MODULES, MONDAY_MS, UNIT, Deal, Scene, atoms, make_result
from mastertrading.backtest.measures import MIN_ANNUAL_DAYS
from mastertrading.backtest.statistics import statistics
from mastertrading.compiled import records
from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.market import DAY_MS, MINUTE_MS
from mastertrading.domain.reasons import EventKind, FillReason, Gate, Stage
from mastertrading.engine.book import EVENT


def four_deals() -> list[Deal]:
    """Net +30, −10, −20, +60."""
    return [
        Deal(gross=32, fees=2, opened_min=0, minutes=10, modules=0b0001, reason=FillReason.TARGET, session=1),
        Deal(gross=-9, fees=1, opened_min=20, minutes=20, modules=0b1001, reason=FillReason.STOP, side=-1),
        Deal(gross=-18, fees=1, funding=1, opened_min=1450, minutes=30, modules=0b1001, instrument=1),
        Deal(
            gross=61, fees=2, funding=-1, opened_min=2900, minutes=40, modules=0b1000, session=2, ambiguous=1
        ),
    ]


def test_trade_measures_of_four_trades_are_those_on_paper():
    trades = statistics(make_result(*four_deals())).trades
    assert (trades.trades, trades.wins, trades.losses, trades.draws) == (4, 2, 2, 0)
    assert trades.win_rate == 0.5
    assert trades.net_atoms == 60 * UNIT
    assert trades.payoff == pytest.approx(45 / 15)
    assert trades.profit_factor == pytest.approx(90 / 30)
    assert trades.expectancy_atoms == 15 * UNIT
    assert trades.expectancy_r == pytest.approx((3 - 1 - 2 + 6) / 4)
    assert trades.mean_duration_ms == 25 * MINUTE_MS
    assert trades.median_duration_ms == 25 * MINUTE_MS
    assert (trades.mean_win_duration_ms, trades.mean_loss_duration_ms) == (25 * MINUTE_MS, 25 * MINUTE_MS)
    assert (trades.longest_wins, trades.longest_losses) == (1, 2)
    assert (trades.best_atoms, trades.worst_atoms) == (60 * UNIT, -20 * UNIT)
    assert trades.top_two_share == pytest.approx(90 / 60)


def test_expectancy_as_a_fraction_is_of_the_entry_notional():
    # 100 000.0 × 0.010 = 1 000 USDT of notional.
    trades = statistics(make_result(Deal(gross=5, entry_ticks=1_000_000, lots=10))).trades
    assert trades.expectancy_frac == pytest.approx(0.005)
    assert trades.best_frac == trades.worst_frac == pytest.approx(0.005)


def test_costs_split_net_into_gross_fees_and_funding():
    costs = statistics(make_result(*four_deals())).costs
    assert (costs.gross_atoms, costs.fees_atoms, costs.funding_atoms) == (66 * UNIT, 6 * UNIT, 0)
    assert costs.net_atoms == costs.gross_atoms - costs.fees_atoms - costs.funding_atoms


def test_slippage_is_estimated_on_market_fills_only():
    # Entry at market; the target is a resting limit. 1 000 USDT × 0.0001 once.
    result = make_result(Deal(gross=5, reason=FillReason.TARGET))
    assert statistics(result).costs.slippage_estimate_atoms == atoms(0.1)
    result = make_result(Deal(gross=5, reason=FillReason.STOP))
    assert statistics(result).costs.slippage_estimate_atoms == atoms(0.1) + atoms(0.1000001)


def test_a_trade_belongs_to_every_module_that_voted_and_to_one_combination():
    groups = statistics(make_result(*four_deals())).groups
    assert {g.name: g.statistics.trades for g in groups.module} == dict(
        zip(MODULES, (3, 0, 0, 3), strict=True)
    )
    combined = {g.name: (g.statistics.trades, g.statistics.net_atoms // UNIT) for g in groups.combination}
    assert combined == {"trend": (1, 30), "smc": (1, 60), "trend+smc": (2, -30)}


def test_every_breakdown_but_modules_adds_up_to_the_whole():
    whole = statistics(make_result(*four_deals()))
    groups = whole.groups
    for parts in (groups.instrument, groups.combination, groups.reason, groups.direction, groups.session):
        assert sum(part.statistics.net_atoms for part in parts) == whole.trades.net_atoms
        assert sum(part.statistics.trades for part in parts) == whole.trades.trades


def test_breakdowns_carry_the_names_that_people_know():
    groups = statistics(make_result(*four_deals())).groups
    assert [g.name for g in groups.reason] == ["stop", "target"]
    assert [g.name for g in groups.direction] == ["long", "short"]
    assert [g.name for g in groups.session] == ["london", "ny"]
    assert [g.name for g in groups.instrument] == ["BTCUSDT", "ETHUSDT"]


def test_sharpe_comes_from_utc_days_of_net_asset_value():
    days = [(1440, 10_100.0), (2880, 10_302.0), (4320, 10_405.02)]
    whole = statistics(make_result(scene=Scene(equity=days)))
    assert [day.return_frac for day in whole.days] == pytest.approx([0.01, 0.02, 0.01])
    assert [day.name for day in whole.days] == ["2025-05-26", "2025-05-27", "2025-05-28"]
    middle, spread = 0.04 / 3, math.sqrt(((1 / 3) ** 2 * 2 + (2 / 3) ** 2) / 2) / 100
    assert whole.returns.sharpe == pytest.approx(middle / spread * math.sqrt(365))
    assert whole.returns.sortino is None
    assert whole.months[0].return_frac == pytest.approx(0.040502)


def test_a_deposit_changes_the_balance_and_no_return():
    deals = four_deals()
    bare = statistics(make_result(*deals))
    moved = statistics(make_result(scene=Scene(deals, transfers=[(3000, 5_000.0)])))
    assert moved.money.transferred_atoms == 5_000 * UNIT
    assert moved.money.net_atoms == bare.money.net_atoms == 60 * UNIT
    assert moved.returns.total == pytest.approx(bare.returns.total, rel=1e-12)
    assert moved.drawdown.frac == pytest.approx(bare.drawdown.frac)


def test_a_withdrawal_is_not_a_drawdown():
    whole = statistics(make_result(scene=Scene(transfers=[(700, -8_000.0)])))
    assert whole.drawdown.frac == 0.0
    assert whole.returns.total == 0.0


def test_calmar_is_yearly_growth_over_drawdown_where_the_run_is_long_enough():
    equity = [(1440 * 10, 9_000.0), (1440 * 20, 11_000.0)]
    whole = statistics(make_result(scene=Scene(equity=equity, minutes=1440 * 20)))
    yearly = 1.1 ** (365 / 20) - 1
    assert whole.returns.cagr == pytest.approx(yearly)
    assert whole.returns.calmar == pytest.approx(yearly / 0.1)
    short = statistics(make_result(scene=Scene(equity=[(60, 9_000.0)], minutes=1440)))
    assert short.run.days < MIN_ANNUAL_DAYS
    assert short.returns.calmar is None


def test_exposure_and_turnover_are_relative_to_equity():
    whole = statistics(make_result(Deal(gross=0, opened_min=0, minutes=1440)))
    assert (whole.exposure.mean, whole.exposure.max) == (0.5, 0.5)
    assert whole.exposure.time_in_market == pytest.approx(1 / 3)
    assert whole.costs.turnover == pytest.approx(2_000 / 10_000, rel=1e-5)


def test_buy_and_hold_stands_beside_the_result():
    held = statistics(make_result()).buy_and_hold
    assert held.instruments == pytest.approx({"BTCUSDT": 0.1, "ETHUSDT": 0.1})
    assert held.equal_weight == pytest.approx(0.1)


def test_the_range_between_paths_is_told():
    paths = {"best": 90 * UNIT, "worst": -5 * UNIT}
    path = statistics(make_result(*four_deals(), paths=paths)).path
    assert path.ambiguous_trades == 1
    assert path.net_atoms == {"nearest_first": 60 * UNIT, **paths}
    assert (path.lowest_atoms, path.highest_atoms) == (-5 * UNIT, 90 * UNIT)


@pytest.mark.parametrize(
    "deals",
    [
        [],
        [Deal(gross=5)],
        [Deal(gross=-5)],
        [Deal(gross=0)],
        [Deal(gross=-5, opened_min=k, risk=0.0) for k in range(5)],
        four_deals(),
    ],
    ids=["none", "one_win", "one_loss", "one_draw", "all_losers", "mixed"],
)
def test_summary_is_json_without_nan_or_infinity(deals):
    text = json.dumps(statistics(make_result(*deals)).as_dict(), allow_nan=False)
    assert json.loads(text)["trades"]["trades"] == len(deals)


def test_a_run_without_trades_has_no_ratios():
    whole = statistics(make_result())
    trades = whole.trades
    assert (trades.win_rate, trades.payoff, trades.profit_factor, trades.expectancy_r) == (None,) * 4
    assert (whole.returns.total, whole.returns.sharpe, whole.drawdown.frac) == (0.0, None, 0.0)
    assert whole.exposure.time_in_market == 0.0


def test_a_run_that_only_loses_has_a_profit_factor_of_zero_and_no_payoff():
    trades = statistics(make_result(*[Deal(gross=-5, opened_min=40 * k) for k in range(3)])).trades
    assert (trades.profit_factor, trades.payoff, trades.win_rate) == (0.0, None, 0.0)
    assert trades.longest_losses == 3
    assert trades.top_two_share is None


def test_a_run_without_any_equity_row_is_measured_too():
    whole = statistics(make_result(scene=Scene(equity=[])))
    assert (whole.returns.total, whole.exposure.mean, whole.costs.turnover) == (0.0, None, None)


def test_trades_closed_with_the_last_bar_at_midnight_belong_to_the_last_day():
    whole = statistics(make_result(Deal(gross=5, opened_min=4300, minutes=20)))
    assert [day.trades for day in whole.days] == [0, 0, 1]


def test_refusals_count_neither_minutes_in_position_nor_minutes_without_a_wish():
    result = make_result()
    result.funnel.minutes[:] = 100
    for gate, count in ((Gate.HOLDING, 40), (Gate.FLAT, 50), (Gate.MIN_MODULES, 7), (Gate.BREAKER, 2)):
        result.funnel.gate_first[0, gate] = count
    result.funnel.gate_first[1, 0] = 1
    assert statistics(result).funnel.refusals == 9


def test_fire_rates_are_shares_of_the_decided_minutes():
    result = make_result()
    result.funnel.minutes[:] = (100, 300)
    result.funnel.module_fires[0, 0] = (10, 5)
    result.funnel.module_fires[1, 0] = (0, 25)
    rates = {(r.module, r.instrument): r for r in statistics(result).funnel.fires}
    assert rates["trend", "BTCUSDT"].share == pytest.approx(0.15)
    assert rates["trend", "all"].share == pytest.approx(0.10)
    assert (rates["trend", "all"].long, rates["trend", "all"].short) == (10, 30)
    assert rates["smc", "all"].share == 0.0


def test_gate_counts_are_named_by_their_own_enums():
    result = make_result()
    result.funnel.module_refusals[:, 3, 14] = 4
    result.funnel.gate_asked[0, Gate.MIN_NOTIONAL] = 6
    gates = {(g.stage, g.gate): g for g in statistics(result).funnel.gates}
    assert gates["smc", "score"].refused_first == 8
    assert gates["allocation", "min_notional"].asked == 6
    assert gates["carry", "std_zero"].asked == 0


def test_events_are_told_by_name_and_dropped_entries_only_counted():
    events = records(EVENT, 3)
    events["ts_ms"] = MONDAY_MS
    events["kind"] = (EventKind.BREAKER_TRIPPED, EventKind.LIQUIDATION, EventKind.ENTRY_DROPPED)
    events["subject"], events["stage"] = (0, 1, 1), (Stage.NO_ENTRIES, 0, 0)
    events["value"] = (float("nan"), 1.0, 0.0)
    whole = statistics(make_result(events=events))
    told = [(event.kind, event.subject, event.stage, event.value) for event in whole.events]
    assert told == [
        ("breaker_tripped", "day", "no_entries", None),
        ("liquidation", "ETHUSDT", "normal", 1.0),
    ]
    assert whole.event_counts["entry_dropped"] == 1


def test_a_missing_atom_breaks_the_cash_identity():
    result = make_result(*four_deals())
    result.account["balance"] += 1
    with pytest.raises(InvariantBroken, match="cash identity is off by 1 atoms"):
        statistics(result)


def test_a_trade_whose_net_is_not_its_parts_is_refused():
    result = make_result(*four_deals())
    result.trades["net_atoms"][2] += 1
    with pytest.raises(InvariantBroken, match="net is not"):
        statistics(result)


def test_a_lot_left_open_at_the_end_is_refused():
    result = make_result(*four_deals())
    result.fills["lots"][0] += 1
    with pytest.raises(InvariantBroken, match="leave 1 lots"):
        statistics(result)


def test_a_path_that_tells_another_result_than_the_run_is_refused():
    with pytest.raises(InvariantBroken, match="is not the run's own"):
        statistics(make_result(*four_deals(), path_range={"nearest_first": 61 * UNIT}))


@pytest.mark.parametrize(("rows", "column"), [("fills", "fee_atoms"), ("payments", "atoms")])
def test_rows_that_do_not_add_up_to_their_trades_are_refused(rows, column):
    result = make_result(*four_deals())
    getattr(result, rows)[column][0] += 1
    with pytest.raises(InvariantBroken, match="differ by 1 atoms"):
        statistics(result)


def test_statistics_do_not_depend_on_the_order_of_the_trade_rows():
    result = make_result(*four_deals())
    turned = replace(result, trades=result.trades[::-1].copy())
    assert statistics(turned) == statistics(result)


def test_the_final_balance_is_the_start_and_what_the_trades_left():
    whole = statistics(make_result(*four_deals()))
    assert whole.money.final_atoms == INITIAL + 60 * UNIT
    assert whole.run.from_utc == "2025-05-26T00:00:00Z"
    assert whole.run.to_ms - whole.run.from_ms == 3 * DAY_MS
    assert whole.trades_per_day == pytest.approx(4 / 3)
