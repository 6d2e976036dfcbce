"""What the writer of a journal knows by heart is what its database holds, whoever writes and whatever fails."""

from __future__ import annotations

import pytest
from django.db import connections

from journal_made import ACCOUNT, FOR_EVER, Template, begun, cycle, intent, order, sent, sqlite_url
from mastertrading.domain.errors import InvariantBroken, LeaseLost
from mastertrading.domain.intents import CommandState, Purpose, Transition
from mastertrading.journal.opening import open_journal
from mastertrading.journal.retention import DAY_MS


@pytest.fixture
def opener(tmp_path):
    url, opened = sqlite_url(Template(tmp_path).copy()), []

    def made(**options):
        opened.append(open_journal(url, account=ACCOUNT, durable=False, **options))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def statements(journal, ask):
    """How many statements an answer takes."""
    told = []

    def note(execute, statement, *rest):
        told.append(statement)
        return execute(statement, *rest)

    with connections[journal.store.using].execute_wrapper(note):
        ask()
    return len(told)


def test_a_cycles_questions_after_commands_take_no_statement(opener):
    journal, one = begun(opener()), intent()
    sent(journal, one)
    assert [c.client_id for c in journal.open_commands()] == [one.client_id]
    asked = statements(journal, lambda: [journal.open_commands(), journal.command(one.client_id)] * 9)
    assert asked == 0
    assert journal.command("not ours") is None
    assert statements(journal, lambda: journal.command("not ours")) == 0


def test_what_is_known_by_heart_is_what_another_process_reads(opener):
    journal = begun(opener())
    first, second = intent(), intent(Purpose.STOP, order_side=-1)
    for one in (first, second):
        sent(journal, one)
    journal.observe(order(first.client_id, order_id="17"), at_ms=20)
    journal.mark(Transition(second.client_id, CommandState.UNKNOWN, 21))
    other = opener(read_only=True)
    assert journal.open_commands() == other.open_commands()
    assert len(journal.open_commands()) == 2
    for one in (first, second):
        assert journal.command(one.client_id) == other.command(one.client_id)


def test_a_command_that_is_over_is_no_longer_open_and_still_known(opener):
    journal, one = begun(opener()), intent()
    sent(journal, one)
    assert journal.open_commands()
    journal.mark(Transition(one.client_id, CommandState.REFUSED, 20, code="-1"))
    assert journal.open_commands() == ()
    assert journal.command(one.client_id).state is CommandState.REFUSED


def test_a_transaction_that_fails_leaves_nothing_in_mind(opener):
    journal, kept, lost = begun(opener()), intent(), intent(bar_ms=120_000)
    sent(journal, kept)
    bad = cycle(60_000, intents=(lost, kept))  # the second id was used before
    with pytest.raises(InvariantBroken):
        journal.commit_cycle(bad, 60_100)
    assert journal.command(lost.client_id) is None
    assert [c.client_id for c in journal.open_commands()] == [kept.client_id]


def test_whoever_takes_the_lease_over_knows_what_the_other_wrote_meanwhile(opener):
    first, second = opener(), opener()
    first.acquire("first", 0, 1_000)
    sent(first, intent())
    assert len(first.open_commands()) == 1
    second.acquire("second", 2_000, 1_000)
    second.mark(Transition(intent().client_id, CommandState.UNKNOWN, 2_001))
    with pytest.raises(LeaseLost):
        first.mark(Transition(intent().client_id, CommandState.ACK, 2_002))
    assert first.command(intent().client_id).state is CommandState.UNKNOWN
    first.acquire("first", 4_000, FOR_EVER)
    assert first.open_commands()[0].state is CommandState.UNKNOWN


def test_what_is_over_is_forgotten_in_time_and_found_again(opener, monkeypatch):
    journal = begun(opener())
    monkeypatch.setattr("mastertrading.journal.remembered.MOST", 3)
    made = [intent(bar_ms=60_000 * n) for n in range(1, 8)]
    for one in made:
        sent(journal, one)
        journal.mark(Transition(one.client_id, CommandState.REFUSED, 20))
    assert len(journal.store._remembered._over) == 3
    assert all(journal.command(one.client_id).state is CommandState.REFUSED for one in made)


def test_tidying_thins_what_is_old_and_empties_the_log(opener, tmp_path):
    journal = begun(opener())
    for number in range(1, 40):
        journal.commit_cycle(cycle(number * 60_000, state=b"x" * 1_000), number * 60_000)
    assert journal.tidy(DAY_MS) > 30
    assert journal.tidy(DAY_MS) == 0
    with journal.store.rows._execute("PRAGMA wal_checkpoint(PASSIVE)", ()) as cursor:
        _, in_log, carried = cursor.fetchone()
    assert in_log == carried
    assert journal.latest_state() is not None
