"""The journal as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class JournalConfig(AppConfig):
    """Tables begin with ``journal_``."""

    name = "mastertrading.journal"
    label = "journal"
    verbose_name = "Trading journal"
    default_auto_field = "django.db.models.BigAutoField"
