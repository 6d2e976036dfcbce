"""The door of a venue for a trader: permit, keys, clock and session, also where the local exchange stands in for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from mastertrading.app.local_place import Local
from mastertrading.domain.facts import AccountName
from mastertrading.domain.ports import Clock
from mastertrading.exchange.keys import PREFIX, Keys, keys_of
from mastertrading.exchange.modes import SWITCH, Mode
from mastertrading.exchange.opening import open_gateway

if TYPE_CHECKING:
    from mastertrading.exchange.gateway import VenueGateway
    from mastertrading.journal.stored import StoredJournal
    from mastertrading.settings.schema import Settings

KEKS = ("MASTERTRADING_KEK_FILE", "MASTERTRADING_KEK", "MASTERTRADING_KEK_PASSPHRASE")


def keys_for(
    account: AccountName, mode: Mode, environ: Mapping[str, str], journal: StoredJournal, local: Local | None
) -> Keys | None:
    """The keys of an account: none on paper; the local exchange's own; the environment's; or those in the journal.

    Raises
    ------
    SafetyBlocked
        If there are none, or they cannot be opened.
    """
    if mode is Mode.PAPER:
        return None
    own = PREFIX + account.name.upper().replace("-", "_") + "_"
    if any(name.startswith(own) for name in environ):
        return keys_of(account.name, environ)
    if local is not None:
        return Keys(local.api_key, local.secret)
    if any(environ.get(name) for name in KEKS):
        return _from_vault(account, environ, journal)
    return keys_of(account.name, environ)  # says what is missing


def _from_vault(account: AccountName, environ: Mapping[str, str], journal: StoredJournal) -> Keys:
    from mastertrading.app.commands.keys import keyring_of
    from mastertrading.journal.credentials import Credentials
    from mastertrading.journal.database import DatabaseStore

    kept = Credentials(cast(DatabaseStore, journal.store), keyring_of(environ)).keys(account)
    return Keys(kept.api_key, kept.secret, kept.passphrase)


def session_of(local: Local | None) -> Any:
    """A session that can reach nothing but the local exchange; None: the gateway makes its own."""
    if local is None:
        return None
    from mastertrading.simulator.loopback import loopback_session

    return loopback_session(local.port, local.authority)


def gateway_of(
    settings: Settings,
    clock: Clock,
    environ: Mapping[str, str],
    *,
    keys: Keys | None,
    switch: str,
    origin: str,
    session: Any,
) -> VenueGateway:
    """The venue's gateway; in paper mode one that only reads what is public."""
    return open_gateway(
        settings.exchange,
        clock,
        environ,
        switch=switch or environ.get(SWITCH, ""),
        origin=origin,
        session=session,
        keys=keys,
        seed=settings.seed,
    )
