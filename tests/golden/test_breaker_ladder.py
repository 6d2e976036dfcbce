"""RISK-BREAKERS on paper: what trips each stage, what it does, and what releases it.

Without costs and with a stop 5 % away, 505 at risk buys 101 lots: all of the equity, so a fall of x % of the price
is a loss of x % of the account.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hand_made import MONDAY_08, PX, QUIET, Played, Scene, coin, level, one, play, settings
from mastertrading.domain.reasons import Breaker, EventKind, Stage
from mastertrading.settings.schema import Breakers

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MIDNIGHT = MONDAY_08 - 8 * HOUR + DAY
"""00:00 UTC of the Tuesday."""
ALL_IN: dict[str, Any] = {
    "risk.per_trade": 0.05,
    "risk.stops.stop_floor": 0.05,
    "costs.taker_fee": 0.0,
    "costs.maker_fee": 0.0,
    "costs.slippage": 0.0,
}
TWO = (coin(), coin("ETHUSDT"))
NEVER = {"half_size": 1.0, "no_entries": 1.0, "flatten": 1.0}


def stages(played: Played) -> dict[str, str]:
    """Stage of every breaker at the end, unless normal."""
    held = played.result.account[0].stages
    return {b.name.lower(): Stage(int(held[b])).name.lower() for b in Breaker if held[b] != Stage.NORMAL}


def releases(played: Played) -> list[tuple[int, str]]:
    """(minute, breaker) of every release."""
    rows = played.events(EventKind.BREAKER_RELEASED)
    return [((int(e.ts_ms) - played.start_ms) // MINUTE, Breaker(int(e.subject)).name.lower()) for e in rows]


def entries(played: Played, instrument: int = 0) -> list[tuple[int, int]]:
    """(bar, lots) of every entry."""
    return [(bar, lots) for bar, lots, _, reason in played.fills(instrument) if reason == "entry"]


def test_defaults_are_those_of_the_definitions() -> None:
    told = Breakers().model_dump()
    assert tuple(told["day"].values()) == (0.02, 0.03, 0.05)
    assert tuple(told["week"].values()) == (0.04, 0.06, 0.10)
    assert tuple(told["peak"].values()) == (0.08, 0.12, 0.20)
    assert told["peak_release"] == 0.06
    assert told["losses"] == {"half_size": 5, "no_entries": 8, "pause_hours": 12.0, "ignore_r": 0.1}


# ---------------------------------------------------------------- what trips


@pytest.mark.parametrize(
    ("px", "expected"),
    [
        (9_801, {}),
        (9_799, {"day": "half_size"}),
        (9_701, {"day": "half_size"}),
        (9_699, {"day": "no_entries"}),
        (9_599, {"day": "no_entries", "week": "half_size"}),
        (9_501, {"day": "no_entries", "week": "half_size"}),
        (9_499, {"day": "flatten", "week": "half_size"}),
        (9_399, {"day": "flatten", "week": "no_entries"}),
        (9_199, {"day": "flatten", "week": "no_entries", "peak": "half_size"}),
        (8_999, {"day": "flatten", "week": "flatten", "peak": "half_size"}),
        (8_799, {"day": "flatten", "week": "flatten", "peak": "no_entries"}),
        (7_999, {"day": "flatten", "week": "flatten", "peak": "flatten"}),
    ],
)
def test_drawdown_of_day_week_and_peak_trips_each_stage_where_it_begins(
    px: int, expected: dict[str, str]
) -> None:
    assert stages(one(QUIET, QUIET, level(px, 2), changes=ALL_IN)) == expected


def test_breakers_that_are_off_trip_nothing() -> None:
    off = ALL_IN | {"risk.breakers.enabled": False}
    assert stages(one(QUIET, QUIET, level(7_999, 2), changes=off)) == {}


# ---------------------------------------------------------------- what a stage does


def beside(px: int, views: dict[int, float], count: int = 6, **changes: Any) -> Played:
    """The first coin falls to ``px`` in bar 2; the second is quiet and has views of its own."""
    scene = [[QUIET, QUIET, *level(px, count - 2)], level(PX, count)]
    calm = {"instruments": {"ETHUSDT": {"risk_cap": 0.004}}}
    return play(Scene(scene, said=[{0: 1.0}, views], coins=TWO, changes=ALL_IN | calm | changes))


def test_half_size_halves_the_budget_before_the_caps() -> None:
    played = beside(9_799, {2: 1.0})
    decision = played.decisions[2, 1]
    assert decision.budget_frac == pytest.approx(0.025)
    assert decision.risk_frac == pytest.approx(0.004)
    assert entries(played, 1) == [(3, 7)]  # 0.004 of 9 896.99 over 5.00


def test_no_entries_refuses_and_leaves_positions_alone() -> None:
    played = beside(9_699, {2: 1.0, 3: -1.0})
    assert entries(played, 1) == []
    assert played.refused_by(2, 1) == played.refused_by(3, 1) == {"breaker"}
    assert played.fills() == [(1, 101, PX, "entry"), (6, -101, 9_699, "end_of_data")]


FLATTEN_EARLY = {"risk.breakers.day": {"half_size": 0.01, "no_entries": 0.02, "flatten": 0.03}}


def test_flatten_closes_everything_at_the_next_open_and_stays_latched_to_the_end() -> None:
    start = MIDNIGHT - 11 * HOUR
    held = level(9_690, 1500)
    scene = [[QUIET, QUIET, *held], level(PX, 1502)]
    views = {0: 1.0, **dict.fromkeys(range(660, 1502), 1.0)}
    small = {"instruments": {"ETHUSDT": {"risk_cap": 0.004}}}
    played = play(
        Scene(
            scene, said=[views, {0: 1.0}], coins=TWO, start_ms=start, changes=ALL_IN | small | FLATTEN_EARLY
        )
    )
    assert played.fills() == [(1, 101, PX, "entry"), (3, -101, 9_690, "breaker")]
    assert played.fills(1) == [(1, 8, PX, "entry"), (3, -8, PX, "breaker")]
    # A new day began at bar 660: flatten is not released by it.
    assert stages(played)["day"] == "flatten"
    assert set(played.refusals()[900:]) == {"breaker"}


# ---------------------------------------------------------------- what releases


def test_day_is_released_by_the_next_utc_day_and_measured_from_its_first_equity() -> None:
    start = MIDNIGHT - 10 * MINUTE
    fall = [QUIET, QUIET, *level(9_640, 8), *level(9_640, 3), *level(9_500, 2)]
    asia = ALL_IN | {"allocation.sessions.asia": {"start": 23, "end": 6, "score_floor": 0.62, "risk": 1.0}}
    played = play(Scene([fall], start_ms=start, changes=asia))
    # 3.6 % down on Monday: no entries. 00:00 is the close of bar 9. From 9 640 to 9 500 is 1.45 %.
    assert releases(played) == [(10, "day")]
    assert stages(played) == {"week": "half_size"}


def test_week_is_released_on_monday_and_not_by_a_day() -> None:
    asia = {"allocation.sessions.asia": {"start": 23, "end": 6, "score_floor": 0.62, "risk": 1.0}}
    changes = ALL_IN | asia | {"risk.breakers.week": {"half_size": 0.01, "no_entries": 0.02, "flatten": 0.9}}
    fall = [[QUIET, QUIET, *level(9_790, 12)]]
    on_tuesday = play(Scene(fall, start_ms=MIDNIGHT - 10 * MINUTE, changes=changes))
    on_monday = play(Scene(fall, start_ms=MIDNIGHT - DAY - 10 * MINUTE, changes=changes))
    assert releases(on_tuesday) == [(10, "day")]
    assert sorted(releases(on_monday)) == [(10, "day"), (10, "week")]


PEAK = {"risk.breakers.day": NEVER, "risk.breakers.week": NEVER, "risk.breakers.peak_release": 0.015}
PEAK_STEPS = {"risk.breakers.peak": {"half_size": 0.02, "no_entries": 0.03, "flatten": 0.04}}


@pytest.mark.parametrize(
    ("back", "expected"),
    [(9_849, {"peak": "half_size"}), (9_851, {})],
)
def test_half_size_of_the_peak_is_released_below_its_own_level(back: int, expected: dict[str, str]) -> None:
    played = one(QUIET, QUIET, level(9_790), level(back, 2), changes=ALL_IN | PEAK | PEAK_STEPS)
    assert stages(played) == expected


def test_later_stages_of_the_peak_are_released_by_nobody_here() -> None:
    changes = ALL_IN | PEAK | PEAK_STEPS
    assert stages(one(QUIET, QUIET, level(9_690), level(10_400, 3), changes=changes)) == {
        "peak": "no_entries"
    }
    assert stages(one(QUIET, QUIET, level(9_590), level(10_400, 3), changes=changes)) == {"peak": "flatten"}


def test_drawdown_counts_from_the_highest_equity_ever() -> None:
    # Up 3 % to 10 403 on 10 100, then down to 10 195.97: 1.99 %; one more tick is 2.00 % of the peak.
    whole = ALL_IN | PEAK | PEAK_STEPS | {"position.partial_fraction": 0.0, "position.breakeven_r": 50.0}
    up = [QUIET, QUIET, *level(10_300)]
    assert stages(one(up, level(10_095, 2), changes=whole)) == {}
    assert stages(one(up, level(10_093, 2), changes=whole)) == {"peak": "half_size"}


# ---------------------------------------------------------------- losing streak

LOSS = (PX, PX, 9_800, PX)
"""Bought at the open, stopped in the bar: about -1 R."""
STREAK: dict[str, Any] = {
    "risk.per_trade": 0.0003,  # 3.03 over 1.2: 2 lots; half: 1
    "risk.gates.throttle": {"low": 99, "middle": 99, "high": 99},
    "risk.breakers.losses.pause_hours": 0.1,
}


def streak(bars: list[Any], **changes: Any) -> Played:
    views = dict.fromkeys(range(len(bars)), 1.0)
    return one(bars, said=views, changes=STREAK | changes)


def test_five_losses_in_a_row_halve_the_size_and_eight_stop_entries_for_a_while() -> None:
    played = streak([QUIET, *[LOSS] * 16])
    # The eighth loss is that of bar 8; its pause of six minutes ends with the close of bar 13.
    assert entries(played) == [
        *[(bar, 2) for bar in range(1, 6)],
        *[(bar, 1) for bar in (6, 7, 8)],
        (14, 2),
        (15, 2),
        (16, 2),
    ]
    assert played.refusals()[8:13] == ["breaker"] * 5
    assert releases(played) == [(14, "losses")]


def test_count_restarts_after_the_pause() -> None:
    played = streak([QUIET, *[LOSS] * 19])
    assert [lots for _, lots in entries(played)[8:]] == [2, 2, 2, 2, 2, 1]


def test_pause_is_twelve_hours_by_default() -> None:
    changes = {"risk.breakers.losses.pause_hours": 12.0}
    start = MIDNIGHT  # 00:00: the pause ends before the dead session
    bars = [QUIET, *[LOSS] * 735]
    views = dict.fromkeys(range(len(bars)), 1.0)
    rich = {"account.initial_equity": 20_200.0}
    played = one(bars, said=views, changes=STREAK | changes | rich, start_ms=start)
    bars_in = [bar for bar, _ in entries(played)]
    # The eighth trade closes in bar 8 (00:08); the close of bar 727 is 12:08.
    assert bars_in[7:9] == [8, 728]


WIN = (PX, 10_600, PX, 10_600)
"""Bought at the open, target in the next bar."""


def test_win_releases_half_size_and_starts_the_count_anew() -> None:
    # Decided at the close of the winning bar, 10 600, the next entry is dropped at the open of 10 000.
    bars = [QUIET, *[LOSS] * 5, QUIET, WIN, *[LOSS] * 6, QUIET]
    played = streak(bars)
    assert releases(played) == [(8, "losses")], "when the winning bar, 7, is marked"
    lots = [lots for _, lots in entries(played)]
    assert lots[:6] == [2, 2, 2, 2, 2, 1]
    assert stages(played)["losses"] == "half_size", "five more losses after the win"


def test_result_near_zero_neither_counts_nor_resets() -> None:
    scratch = {"position.exit_when_flat": True, "costs.taker_fee": 0.0, "costs.slippage": 0.0}
    views = {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0, 6: 1.0}
    bars = [QUIET, *[LOSS] * 3, *level(PX, 3), LOSS, LOSS, QUIET]
    # Losses in bars 1, 2, 3; a flat trade from bar 4 to the open of bar 5; a loss in bar 7.
    played = one(bars, said=views, changes=STREAK | scratch)
    assert [fill[3] for fill in played.fills()] == ["entry", "stop"] * 3 + [
        "entry",
        "signal",
        "entry",
        "stop",
    ]
    assert int(played.result.account[0].losses) == 4


# ---------------------------------------------------------------- deposits and withdrawals


def moved(minute: float, amount: float) -> dict[str, Any]:
    at = datetime.fromtimestamp((MONDAY_08 + minute * MINUTE) / 1000, UTC)
    return {"account.transfers": ({"at": at.isoformat(), "amount": amount},)}


def test_withdrawing_half_of_the_money_is_no_drawdown() -> None:
    flat = one(level(PX, 6), said={}, changes=ALL_IN | moved(3, -5_050.0))
    assert stages(flat) == {}
    assert [int(row.equity) for row in flat.result.equity][2:4] == [1_010_000_000_000, 505_000_000_000]
    holding = one(level(PX, 6), changes=ALL_IN | moved(3, -5_050.0))
    assert stages(holding) == {}


def test_deposit_after_a_loss_does_not_hide_the_drawdown() -> None:
    # 1.99 % down, then the money is doubled: equity is far above the start, and 2 ticks more still don't make 2 %,
    # but 0.2 % of the new equity of 19 998 does, which is 40 ticks of 101 lots.
    deposit = ALL_IN | moved(3, 10_100.0)
    assert stages(one(QUIET, QUIET, level(9_801, 2), level(9_799, 2), changes=deposit)) == {}
    assert stages(one(QUIET, QUIET, level(9_801, 2), level(9_759, 2), changes=deposit)) == {
        "day": "half_size"
    }
    assert stages(one(QUIET, QUIET, level(9_799, 6), changes=deposit)) == {"day": "half_size"}


def test_withdrawal_makes_the_same_loss_weigh_more() -> None:
    # 1 % down, half withdrawn: 101 ticks of 101 lots are then 2 % of what is left.
    half = ALL_IN | moved(3, -4_999.5)
    assert stages(one(QUIET, QUIET, level(9_900, 2), level(9_849, 2), changes=half)) == {"day": "half_size"}
    assert stages(one(QUIET, QUIET, level(9_900, 2), level(9_849, 2), changes=ALL_IN)) == {}


def test_settings_of_this_file_are_valid() -> None:
    assert settings(ALL_IN | PEAK | PEAK_STEPS | STREAK).risk.breakers.enabled
