"""Guards in the database itself: facts are never changed, the ledger balances, what is over stays over."""

from typing import Any

from django.db import migrations

FACTS = ("commandevent", "fill", "payment", "adjustment", "ledgertransaction", "ledgerentry")
UNBALANCED = """
    NOT EXISTS (SELECT 1 FROM journal_ledgerentry e
                WHERE e.account_id = NEW.account_id AND e.number = NEW.number)
    OR EXISTS (SELECT 1 FROM journal_ledgerentry e
               WHERE e.account_id = NEW.account_id AND e.number = NEW.number
               GROUP BY e.currency HAVING {total}(e.amount) <> {zero})
"""
SEALED = """
    EXISTS (SELECT 1 FROM journal_ledgertransaction t
            WHERE t.account_id = NEW.account_id AND t.number = NEW.number)
"""
REOPENED = "OLD.is_over AND NEW.state <> OLD.state"
REDONE = "OLD.phase <> 'accepted'"

Guard = tuple[str, str, str, str, str]


def guards(total: str, zero: str) -> list[Guard]:
    """Name, table, event, condition and what is said."""
    every: list[Guard] = [
        ("entry_sealed", "ledgerentry", "INSERT", SEALED, "this ledger transaction is sealed"),
        (
            "balanced",
            "ledgertransaction",
            "INSERT",
            UNBALANCED.format(total=total, zero=zero),
            "this ledger transaction does not balance",
        ),
        ("over", "command", "UPDATE", REOPENED, "this command is over"),
        ("audited", "operatorcommand", "UPDATE", REDONE, "this operator command is finished"),
        ("kept", "operatorcommand", "DELETE", "", "operator commands are kept"),
    ]
    for table in FACTS:
        for event in ("UPDATE", "DELETE"):
            every.append((f"{table}_{event.lower()}", table, event, "", f"facts are never changed ({table})"))
    return every


def sqlite(guard: Guard) -> list[str]:
    """A trigger for SQLite; ``exact_sum`` is taught to each connection (``connecting.py``)."""
    name, table, event, condition, words = guard
    when = f"WHEN {condition}" if condition else ""
    return [
        f"CREATE TRIGGER journal_guard_{name} BEFORE {event} ON journal_{table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
    ]


def postgresql(guard: Guard) -> list[str]:
    """A trigger and its function for PostgreSQL."""
    name, table, event, condition, words = guard
    result = "OLD" if event == "DELETE" else "NEW"
    body = f"RAISE EXCEPTION '{words}' USING ERRCODE = '23514';"
    if condition:
        body = f"IF {condition} THEN {body} END IF;"
    return [
        f"CREATE FUNCTION journal_guard_{name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {body} RETURN {result}; END $$",
        f"CREATE TRIGGER journal_guard_{name} BEFORE {event} ON journal_{table} "
        f"FOR EACH ROW EXECUTE FUNCTION journal_guard_{name}()",
    ]


def put(apps: Any, schema_editor: Any) -> None:
    """Make every guard."""
    vendor = schema_editor.connection.vendor
    made = guards("exact_sum", "'0'") if vendor == "sqlite" else guards("sum", "0")
    for guard in made:
        for statement in sqlite(guard) if vendor == "sqlite" else postgresql(guard):
            schema_editor.execute(statement.replace("%", "%%"))


class Migration(migrations.Migration):
    """After the tables."""

    dependencies = (("journal", "0001_initial"),)
    operations = (migrations.RunPython(put, migrations.RunPython.noop),)
