"""Funding worked out on paper: both signs, any interval, and the position it is charged on."""

from __future__ import annotations

import pytest

from hand_made import CENT, MONDAY_08, PX, QUIET, Paid, Played, level, one

MINUTE = 60_000
PATIENT = {"position.stale_hours": 100.0}
NOTIONAL = 25 * PX * CENT
"""2 500 USDT."""


def payments(played: Played) -> list[tuple[int, int]]:
    """(minute, atoms) of each payment."""
    rows = played.result.payments
    return [((int(p.ts_ms) - MONDAY_08) // MINUTE, int(p.atoms)) for p in rows]


@pytest.mark.parametrize(
    ("side", "rate", "paid"),
    [
        (1.0, 0.0001, 25_000_000),  # 0.01 % of 2 500 USDT: 0.25
        (1.0, -0.0001, -25_000_000),
        (-1.0, 0.0001, -25_000_000),
        (-1.0, -0.0001, 25_000_000),
    ],
)
def test_positive_rate_is_paid_by_longs_to_shorts(side: float, rate: float, paid: int) -> None:
    played = one(level(PX, 8), said={0: side}, paid=[[Paid(5, rate)]])
    assert payments(played) == [(5, paid)]
    trade = played.trade
    assert int(trade.funding_atoms) == paid
    assert int(trade.net_atoms) == int(trade.gross_atoms) - int(trade.fees_atoms) - paid


def test_interval_that_changes_from_8_h_to_4_h_to_1_h_charges_each_settlement_once() -> None:
    schedule = [Paid(minute, 0.0001) for minute in (480, 960, 1200, 1440, 1500, 1560)]
    played = one(level(PX, 1600), paid=[schedule], changes=PATIENT)
    assert payments(played) == [(minute, 25_000_000) for minute in (480, 960, 1200, 1440, 1500, 1560)]
    assert int(played.trade.funding_atoms) == 6 * 25_000_000


def test_rate_applies_to_the_value_at_the_last_mark_not_at_the_open() -> None:
    played = one(level(PX, 4), (10_000, 10_100, 10_000, 10_100), level(10_110, 3), paid=[[Paid(5, 0.0001)]])
    assert payments(played) == [(5, 25 * 10_100 * CENT // 10_000)]


def test_settlement_inside_a_bar_belongs_to_the_position_before_that_bar() -> None:
    during = one(level(PX, 8), paid=[[Paid(1.5, 0.0001)]])
    assert payments(during) == [], "bought at the open of that bar"
    later = one(level(PX, 8), paid=[[Paid(2.5, 0.0001)]])
    assert payments(later) == [(2, 25_000_000)]


def test_entry_at_the_open_of_the_settlement_pays_nothing() -> None:
    assert payments(one(level(PX, 8), paid=[[Paid(1, 0.0001)]])) == []
    assert payments(one(level(PX, 8), paid=[[Paid(2, 0.0001)]])) == [(2, 25_000_000)]


def test_exit_and_flip_at_the_open_of_the_settlement_still_pay_for_the_old_side() -> None:
    stopped = one(QUIET, QUIET, level(9_800, 3), paid=[[Paid(2, 0.0001)]])
    assert stopped.fills()[1] == (2, -25, 9_799, "stop")
    assert payments(stopped) == [(2, 25_000_000)]
    flipped = one(level(PX, 9), said={0: 1.0, 5: -1.0}, paid=[[Paid(6, 0.0001)]])
    assert [fill[3] for fill in flipped.fills()] == ["entry", "flip", "entry", "end_of_data"]
    assert flipped.result.payments["trade_id"].tolist() == [1]
    assert payments(flipped) == [(6, 25_000_000)]


def test_after_a_partial_close_only_what_is_left_pays() -> None:
    played = one(
        QUIET, QUIET, (PX, 10_123, PX, 10_100), level(10_100, 4), paid=[[Paid(2, 0.0001), Paid(4, 0.0001)]]
    )
    # At minute 2 all 25 lots at the mark 10 000; at minute 4 13 lots at 10 100: 1 313 USDT.
    assert payments(played) == [(2, 25_000_000), (4, 13_130_000)]


@pytest.mark.parametrize(
    ("mark", "side", "paid"),
    [
        (10_002, 1.0, 2_500),  # 2 500.5: to even
        (10_006, 1.0, 2_502),  # 2 501.5: to even
        (10_003, 1.0, 2_501),  # 2 500.75
        (10_002, -1.0, -2_500),
        (10_006, -1.0, -2_502),
    ],
)
def test_payment_is_rounded_half_even_to_whole_atoms(mark: int, side: float, paid: int) -> None:
    played = one(QUIET, level(mark, 6), said={0: side}, paid=[[Paid(5, 1e-8)]])
    assert payments(played) == [(5, paid)]


def test_funding_that_is_switched_off_charges_nothing() -> None:
    assert payments(one(level(PX, 8), paid=[[Paid(5, 0.01)]], changes={"costs.funding": False})) == []


def test_settlement_of_a_missing_bar_is_charged_at_the_last_mark() -> None:
    played = one(level(PX, 4), None, None, level(10_200, 3), paid=[[Paid(5, 0.0001)]])
    assert payments(played) == [(5, NOTIONAL // 10_000)]
