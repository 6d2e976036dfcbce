"""One writer at a time in a venue's folder, on every system: a file that only one process can create.

The file ``.lock`` holds the writer's process id. What a dead process has left is taken over. Clocks are no matter
of this room: how long to wait for another writer is said by a function of the caller's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mastertrading.domain.errors import OutputError

LOCK = ".lock"
TAKING_OVER = ".lock.stale"
UNFINISHED = (".*.unfinished", "*/.*.unfinished")

Wait = Callable[[], bool]
"""Pauses a moment and says whether to try again."""


def at_once() -> bool:
    """Do not wait for another writer."""
    return False


@contextmanager
def writing(folder: Path, wait: Wait = at_once) -> Iterator[None]:
    """Be the only writer of a folder, which is made if need be.

    Raises
    ------
    OutputError
        If another process goes on writing there, or the folder can't be written.
    """
    lock = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while not (_created(lock) or (_taken_over(lock) and _created(lock))):
            if not wait():
                raise _busy(lock)
    except OSError as error:
        raise OutputError(
            f"{folder.name} can't be written",
            why=error.strerror or str(error),
            where=str(folder),
            hint="check the folder's permissions and the free space, or choose another folder",
        ) from error
    try:
        for pattern in UNFINISHED:  # nobody else is writing: a killed process has left them
            for left in folder.glob(pattern):
                _forget(left)
        yield
    finally:
        _forget(lock)


def is_alive(pid: int) -> bool:
    """Whether a process runs on this machine."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _created(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    except PermissionError:
        if sys.platform == "win32":  # a file that is just being deleted
            return False
        raise
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(str(os.getpid()))
    return True


def _taken_over(lock: Path) -> bool:
    """Remove the lock of a dead process. One process at a time looks, so that no live lock is removed."""
    if not _left_by_the_dead(lock):
        return False
    guard = lock.with_name(TAKING_OVER)
    if not _created(guard):
        if _left_by_the_dead(guard):
            _forget(guard)
        return False
    try:
        if _left_by_the_dead(lock):
            _forget(lock)
    finally:
        _forget(guard)
    return True


def _left_by_the_dead(lock: Path) -> bool:
    """Whether the writer is known and gone. A file without an id is of a writer that is just beginning."""
    pid = _writer(lock)
    return pid is not None and pid != os.getpid() and not is_alive(pid)


def _writer(lock: Path) -> int | None:
    try:
        return int(lock.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _busy(lock: Path) -> OutputError:
    writer = _writer(lock)
    who = "another process" if writer is None else f"process {writer}"
    return OutputError(
        f"{lock.parent.name} is being written by {who}",
        why="two writers at once would lose each other's rows",
        where=str(lock),
        hint="try again when it is done; if no such process is at work, delete the file",
    )


def _forget(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _is_alive_on_windows(pid: int) -> bool:
    """Ask for the process; ``os.kill(pid, 0)`` would send it Ctrl-C there."""
    import ctypes

    query, still_active, denied = 0x1000, 259, 5
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
    handle = kernel32.OpenProcess(query, False, pid)
    if not handle:
        return bool(ctypes.get_last_error() == denied)  # type: ignore[attr-defined, unused-ignore]
    code = ctypes.c_ulong()
    kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel32.CloseHandle(handle)
    return code.value == still_active
