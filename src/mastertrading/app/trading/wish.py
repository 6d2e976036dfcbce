"""What somebody wants traded: settings, mode, account, and where its journal and its files are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mastertrading.app.local_place import Local
from mastertrading.app.trading.folder import TradingFolder, folder_of
from mastertrading.domain.errors import SafetyBlocked, UsageError
from mastertrading.domain.facts import AccountName
from mastertrading.exchange.modes import Mode
from mastertrading.settings.load import Resolved
from mastertrading.settings.schema import Settings

MODE = "exchange.mode"


@dataclass(frozen=True, slots=True)
class Wish:
    """One account to be traded.

    Attributes
    ----------
    settings
        With no other instruments than those that are traded, in the order of the columns.
    url
        Of the journal.
    switch, origin
        Of live trading: the account's name once more, and where the mode was said.
    local
        The local exchange that stands in for the venue.
    waits
        Wait while another process trades the account, and take over when it is gone.
    """

    settings: Settings
    account: AccountName
    folder: TradingFolder
    url: str
    switch: str = ""
    origin: str = ""
    local: Local | None = None
    waits: bool = True

    @property
    def mode(self) -> Mode:
        """Who fills."""
        return Mode(self.settings.exchange.mode)

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is traded."""
        return tuple(self.settings.instruments)


def wish_of(
    resolved: Resolved,
    symbols: tuple[str, ...],
    *,
    base: Path | None = None,
    url: str = "",
    switch: str = "",
    local: Local | None = None,
    waits: bool = True,
) -> Wish:
    """The wish that settings make.

    Raises
    ------
    UsageError
        If an instrument is not among the settings'.
    SafetyBlocked
        If live trading should go to a local exchange.
    """
    settings = resolved.settings
    known = settings.instruments
    unknown = [one for one in symbols if one not in known]
    if unknown:
        raise UsageError(
            f"the settings have no {', '.join(unknown)}",
            where="[instruments]",
            hint=f"--set instruments.{unknown[0]}={{}}",
        )
    chosen = settings.model_copy(update={"instruments": {one: known[one] for one in symbols}})
    exchange = settings.exchange
    if local is not None and exchange.mode == "live":
        raise SafetyBlocked(
            "live trading goes to the venue, not to a local exchange", where="--local", hint="--mode testnet"
        )
    account = AccountName(exchange.venue, exchange.mode, exchange.account or "main")
    folder = folder_of(base, account)
    return Wish(
        chosen, account, folder, url or folder.url, switch, resolved.origins.get(MODE, ""), local, waits
    )


def check_mode(asked: str | None, resolved: Resolved) -> None:
    """Live trading is switched on in the file; ``--mode live`` only says it again. Raises ``SafetyBlocked``."""
    if asked == "live" and resolved.settings.exchange.mode != "live":
        raise SafetyBlocked(
            "live trading is switched on in the configuration file, not by a command",
            why=f"there exchange.mode is {resolved.settings.exchange.mode!r}",
            where="[exchange] mode",
            hint="docs/modes.md",
        )
