"""Bybit's façade: numbers and ids as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bybit_world import BTC, Bybit
from mastertrading.domain.instrument import Instrument
from mastertrading.simulator.bybit.ids import Kind, id_of, number_of
from mastertrading.simulator.bybit.numbers import Grid, money, share, trimmed
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.reading import decimal_of, object_of, whole_of


def grid(tick: str = "0.10", lot: str = "0.001") -> Grid:
    return Grid(Listing(Instrument(BTC, Decimal(tick), Decimal(lot), Decimal(5))))


@given(st.integers(1, 10**9), st.sampled_from(["1", "0.5", "0.10", "0.00001", "5"]))
def test_a_price_is_written_with_the_places_of_its_tick_and_reads_back(ticks, tick):
    one = grid(tick, "1000")
    text = one.px(ticks)
    assert Decimal(text) == ticks * Decimal(tick)
    assert len(text.partition(".")[2]) == one.px_places
    assert one.listing.ticks_of(Decimal(text)) == ticks


def test_an_average_price_is_rounded_half_up_to_eight_places():
    one = grid()
    assert one.average(500_000 * 3, 3) == "50000"
    assert one.average(500_001 + 500_001 + 500_000, 3) == "50000.06666667"
    assert one.average(-1, 3) == "-0.03333333"
    assert share(1, 3, 4) == "0.3333"
    assert share(2, 3, 4) == "0.6667"
    assert share(5, 0) == "0"


@given(st.integers(-(10**20), 10**20))
def test_money_is_written_exactly_and_without_idle_zeros(atoms):
    text = money(atoms)
    assert Decimal(text) * 10**8 == atoms
    assert not text.endswith(".")
    assert "." not in text or not text.endswith("0")
    assert trimmed(atoms, 0) == str(atoms)


@given(st.sampled_from(Kind), st.integers(0, 2**40))
def test_an_id_gives_its_number_back_to_its_own_kind_alone(kind, number):
    text = id_of(kind, number)
    assert number_of(kind, text) == number
    assert all(number_of(other, text) is None for other in Kind if other is not kind)
    assert number_of(kind, text.upper()) in (None, number)
    assert number_of(kind, text[:-1] + "g") is None


@pytest.mark.parametrize("text", ["1", "0.5", "-2", "+3.25", ".5", "5."])
def test_a_plain_decimal_is_read(text):
    assert decimal_of(text) == Decimal(text)


@pytest.mark.parametrize(
    "value",
    ["", ".", "NaN", "inf", "1e3", "1_0", " 1", "1 ", "٣", "0x1", "1" * 25, None, 1, 1.5, True, [], "--1"],
)
def test_anything_else_is_no_decimal(value):
    assert decimal_of(value) is None


def test_whole_numbers_and_objects_are_read_strictly():
    assert [whole_of(one) for one in (5, "5", "-5", True, "5.0", 1.0, "", None, "9" * 20, 10**20)] == [
        5,
        5,
        -5,
        *[None] * 7,
    ]
    assert object_of(b'{"a": 0.10}') == {"a": Decimal("0.10")}
    assert [object_of(one) for one in (b"[]", b"{", b'{"a":NaN}', b"\xff", b"[" * 99_999)] == [None] * 5


def test_an_execution_closes_what_was_there_before_and_no_more():
    venue = Bybit()
    venue.order(qty="0.010")
    venue.order(qty="0.005")
    venue.order(side="Sell", qty="0.020")
    told = [(row["side"], row["closedSize"]) for row in venue.rows("/v5/execution/list")]
    assert told == [("Sell", "0.015"), ("Buy", "0.000"), ("Buy", "0.000")]
    assert (venue.position()["side"], venue.position()["size"]) == ("Sell", "0.005")
