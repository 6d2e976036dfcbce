"""Starting a trader in the background, and ending it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mastertrading.app.processes import Claim, ask_to_end, end_now, identity_of, wait_for_end
from mastertrading.app.trading.folder import TradingFolder
from mastertrading.domain.errors import MastertradingError, NotRunning, OutputError, SafetyBlocked

SETTLED = ("trading", "standing by")
POLL_S = 0.1
LAST_LINES = 12


class StartFailed(MastertradingError):
    """A trader that was started has ended before it traded; it says why."""

    def __init__(self, folder: TradingFolder, code: int) -> None:
        told = [line for line in tail(folder.spoken, LAST_LINES) if line.strip()]
        super().__init__(
            "the trader has ended before it traded",
            why=" | ".join(told) or f"it left with exit code {code}",
            where=str(folder.log),
            hint="mastertrading logs",
        )
        self.exit_code = code if code > 0 else 1


@dataclass(frozen=True, slots=True)
class Started:
    """A trader that works; ``phase``: how far it has come."""

    pid: int
    phase: str


def start(
    folder: TradingFolder, words: Sequence[str], wait_s: float, on_phase: Callable[[str], None]
) -> Started:
    """Run ``trade`` with these words as a process of its own, and wait until it trades or stands by.

    Raises
    ------
    SafetyBlocked
        If one trades in this folder already.
    StartFailed
        If it ends before that, with its own exit code.
    """
    held = folder.pid.running()
    if held is not None:
        raise SafetyBlocked(
            f"process {held.who.pid} trades here already", where=str(folder.path), hint="mastertrading status"
        )
    child = _spawn(folder, words)
    until, told = time.monotonic() + wait_s, ""
    while time.monotonic() < until:
        code = child.poll()
        if code is not None:
            raise StartFailed(folder, code)
        claim = folder.pid.running()
        phase = str(claim.facts.get("phase", "")) if claim is not None and claim.who.pid == child.pid else ""
        if phase and phase != told:
            on_phase(phase)
            told = phase
        if phase in SETTLED:
            break
        time.sleep(POLL_S)
    child.returncode = 0  # it goes on without us: that is no zombie, and no warning
    return Started(child.pid, told)


def _spawn(folder: TradingFolder, words: Sequence[str]) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = (
        {"creationflags": 0x208} if sys.platform == "win32" else {"start_new_session": True}
    )
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        with folder.spoken.open("wb") as spoken:
            return subprocess.Popen(
                [sys.executable, "-m", "mastertrading", "trade", "--quiet", *words],
                stdin=subprocess.DEVNULL,
                stdout=spoken,
                stderr=spoken,
                **options,
            )
    except OSError as error:
        raise OutputError(
            "a trader can't be started", why=error.strerror or str(error), where=str(folder.path)
        ) from error


def running(folder: TradingFolder) -> Claim:
    """Who trades in a folder. Raises ``NotRunning``."""
    claim = folder.pid.running()
    if claim is None:
        raise NotRunning("nothing trades here", where=str(folder.path), hint="mastertrading start")
    return claim


def stop(folder: TradingFolder, claim: Claim, wait_s: float) -> bool:
    """Ask a trader to end, and wait; whether it has."""
    if sys.platform == "win32":
        from mastertrading.app.trading.asking import ask

        ask(folder, "stop", {}, 0.0, lambda before: None)
    else:
        ask_to_end(claim.who.pid)
    return wait_for_end(claim.who, wait_s)


def force_stop(folder: TradingFolder, claim: Claim, wait_s: float = 10.0) -> bool:
    """End a trader without a word; whether it is gone. Its pid file goes with it."""
    now = identity_of(claim.who.pid)
    if now is not None and now.began == claim.who.began:
        end_now(claim.who.pid)
    gone = wait_for_end(claim.who, wait_s)
    if gone:
        folder.pid.path.unlink(missing_ok=True)
    return gone


def tail(path: os.PathLike[str], count: int) -> list[str]:
    """The last lines of a file; none if there is no file."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 400 * count - 4_000))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []
