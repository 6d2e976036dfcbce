"""Columns that keep what they are given."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

from mastertrading.journal.translate import PLACES, WHOLE_DIGITS, exact, plain


class ExactDecimalField(models.Field):
    """A decimal of 38 digits, 18 of them after the point, kept exactly on every database.

    PostgreSQL has ``numeric(38, 18)``. SQLite would turn a decimal into a float beyond 15 digits, so there it is text;
    never sort or sum it in SQL without ``exact_sum``.
    """

    description = "Exact decimal"

    def db_type(self, connection: Any) -> str:
        """The column's type."""
        if connection.vendor == "sqlite":
            return "text"
        return f"numeric({PLACES + WHOLE_DIGITS}, {PLACES})"

    def get_internal_type(self) -> str:
        """No type of Django's own."""
        return "ExactDecimalField"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        """What the database gives, as a decimal without a tail of zeros."""
        return None if value is None else plain(Decimal(value))

    def to_python(self, value: Any) -> Decimal | None:
        """Any value as a decimal."""
        return None if value is None else Decimal(value)

    def get_prep_value(self, value: Any) -> Decimal | None:
        """Refuse what does not fit, before it is written."""
        if value is None:
            return None
        if isinstance(value, float):
            raise TypeError(f"{self.name}: money is never a float")
        return exact(Decimal(value))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """As the database takes it."""
        kept = value if prepared else self.get_prep_value(value)
        return f"{kept:f}" if kept is not None and connection.vendor == "sqlite" else kept
