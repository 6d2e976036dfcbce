"""Incidents, switches, breakers, operators' commands and capital stages."""

from __future__ import annotations

from django.db import models

from mastertrading.journal.fields import ExactDecimalField
from mastertrading.journal.models.base import Row, ms, unique, whole, word


class Incident(Row):
    """Something that people should know."""

    kind = word(40)
    severity = word(12)
    subject = word(80)
    detail = models.TextField(default="", blank=True)
    figures = models.TextField(default="{}")
    ts_ms = ms()

    class Meta:
        indexes = (models.Index(fields=("account", "ts_ms"), name="journal_incident_time"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Latch(Row):
    """A switch, from when it was put until an operator's command opened it."""

    name = word(80)
    reason = models.TextField(default="", blank=True)
    set_ms = ms()
    opened_ms = ms()
    opened_by = word(80)
    is_put = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("account", "name"), condition=models.Q(is_put=True), name="journal_latch_put"
            ),
        )

    def __str__(self) -> str:
        return str(self.name)


class BreakerState(Row):
    """Where one circuit breaker stands; each change is an incident."""

    name = word(40)
    stage = whole()
    value = models.FloatField(default=0.0)
    ts_ms = ms()

    class Meta:
        constraints = (unique("breaker_name", "name"),)

    def __str__(self) -> str:
        return f"{self.name} {self.stage}"


class OperatorCommand(Row):
    """What a person asked for, and what it changed."""

    command_id = word(80)
    verb = word(40)
    by = word(120)
    arguments = models.TextField(default="{}")
    phase = word(12)
    before = models.TextField(default="", blank=True)
    after = models.TextField(default="", blank=True)
    outcome = models.TextField(default="", blank=True)
    ts_ms = ms()
    done_ms = ms()

    class Meta:
        constraints = (unique("operator_once", "command_id"),)
        indexes = (models.Index(fields=("account", "phase"), name="journal_operator_phase"),)

    def __str__(self) -> str:
        return f"{self.verb} {self.phase}"


class CapitalStage(Row):
    """A step from paper to full size; the newest holds."""

    number = whole()
    name = word(40)
    equity_share = ExactDecimalField()
    instruments = whole()
    trades = whole()
    entered_ms = ms()
    gate = word(200)
    command_id = word(80)

    def __str__(self) -> str:
        return f"{self.number} {self.name}"
