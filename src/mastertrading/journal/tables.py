"""Statements made once from a model, for what a cycle waits for.

Django's query compiler takes longer to write a statement than a database takes to answer it (0.2-0.6 ms, measured, and
a command needs ten). So the tables are declared, migrated and browsed by Django, and the journal speaks to them through
Django's own connections and transactions, with statements written here from the models' columns.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connections, models

from mastertrading.journal.fields import ExactDecimalField
from mastertrading.journal.translate import exact, plain

BATCH = 50
"""Rows in one INSERT: below every database's limit of parameters."""

row_type: Any = namedtuple
Convert = Callable[[Any], Any]


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else plain(Decimal(value))


def _bool(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def _text_of_decimal(value: Any) -> str | None:
    return None if value is None else f"{exact(Decimal(value)):f}"


def _exact(value: Any) -> Decimal | None:
    return None if value is None else exact(Decimal(value))


class Table:
    """A model's columns on one kind of database: names, defaults, and what has to be converted."""

    def __init__(self, model: type[models.Model], vendor: str) -> None:
        fields = model._meta.concrete_fields
        self.name = model._meta.db_table
        self.columns = tuple(field.column for field in fields)
        self._make: Any = row_type(model.__name__, self.columns)._make
        self.listed = ", ".join(f'"{name}"' for name in self.columns)
        self.defaults = {field.column: field.get_default() for field in fields if field.has_default()}
        self.read = [(k, convert) for k, field in enumerate(fields) if (convert := _reading(field))]
        self.write = {field.column: convert for field in fields if (convert := _writing(field, vendor))}

    def made(self, values: tuple[Any, ...]) -> Any:
        """A row of the database as a named tuple."""
        kept = list(values)
        for place, convert in self.read:
            kept[place] = convert(kept[place])
        return self._make(kept)

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the database takes them."""
        write = self.write
        return {name: write[name](value) if name in write else value for name, value in values.items()}


def _reading(field: Any) -> Convert | None:
    if isinstance(field, ExactDecimalField):
        return _decimal
    if isinstance(field, models.BooleanField):
        return _bool
    return _bytes if isinstance(field, models.BinaryField) else None


def _writing(field: Any, vendor: str) -> Convert | None:
    if isinstance(field, ExactDecimalField):
        return _text_of_decimal if vendor == "sqlite" else _exact
    return None


@cache
def table(model: type[models.Model], vendor: str) -> Table:
    """The table of a model."""
    return Table(model, vendor)


class Rows:
    """The rows of one account on one connection. Conditions are SQL with ``%s``; values never are part of it."""

    def __init__(self, using: str, account_id: int) -> None:
        self.using, self.account_id = using, account_id
        self.vendor = str(connections[using].vendor)

    def _execute(self, statement: str, params: Iterable[Any]) -> Any:
        cursor = connections[self.using].cursor()
        cursor.execute(statement, tuple(params))
        return cursor

    def select(
        self, model: Any, where: str = "", *params: Any, order: str = "", limit: int = 0, columns: str = ""
    ) -> list[Any]:
        """Rows that fulfil a condition; with ``columns`` plain tuples of just these, not converted."""
        kind = table(model, self.vendor)
        statement = f'SELECT {columns or kind.listed} FROM "{kind.name}" WHERE account_id = %s'
        statement += f" AND ({where})" if where else ""
        statement += f" ORDER BY {order}" if order else ""
        statement += f" LIMIT {limit:d}" if limit else ""
        with self._execute(statement, (self.account_id, *params)) as cursor:
            found = cursor.fetchall()
        return found if columns else [kind.made(values) for values in found]

    def first(self, model: Any, where: str = "", *params: Any, order: str = "") -> Any | None:
        """The first row that fulfils a condition."""
        found = self.select(model, where, *params, order=order, limit=1)
        return found[0] if found else None

    def insert(self, model: Any, *rows: Mapping[str, Any], conflict: str = "") -> None:
        """Add rows that name the same columns; the others get the model's defaults."""
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            statement, params = self._insertion(model, some)
            self._execute(statement + conflict, params).close()

    def insert_one(self, model: Any, row: Mapping[str, Any]) -> int:
        """Add one row; its id."""
        statement, params = self._insertion(model, (row,))
        with self._execute(statement + " RETURNING id", params) as cursor:
            return int(cursor.fetchone()[0])

    def _insertion(self, model: Any, rows: tuple[Mapping[str, Any], ...]) -> tuple[str, list[Any]]:
        kind = table(model, self.vendor)
        made = [kind.given({**kind.defaults, "account_id": self.account_id, **row}) for row in rows]
        names = ", ".join(f'"{name}"' for name in made[0])
        marks = "(" + ", ".join(["%s"] * len(made[0])) + ")"
        statement = f'INSERT INTO "{kind.name}" ({names}) VALUES ' + ", ".join([marks] * len(made))
        return statement, [value for row in made for value in row.values()]

    def update(self, model: Any, values: Mapping[str, Any], where: str, *params: Any) -> int:
        """Change rows that fulfil a condition; how many."""
        kind = table(model, self.vendor)
        given = kind.given(values)
        names = ", ".join(f'"{name}" = %s' for name in given)
        statement = f'UPDATE "{kind.name}" SET {names} WHERE account_id = %s AND ({where})'
        with self._execute(statement, (*given.values(), self.account_id, *params)) as cursor:
            return int(cursor.rowcount)

    def upsert(self, model: Any, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Change the row of a key, or add it."""
        where = " AND ".join(f'"{name}" = %s' for name in key)
        if not self.update(model, values, where or "TRUE", *key.values()):
            self.insert(model, {**key, **values})

    def delete(self, model: Any, where: str, *params: Any) -> int:
        """Remove rows that fulfil a condition; how many."""
        statement = f'DELETE FROM "{table(model, self.vendor).name}" WHERE account_id = %s AND ({where})'
        with self._execute(statement, (self.account_id, *params)) as cursor:
            return int(cursor.rowcount)

    def catch_up(self) -> None:
        """Carry what was committed from SQLite's log into its file, so that no later commit has to."""
        if self.vendor == "sqlite":
            self._execute("PRAGMA wal_checkpoint(PASSIVE)", ()).close()


def marks(values: Iterable[Any]) -> str:
    """``(%s, %s, …)`` for an ``IN``."""
    return "(" + ", ".join("%s" for _ in values) + ")"
