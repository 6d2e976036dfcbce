"""Where a trader keeps what it needs: one folder for each venue, mode and account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mastertrading.app.processes import PidFile
from mastertrading.app.state_folder import JOURNAL
from mastertrading.domain.errors import NotRunning, UsageError
from mastertrading.domain.facts import AccountName

BASE = Path("trading")
"""Under the working folder."""
PID, LOG, ABOUT, SPOKEN = "trader.json", "trader.log", "account.json", "trader.out"
EMERGENCY = "emergency.json"


@dataclass(frozen=True, slots=True)
class TradingFolder:
    """The folder of one trader.

    ==================  =======================================================
    ``journal.db``      the journal, unless it is somewhere else
    ``trader.json``     who trades here: process, mode, venue, journal's place
    ``account.json``    whose folder it is, and where its journal lies
    ``trader.log``      what happened, a line each; older ones in ``.1``, ``.2``
    ``trader.out``      what a started trader said besides, a bug's traceback for example
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
    def spoken(self) -> Path:
        """What a trader that was started said besides."""
        return self.path / SPOKEN

    def tell_about(self, account: AccountName, url: str) -> None:
        """Write whose folder it is; an address may hold a password, which stays where it is."""
        journal = url if url.startswith("sqlite:") else ""
        told = {"account": str(account), "currency": account.currency, "journal": journal}
        (self.path / ABOUT).write_text(json.dumps(told) + "\n", encoding="utf-8", newline="\n")

    def about(self) -> tuple[AccountName | None, str]:
        """Whose folder it is, and the address of its journal (empty: it is not told here)."""
        try:
            told = json.loads((self.path / ABOUT).read_text(encoding="utf-8"))
            venue, mode, name = str(told["account"]).split(":")
            return AccountName(venue, mode, name, str(told["currency"])), str(told["journal"])
        except (OSError, ValueError, KeyError):
            return None, self.url


def folder_of(base: Path | None, account: AccountName) -> TradingFolder:
    """Where an account is traded."""
    own = "" if account.name == "main" else f"-{account.name}"
    return TradingFolder((base or BASE) / f"{account.venue}-{account.mode}{own}")


def folders_in(base: Path | None) -> list[TradingFolder]:
    """Every trader's folder, those that trade now first."""
    found = [TradingFolder(path.parent) for path in sorted((base or BASE).glob(f"*/{PID}"))]
    others = [TradingFolder(path.parent) for path in sorted((base or BASE).glob(f"*/{ABOUT}"))]
    found += [one for one in others if one not in found]
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
