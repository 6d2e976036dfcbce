"""Where the books of a run stand: in memory, or in a database file that each process opens anew."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from mastertrading.domain.errors import JournalUnusable, UsageError
from mastertrading.domain.facts import AccountName, Lease
from mastertrading.journal.memory import MemoryStore
from mastertrading.journal.stored import StoredJournal

MEMORY, SQLITE = "memory", "sqlite"
KINDS = (MEMORY, SQLITE)
FILE = "journal.db"


class Shelf:
    """Opens the journal of an account, for one process after the other.

    Parameters
    ----------
    kind
        ``memory``; or ``sqlite``: a file with WAL and ``synchronous=FULL``, in a folder that goes with the run.
    """

    def __init__(self, kind: str, account: AccountName) -> None:
        if kind not in KINDS:
            raise UsageError(f"a campaign keeps no journal in {kind!r}", why=", ".join(KINDS))
        self.account = account
        self._memory = MemoryStore(account) if kind == MEMORY else None
        self._folder = TemporaryDirectory(prefix="campaign-") if kind == SQLITE else None
        self._open: list[StoredJournal] = []

    @property
    def folder(self) -> Path:
        """Where the file is."""
        return Path(self._folder.name if self._folder is not None else "")

    @property
    def url(self) -> str:
        """The file's address."""
        return f"sqlite:///{self.folder / FILE}"

    def open(self, life: int) -> StoredJournal:
        """The journal for one more process; what others have open stays as it is."""
        if self._memory is not None:
            return StoredJournal(self._memory)
        if life == 0:
            shutil.copy(_empty(self.account), self.folder / FILE)
        journal = opened(self.url, self.account)
        self._open.append(journal)
        return journal

    def take_back(self) -> None:
        """Whoever held the lease is known to be dead: as a supervisor does that saw it end."""
        journal = self._open[0] if self._memory is None else StoredJournal(self._memory)
        store = journal.store
        with store.transaction():
            held = store.lease(lock=True)
            if held is not None:
                store.save_lease(Lease("", held.epoch, held.expires_ms))

    def close(self) -> None:
        """Close what was opened, and take the file away."""
        for journal in self._open:
            with suppress(JournalUnusable):
                journal.close()
        self._open.clear()
        if self._folder is not None:
            self._folder.cleanup()


def opened(url: str, account: AccountName, *, create: bool = False) -> StoredJournal:
    """The journal at an address, in this thread."""
    from mastertrading.journal.opening import open_journal

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # it belongs to this thread: nothing waits for it
    return open_journal(url, account=account, create=create)


@cache
def _empty(account: AccountName) -> Path:
    """A journal without an entry, made once in a process: making its tables takes longer than a run."""
    path = Path(mkdtemp(prefix="campaign-empty-")) / FILE
    opened(f"sqlite:///{path}", account, create=True).close()
    return path
