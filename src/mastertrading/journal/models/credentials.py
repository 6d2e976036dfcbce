"""Exchange keys, sealed. No plain text is ever in a row, a name or a dump."""

from __future__ import annotations

from django.db import models

from mastertrading.journal.models.base import ms, word


class ExchangeCredential(models.Model):
    """One set of keys of one account, sealed by ``vault`` under the key-encryption key ``kek_id``.

    Rotating the exchange's keys adds a row and retires the old one; rotating the key-encryption key seals anew.
    """

    id = models.BigAutoField(primary_key=True)
    row_id = word(32, unique=True)
    venue = word()
    mode = word(16)
    name = word(40)
    kek_id = word(16)
    sealed = models.TextField()
    hint = word(8)
    """The last letters of the public key, to tell keys apart."""
    created_ms = ms()
    retired_ms = ms()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("venue", "mode", "name"),
                condition=models.Q(retired_ms=0),
                name="journal_credential_current",
            ),
        )

    def __str__(self) -> str:
        return f"{self.venue}:{self.mode}:{self.name} (…{self.hint})"
