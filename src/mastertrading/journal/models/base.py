"""What rows have in common. Every time is milliseconds UTC."""

from __future__ import annotations

from typing import Any

from django.db import models


class Row(models.Model):
    """A row of one account's journal."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("journal.Account", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


def word(length: int = 32, **options: Any) -> models.CharField:
    """A short text, empty unless given."""
    options.setdefault("default", "")
    options.setdefault("blank", True)
    return models.CharField(max_length=length, **options)


def ms(**options: Any) -> models.BigIntegerField:
    """A moment; 0: none."""
    options.setdefault("default", 0)
    return models.BigIntegerField(**options)


def whole(**options: Any) -> models.BigIntegerField:
    """A whole number."""
    options.setdefault("default", 0)
    return models.BigIntegerField(**options)


def unique(name: str, *fields: str) -> models.UniqueConstraint:
    """A key within an account."""
    return models.UniqueConstraint(fields=("account", *fields), name=f"journal_{name}")
