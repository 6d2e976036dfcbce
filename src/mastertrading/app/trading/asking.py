"""What a person asks of a trader: written into its journal, obeyed by its next cycle, waited for a bounded time."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mastertrading.app.trading.folder import TradingFolder
from mastertrading.app.trading.looking import Held, held_in, opened
from mastertrading.domain.facts import CommandPhase, OperatorCommand
from mastertrading.live.operators import LEAVES

POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Before:
    """How things stand before a command, and what it will leave."""

    switches: tuple[str, ...]
    held: tuple[Held, ...]
    leaves: str


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What came of a command; ``done`` None: it is written down, and nobody has obeyed it yet."""

    command: OperatorCommand
    done: OperatorCommand | None
    held: tuple[Held, ...]
    was_running: bool

    @property
    def is_refused(self) -> bool:
        """Whether the trader said no."""
        return self.done is not None and self.done.phase is not CommandPhase.DONE


def ask(
    folder: TradingFolder,
    verb: str,
    arguments: Mapping[str, str],
    wait_s: float,
    on_before: Callable[[Before], None],
) -> Obeyed:
    """Hand in a command and wait until it is obeyed.

    An emergency is put into its file as well, and first: that needs no database, and a trader reads it every cycle.

    Raises
    ------
    JournalUnusable
        If it can't be written down. An emergency is on all the same.
    """
    if verb == "emergency":
        _put_file(folder, arguments)
    running = folder.pid.running() is not None
    journal = opened(folder, read_only=False)
    try:
        on_before(Before(tuple(journal.latches()), held_in(journal), LEAVES[verb]))
        now_ms = time.time_ns() // 1_000_000
        command = OperatorCommand(f"{verb}-{now_ms}", verb, _who(), now_ms, dict(arguments))
        journal.request(command)
        until = time.monotonic() + (wait_s if running else 0.0)
        done = None
        while done is None and time.monotonic() < until:
            time.sleep(POLL_S)
            done = _finished(journal.asked(now_ms), command.command_id)
        return Obeyed(command, done, held_in(journal), running)
    finally:
        journal.close()


def _finished(asked: tuple[OperatorCommand, ...], command_id: str) -> OperatorCommand | None:
    found = (one for one in asked if one.command_id == command_id)
    return next((one for one in found if one.phase is not CommandPhase.ACCEPTED), None)


def _put_file(folder: TradingFolder, arguments: Mapping[str, str]) -> None:
    from mastertrading.live.emergency import ALL, write_emergency

    symbol = arguments.get("symbol", ALL)
    write_emergency(folder.path, {symbol: f"asked by {_who()}"})


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
