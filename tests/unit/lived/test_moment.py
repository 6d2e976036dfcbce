"""What a journal knows of a minute beyond its decision: what was sent, how it was answered, what stood in the way."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from journal_made import ACCOUNT, begun, intent
from mastertrading.app.lived.moment import around, lived_chain
from mastertrading.app.lived.text import render_around
from mastertrading.backtest.explain import explain
from mastertrading.backtest.explain_run import open_run
from mastertrading.backtest.explain_text import answer
from mastertrading.domain.facts import (
    CommandPhase,
    CycleFacts,
    DecisionFacts,
    Incident,
    OperatorCommand,
    Severity,
)
from mastertrading.domain.intents import CommandState, Purpose, Transition
from mastertrading.journal.memory import memory_journal

S = CommandState
MINUTE, BASE = 120_000, 60_000
BTC = "BTCUSDT"


@pytest.fixture
def journal():
    return begun(memory_journal(ACCOUNT))


@pytest.fixture(scope="module")
def ordered(lived):
    """The chain of a minute that ordered an entry, as if it had not filled."""
    run = open_run(lived.run)
    entry = next(fill for fill in run.rows("fills") if fill["reason"] == "entry")
    chain = explain(run, entry["instrument"], entry["ts_ms"])
    return replace(chain, order=replace(chain.order, outcome="lapsed", trade_id=None))


def sent(journal, *steps, **more):
    """An entry of the minute that went so far."""
    one = intent(bar_ms=MINUTE, **more)
    journal.prepare(one, at_ms=MINUTE + 5)
    for n, step in enumerate(steps):
        journal.mark(replace(step, client_id=one.client_id, at_ms=MINUTE + 10 + n))
    return one


def step(state, **more):
    return Transition("", state, 0, **more)


def found(journal):
    return around(journal, BTC, ("ETHUSDT",), MINUTE, BASE)


def shown(one):
    console = Console(file=StringIO(), width=100)
    console.print(render_around(one, 100))
    return console.file.getvalue()


def test_a_minute_in_which_nothing_was_sent_says_so(journal):
    one = found(journal)
    assert one.sent == ()
    assert "Nothing was sent" in shown(one)


def test_commands_are_told_with_every_state_and_the_answer(journal):
    sent(journal, step(S.SENT), step(S.REFUSED, refusal="margin", code="-2019", detail="not enough"))
    one = found(journal)
    assert [s.state for s in one.sent[0].steps] == [S.PREPARED, S.SENT, S.REFUSED]
    assert "prepared → sent → refused" in shown(one)
    assert "margin -2019 not enough" in shown(one)


def test_commands_of_other_minutes_and_instruments_are_not_of_this_one(journal):
    journal.prepare(intent(bar_ms=MINUTE + BASE), intent(bar_ms=MINUTE, symbol="ETHUSDT"), at_ms=5)
    assert found(journal).sent == ()


def test_incidents_from_the_decision_to_the_next_one_are_told(journal):
    for ts_ms, subject in (
        (MINUTE - 1, BTC),
        (MINUTE, BTC),
        (MINUTE + 5, "ETHUSDT"),
        (MINUTE + 6, ""),
        (MINUTE + BASE, BTC),
    ):
        journal.report(Incident("trouble", f"at {ts_ms}", ts_ms, Severity.CRITICAL, subject))
    assert [one.ts_ms for one in found(journal).incidents] == [MINUTE, MINUTE + 6]


def test_switches_that_stood_and_what_people_asked_for_are_told(journal):
    journal.latch("halt:ETHUSDT", "of another", 4)
    journal.latch("pause", "anna: news", 5)
    journal.request(OperatorCommand("op-1", "flatten", "anna", MINUTE + 9))
    journal.finish(
        replace(journal.requests()[0], phase=CommandPhase.DONE, outcome="flat", done_ms=MINUTE + 10)
    )
    one = found(journal)
    assert one.latches == (("pause", "anna: news"),)
    assert [asked.verb for asked in one.asked] == ["flatten"]
    assert "A switch was put: pause (anna: news)." in shown(one)
    journal.unlatch("pause", "op-2", MINUTE + BASE)
    assert found(journal).latches == (("pause", "anna: news"),)
    assert around(journal, BTC, (), MINUTE + 2 * BASE, BASE).latches == ()


def test_an_entry_that_was_held_back_says_why(journal, ordered):
    journal.report(Incident("entry_refused", f"{BTC}: pause, clock", MINUTE + 9, subject=BTC))
    chain = lived_chain(ordered, found(journal))
    assert chain.order.outcome == "withheld"
    assert answer(chain) == "Entry wished, but not sent: pause, clock."


@pytest.mark.parametrize(
    ("steps", "outcome", "words"),
    [
        ((step(S.SENT), step(S.REFUSED, refusal="margin", code="-2019")), "venue_refused", "margin -2019"),
        ((step(S.SENT), step(S.UNKNOWN, detail="no answer")), "unresolved", "nothing is entered here"),
        ((step(S.SENT),), "unresolved", "not known"),
        ((step(S.SENT), step(S.UNKNOWN), step(S.ABSENT)), "absent", "never to have reached"),
        ((step(S.SENT), step(S.ACK)), "lapsed", "not filled"),
    ],
)
def test_an_entry_that_went_out_and_did_not_fill_says_what_became_of_it(
    journal, ordered, steps, outcome, words
):
    sent(journal, *steps)
    chain = lived_chain(ordered, found(journal))
    assert chain.order.outcome == outcome
    assert words in answer(chain)


def test_a_minute_that_passed_while_nobody_was_there_is_missed(journal, ordered):
    journal.commit_cycle(CycleFacts(5, MINUTE, decisions=(DecisionFacts(BTC, MINUTE, missed=True),)), 5)
    one = found(journal)
    assert lived_chain(ordered, one).order.outcome == "missed"
    assert "nobody was there" in shown(one)


def test_an_entry_that_filled_is_left_as_it_is(journal, ordered):
    filled = replace(ordered, order=replace(ordered.order, outcome="filled"))
    assert lived_chain(filled, found(journal)) == filled


def test_a_stop_without_a_size_is_one_of_the_whole_position(journal):
    one = intent(Purpose.STOP, bar_ms=MINUTE, qty=None, lots=0, order_side=-1, trigger_px=intent().qty)
    journal.prepare(one, at_ms=MINUTE + 1)
    assert "sell the whole position stop 0.003" in " ".join(shown(found(journal)).split())
