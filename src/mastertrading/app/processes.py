"""Which process it is: by its number, the moment it began, and its command, so that a number used again is noticed.

=========  ==========================================================
Linux      ``/proc/PID/stat`` and ``/proc/PID/cmdline``
macOS, …   ``ps -o lstart=,command= -p PID``
Windows    ``GetProcessTimes`` and ``QueryFullProcessImageNameW``
=========  ==========================================================
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mastertrading.domain.errors import OutputError, SafetyBlocked
from mastertrading.lake.lock import is_alive

ENDED = ("Z", "X")
"""States of a process that is over and not yet cleared away."""
LONGEST_COMMAND = 400
POLL_S = 0.05
HOLDER = re.compile(r"process (?P<pid>\d+) of (?P<machine>.+), begun (?P<began>.+)")


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of this machine.

    Attributes
    ----------
    began
        When it began, in the system's own words: together with the number it is unique until the next boot.
    command
        Its program and arguments, for people.
    """

    pid: int
    began: str
    command: str = ""

    @property
    def is_running(self) -> bool:
        """Whether this very process still runs."""
        now = identity_of(self.pid)
        return now is not None and now.began == self.began


def machine() -> str:
    """The machine until its next boot, and where process numbers mean the same: the name, the boot, the namespace."""
    told = [socket.gethostname()]
    with suppress(OSError):
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8])
        told.append(Path("/proc/self/ns/pid").readlink().name)
    return " ".join(told)


def holder_name() -> str:
    """How this process is known to those who wait for what it holds."""
    me = myself()
    return f"process {me.pid} of {machine()}, begun {me.began}"


def has_ended(holder: str) -> bool:
    """Whether one that ``holder_name`` names is over for certain: it was of this machine, and does not run any more."""
    named = HOLDER.fullmatch(holder)
    if named is None or named["machine"] != machine():
        return False
    return not Identity(int(named["pid"]), named["began"]).is_running


def myself() -> Identity:
    """The process that asks."""
    return identity_of(os.getpid()) or Identity(os.getpid(), "", " ".join(sys.argv)[:LONGEST_COMMAND])


def identity_of(pid: int) -> Identity | None:
    """The process that has a number now; None if none has."""
    if pid <= 0:
        return None
    if sys.platform == "win32":
        return _on_windows(pid)
    if Path("/proc/self/stat").exists():
        return on_linux(pid, Path("/proc"))
    return by_ps(pid, _ps)


def on_linux(pid: int, proc: Path) -> Identity | None:
    """Read it from ``/proc``: the 22nd field of ``stat``, in ticks since the boot, with the boot's own id."""
    try:
        stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()
    if after_name[0] in ENDED:
        return None
    boot = ""
    with suppress(OSError):
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    command = " ".join(word.decode(errors="replace") for word in words if word)
    return Identity(pid, f"{boot}:{after_name[19]}", command[:LONGEST_COMMAND])


def by_ps(pid: int, ask: Callable[[int], str]) -> Identity | None:
    """Read it from ``ps``: five words of a date, then the command."""
    words = ask(pid).split()
    if len(words) < 6:
        return None
    return Identity(pid, " ".join(words[:5]), " ".join(words[5:])[:LONGEST_COMMAND])


def _ps(pid: int) -> str:
    told = subprocess.run(
        ["ps", "-o", "lstart=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return told.stdout


def _on_windows(pid: int) -> Identity | None:
    if not is_alive(pid):
        return None
    import ctypes
    from ctypes import wintypes

    query = 0x1000
    kernel32: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
    handle = kernel32.OpenProcess(query, False, pid)
    if not handle:
        return Identity(pid, "", "")
    try:
        times = [wintypes.FILETIME() for _ in range(4)]
        kernel32.GetProcessTimes(handle, *(ctypes.byref(one) for one in times))
        length = wintypes.DWORD(LONGEST_COMMAND)
        name = ctypes.create_unicode_buffer(LONGEST_COMMAND)
        kernel32.QueryFullProcessImageNameW(handle, 0, name, ctypes.byref(length))
    finally:
        kernel32.CloseHandle(handle)
    began = (times[0].dwHighDateTime << 32) + times[0].dwLowDateTime
    return Identity(pid, str(began), name.value)


# ---------------------------------------------------------------- ending one
def ask_to_end(pid: int) -> None:
    """Ask a process kindly; Windows knows no such signal between consoles."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def end_now(pid: int) -> None:
    """End a process without a word."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def wait_for_end(who: Identity, seconds: float) -> bool:
    """Wait until a process is gone, at most so long."""
    until = time.monotonic() + seconds
    while who.is_running:
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_S)
    return True


# ---------------------------------------------------------------- the pid file
@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds a pid file, and what it said of itself."""

    who: Identity
    facts: dict[str, Any] = field(default_factory=dict)


class PidFile:
    """A file that names the one process that works in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Claim | None:
        """Who claimed it, running or not; None: nobody, or it cannot be read."""
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
            who = Identity(int(told["pid"]), str(told["began"]), str(told.get("command", "")))
            return Claim(who, dict(told.get("facts", {})))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def running(self) -> Claim | None:
        """Who claimed it and still runs."""
        claim = self.read()
        return claim if claim is not None and claim.who.is_running else None

    def claim(self, facts: dict[str, Any]) -> None:
        """Write ourselves into it.

        Raises
        ------
        SafetyBlocked
            If another process that runs has it.
        OutputError
            If it can't be written.
        """
        held = self.running()
        if held is not None and held.who.pid != os.getpid():
            raise SafetyBlocked(
                f"process {held.who.pid} trades in this folder already",
                why=held.who.command,
                where=str(self.path),
                hint="mastertrading status",
            )
        told = {**asdict(myself()), "facts": facts}
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8", newline="\n")
            new.replace(self.path)
        except OSError as error:
            raise OutputError(
                "the pid file can't be written", why=error.strerror or str(error), where=str(self.path)
            ) from error

    def release(self) -> None:
        """Remove it, if it is ours."""
        claim = self.read()
        if claim is not None and claim.who.pid == os.getpid():
            with suppress(OSError):
                self.path.unlink()
