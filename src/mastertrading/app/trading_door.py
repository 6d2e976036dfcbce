"""A venue's door for looking: as ``trade`` opens it, with the journal read only and no lease."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from mastertrading.app.trading.venue import gateway_of, keys_for, session_of
from mastertrading.app.trading.wish import Wish
from mastertrading.domain.errors import JournalUnusable
from mastertrading.exchange.keys import Keys
from mastertrading.journal.opening import open_journal
from mastertrading.simulator.clock import WallClock

if TYPE_CHECKING:
    from mastertrading.exchange.gateway import VenueGateway
    from mastertrading.journal.stored import StoredJournal


@contextmanager
def journal_of(wish: Wish) -> Iterator[StoredJournal]:
    """The account's journal, for reading.

    Raises
    ------
    JournalUnusable
    """
    journal = open_journal(wish.url, account=wish.account, read_only=True)
    try:
        yield journal
    finally:
        journal.close()


def keys_to_look(wish: Wish, environ: Mapping[str, str]) -> Keys | None:
    """The account's keys: they may lie in its journal, if there is one."""
    try:
        with journal_of(wish) as journal:
            return keys_for(wish.account, wish.mode, environ, journal, wish.local)
    except JournalUnusable:
        return keys_for(wish.account, wish.mode, environ, None, wish.local)


@asynccontextmanager
async def door(wish: Wish, environ: Mapping[str, str], keys: Keys | None) -> AsyncIterator[VenueGateway]:
    """The gateway, started; closed afterwards, with its session.

    Raises
    ------
    SafetyBlocked, ExchangeUnavailable, ExchangeRefused
    """
    session = session_of(wish.local)
    clock = wish.local.clock() if wish.local is not None else WallClock()
    gateway = gateway_of(
        wish.settings, clock, environ, keys=keys, switch=wish.switch, origin=wish.origin, session=session
    )
    try:
        await gateway.start()
        yield gateway
    finally:
        await gateway.close()
        if session is not None:
            await session.close()
