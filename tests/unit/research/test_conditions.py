"""Conditions of a sweep: what they mean, and that nothing else can be said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastertrading.domain.errors import UsageError
from mastertrading.research.conditions import parse

VALUES = {"fast": 10, "slow": 50, "risk.per_trade": 0.002, "mode": "calm", "on": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fast < slow", True),
        ("fast<slow", True),
        ("slow < fast", False),
        ("fast * 5 == slow", True),
        ("fast * 5 = slow", True),
        ("5 < fast <= 10 < slow", True),
        ("5 < fast < 10", False),
        ("fast > 100 or slow > 40", True),
        ("fast > 100 or slow > 40 and on == false", False),
        ("not fast > 100", True),
        ("not not on", True),
        ("(fast > 100 or slow > 40) and mode == 'calm'", True),
        ('mode != "wild"', True),
        ("risk.per_trade <= 2e-3", True),
        ("slow - fast - 20 >= 20", True),
        ("slow / 4 / 5 == 2.5", True),
        ("-fast < -9", True),
        ("1 + 2 * 3 == 7", True),
    ],
)
def test_a_condition_means_what_python_would_make_of_it(text, expected):
    assert parse(text).holds(VALUES) is expected


def test_a_condition_knows_the_names_it_speaks_of():
    assert parse("fast < slow and risk.per_trade > 0 or true").names == {"fast", "slow", "risk.per_trade"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fast <",
        "< fast",
        "fast slow",
        "(fast < slow",
        "fast < slow)",
        "__import__('os')",
        "fast ** 9",
        "fast if slow else 1",
        "lambda: 1",
        "fast; slow",
        "[1]",
        "fast < 'open",
        "and",
        "f(1)",
        "fast\x00",
        "(" * 100 + "fast" + ")" * 100,
        "-" * 500 + "1 < fast",
        "1 < " * 600 + "2",
    ],
)
def test_what_is_no_condition_is_refused_with_a_hint(text):
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert refused.value.exit_code == 2
    assert refused.value.where == "--where"


@pytest.mark.parametrize("text", ["mode < fast", "fast / (slow - 50) > 1", "mode * 2 == 4", "-mode < 1"])
def test_what_cannot_be_answered_is_said_with_the_values(text):
    with pytest.raises(UsageError, match="cannot be answered"):
        parse(text).holds(VALUES)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_refused(text):
    try:
        condition = parse(text)
    except UsageError:
        return
    values = dict.fromkeys(condition.names, 1)
    try:
        assert condition.holds(values) in (True, False)
    except UsageError:
        return
