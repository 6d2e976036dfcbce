"""Whose journal it is, who may write, and who did."""

from __future__ import annotations

from django.db import models

from mastertrading.journal.models.base import Row, ms, whole, word


class Account(models.Model):
    """One account at one venue in one mode; ``identity`` is the venue's own name for it."""

    id = models.BigAutoField(primary_key=True)
    name = word(96, unique=True)
    venue = word()
    mode = word(16)
    currency = word(16)
    identity = word(128)
    created_ms = ms()

    def __str__(self) -> str:
        return str(self.name)


class Lease(models.Model):
    """The one writer of an account. Its epoch only grows."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="+")
    holder = word(200)
    epoch = whole()
    expires_ms = ms()

    def __str__(self) -> str:
        return f"{self.holder or 'nobody'}, epoch {self.epoch}"


class Run(Row):
    """One process that traded, with its code, settings and schema."""

    epoch = whole()
    process = word(200)
    code_id = word(80)
    config_hash = word(80)
    config = models.TextField(default="", blank=True)
    anchor_ms = ms()
    schema = word(80)
    started_ms = ms()
    ended_ms = ms()
    outcome = word(200)

    def __str__(self) -> str:
        return f"run {self.pk}"
