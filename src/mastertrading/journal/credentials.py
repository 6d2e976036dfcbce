"""Exchange keys in the journal's database: kept sealed, replaced, rotated."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mastertrading.domain.errors import SafetyBlocked
from mastertrading.domain.facts import AccountName
from mastertrading.journal.vault import ApiKeys, Keyring, kek_name, rewrap, seal, unseal

if TYPE_CHECKING:  # the tables exist once a journal is open
    from mastertrading.journal.database import DatabaseStore


class Credentials:
    """The keys of a database's accounts, opened by a keyring that is not in it."""

    def __init__(self, store: DatabaseStore, keyring: Keyring) -> None:
        self.store, self.keyring = store, keyring

    def keep(self, account: AccountName, keys: ApiKeys, at_ms: int) -> None:
        """Keep an account's keys; older ones are retired (rotation of the exchange's keys)."""
        from mastertrading.journal.models import ExchangeCredential

        row_id = os.urandom(16).hex()
        with self.store.transaction():
            self._current(account).update(retired_ms=max(1, at_ms), sealed="")
            ExchangeCredential.objects.using(self.store.using).create(
                row_id=row_id,
                venue=account.venue,
                mode=account.mode,
                name=account.name,
                kek_id=self.keyring.current.name,
                sealed=seal(self.keyring, keys, _context(account, row_id)),
                hint=keys.hint,
                created_ms=at_ms,
            )

    def keys(self, account: AccountName) -> ApiKeys:
        """An account's keys. Raises ``SafetyBlocked`` if there are none, or they cannot be opened."""
        with self.store.speaking():
            row = self._current(account).first()
        if row is None:
            raise SafetyBlocked(f"no exchange keys are kept for {account}", hint="mastertrading keys add")
        return unseal(self.keyring, row.sealed, _context(account, row.row_id))

    def kept(self) -> tuple[tuple[AccountName, str, str], ...]:
        """Whose keys are kept: account, the last letters of the public key, and which KEK seals them."""
        from mastertrading.journal.models import ExchangeCredential

        with self.store.speaking():
            rows = ExchangeCredential.objects.using(self.store.using).filter(retired_ms=0).order_by("id")
            return tuple((AccountName(row.venue, row.mode, row.name), row.hint, row.kek_id) for row in rows)

    def rotate(self) -> int:
        """Seal every row under the keyring's first KEK, all or none; returns how many changed."""
        from mastertrading.journal.models import ExchangeCredential

        changed = 0
        with self.store.transaction():
            every = (
                ExchangeCredential.objects.using(self.store.using).select_for_update().filter(retired_ms=0)
            )
            for row in every:
                if kek_name(row.sealed) != self.keyring.current.name:
                    account = AccountName(row.venue, row.mode, row.name)
                    row.sealed = rewrap(self.keyring, row.sealed, _context(account, row.row_id))
                    row.kek_id = self.keyring.current.name
                    row.save(using=self.store.using)
                    changed += 1
        return changed

    def _current(self, account: AccountName) -> Any:
        from mastertrading.journal.models import ExchangeCredential

        return ExchangeCredential.objects.using(self.store.using).filter(
            venue=account.venue, mode=account.mode, name=account.name, retired_ms=0
        )


def _context(account: AccountName, row_id: str) -> str:
    """What a secret is bound to: its account and its row."""
    return f"{account}/{row_id}"
