"""Where an account lives on this machine, and which one a command asks about: said here once.

A *state folder* holds ``journal.db`` and what a trader keeps beside it. ``--journal`` names a journal by its folder,
its file or its address; without it ``MASTERTRADING_JOURNAL`` counts, and then ``journal.db`` of the working folder.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mastertrading.domain.facts import RunFacts
    from mastertrading.settings.schema import Settings

JOURNAL = "journal.db"
VARIABLE = "MASTERTRADING_JOURNAL"


def journal_url(args: argparse.Namespace) -> str:
    """The journal's address: given, from the environment, or the default."""
    return url_of(str(getattr(args, "journal", "") or os.environ.get(VARIABLE, "") or JOURNAL))


def url_of(place: str) -> str:
    """The address of a journal that is named by its folder, its file or its address."""
    if "://" in place:
        return place
    path = Path(place)
    return f"sqlite:///{path / JOURNAL if path.is_dir() else path}"


def folder_of(url: str) -> Path:
    """The state folder of a journal: beside its file; of a journal on a server, the working folder."""
    return Path(url.partition(":///")[2]).parent if url.startswith("sqlite:///") else Path()


def run_facts(settings: Settings, now_ms: int) -> RunFacts:
    """What is written of a process that begins to trade with some settings."""
    from mastertrading.compiled.kernel import code_key
    from mastertrading.domain.facts import RunFacts
    from mastertrading.settings.load import config_hash, to_toml

    return RunFacts(code_key(), config_hash(settings), now_ms, f"pid {os.getpid()}", to_toml(settings))
