"""Killed between any two statements, before or after any commit: the journal is as before the call, or as after it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from journal_made import ACCOUNT, D, Template, begun, books, cycle, fill, funding, intent, order, sqlite_url
from mastertrading.domain.errors import LeaseLost
from mastertrading.domain.facts import Adjustment, OperatorCommand
from mastertrading.domain.intents import CommandState, Purpose, Transition
from mastertrading.domain.orders import OrderStatus
from mastertrading.journal.opening import open_journal


class Killed(BaseException):
    """The process is gone."""


ENTRY, STOP = intent(), intent(Purpose.STOP, order_side=-1)
CALLS = (
    lambda j: j.prepare(ENTRY, at_ms=10),
    lambda j: j.mark(Transition(ENTRY.client_id, CommandState.SENT, 11, deadline_ms=99)),
    lambda j: j.mark(Transition(ENTRY.client_id, CommandState.UNKNOWN, 12)),
    lambda j: j.observe(order(ENTRY.client_id, OrderStatus.FILLED, filled="0.003"), at_ms=13),
    lambda j: j.book_fill(
        fill(1, 1, "0.003", "50000", client_id=ENTRY.client_id), fill(3, -1, "0.004", "50100"), at_ms=14
    ),
    lambda j: j.book_fill(fill(2, -1, "0.001", "50050"), at_ms=15),
    lambda j: j.book_payment(funding(1, "0.25", 2500), at_ms=16),
    lambda j: j.adjust(Adjustment("a", "gone", 9000, "BTCUSDT", D("0.002"), D("50000")), at_ms=17),
    lambda j: j.commit_cycle(cycle(60_000, intents=(STOP,), fills=(fill(9, 1, "0.01", "50001"),)), 60_100),
    lambda j: j.latch("emergency", "why", 18),
    lambda j: j.request(OperatorCommand("op", "flatten", "me", 19)),
    lambda j: j.renew(20, 10**13),
)


def photograph(journal):
    """Everything that a restart sees."""
    commands = tuple(
        (one.client_id, one.state, one.order_id, one.filled_qty) for one in every_command(journal)
    )
    return (
        books(journal),
        commands,
        journal.fills(),
        journal.venue_orders(),
        journal.latest_state(),
        journal.decisions("BTCUSDT", 0, 10**9),
        journal.equity(),
        tuple(journal.latches()),
        journal.requests(),
        journal.incidents(),
        journal.lease(),
    )


def every_command(journal):
    found = (journal.command(one.client_id) for one in (ENTRY, STOP))
    return [one for one in found if one is not None]


def killer(journal, at):
    """Kill at step ``at``: each statement is one, a commit is two (before and after)."""
    from django.db import connections

    connection, steps = connections[journal.store.using], [0]

    def step():
        steps[0] += 1
        if steps[0] == at:
            raise Killed

    def execute(run, sql, params, many, context):
        step()
        return run(sql, params, many, context)

    commit = connection._commit

    def committing():
        step()
        commit()
        step()

    connection._commit = committing
    return connection.execute_wrapper(execute), steps


def abandon(journal):
    """What the system does to a dead process: its connection is gone, and nothing more is said."""
    from django.db import connections

    connection = connections[journal.store.using]
    connection.connection.close()
    connection.connection = None
    connection.closed_in_transaction = True


def played(path, stop_at=0):
    """Make the calls; returns how many were finished, and how many steps there were."""
    journal = begun(open_journal(sqlite_url(path), account=ACCOUNT, durable=False))
    wrapper, steps = killer(journal, stop_at)
    done = 0
    try:
        with wrapper:
            for call in CALLS:
                call(journal)
                done += 1
    except Killed:
        abandon(journal)
    with suppress(Exception):
        journal.close()
    return done, steps[0]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Template(tmp_path_factory.mktemp("journals"))


@pytest.fixture(scope="module")
def photographs(template):
    """After each number of calls."""
    taken = []
    path = template.copy()
    journal = begun(open_journal(sqlite_url(path), account=ACCOUNT, durable=False))
    taken.append(photograph(journal))
    for call in CALLS:
        call(journal)
        taken.append(photograph(journal))
    journal.close()
    return taken


def test_a_kill_at_any_step_leaves_the_state_before_or_after_the_call(template, photographs):
    _, steps = played(template.copy())
    assert steps > 100
    for at in range(1, steps + 1):
        path = template.copy()
        done, _ = played(path, at)
        again = open_journal(sqlite_url(path), account=ACCOUNT)
        again.verify()
        assert photograph(again) in photographs[done : done + 2], (at, done)
        again.close()
        path.unlink()


def test_after_a_kill_another_process_takes_over_with_a_greater_epoch(template):
    path = template.copy()
    played(path, 40)
    again = open_journal(sqlite_url(path), account=ACCOUNT)
    with pytest.raises(LeaseLost):
        again.acquire("other", 0, 1000)
    assert again.acquire("other", 10**14, 1000).epoch == 2
    again.close()
