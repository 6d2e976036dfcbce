"""A trader as one sees it from outside: its process, its journal, and what it holds. Nothing is asked of a venue."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mastertrading.app.state_folder import VARIABLE, url_of
from mastertrading.app.trading.folder import TradingFolder
from mastertrading.domain.errors import MastertradingError, UsageError
from mastertrading.domain.facts import AccountName, Severity

if TYPE_CHECKING:
    from mastertrading.journal.stored import StoredJournal

DAY_MS = 86_400_000
FAR_MS = 1_200_000
"""A lease that ends so far from now was given by another clock than ours."""
NEWEST = 5


@dataclass(frozen=True, slots=True)
class Held:
    """A position as the journal has it, with what rests to close it."""

    symbol: str
    qty: str
    entry_px: str
    stop_px: str
    """Empty: no stop is known to rest at the venue."""
    since_ms: int


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a trader."""

    name: str
    account: str
    running: bool
    phase: str = ""
    pid: int = 0
    began_ms: int = 0
    command: str = ""
    journal: str = ""
    trouble: str = ""
    """Why the journal could not be asked; empty: it was."""
    holder: str = ""
    lease_left_s: float = 0.0
    bar_ms: int = 0
    cycle_ms: int = 0
    equity: str = ""
    held: tuple[Held, ...] = ()
    entries: int = 0
    """Orders of ours that rest at the venue and may open something."""
    switches: Mapping[str, str] = field(default_factory=dict)
    breakers: Mapping[str, int] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    """What operators asked for and was not obeyed yet."""
    incidents: tuple[Mapping[str, str], ...] = ()


def whose(folder: TradingFolder) -> tuple[AccountName, str]:
    """Account and journal's address of a folder.

    Raises
    ------
    UsageError
        If the journal is on a server, and its address is not in the environment.
    """
    account, url = folder.about()
    place = os.environ.get(VARIABLE, "")
    url = url or (url_of(place) if place else "")
    if account is None or not url:
        raise UsageError("this trader's journal is on a server: say where", where=VARIABLE)
    return account, url


def opened(folder: TradingFolder, *, read_only: bool) -> StoredJournal:
    """The journal of a folder."""
    from mastertrading.journal.opening import open_journal

    account, url = whose(folder)
    return open_journal(url, account=account, read_only=read_only)


def look_at(folder: TradingFolder) -> Look:
    """Everything about one trader. A journal that can't be asked leaves the rest."""
    claim = folder.pid.running()
    account, _ = folder.about()
    facts = claim.facts if claim is not None else {}
    known: dict[str, Any] = {
        "name": folder.path.name,
        "account": str(account or facts.get("account", "")),
        "running": claim is not None,
        "phase": str(facts.get("phase", "")),
        "began_ms": int(facts.get("began_ms", 0)),
    }
    if claim is not None:
        known |= {"pid": claim.who.pid, "command": claim.who.command}
    try:
        journal = opened(folder, read_only=True)
    except MastertradingError as error:
        return Look(**known, trouble=error.what)
    try:
        return Look(**known, **_from_journal(journal))
    except MastertradingError as error:
        return Look(**known, trouble=error.what)
    finally:
        journal.close()


def _from_journal(journal: StoredJournal) -> dict[str, Any]:
    lease, state, equity = journal.lease(), journal.latest_state(), journal.equity()
    now_ms = _now_of(journal)
    recent = [one for one in journal.incidents(since_ms=now_ms - DAY_MS) if one.severity is not Severity.INFO]
    return {
        "journal": str(journal.store.address),  # type: ignore[attr-defined]
        "holder": lease.holder if lease else "",
        "lease_left_s": max(0.0, (lease.expires_ms - now_ms) / 1000) if lease else 0.0,
        "bar_ms": state.bar_ms if state else 0,
        "cycle_ms": state.started_ms if state else 0,
        "equity": plain(equity[-1].equity) if equity else "",
        "held": held_in(journal),
        "entries": _entries(journal),
        "switches": {name: one.reason for name, one in journal.latches().items()},
        "breakers": {name: one.stage for name, one in journal.breakers().items() if one.stage},
        "waiting": tuple(f"{one.verb} ({one.by})" for one in journal.requests()),
        "incidents": tuple(
            {"at_ms": str(one.ts_ms), "kind": one.kind, "severity": one.severity.value, "detail": one.detail}
            for one in recent[-NEWEST:]
        ),
    }


def _now_of(journal: StoredJournal) -> int:
    """The present; of a trader on an exchange with a time of its own: when it last looked at it."""
    now_ms, lease, state = time.time_ns() // 1_000_000, journal.lease(), journal.latest_state()
    if lease is None or abs(lease.expires_ms - now_ms) < FAR_MS:
        return now_ms
    return min(lease.expires_ms, state.started_ms) if state is not None else lease.expires_ms


def held_in(journal: StoredJournal) -> tuple[Held, ...]:
    """Open trades, each with the stop that rests at the venue as far as it told."""
    stops: dict[str, str] = {}
    for order in journal.venue_orders():
        if order.trigger is not None and (order.reduce_only or order.close_position):
            stops.setdefault(order.symbol, plain(order.trigger.px))
    return tuple(
        Held(one.symbol, plain(one.qty), plain(one.entry_px), stops.get(one.symbol, ""), one.opened_ms)
        for one in journal.trades(since_ms=_now_of(journal))
        if one.is_open
    )


def _entries(journal: StoredJournal) -> int:
    return sum(
        not (order.reduce_only or order.close_position) and order.trigger is None
        for order in journal.venue_orders()
    )


def plain(value: Any) -> str:
    """A decimal without exponent and superfluous zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(ms: int) -> str:
    """A moment for people; empty for none."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC" if ms else ""


def holdings(held: Sequence[Held]) -> list[str]:
    """What is held, a line each."""
    from mastertrading.app.messages import tr

    sentence = tr("{symbol}: {qty} at {px}, its stop at {stop}")
    none = tr("NONE THAT IS KNOWN")
    return [
        sentence.format(symbol=one.symbol, qty=one.qty, px=one.entry_px, stop=one.stop_px or none)
        for one in held
    ] or [tr("nothing is held")]
