"""How large an entry becomes, worked out on paper: risk, caps, limits, venue minima, and who is served first.

30.3 USDT at risk over 120 cents a lot: 25.25, so 25 lots, 2 500 USDT, 0.2475 times equity.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hand_made import PX, Played, Scene, coin, level, one, play

TWO = (coin(), coin("ETHUSDT"))


def entered(played: Played, instrument: int = 0) -> int:
    """Lots of the first entry; 0: none."""
    return next((lots for _, lots, _, reason in played.fills(instrument) if reason == "entry"), 0)


def single(changes: dict[str, Any] | None = None, forecast: float = 1.0, **rest: Any) -> Played:
    return one(level(PX, 3), said={0: forecast}, changes=changes or {}, **rest)


def pair(changes: dict[str, Any], forecasts: tuple[float, float] = (1.0, 1.0), **rest: Any) -> Played:
    said = [{0: forecast} for forecast in forecasts]
    return play(Scene([level(PX, 3), level(PX, 3)], said=said, coins=TWO, changes=changes, **rest))


# ---------------------------------------------------------------- budget


@pytest.mark.parametrize(
    ("forecast", "lots"),
    [
        (0.19, 0),
        (0.20, 4),  # a sixth of the risk: 5.05 over 1.2 = 4.2
        (0.40, 14),  # 1/6 + 5/6 x 1/2 = 7/12: 17.675 over 1.2 = 14.7
        (0.61, 25),
        (-1.0, -25),
    ],
)
def test_size_follows_the_forecast_from_a_sixth_to_all_of_the_risk(forecast: float, lots: int) -> None:
    assert entered(single(forecast=forecast)) == lots


def test_longs_count_less_where_the_multiplier_says_so() -> None:
    # 0.85 x 0.40 = 0.34: 1/6 + 5/6 x 0.35 = 0.4583: 13.8875 over 1.2 = 11.6.
    assert entered(single({"allocation.long_multiplier": 0.85}, 0.40)) == 11
    assert entered(single({"allocation.long_multiplier": 0.85}, -0.40)) == -14
    assert single({"allocation.long_multiplier": 0.85}, 0.23).refusals()[0] == "flat"


# ---------------------------------------------------------------- caps (audit 2)


@pytest.mark.parametrize(
    ("own", "lots"),
    [
        ({"risk_cap": 0.0012}, 10),  # 12.12 over 1.2 = 10.1
        ({"risk_cap": 0.05}, 25),  # a cap above the budget raises nothing
        ({"tier": "tiny"}, 5),  # 6.06 over 1.2
        ({"tier": "wide"}, 25),
        ({"risk_cap": 0.0012, "tier": "tiny"}, 5),
        ({"risk_cap": 0.0003, "tier": "tiny"}, 2),  # 3.03 over 1.2
    ],
)
def test_instrument_and_tier_risk_are_caps_and_never_overrides(own: dict[str, Any], lots: int) -> None:
    played = single({"instruments": {"BTCUSDT": own}, "risk.tiers": {"tiny": 0.0006, "wide": 0.9}})
    assert entered(played) == lots


def test_cap_is_compared_with_the_budget_and_does_not_scale_with_the_forecast() -> None:
    # Budget of a weak forecast: 0.0005 of equity, 4 lots; the cap of 0.0012 has nothing to cut.
    assert entered(single({"instruments": {"BTCUSDT": {"risk_cap": 0.0012}}}, 0.20)) == 4


def test_zero_cap_is_a_refusal() -> None:
    played = single({"instruments": {"BTCUSDT": {"risk_cap": 0.0}}})
    assert (entered(played), played.refusals()[0]) == (0, "risk_budget")


# ---------------------------------------------------------------- limits


def test_size_is_cut_to_the_exposure_that_one_instrument_may_have() -> None:
    played = single({"risk.portfolio.max_instrument_exposure": 0.15})
    assert entered(played) == 15  # 1 515 USDT
    decision = played.decisions[0, 0]
    assert (decision.risk_lots, decision.instrument_lots, decision.leverage_lots) == (25, 15, 15)


def test_size_is_cut_to_the_leverage_that_is_left() -> None:
    played = pair({"risk.gates.max_leverage": 0.4})
    # 4 040 USDT in all; the first takes 2 500, reserved before it fills, and leaves room for 15 lots.
    assert [entered(played, i) for i in (0, 1)] == [25, 15]
    assert played.decisions[0, 1].instrument_lots == 25
    assert played.decisions[0, 1].leverage_lots == 15


def test_no_room_for_one_lot_is_refused_by_the_limits_name() -> None:
    played = pair({"risk.gates.max_leverage": 0.25})
    assert [entered(played, i) for i in (0, 1)] == [25, 0]
    assert played.refusals(1)[0] == "leverage"


def test_margin_at_the_account_leverage_cuts_the_size() -> None:
    # 505 USDT over 1.2 a lot would be 420 lots; 10 100 USDT at leverage 1 carry 101.
    changes = {"risk.per_trade": 0.05, "account.leverage": 1.0, "risk.portfolio.max_instrument_exposure": 5.0}
    played = single(
        {**changes, "risk.gates.max_leverage": 5.0, "risk.portfolio.max_correlated_exposure": 5.0}
    )
    assert entered(played) == 101


def test_unknown_correlation_counts_as_one_on_whatever_sides() -> None:
    # sqrt(wCw) <= 0.4 leaves 0.4 - 0.2475 = 0.1525 times 10 100: 1 540 USDT.
    for forecasts in ((1.0, 1.0), (1.0, -1.0)):
        played = pair({"risk.portfolio.max_correlated_exposure": 0.4}, forecasts)
        assert [abs(entered(played, i)) for i in (0, 1)] == [25, 15]
        assert played.decisions[0, 1].leverage_lots == 25
        assert played.decisions[0, 1].correlated_lots == 15


CALM = [PX if hour % 2 else PX + 10 for hour in range(60)]
AGAINST = [PX if hour % 2 == 0 else PX + 10 for hour in range(60)]
WILD = [PX if hour % 2 else PX * 1.1 for hour in range(60)]


def test_known_correlation_of_opposites_lets_the_hedge_through() -> None:
    # C = 0.8 x -1 + 0.2 = -0.6: room sqrt(0.1485^2 + 0.0987) + 0.1485 = 0.496 times equity: nothing to cut.
    changes = {"risk.portfolio.max_correlated_exposure": 0.4, "risk.portfolio.min_hours": 24}
    hedge = pair(changes, primer=[CALM, AGAINST])
    twins = pair(changes, primer=[CALM, CALM])
    assert [entered(hedge, i) for i in (0, 1)] == [25, 25]
    assert [entered(twins, i) for i in (0, 1)] == [25, 15]


def test_twins_on_opposite_sides_hedge_each_other() -> None:
    changes = {"risk.portfolio.max_correlated_exposure": 0.3, "risk.portfolio.min_hours": 24}
    assert [entered(pair(changes, (1.0, -1.0), primer=[CALM, CALM]), i) for i in (0, 1)] == [25, -25]


def test_value_at_risk_cuts_the_size_to_its_limit() -> None:
    # Hourly moves of ln 1.1: 2.3263 x 0.0953 x sqrt(24) = 1.086 of the position; 6 % of equity allow 0.0552 times
    # equity, 5.58 lots of 0.0099.
    wild = single({"risk.portfolio.min_hours": 24}, primer=[WILD])
    assert entered(wild) == 5
    assert wild.decisions[0, 0].correlated_lots == 25
    calm = single({"risk.portfolio.min_hours": 24}, primer=[CALM])
    assert entered(calm) == 25


def test_value_at_risk_that_allows_not_one_lot_is_refused_by_its_name() -> None:
    played = single({"risk.portfolio.min_hours": 24, "risk.portfolio.max_value_at_risk": 0.01}, primer=[WILD])
    assert (entered(played), played.refusals()[0]) == (0, "value_at_risk")


def test_value_at_risk_without_enough_hours_is_unknown_and_said_to_be() -> None:
    played = single({"risk.portfolio.min_hours": 61}, primer=[WILD])
    assert entered(played) == 25
    assert int(played.decisions[0, 0].unknown) >> 23 & 1  # gate 24


# ---------------------------------------------------------------- the venue's minima


@pytest.mark.parametrize(
    ("contract", "lots", "refusal"),
    [
        ({"min_notional": Decimal(2500)}, 25, ""),
        ({"min_notional": Decimal("2500.01")}, 0, "min_notional"),
        ({"min_lots": 25}, 25, ""),
        ({"min_lots": 26}, 0, "min_size"),
    ],
)
def test_order_below_the_venues_minimum_is_refused(contract: Any, lots: int, refusal: str) -> None:
    played = single(coins=(coin(**contract),))
    assert (entered(played), played.refusals()[0]) == (lots, refusal)


def test_risk_that_does_not_pay_for_one_lot_is_refused() -> None:
    played = single({"account.initial_equity": 399.0})  # 1.197 over 1.2
    assert (entered(played), played.refusals()[0]) == (0, "risk_budget")
    assert entered(single({"account.initial_equity": 401.0})) == 1


def test_account_under_the_minimum_equity_is_refused() -> None:
    played = single({"account.initial_equity": 4.99})
    assert played.refusals()[0] == "min_equity"


# ---------------------------------------------------------------- who is served first


def test_stronger_forecast_is_served_first_and_of_equals_the_first_instrument() -> None:
    scarce = {"risk.gates.max_leverage": 0.4}
    assert [entered(pair(scarce, (0.9, 1.0)), i) for i in (0, 1)] == [15, 25]
    assert [entered(pair(scarce, (0.9, -1.0)), i) for i in (0, 1)] == [15, -25]
    assert [entered(pair(scarce, (1.0, 1.0)), i) for i in (0, 1)] == [25, 15]


# ---------------------------------------------------------------- Kelly

LOSING = (PX, PX, 9_800, PX)
"""Bought at the open and stopped in the same bar."""


def test_kelly_without_an_edge_gives_zero_and_refuses() -> None:
    changes = {
        "risk.kelly.enabled": True,
        "risk.kelly.min_trades": 2,
        "risk.gates.throttle.low": 99,
        "risk.breakers.enabled": False,
    }
    views = dict.fromkeys(range(6), 1.0)
    played = one(level(PX), [LOSING] * 5, said=views, changes=changes)
    assert [fill[3] for fill in played.fills()] == ["entry", "stop"] * 2
    assert played.refusals() == ["", "", "kelly", "kelly", "kelly", "kelly"]


def test_kelly_that_is_off_asks_nothing() -> None:
    changes = {"risk.gates.throttle.low": 99, "risk.breakers.enabled": False}
    played = one(level(PX), [LOSING] * 5, said=dict.fromkeys(range(6), 1.0), changes=changes)
    assert [fill[3] for fill in played.fills()] == ["entry", "stop"] * 5
