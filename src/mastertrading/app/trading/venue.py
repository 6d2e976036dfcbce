"""The door of a venue for a trader: permit, keys, clock and session, also where the local exchange stands in for it."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mastertrading.domain.errors import ConfigError, SafetyBlocked
from mastertrading.domain.facts import AccountName
from mastertrading.domain.ports import Clock
from mastertrading.exchange.keys import PREFIX, Keys, keys_of
from mastertrading.exchange.modes import SWITCH, Mode
from mastertrading.exchange.opening import open_gateway
from mastertrading.simulator.clock import WallClock

if TYPE_CHECKING:
    from mastertrading.exchange.gateway import VenueGateway
    from mastertrading.journal.stored import StoredJournal
    from mastertrading.settings.schema import Settings

LOCAL = "local.json"
"""Beside the certificate of ``exchange serve``: where it is, whose it is, and what time it has."""
KEKS = ("MASTERTRADING_KEK_FILE", "MASTERTRADING_KEK", "MASTERTRADING_KEK_PASSPHRASE")


@dataclass(frozen=True, slots=True)
class Local:
    """A local exchange that is being served on this machine."""

    port: int
    authority: Path
    speed: float
    now_ms: int
    at_ms: int
    api_key: str = field(repr=False)
    secret: str = field(repr=False)

    def clock(self) -> WallClock:
        """The exchange's time."""
        passed_ms = (time.time_ns() // 1_000_000 - self.at_ms) * self.speed
        return WallClock(self.speed, int(self.now_ms + passed_ms))


def write_local(folder: Path, told: Mapping[str, Any]) -> None:
    """Say where a local exchange is; only its owner can read it."""
    handle = os.open(folder / LOCAL, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(told, out)


def read_local(folder: Path) -> Local:
    """The local exchange that serves with a folder.

    Raises
    ------
    ConfigError
        If none does.
    SafetyBlocked
        If others can read its keys.
    """
    path = folder / LOCAL
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SafetyBlocked("the file with the keys is open to others", where=str(path))
        told = json.loads(path.read_text(encoding="utf-8"))
        return Local(
            int(told["port"]),
            folder / "ca.pem",
            float(told["speed"]),
            int(told["now_ms"]),
            int(told["at_ms"]),
            str(told["key"]),
            str(told["secret"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            "no local exchange is served with this folder",
            why=type(error).__name__,
            where=str(path),
            hint=f"mastertrading exchange serve --synthetic --out {folder}",
        ) from None


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
