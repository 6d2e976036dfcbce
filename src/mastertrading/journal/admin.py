"""The journal in Django's admin: to look at. Facts are written by traders, and exchange keys are never shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from mastertrading.journal import models

HIDDEN = {"sealed", "state", "inputs"}
"""Never shown: sealed keys, and bytes that say nothing to people."""

SHOWN = {
    models.Account: ("name", "venue", "mode", "currency", "identity"),
    models.Lease: ("account", "holder", "epoch", "expires_ms"),
    models.Run: ("id", "account", "process", "code_id", "started_ms", "ended_ms", "outcome"),
    models.Command: (
        "number",
        "symbol",
        "purpose",
        "state",
        "order_side",
        "lots",
        "reason",
        "client_id",
        "sent_ms",
    ),
    models.CommandEvent: ("client_id", "state", "at_ms", "order_id", "refusal", "code"),
    models.VenueOrder: ("symbol", "order_id", "status", "kind", "qty", "filled_qty", "client_id"),
    models.Instrument: ("symbol", "tick", "lot", "multiplier", "since_ms"),
    models.Fill: ("symbol", "fill_id", "order_side", "qty", "px", "fee", "reason", "ts_ms"),
    models.Payment: ("kind", "symbol", "amount", "currency", "ts_ms"),
    models.Adjustment: ("key", "symbol", "qty", "amount", "reason", "ts_ms"),
    models.LedgerTransaction: ("number", "kind", "ref", "ts_ms", "digest"),
    models.LedgerEntry: ("number", "name", "currency", "amount"),
    models.LedgerBalance: ("name", "currency", "amount"),
    models.Trade: (
        "number",
        "symbol",
        "side",
        "max_qty",
        "gross",
        "fees",
        "funding",
        "close_reason",
        "closed_ms",
    ),
    models.Cycle: ("number", "bar_ms", "snapshot", "started_ms", "committed_ms", "has_state"),
    models.Decision: ("symbol", "ts_ms", "net", "refusal", "lots", "exit_reason", "side"),
    models.EquityPoint: ("ts_ms", "equity", "wallet", "exposure"),
    models.Incident: ("ts_ms", "severity", "kind", "subject", "detail"),
    models.Latch: ("name", "is_put", "reason", "set_ms", "opened_by"),
    models.BreakerState: ("name", "stage", "value", "ts_ms"),
    models.OperatorCommand: ("command_id", "verb", "by", "phase", "outcome", "ts_ms"),
    models.CapitalStage: ("number", "name", "equity_share", "gate", "entered_ms"),
    models.ExchangeCredential: ("venue", "mode", "name", "hint", "kek_id", "created_ms", "retired_ms"),
}
FILTERS = {"symbol", "purpose", "state", "kind", "severity", "phase", "status", "close_reason"}


class ReadOnly(admin.ModelAdmin):
    """A table that can be looked at and searched by its filters."""

    ordering = ("-pk",)
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: Any) -> bool:
        """Nobody adds facts by hand."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody changes facts."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody deletes facts."""
        return False

    def get_fields(self, request: Any, obj: Any = None) -> list[str]:
        """Every column but the hidden ones."""
        return [field.name for field in self.model._meta.concrete_fields if field.name not in HIDDEN]


for _model, _columns in SHOWN.items():
    _filters = tuple(name for name in _columns if name in FILTERS)
    _options = {"list_display": _columns, "list_filter": _filters}
    admin.site.register(_model, type(f"{_model.__name__}Admin", (ReadOnly,), _options))
