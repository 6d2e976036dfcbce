"""What becomes of one position, worked out on paper: entry, partial close, breakeven, trailing, flip, ends.

The scene is that of ``hand_made``: bought at 10 001 (open 10 000, one tick of slippage), 25 lots, stop 9 880, so
R = 121 ticks and 1 R lies at 10 122; the target is 510 ticks above the close that decided.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from hand_made import CENT, PX, QUIET, coin, level, one
from mastertrading.domain.reasons import EventKind

ENTRY = (1, 25, 10_001, "entry")
FEE_IN = 25 * 10_001 * CENT * 5 // 10_000
REACHES_1R = (PX, 10_123, PX, 10_100)
SAFE = (10_100, 10_100, 10_100, 10_100)


# ---------------------------------------------------------------- entry


@pytest.mark.parametrize(
    ("open_px", "side", "expected"),
    [
        (10_000, 1.0, 10_001),  # slippage 1.0000 ticks
        (10_001, 1.0, 10_003),  # 1.0001: a started tick counts
        (9_990, 1.0, 9_991),  # 0.999
        (10_000, -1.0, 9_999),
        (10_001, -1.0, 9_999),
    ],
)
def test_entry_fills_at_the_next_open_with_slippage_in_whole_ticks_against_us(
    open_px: int, side: float, expected: int
) -> None:
    played = one(QUIET, level(open_px, 2), said={0: side})
    assert played.fills()[0] == (1, int(25 * side), expected, "entry")
    assert played.result.fills[0].fee_atoms == round(Decimal(25 * expected * CENT) * Decimal("0.0005"))


def test_stop_and_target_stay_where_the_decision_put_them_and_r_runs_from_the_fill() -> None:
    played = one(QUIET, level(10_010), (10_010, 10_010, 9_880, 9_900), level(9_900))
    # The stop lies 1.2 % below the close of 10 000, whatever the open; R = 10 012 - 9 880 = 132 ticks.
    assert played.fills() == [(1, 25, 10_012, "entry"), (2, -25, 9_879, "stop")]
    assert played.trade.risk_atoms == 132 * 25 * CENT


def test_short_is_the_mirror_of_a_long() -> None:
    played = one(
        QUIET, QUIET, (PX, PX, 9_877, 9_900), level(9_900), (9_900, 9_988, 9_900, 9_988), said={0: -1.0}
    )
    # Sold at 9 999, stop 10 120, R = 121, 1 R at 9 878; breakeven 9 999 - ceil(9.999) = 9 989 isn't touched.
    assert played.fills() == [
        (1, -25, 9_999, "entry"),
        (2, 12, 9_878, "partial"),
        (5, 13, 9_989, "end_of_data"),
    ]
    assert played.trade.gross_atoms == (12 * 121 + 13 * 10) * CENT


@pytest.mark.parametrize(
    ("open_px", "taken"), [(9_879, False), (9_880, False), (9_881, True), (10_509, True), (10_510, False)]
)
def test_entry_is_dropped_when_the_open_is_beyond_its_stop_or_target(open_px: int, taken: bool) -> None:
    played = one(QUIET, level(open_px, 2))
    assert (len(played.fills()) > 0) is taken
    dropped = played.events(EventKind.ENTRY_DROPPED)
    assert [(int(e.ts_ms) - played.start_ms) // 60_000 for e in dropped] == ([] if taken else [1])


def test_entry_is_dropped_when_slippage_alone_carries_it_to_the_stop() -> None:
    played = one(QUIET, level(10_119, 2), said={0: -1.0})
    assert played.fills()[0] == (1, -25, 10_117, "entry")
    assert one(QUIET, level(9_881, 2), said={0: -1.0}).fills()[0] == (1, -25, 9_880, "entry")
    # A short at the open 10 120 is at its stop; a long at 9 881 pays up to 9 882, away from its stop.
    assert one(QUIET, level(10_120, 2), said={0: -1.0}).fills() == []


# ---------------------------------------------------------------- partial close


def test_half_is_closed_once_at_1_r_and_then_the_target_is_removed() -> None:
    played = one(QUIET, QUIET, REACHES_1R, (10_100, 10_600, 10_100, 10_600), level(10_600))
    # 12 of 25 lots at exactly 1 R, maker. The bar that passes 10 510 would have filled the target.
    assert played.fills() == [
        ENTRY,
        (2, -12, 10_122, "partial"),
        (5, -13, 10_598, "end_of_data"),
    ]
    assert played.result.fills["fee_atoms"].tolist() == [
        FEE_IN,
        12 * 10_122 * CENT * 2 // 10_000,
        13 * 10_598 * CENT * 5 // 10_000,
    ]
    assert played.trade.gross_atoms == (12 * 121 + 13 * 597) * CENT


def test_target_stays_after_the_partial_where_it_is_kept() -> None:
    keep = {"position.target_after_partial": "keep"}
    played = one(QUIET, QUIET, REACHES_1R, (10_100, 10_600, 10_100, 10_600), level(10_600), changes=keep)
    assert played.fills() == [ENTRY, (2, -12, 10_122, "partial"), (3, -13, 10_510, "target")]


def test_target_before_1_r_closes_everything_as_a_maker() -> None:
    near = {"risk.stops.target_base": 0.00795}
    played = one(QUIET, QUIET, (PX, 10_123, PX, PX), level(PX), changes=near)
    # 0.795 % and 0.1 % round-trip fees: 89.5, so 90 ticks above 10 000. The bar went on through 1 R at 10 122, but
    # passed the target first, which closes all there is.
    assert played.fills() == [ENTRY, (2, -25, 10_090, "target")]
    assert played.trade.fees_atoms == FEE_IN + 25 * 10_090 * CENT * 2 // 10_000


def test_half_under_one_lot_gives_breakeven_alone() -> None:
    small = {"account.initial_equity": 500.0}
    played = one(QUIET, QUIET, REACHES_1R, (10_100, 10_100, 10_000, PX), level(PX), changes=small)
    assert played.fills() == [(1, 1, 10_001, "entry"), (3, -1, 10_010, "breakeven")]
    assert played.trade.partial == 0


def test_half_under_the_venues_minimum_gives_breakeven_alone() -> None:
    scene = {"coins": (coin(min_lots=13),)}
    played = one(QUIET, QUIET, REACHES_1R, (10_100, 10_100, 10_000, PX), level(PX), **scene)
    assert played.fills() == [ENTRY, (3, -25, 10_010, "breakeven")]


def test_one_and_a_half_contracts_can_be_closed_where_the_lot_allows_it() -> None:
    # A contract is 0.1 coin and trades in tenths: 30 lots are 3 contracts, half of them 1.5 (audit 7).
    contract = coin(lot=Decimal("0.1"), multiplier=Decimal("0.1"))
    richer = {"account.initial_equity": 12_100.0}
    played = one(QUIET, QUIET, REACHES_1R, level(10_100), coins=(contract,), changes=richer)
    assert played.fills()[:2] == [(1, 30, 10_001, "entry"), (2, -15, 10_122, "partial")]
    assert 15 * contract.lot == Decimal("1.5")


def test_partial_and_target_in_one_bar_share_the_position() -> None:
    played = one(QUIET, QUIET, (PX, 10_511, PX, 10_500), level(10_500))
    assert played.fills() == [ENTRY, (2, -12, 10_122, "partial"), (2, -13, 10_510, "target")]


# ---------------------------------------------------------------- breakeven and trailing


def test_breakeven_stop_stands_at_entry_plus_round_trip_fees_from_the_next_bar() -> None:
    whole = {"position.partial_fraction": 0.0}
    played = one(
        QUIET, QUIET, (PX, 10_122, PX, 10_013), (10_013, 10_013, 10_012, 10_012), QUIET, changes=whole
    )
    # 10 001 + ceil(2 x 10 001 x 0.0005 = 10.001) = 10 012, less 2 ticks of slippage. The bar that reached 1 R
    # began at 10 000, below that stop: it does not fill there.
    assert played.fills() == [ENTRY, (3, -25, 10_010, "breakeven")]
    trade = played.trade
    assert (trade.gross_atoms, trade.fees_atoms) == (9 * 25 * CENT, FEE_IN + 25 * 10_010 * CENT * 5 // 10_000)
    assert trade.net_atoms == 225_000_000 - 250_137_500


def test_breakeven_without_slippage_loses_only_the_fee_on_its_own_distance() -> None:
    changes = {"position.partial_fraction": 0.0, "costs.slippage": 0.0}
    played = one(QUIET, QUIET, (PX, 10_120, PX, 10_050), (10_050, 10_050, PX, PX), changes=changes)
    # Entry 10 000, exit 10 010: +10 ticks a lot; fees 5.000 + 5.005 ticks a lot.
    assert played.fills() == [(1, 25, PX, "entry"), (3, -25, 10_010, "breakeven")]
    assert played.trade.net_atoms == -25 * 5_000


def test_one_tick_under_1_r_leaves_the_first_stop() -> None:
    played = one(QUIET, QUIET, (PX, 10_121, PX, PX), (PX, PX, 9_880, 9_900), level(9_900))
    assert played.fills() == [ENTRY, (3, -25, 9_879, "stop")]


def test_trailing_locks_half_of_the_best_price_from_2_5_r_and_never_less() -> None:
    whole = {"position.partial_fraction": 0.0}
    climb = [(PX, 10_304, PX, 10_300), (10_300, 10_500, 10_300, 10_400), *level(10_300, 3)]
    played = one(QUIET, QUIET, climb, (10_300, 10_300, 10_251, 10_260), level(10_260), changes=whole)
    # Best 10 500: gain 499, half is 249.5, rounded toward profit: 10 251, less ceil(1.0251) = 2 of slippage.
    assert played.fills() == [ENTRY, (7, -25, 10_249, "trailing")]


def test_trailing_begins_at_2_5_r_and_not_one_tick_before() -> None:
    whole = {"position.partial_fraction": 0.0}
    down = (10_160, 10_160, 10_000, PX)
    # 2.5 R = 302.5 ticks. Best 10 303 is 302: breakeven. Best 10 304 is 303: 10 001 + 152 = 10 153.
    before = one(QUIET, QUIET, (PX, 10_303, PX, 10_160), down, changes=whole)
    after = one(QUIET, QUIET, (PX, 10_304, PX, 10_160), down, changes=whole)
    assert before.fills() == [ENTRY, (3, -25, 10_010, "breakeven")]
    assert after.fills() == [ENTRY, (3, -25, 10_151, "trailing")]


@pytest.mark.parametrize(
    ("best", "reason", "px"), [(10_299, "breakeven", 10_010), (10_300, "trailing", 10_150)]
)
def test_trailing_begins_at_exactly_2_5_r(best: int, reason: str, px: int) -> None:
    # Without slippage R is 120 ticks and 2.5 R a whole 300.
    changes = {"position.partial_fraction": 0.0, "costs.slippage": 0.0}
    played = one(QUIET, QUIET, (PX, best, PX, 10_200), (10_200, 10_200, PX, PX), changes=changes)
    assert played.fills()[1] == (3, -25, px, reason)


def test_trailing_never_loosens_a_stop_that_stands_better() -> None:
    loose = {"position.partial_fraction": 0.0, "position.trail_lock": 0.02}
    played = one(QUIET, QUIET, (PX, 10_304, PX, 10_160), (10_160, 10_160, PX, PX), changes=loose)
    # 2 % of 303 is 7 ticks, less than the fees' 11: the breakeven stop stays, and so does its name.
    assert played.fills() == [ENTRY, (3, -25, 10_010, "breakeven")]


# ---------------------------------------------------------------- flip


def test_flip_closes_and_reverses_at_one_open_with_two_fills() -> None:
    played = one(level(PX, 8), said={0: 1.0, 5: -1.0})
    assert played.fills()[1:3] == [(6, -25, 9_999, "flip"), (6, -25, 9_999, "entry")]
    assert played.result.fills["trade_id"].tolist() == [1, 1, 2, 2]
    assert [int(side) for side in played.result.trades["side"]] == [1, -1]


def test_flip_younger_than_five_minutes_is_refused_and_nothing_closes() -> None:
    played = one(level(PX, 8), said={0: 1.0, 4: -1.0})
    # In at minute 1, asked at minute 5: four minutes old.
    assert played.fills() == [ENTRY, (8, -25, 9_999, "end_of_data")]
    assert played.refusals()[4] == "flip_age"
    assert played.refused_by(4) == {"flip_age"}


def test_flip_closes_without_reversing_where_an_entry_gate_refuses() -> None:
    longs = {"instruments": {"BTCUSDT": {"directions": "long_only"}}}
    played = one(level(PX, 8), said={0: 1.0, 5: -1.0}, changes=longs)
    assert played.fills() == [ENTRY, (6, -25, 9_999, "flip")]
    assert played.refusals()[5] == "direction"


def test_flip_that_is_switched_off_waits_for_the_stop() -> None:
    played = one(level(PX, 8), said={0: 1.0, 5: -1.0}, changes={"position.flip": False})
    assert played.fills() == [ENTRY, (8, -25, 9_999, "end_of_data")]
    assert played.refused_by(5) == {"flip_age"}


def test_weak_opposite_forecast_is_no_flip() -> None:
    played = one(level(PX, 8), said={0: 1.0, 6: -0.19})
    assert [fill[3] for fill in played.fills()] == ["entry", "end_of_data"]


# ---------------------------------------------------------------- stops


def test_gap_through_the_stop_fills_at_the_open() -> None:
    played = one(QUIET, QUIET, (9_700, 9_950, 9_650, 9_900), level(9_900))
    assert played.fills() == [ENTRY, (2, -25, 9_699, "stop")]
    assert played.trade.gross_atoms == -302 * 25 * CENT


@pytest.mark.parametrize(("low", "stopped"), [(9_881, False), (9_880, True)])
def test_stop_fills_when_it_is_touched(low: int, stopped: bool) -> None:
    played = one(QUIET, QUIET, (PX, PX, low, 9_950), level(9_950))
    assert played.fills()[1][3] == ("stop" if stopped else "end_of_data")


def test_stop_can_fill_in_the_bar_of_the_entry() -> None:
    played = one(QUIET, (PX, PX, 9_870, 9_950), level(9_950))
    assert played.fills() == [ENTRY, (1, -25, 9_879, "stop")]


def test_stop_waits_through_missing_bars_and_fills_at_the_next_open() -> None:
    played = one(QUIET, QUIET, None, None, level(9_800, 2))
    assert played.fills() == [ENTRY, (4, -25, 9_799, "stop")]


# ---------------------------------------------------------------- time, view and end


def test_position_older_than_twelve_hours_near_breakeven_is_stale() -> None:
    played = one(level(PX, 725))
    # In at minute 1; at the close of bar 720 it is 720 minutes old, at that of bar 721 it is older.
    assert played.fills() == [ENTRY, (722, -25, 9_999, "stale")]


def test_position_that_passed_1_r_is_never_stale() -> None:
    whole = {"position.partial_fraction": 0.0}
    played = one(QUIET, QUIET, (PX, 10_123, PX, 10_020), level(10_020, 725), changes=whole)
    assert played.fills() == [ENTRY, (728, -25, 10_018, "end_of_data")]


@pytest.mark.parametrize(("px", "stale"), [(10_026, True), (10_027, False), (9_976, True), (9_975, False)])
def test_stale_means_within_a_quarter_percent_of_the_entry(px: int, stale: bool) -> None:
    # 10 001 x 0.0025 = 25.0025: 10 026 and 9 976 are within, 10 027 and 9 975 are not.
    played = one(QUIET, QUIET, level(px, 8), changes={"position.stale_hours": 0.05})
    assert played.fills()[1][3] == ("stale" if stale else "end_of_data")


def test_position_without_a_view_is_closed_where_the_forecast_is_also_the_exit() -> None:
    played = one(level(PX, 6), said={0: 1.0, 1: 1.0, 2: 1.0}, changes={"position.exit_when_flat": True})
    assert played.fills() == [ENTRY, (4, -25, 9_999, "signal")]


def test_what_is_open_at_the_end_of_the_data_is_closed_at_the_last_mark() -> None:
    played = one(level(PX, 3), level(10_050))
    assert played.fills() == [ENTRY, (4, -25, 10_048, "end_of_data")]
    assert int(played.result.equity[-1].equity) == 1_010_000_000_000 + int(played.trade.net_atoms)
