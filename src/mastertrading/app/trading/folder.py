"""Where a trader keeps what it needs: one folder for each venue, mode and account."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mastertrading.app.processes import PidFile
from mastertrading.domain.errors import NotRunning, UsageError
from mastertrading.domain.facts import AccountName
from mastertrading.live.emergency import FILE as EMERGENCY

BASE = Path("trading")
"""Under the working folder."""
JOURNAL, PID, LOG = "journal.db", "trader.json", "trader.log"


@dataclass(frozen=True, slots=True)
class TradingFolder:
    """The folder of one trader.

    ==================  =======================================================
    ``journal.db``      the journal, unless it is somewhere else
    ``trader.json``     who trades here: process, mode, venue, journal's place
    ``trader.log``      what happened, a line each; older ones in ``.1``, ``.2``
    ``emergency.json``  while an emergency is on
    ==================  =======================================================
    """

    path: Path

    @property
    def url(self) -> str:
        """Address of the journal that lies here."""
        return f"sqlite:///{self.path.absolute() / JOURNAL}"

    @property
    def pid(self) -> PidFile:
        """Who trades here."""
        return PidFile(self.path / PID)

    @property
    def log(self) -> Path:
        """What happened."""
        return self.path / LOG

    @property
    def emergency(self) -> Path:
        """Is there while an emergency is on."""
        return self.path / EMERGENCY


def folder_of(base: Path | None, account: AccountName) -> TradingFolder:
    """Where an account is traded."""
    own = "" if account.name == "main" else f"-{account.name}"
    return TradingFolder((base or BASE) / f"{account.venue}-{account.mode}{own}")


def folders_in(base: Path | None) -> list[TradingFolder]:
    """Every trader's folder, those that trade now first."""
    found = [TradingFolder(path.parent) for path in sorted((base or BASE).glob(f"*/{PID}"))]
    found += [
        TradingFolder(path.parent)
        for path in sorted((base or BASE).glob(f"*/{JOURNAL}"))
        if TradingFolder(path.parent) not in found
    ]
    return sorted(found, key=lambda one: one.pid.running() is None)


def the_folder(base: Path | None, name: str = "") -> TradingFolder:
    """The one that is meant: named, the only one that trades, or the only one there is.

    Raises
    ------
    NotRunning
        If nothing was ever traded there.
    UsageError
        If several could be meant.
    """
    found = [one for one in folders_in(base) if not name or one.path.name == name]
    if not found:
        raise NotRunning(
            "nothing has been traded here yet" if not name else f"nothing has been traded as {name}",
            where=str(base or BASE),
            hint="mastertrading start",
        )
    running = [one for one in found if one.pid.running() is not None]
    chosen = running if len(running) == 1 else found
    if len(chosen) > 1:
        names = ", ".join(one.path.name for one in chosen)
        raise UsageError(
            f"say which trader: {names}", where=str(base or BASE), hint=f"--of {chosen[0].path.name}"
        )
    return chosen[0]
