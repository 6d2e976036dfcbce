"""What a question is about: a backtest's folder or an account's journal, opened as one kind of thing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mastertrading.app.messages import tr
from mastertrading.app.state_folder import JOURNAL, VARIABLE
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from mastertrading.backtest.explain_run import Source

RUNS = Path("runs")
LIVED = Path("demos"), Path("replays"), Path("trading")
"""Where the folders with a journal are made."""
SUMMARY_FILE = "summary.json"


@contextmanager
def asked_source(
    args: argparse.Namespace, *, since_ms: int = 0, at_ms: int | None = None
) -> Iterator[Source]:
    """The tables that are asked about, of ``--run``, of ``--journal``, or of the newest folder there is.

    Parameters
    ----------
    since_ms
        Of a journal: trades that ended before are not asked about.
    at_ms
        Of a journal: the moment whose settings count; None: the newest.

    Raises
    ------
    DataMissing, DataUnreadable, JournalUnusable, UsageError
    """
    folder = _folder(args)
    if folder is not None and not (folder / JOURNAL).is_file():
        from mastertrading.backtest.explain_run import checked_run

        yield checked_run(folder)
        return
    if folder is not None:
        args.journal = str(folder)
    from mastertrading.app.asked_journal import reading, shown_place
    from mastertrading.app.lived.account import Account
    from mastertrading.app.lived.source import JournalSource

    with reading(args) as journal:
        yield JournalSource(Account(journal, shown_place(args), at_ms), since_ms)


def _folder(args: argparse.Namespace) -> Path | None:
    """The folder that was named, or the newest; None: a journal was named."""
    names_journal = bool(args.journal or args.account)
    if args.run is not None and names_journal:
        raise UsageError(tr("choose one of --run and --journal"), hint=tr("leave one of them out"))
    if args.run is not None:
        return Path(args.run)
    return None if names_journal or os.environ.get(VARIABLE) else _newest()


def _newest() -> Path:
    """The folder that was written last: a run, or one with a journal."""
    from mastertrading.backtest.explain_run import newest_run

    lived = [path for place in LIVED for path in place.glob(f"*/{JOURNAL}")]
    found = [*lived, *RUNS.glob(f"*/{SUMMARY_FILE}")]
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, str(path)), default=None)
    return newest.parent if newest is not None and newest in lived else newest_run(RUNS)
