"""Bars of a grid: every minute passes, in order, none twice, and what is late is not valid."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from mastertrading.domain.feed import Bar, Funding, Quote, StreamGap
from mastertrading.live.collector import Collector
from mastertrading.live.heard import packed, unpacked

MINUTE, HOUR, T0 = 60_000, 3_600_000, 1_700_000_040_000
A, B = "BTCUSDT", "ETHUSDT"


def bar(symbol, k, px=100, *, closed=True):
    value = Decimal(px)
    ts_ms = T0 + k * MINUTE
    return Bar(
        symbol, "1m", ts_ms, value, value + 1, value - 1, value, Decimal(5), closed, ts_ms + MINUTE - 1
    )


@pytest.fixture
def collector():
    return Collector((A, B), MINUTE, T0)


def close(k):
    return T0 + (k + 1) * MINUTE


def test_a_minute_passes_when_every_instrument_told_its_bar(collector):
    collector.take(bar(A, 0, 100))
    assert not collector.is_due(close(0))
    collector.take(bar(B, 0, 200))
    assert collector.is_due(close(0) - 1)
    told = collector.pass_minute()
    assert told.open_ms == T0
    assert told.valid.tolist() == [True, True]
    assert told.prices[3].tolist() == [100.0, 200.0]
    assert not collector.is_complete()


def test_a_late_instrument_is_waited_for_three_seconds_and_is_then_not_valid(collector):
    collector.take(bar(A, 0))
    assert not collector.is_due(close(0) + 2_999)
    assert collector.due_in_ms(close(0) + 2_000) == 1_000
    assert collector.is_due(close(0) + 3_000)
    told = collector.pass_minute()
    assert told.valid.tolist() == [True, False]
    assert np.isnan(told.prices[:, 1]).all()


def test_a_bar_that_comes_after_its_minute_is_counted_and_changes_nothing(collector):
    collector.take(bar(A, 0))
    collector.pass_minute()
    collector.take(bar(B, 0))
    assert collector.too_late == 1
    assert not collector.is_due(close(0) + 10_000)


def test_a_repeated_bar_changes_nothing(collector):
    for event in (bar(A, 0, 100), bar(A, 0, 999), bar(B, 0)):
        collector.take(event)
    assert collector.pass_minute().prices[3, 0] == 100.0


def test_bars_that_come_out_of_order_pass_in_order(collector):
    for event in (bar(A, 1), bar(B, 1), bar(A, 0), bar(B, 0)):
        collector.take(event)
    assert [collector.pass_minute().open_ms for _ in range(2)] == [T0, T0 + MINUTE]


def test_an_instrument_that_tells_a_later_bar_has_none_before_it(collector):
    collector.take(bar(A, 0))
    collector.take(bar(B, 1))
    assert collector.is_due(close(0))
    assert collector.pass_minute().valid.tolist() == [True, False]


def test_a_bar_that_the_feed_gave_up_is_not_waited_for(collector):
    collector.take(bar(A, 0))
    collector.take(StreamGap("bars", B, T0, close(0) + 20_000))
    assert collector.is_due(close(0))


def test_a_minute_of_which_nothing_came_waits_for_the_feed_to_come_back(collector):
    assert not collector.is_due(close(0) + 60_000)
    assert collector.is_due(close(0) + 5 * 60_000)


def test_the_mark_is_the_one_told_last_else_the_close(collector):
    collector.take(Quote(A, Decimal(99), Decimal(101), None, Decimal("100.5"), T0 + 1))
    for event in (bar(A, 0), bar(B, 0, 50)):
        collector.take(event)
    told = collector.pass_minute()
    assert told.prices[5].tolist() == [100.5, 50.0]
    assert told.spread[0] == pytest.approx(0.02)
    assert np.isnan(told.spread[1])


def test_a_charge_becomes_known_with_the_bar_that_closes_at_its_moment(collector):
    collector.take(Funding(A, Decimal("0.0001"), close(1), 14_400_000, T0))
    collector.take(Funding(A, Decimal("0.0002"), close(1), None, T0 + 1))
    collector.take(Funding(A, Decimal("0.0009"), close(9), None, T0 + 2))
    found = []
    for k in range(3):
        collector.take(bar(A, k))
        collector.take(bar(B, k))
        found.append([tuple(row) for row in collector.pass_minute().charges])
    assert found == [[], [(close(1), 0, 0.0002, 14_400_000)], []]


def test_the_first_price_of_the_next_bar_is_known_before_it_closes(collector):
    collector.take(bar(A, 0))
    collector.take(bar(B, 0))
    collector.pass_minute()
    assert collector.first_prices() == {}
    collector.take(bar(B, 1, 77, closed=False))
    collector.take(bar(B, 1, 78, closed=False))
    assert collector.first_prices() == {B: Decimal(77)}


def test_what_a_decision_was_told_survives_as_bytes(collector):
    collector.take(Funding(A, Decimal("0.0001"), close(0), None, T0))
    collector.take(bar(A, 0))
    told = collector.pass_minute()
    again = unpacked(packed(told))
    assert again.open_ms == told.open_ms
    assert np.array_equal(again.prices, told.prices, equal_nan=True)
    assert again.valid.tolist() == [True, False]
    assert again.charges.tobytes() == told.charges.tobytes()


def told(next_ms, rate, interval_ms=None):
    return Funding(A, Decimal(rate), next_ms, interval_ms, next_ms - MINUTE)


def charges(collector, k):
    """The charges of bar ``k``: moment and interval."""
    for symbol in (A, B):
        collector.take(bar(symbol, k))
    return [(int(one.ts_ms), int(one.interval_ms)) for one in collector.pass_minute().charges]


def test_a_stream_that_names_no_interval_shows_a_changed_one_by_its_next_charge(collector):
    first, second = close(0), close(0) + 4 * HOUR
    collector.take(told(first, "0.0001", 8 * HOUR))
    assert charges(collector, 0) == [(first, 8 * HOUR)]
    collector.take(told(second, "0.0002"))
    collector.next_ms = second - MINUTE
    assert charges(collector, (second - T0) // MINUTE - 1) == [(second, 4 * HOUR)]


def test_after_a_gap_the_interval_is_the_one_that_was_asked_for(collector):
    collector.take(told(close(0), "0.0001", 8 * HOUR))
    charges(collector, 0)
    collector.forget_charges()
    later = close(0) + 16 * HOUR
    collector.take(told(later, "0.0001"))
    collector.next_ms = later - MINUTE
    assert charges(collector, (later - T0) // MINUTE - 1) == [(later, 8 * HOUR)]


def test_an_old_answer_about_funding_does_not_charge_twice(collector):
    collector.take(told(close(0), "0.0001", 8 * HOUR))
    assert len(charges(collector, 0)) == 1
    collector.take(told(close(0), "0.0001", 8 * HOUR))
    assert charges(collector, 1) == []
