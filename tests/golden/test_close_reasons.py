"""Every reason for which a backtest can fill occurs somewhere in what the tests replay."""

from __future__ import annotations

from typing import Any

import pytest

from hand_made import PX, QUIET, coin, level, one, tiers
from mastertrading.domain.reasons import FillReason, name_of
from recorded_windows import SEVEN_LOOSE, needs_data, replay

UP = (PX, 10_123, PX, 10_100)
WHOLE = {"position.partial_fraction": 0.0}
EARLY = {"risk.breakers.day": {"half_size": 0.0001, "no_entries": 0.0005, "flatten": 0.001}}
BOLD = {
    "risk.per_trade": 0.05,
    "risk.portfolio.max_instrument_exposure": 9.0,
    "risk.portfolio.max_correlated_exposure": 9.0,
    "risk.gates.max_leverage": 9.0,
    "account.leverage": 9.0,
}

SCENES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "stop": ([QUIET, QUIET, level(9_880, 2)], {}),
    "breakeven": ([QUIET, QUIET, UP, level(PX, 2)], {"changes": WHOLE}),
    "trailing": ([QUIET, QUIET, (PX, 10_400, PX, 10_300), level(PX, 2)], {"changes": WHOLE}),
    "target": ([QUIET, QUIET, (PX, 10_511, PX, 10_500), level(10_500)], {}),
    "flip": ([level(PX, 9)], {"said": {0: 1.0, 5: -1.0}}),
    "stale": ([level(PX, 8)], {"changes": {"position.stale_hours": 0.05}}),
    "signal": ([level(PX, 6)], {"changes": {"position.exit_when_flat": True}}),
    "breaker": ([QUIET, QUIET, level(9_900, 3)], {"changes": EARLY}),
    "liquidation": (
        [QUIET, QUIET, (PX, PX, 9_960, 9_960), level(9_960)],
        {"changes": BOLD, "coins": (coin(tiers=tiers(("0", "0.238"))),)},
    ),
    "end_of_data": ([level(PX, 3)], {}),
}


@pytest.mark.parametrize("reason", SCENES)
def test_trade_can_close_for_this_reason(reason: str) -> None:
    bars, rest = SCENES[reason]
    played = one(*bars, **rest)
    assert name_of(FillReason(int(played.result.trades[0].exit_reason))) == reason
    assert played.fills()[-1][3] == reason or reason == "flip"


VENUES_ONLY = {"emergency", "manual", "adl", "external", "unknown"}
"""Reasons that only a venue, or a person at it, can have: a backtest has neither."""
BACKTESTS = {name_of(reason) for reason in FillReason} - VENUES_ONLY


def test_scenes_hold_every_reason_that_closes_a_trade() -> None:
    closing = BACKTESTS - {"entry", "partial"}
    assert set(SCENES) == closing


@needs_data
def test_recorded_window_holds_every_reason_that_ordinary_trading_has() -> None:
    reasons = {name_of(FillReason(int(code))) for code in replay(SEVEN_LOOSE).result.fills["reason"]}
    rare = {"signal", "breaker", "liquidation"}
    assert reasons == BACKTESTS - rare
