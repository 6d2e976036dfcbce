"""Killed between any two statements, before or after any commit: the journal is as before the call, or as after it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

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


def reopened(path):
    """The journal as its living writer has it."""
    journal = open_journal(sqlite_url(path), account=ACCOUNT, durable=False)
    journal._epoch = journal._run = 1
    return journal


def played(path, call, stop_at):
    """Make one call and kill it at a step; whether it was killed."""
    journal = reopened(path)
    wrapper, _ = killer(journal, stop_at)
    try:
        with wrapper:
            call(journal)
    except Killed:
        abandon(journal)
        return True
    finally:
        with suppress(Exception):
            journal.close()
    return False


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """The file and its photograph after each number of calls."""
    folder = tmp_path_factory.mktemp("journals")
    path = Template(folder).copy()
    begun(open_journal(sqlite_url(path), account=ACCOUNT)).close()
    taken = []
    for number in range(len(CALLS) + 1):
        if number:
            journal = reopened(path)
            CALLS[number - 1](journal)
            journal.close()
        journal = reopened(path)
        taken.append((shutil.copyfile(path, folder / f"after_{number}.db"), photograph(journal)))
        journal.close()
    return taken


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_a_kill_at_any_step_leaves_the_state_before_or_after_the_call(history, tmp_path, number):
    start, before = history[number]
    _, after = history[number + 1]
    at, seen = 1, set()
    while True:
        path = shutil.copyfile(start, tmp_path / f"{at}.db")
        if not played(path, CALLS[number], at):
            break
        again = open_journal(sqlite_url(path), account=ACCOUNT)
        again.verify()
        left = photograph(again)
        assert left in (before, after), at
        seen.add(left == after)
        again.close()
        at += 1
    assert at > 4
    assert seen == {False, True}


def test_after_a_kill_another_process_takes_over_with_a_greater_epoch(history, tmp_path):
    path = shutil.copyfile(history[4][0], tmp_path / "j.db")
    played(path, CALLS[4], 9)
    again = open_journal(sqlite_url(path), account=ACCOUNT)
    with pytest.raises(LeaseLost):
        again.acquire("other", 0, 1000)
    assert again.acquire("other", 10**14, 1000).epoch == 2
    again.close()


WRITER = """
import sys
from journal_made import ACCOUNT, begun, cycle, fill, sqlite_url
from mastertrading.journal.opening import open_journal
journal = begun(open_journal(sqlite_url(sys.argv[1]), account=ACCOUNT))
for number in range(1, 10**6):
    deal = fill(number, 1 if number % 2 else -1, "0.003", "50000")
    print(journal.commit_cycle(cycle(number * 60_000, str(number).encode() * 500, fills=(deal,)), number), flush=True)
"""


def test_a_process_killed_while_it_writes_has_lost_nothing_that_it_reported(tmp_path):
    path = Template(tmp_path).copy()
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        told = [int(process.stdout.readline()) for _ in range(25)][-1]
        process.kill()
    again = open_journal(sqlite_url(path), account=ACCOUNT)
    again.verify()
    kept = again.latest_state().number
    assert kept >= told
    assert len(again.fills()) == kept == len(again.decisions("BTCUSDT", 0, 10**12))
    assert again.position("BTCUSDT") == (D("0.003") if kept % 2 else 0)
    again.close()


def environment():
    tests = Path(__file__).parents[2]
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(tests.parent / "src"), str(tests)))}
