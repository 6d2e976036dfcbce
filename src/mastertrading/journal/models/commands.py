"""What we meant to do at the venue, how it came, and what the venue told of it."""

from __future__ import annotations

from django.db import models

from mastertrading.journal.fields import ExactDecimalField
from mastertrading.journal.models.base import Row, ms, unique, whole, word


class Command(Row):
    """An intent and how far it has come (``domain/intents.py``)."""

    number = whole()
    client_id = word(36)
    run = models.ForeignKey("journal.Run", null=True, on_delete=models.PROTECT, related_name="+")
    epoch = whole()
    state = word(12)
    is_over = models.BooleanField(default=False)
    symbol = word()
    purpose = word(12)
    bar_ms = ms()
    leg = whole()
    attempt = whole()
    order_side = whole()
    lots = whole()
    qty = ExactDecimalField(null=True)
    limit_px = ExactDecimalField(null=True)
    trigger_px = ExactDecimalField(null=True)
    attached_stop_px = ExactDecimalField(null=True)
    reduce_only = models.BooleanField(default=False)
    reason = word()
    target = word(36)
    params = models.TextField(default="", blank=True)
    params_hash = word(64)
    snapshot = whole()
    prepared_ms = ms()
    changed_ms = ms()
    sent_ms = ms()
    deadline_ms = ms()
    order_id = word(80)
    refusal = word()
    code = word(80)
    detail = models.TextField(default="", blank=True)
    filled_qty = ExactDecimalField(default=0)

    class Meta:
        constraints = (unique("command_number", "number"), unique("command_once", "client_id"))
        indexes = (
            models.Index(
                fields=("account", "number"), name="journal_command_open", condition=models.Q(is_over=False)
            ),
            models.Index(fields=("account", "symbol", "order_id"), name="journal_command_order"),
            models.Index(fields=("account", "bar_ms"), name="journal_command_bar"),
        )

    def __str__(self) -> str:
        return f"{self.symbol} {self.purpose} {self.state}"


class CommandEvent(Row):
    """One arrow of the protocol."""

    client_id = word(36, db_index=True)
    epoch = whole()
    state = word(12)
    at_ms = ms()
    order_id = word(80)
    refusal = word()
    code = word(80)
    detail = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"{self.client_id} {self.state}"


class VenueOrder(Row):
    """An order as the venue told it last."""

    symbol = word()
    order_id = word(80)
    conditional = models.BooleanField(default=False)
    client_id = word(64)
    is_open = models.BooleanField(default=True)
    status = word(16)
    kind = word(16)
    order_side = whole()
    qty = ExactDecimalField()
    filled_qty = ExactDecimalField()
    limit_px = ExactDecimalField(null=True)
    avg_px = ExactDecimalField(null=True)
    trigger_px = ExactDecimalField(null=True)
    trigger_above = models.BooleanField(null=True)
    trigger_by = word(8)
    time_in_force = word(16)
    reduce_only = models.BooleanField(default=False)
    close_position = models.BooleanField(default=False)
    triggered_id = word(80)
    created_ms = ms()
    updated_ms = ms()

    class Meta:
        constraints = (unique("order_id", "symbol", "order_id", "conditional"),)
        indexes = (
            models.Index(
                fields=("account", "symbol"), name="journal_order_open", condition=models.Q(is_open=True)
            ),
            models.Index(fields=("account", "symbol", "triggered_id"), name="journal_order_triggered"),
        )

    def __str__(self) -> str:
        return f"{self.symbol} {self.order_id} {self.status}"
