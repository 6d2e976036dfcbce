"""The database itself refuses what the journal never does: facts changed, a ledger out of balance, ends undone."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from itertools import count

import pytest

from journal_made import ACCOUNT, D, Template, begun, cycle, fill, funding, intent, sent, sqlite_url
from journal_servers import postgresql
from mastertrading.domain.errors import InvariantBroken, JournalUnusable
from mastertrading.domain.facts import Adjustment, CommandPhase, OperatorCommand
from mastertrading.domain.intents import CommandState, Transition
from mastertrading.journal.opening import open_journal

numbers = count(1)


@pytest.fixture(scope="module")
def address(request, tmp_path_factory):
    if request.param == "sqlite":
        template = Template(tmp_path_factory.mktemp("journals"))
        yield lambda: (sqlite_url(template.copy()), ACCOUNT)
    else:
        with postgresql() as url:
            yield lambda: (url, replace(ACCOUNT, name=f"guards{next(numbers)}"))


@pytest.fixture
def journal(address):
    url, account = address()
    journal = begun(open_journal(url, account=account, create=True))
    client_id = sent(journal, intent())
    journal.mark(Transition(client_id, CommandState.REFUSED, 20))
    journal.book_fill(fill(1, 1, "0.003", "50000"), fill(2, -1, "0.001", "50100"), at_ms=9)
    journal.book_payment(funding(1, "0.1", 1500), at_ms=9)
    journal.adjust(Adjustment("a", "why", 9000, amount=D(1), currency="USDT"), at_ms=9)
    one = OperatorCommand("op", "pause", "me", 5)
    journal.request(one)
    journal.finish(replace(one, phase=CommandPhase.DONE, done_ms=6))
    journal.commit_cycle(cycle(60_000), 60_100)
    yield journal
    journal.close()


both = pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)


def run(journal, *statements):
    with journal.store.transaction():
        for statement in statements:
            journal.store.rows._execute(statement, ()).close()


@both
@pytest.mark.parametrize(
    "table",
    ["fill", "payment", "adjustment", "commandevent", "ledgerentry", "ledgertransaction", "operatorcommand"],
)
def test_a_fact_cannot_be_changed_or_deleted(journal, table):
    for statement in (f"UPDATE journal_{table} SET account_id = account_id", f"DELETE FROM journal_{table}"):
        with pytest.raises(InvariantBroken, match="refused a row"):
            run(journal, statement)
    journal.verify()


@both
def test_a_ledger_transaction_that_does_not_balance_is_refused(journal):
    entries = "INSERT INTO journal_ledgerentry (account_id, number, line, ref, name, currency, amount)"
    seal = "INSERT INTO journal_ledgertransaction (account_id, number, kind, ref, ts_ms, epoch, previous, digest)"
    own = journal.store.rows.account_id
    for lines in (
        f"({own}, 99, 0, 'x', 'wallet', 'USDT', '1'), ({own}, 99, 1, 'x', 'pnl', 'USDT', '-0.9')",
        "",
    ):
        wanted = [f"{entries} VALUES {lines}"] if lines else []
        wanted.append(f"{seal} VALUES ({own}, 99, 'x', 'x', 1, 1, '', '')")
        with pytest.raises(InvariantBroken, match="refused a row"):
            run(journal, *wanted)
    journal.verify()


@both
def test_a_sealed_ledger_transaction_takes_no_more_entries(journal):
    own = journal.store.rows.account_id
    names = "account_id, number, line, ref, name, currency, amount"
    with pytest.raises(InvariantBroken, match="refused a row"):
        run(
            journal,
            f"INSERT INTO journal_ledgerentry ({names}) VALUES ({own}, 1, 9, 'x', 'wallet', 'USDT', '1')",
        )


@both
def test_a_command_that_is_over_cannot_be_reopened(journal):
    with pytest.raises(InvariantBroken, match="refused a row"):
        run(journal, "UPDATE journal_command SET state = 'sent' WHERE is_over")


@both
def test_lines_that_belong_to_no_transaction_are_found(journal):
    own = journal.store.rows.account_id
    names = "account_id, number, line, ref, name, currency, amount"
    run(
        journal, f"INSERT INTO journal_ledgerentry ({names}) VALUES ({own}, 5, 0, 'x', 'wallet', 'USDT', '1')"
    )
    with pytest.raises(JournalUnusable):
        journal.verify()


@both
def test_a_balance_that_was_changed_is_found(journal):
    run(journal, "UPDATE journal_ledgerbalance SET amount = '77' WHERE name = 'wallet'")
    with pytest.raises(JournalUnusable, match="is not the sum of its entries"):
        journal.verify()


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
def test_one_digit_of_a_fact_changed_behind_the_guards_is_found_at_the_next_start(journal):
    path = journal.store.address.path
    journal.close()
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER journal_guard_ledgerentry_update")
    changed = "UPDATE journal_ledgerentry SET amount = REPLACE(amount, '3', '4') WHERE number = 1"
    assert connection.execute(changed).rowcount
    connection.commit()
    connection.close()
    with pytest.raises(JournalUnusable, match="is not what was written") as caught:
        open_journal(sqlite_url(path), account=ACCOUNT)
    assert caught.value.exit_code == 3
