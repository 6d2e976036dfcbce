"""A rule interpreted is the rule compiled."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as some

from mastertrading.compiled.interpreted import interpreted
from mastertrading.rules.position import fills, money

small = some.integers(1, 10**6)


@given(atoms=some.integers(-(10**15), 10**15), rate=some.integers(-(10**8), 10**8))
def test_a_rate_interpreted_is_the_rate_compiled(atoms, rate):
    assert interpreted(money.rate_of)(atoms, rate) == money.rate_of(atoms, rate)


@given(px=small, side=some.sampled_from((-1, 1)), slippage=some.integers(0, 10**7))
def test_a_slipped_price_interpreted_is_the_one_compiled(px, side, slippage):
    assert interpreted(fills.slipped)(px, side, slippage) == fills.slipped(px, side, slippage)


def test_an_interpreted_rule_calls_interpreted_rules():
    first = interpreted(fills.adverse_first)
    assert not hasattr(first, "py_func")
    assert not hasattr(first.__globals__["adverse_extreme"], "py_func")
    bar = SimpleNamespace(open=100, high=101, low=90, close=95)
    assert not first(1, bar, 0)
    assert first(-1, bar, 0)
