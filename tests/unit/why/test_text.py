"""What a person reads: the answer first, inside the width, in two languages."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from mastertrading.app.messages import catalogue
from mastertrading.backtest.explain import explain
from mastertrading.backtest.explain_chain import Asked, Chain, Held, Order, Said
from mastertrading.backtest.explain_counts import stretches, summarise
from mastertrading.backtest.explain_tables import render_stretches, render_summary
from mastertrading.backtest.explain_text import answer, render_chain, shown, where
from mastertrading.backtest.explain_trade import render_story, story
from mastertrading.backtest.verdict import as_written

LANGUAGES = (as_written, catalogue("es").gettext)


def gate(name, verdict="refused", value=None, limit=None, setting="", trial=""):
    return Asked("allocation", name, verdict, value, limit, "", setting, trial)


def said(module="trend", votes="", refusal="bounce"):
    own = Asked("trend", "bounce", "refused", None, 0.005, "frac", "signals.trend.bounce", "")
    passed = Asked("trend", "direction", "passed", None, None, "", "", "")
    return Said(module, 0.0, None, None, False, votes, "", 0.3, 1.0, 0.0, refusal, (passed, own))


CHAIN = Chain(
    run_id="r", instrument="BTCUSDT", ts_ms=60_000, bar_open_ms=0, net=0.0, threshold=0.2, agreeing=0,
    needed_modules=2, wish="", long_multiplier=1.0, weights_known=True, modules=(said(),), gates=(),
    first_refusal="flat", sizing=None, order=None, position=None, next_bar=(), closed=None,
)  # fmt: skip
HELD = Held(7, "long", "0.5", 0, "100.0", "trend", "99.0", True, None)


@pytest.mark.parametrize("tr", LANGUAGES)
def test_minute_shows_its_close_and_what_was_compared(run, decisions, printed, tr):
    row = decisions.filter(first_refusal="htf_adx").row(0, named=True)
    chain = explain(run, row["instrument"], row["ts_ms"])
    text = " ".join(printed(render_chain(chain, run, row["ts_ms"], 120, tr), 120).split())
    assert tr(" · close {px}").format(px=chain.close_px) in text
    assert (
        tr(" (it was {value}, the limit is {limit})").format(
            value=f"{row['htf_adx']:.3f}".rstrip("0"), limit=25
        )
        in text
    )
    refused = decisions.filter(trend_refusal="htf_adx").row(0, named=True)
    chain = explain(run, refused["instrument"], refused["ts_ms"])
    text = " ".join(printed(render_chain(chain, run, refused["ts_ms"], 120, tr), 120).split())
    assert tr(" (it was {value})").format(value=f"{refused['htf_adx']:.3f}".rstrip("0")) in text
    ordered = decisions.filter(pl.col("lots") != 0).row(0, named=True)
    chain = explain(run, ordered["instrument"], ordered["ts_ms"])
    text = " ".join(printed(render_chain(chain, run, ordered["ts_ms"], 120, tr), 120).split())
    assert tr(" (ATR {atr})").format(atr=shown(ordered["volatility"], "frac")) in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            "No entry: no module had a view. Nearest to a view was trend: 1 of its 2 gates passed, then bounce"
            " refused. To change it: [signals.trend] bounce.",
        ),
        (
            {
                "modules": (said(votes="long"),),
                "first_refusal": "min_modules",
                "gates": (
                    gate(
                        "min_modules", "refused", 1, 2, "allocation.min_modules", "allocation.min_modules=1"
                    ),
                ),
            },
            "No entry: the first refusal was min_modules, which needs enough modules on the side of net"
            " (it was 1, the limit is 2). To change it: [allocation] min_modules."
            " Try: --set allocation.min_modules=1",
        ),
        (
            {"first_refusal": "holding", "position": HELD},
            "No entry: BTCUSDT was already long (trade 7), and the wish left it alone.",
        ),
        (
            {"first_refusal": "holding", "position": replace(HELD, exit_ordered="stale")},
            "Exit: BTCUSDT was long (trade 7), and an order to leave it was given: stale.",
        ),
        (
            {"first_refusal": None, "order": Order("short", "0.5", "filled", "101.2", "102.0", 8)},
            "Entry: short 0.5 BTCUSDT was ordered and filled at 101.2 (trade 8).",
        ),
        (
            {"first_refusal": None, "order": Order("short", "0.5", "dropped", None, None, None)},
            "Entry ordered, then dropped: the open had already jumped its stop or target.",
        ),
        (
            {"first_refusal": None, "order": Order("short", "0.5", "last", None, None, None)},
            "Entry ordered in the last minute of the run: there was no bar left to fill it.",
        ),
    ],
)
def test_answer_says_what_happened_and_where_to_change_it(changes, expected):
    assert answer(replace(CHAIN, **changes)) == expected


def test_values_are_told_in_their_units():
    assert [shown(0.0005, "frac"), shown(5.0, "usdt"), shown(1.0, "lots"), shown(591.0, "lots")] == [
        "0.05 %",
        "5.00 USDT",
        "1 lot",
        "591 lots",
    ]
    assert [shown(3.0, "x"), shown(90.0, "s"), shown(0.43, ""), shown(None, "s")] == [
        "3 ×",
        "90 s",
        "0.43",
        "–",
    ]
    assert where("risk.gates.min_equity") == "[risk.gates] min_equity"


def one_of_each(decisions):
    """A minute for each first refusal, and one with an order."""
    rows = decisions.unique("first_refusal", keep="first", maintain_order=True).to_dicts()
    assert {row["first_refusal"] for row in rows} >= {None, "flat", "holding", "htf_adx"}
    return rows


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_minute_stays_inside_the_width_and_begins_with_the_answer(run, decisions, printed, width, language):
    for row in one_of_each(decisions):
        chain = explain(run, row["instrument"], row["ts_ms"])
        text = printed(render_chain(chain, run, row["ts_ms"], width, language), width)
        assert max(map(len, text.splitlines())) <= width
        begin = " ".join(text.split("\n\n")[0].split())
        assert begin == " ".join(answer(chain, language).split())
        assert "{" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 120])
def test_funnel_stretches_and_story_stay_inside_the_width(run, printed, width, language):
    parts = [
        render_summary(summarise(run, ("BTCUSDT", "ETHUSDT")), run, width, language),
        render_summary(summarise(run, ("BTCUSDT",), None, run.first_ms + 86_400_000), run, width, language),
        render_stretches(stretches(run, "BTCUSDT", None, None), "BTCUSDT", run, width, language),
        *(render_story(story(run, trade["trade_id"]), run, width, language) for trade in run.rows("trades")),
    ]
    for part in parts:
        text = printed(part, width)
        assert max(map(len, text.splitlines())) <= width
        assert "{" not in text


def test_day_reads_in_one_screen(run, printed, decisions):
    day = decisions["ts_ms"][0] - 60_000
    found = stretches(run, "ETHUSDT", day, day + 86_400_000)
    assert len(printed(render_stretches(found, "ETHUSDT", run, 80), 80).splitlines()) <= 50


def test_minute_inside_a_bar_is_told_as_such(run, printed, decisions):
    at = run.first_ms + 30_000
    text = printed(render_chain(explain(run, "BTCUSDT", at), run, at, 80), 80)
    assert "2024-01-01 00:01:30 lies inside that bar" in text


def test_entry_shows_the_way_of_its_size(run, printed, decisions):
    row = decisions.filter(pl.col("lots") != 0).to_dicts()[0]
    text = printed(render_chain(explain(run, row["instrument"], row["ts_ms"]), run, row["ts_ms"], 100), 100)
    for words in (
        "Risk budget: base 0.3 %",
        "After the limit of",
        "What set the size:",
        "What happened then",
    ):
        assert words in text
