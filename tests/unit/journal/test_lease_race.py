"""Many processes reach for one lease: one gets it, whatever the database."""

from __future__ import annotations

import threading

import pytest

from journal_made import ACCOUNT, Template, sqlite_url
from journal_servers import postgresql
from mastertrading.domain.errors import LeaseLost
from mastertrading.domain.facts import OperatorCommand
from mastertrading.journal.opening import open_journal

RACERS = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield sqlite_url(Template(tmp_path).copy())
    else:
        with postgresql() as address:
            open_journal(address, account=ACCOUNT, create=True).close()
            yield address


def race(url, move):
    """Each racer has a thread and a connection of its own; all begin at once. What they got, sorted."""
    gate, results = threading.Barrier(RACERS), []

    def run(name):
        journal = open_journal(url, account=ACCOUNT, timeout_s=20)
        gate.wait(30)
        try:
            results.append(move(journal, name))
        except LeaseLost:
            results.append(None)
        finally:
            journal.close()

    threads = [threading.Thread(target=run, args=(f"racer {k}",)) for k in range(RACERS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return results


def test_of_many_that_reach_for_a_lease_one_gets_it(url):
    won = [one for one in race(url, lambda journal, name: journal.acquire(name, 0, 1000)) if one]
    assert len(won) == 1
    again = open_journal(url, account=ACCOUNT)
    assert again.lease() == won[0]
    again.close()


def test_a_latch_and_a_request_given_by_many_are_given_once(url):
    assert sorted(race(url, lambda journal, name: journal.latch("emergency", name, 1))) == [False] * 7 + [
        True
    ]
    one = OperatorCommand("op", "flatten", "me", 1)
    assert sorted(race(url, lambda journal, _: journal.request(one))) == [False] * 7 + [True]
