"""The settings, the journal and the venue of an account."""

from __future__ import annotations

import argparse
import asyncio
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.app.findings import Finding, State, fail, from_error, ok, warn
from mastertrading.app.messages import tr
from mastertrading.app.options import resolved_settings
from mastertrading.app.state_folder import journal_url
from mastertrading.domain.errors import JournalUnusable, MastertradingError

if TYPE_CHECKING:
    from mastertrading.journal.stored import StoredJournal
    from mastertrading.settings.load import Resolved

PATIENCE_S = 5.0
BIG_BYTES = 4 << 30


def look_at_settings(args: argparse.Namespace) -> tuple[Finding, Resolved | None]:
    """Whether the configuration is understood."""
    try:
        resolved = resolved_settings(args)
    except MastertradingError as error:
        return from_error("configuration", error), None
    settings = resolved.settings
    changed = sum(origin != "default" for origin in resolved.origins.values())
    found = tr("valid, {count} settings differ from the defaults; {mode} on {venue}").format(
        count=changed, mode=settings.exchange.mode, venue=settings.exchange.venue
    )
    if settings.exchange.mode != "live" and os.environ.get("MASTERTRADING_LIVE"):
        return warn("configuration", found, tr("unset MASTERTRADING_LIVE: the mode is not live")), resolved
    return ok("configuration", found), resolved


def look_at_journal(args: argparse.Namespace) -> Iterator[Finding]:
    """File, version, pages, ledger, lease and switches."""
    url = journal_url(args)
    path = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
    if path is not None and not path.exists():
        named = bool(args.journal or args.account)
        made = fail if named else ok
        yield made("journal", tr("there is none at {place} yet").format(place=path))
        return
    if path is not None:
        yield from _file(path)
    from mastertrading.app.asked_journal import reading

    try:
        with reading(args) as journal:
            yield ok("journal", f"{journal.account}, {getattr(journal.store, 'schema', '')}")
            yield _ledger(journal)
            yield _lease(journal)
            yield _switches(journal)
            yield _unresolved(journal)
    except MastertradingError as error:
        yield from_error("journal", error)


def _file(path: Path) -> Iterator[Finding]:
    """Its rights, its size and its pages."""
    about = path.stat()
    if os.name != "nt" and stat.S_IMODE(about.st_mode) & 0o077:
        yield warn("journal file", tr("{path} can be read by others").format(path=path), f"chmod 600 {path}")
    elif not os.access(path, os.W_OK):
        yield fail("journal file", tr("{path} cannot be written").format(path=path), tr("check its rights"))
    else:
        size = f"{path}, {about.st_size / 1e6:.1f} MB"
        big = about.st_size > BIG_BYTES
        yield warn("journal file", size, "mastertrading journal thin") if big else ok("journal file", size)
    yield _pages(path)


def _pages(path: Path) -> Finding:
    import sqlite3

    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE_S)
        try:
            said = str(connection.execute("PRAGMA quick_check").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error as error:
        said = str(error)
    if said == "ok":
        return ok("journal pages", tr("sound"))
    return fail("journal pages", said, "mastertrading journal restore FILE")


def _ledger(journal: StoredJournal) -> Finding:
    try:
        journal.verify()
    except JournalUnusable as error:
        return from_error("ledger", error)
    count = journal.store.chain_end()[0]
    return ok("ledger", tr("balances; its chain of {count} transactions holds").format(count=count))


def _lease(journal: StoredJournal) -> Finding:
    held, now_ms = journal.lease(), time.time_ns() // 1_000_000
    if held is None:
        return ok("lease", tr("nobody trades this account now"))
    left_s = (held.expires_ms - now_ms) / 1000
    if left_s > 0:
        return ok(
            "lease", tr("held by {holder} for another {left:.0f} s").format(holder=held.holder, left=left_s)
        )
    found = tr("{holder} held it and did not give it back").format(holder=held.holder)
    return warn("lease", found, tr("a process died; the next start takes it over"))


def _switches(journal: StoredJournal) -> Finding:
    put = journal.latches()
    if not put:
        return ok("switches", tr("none is put"))
    names = ", ".join(f"{one.name} ({one.reason})" for one in put.values())
    return warn("switches", names, "mastertrading resume")


def _unresolved(journal: StoredJournal) -> Finding:
    names = [one.client_id for one in journal.open_commands() if one.state.is_unresolved]
    if not names:
        return ok("commands", tr("every answer is known"))
    return warn(
        "commands", tr("not known what became of {names}").format(names=", ".join(names)), tr("start it")
    )


def look_at_clock(resolved: Resolved) -> Finding:
    """The machine's clock beside the venue's, asked publicly."""
    return asyncio.run(_clock(resolved))


async def _clock(resolved: Resolved) -> Finding:
    from mastertrading.exchange.opening import open_gateway
    from mastertrading.simulator.clock import WallClock

    exchange = resolved.settings.exchange.model_copy(update={"mode": "paper", "timeout_seconds": 3.0})
    gateway: Any = None
    try:
        gateway = open_gateway(exchange, WallClock(), {})
        async with asyncio.timeout(PATIENCE_S):
            await gateway.connection.open()
            await gateway.sync_clock()
        return clock_finding(
            gateway.now_ms() - time.time_ns() / 1e6,
            gateway.clock_error_ms,
            resolved.settings.live.max_clock_error_ms,
            exchange.venue,
        )
    except (MastertradingError, TimeoutError) as error:
        why = error.what if isinstance(error, MastertradingError) else tr("no answer")
        return Finding(
            "clock", State.WARN, tr("{venue} cannot be reached: {why}").format(venue=exchange.venue, why=why)
        )
    finally:
        if gateway is not None:
            await gateway.close()


def clock_finding(offset_ms: float, error_ms: float, most_ms: float, venue: str) -> Finding:
    """How far this machine's clock is off; what counts is how well the offset is known, as it is reckoned with."""
    found = tr("{offset:+.0f} ms beside {venue}, known to {error:.0f} ms").format(
        offset=offset_ms, venue=venue, error=error_ms
    )
    if error_ms > most_ms:
        return fail("clock", found, tr("a slow or uneven connection: no entry is made like this"))
    if abs(offset_ms) > most_ms:
        return warn(
            "clock", found, tr("set the machine's clock by NTP; the offset is reckoned with meanwhile")
        )
    return ok("clock", found)
