"""How much memory a sweep will need, predicted from shapes before anything is started."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from mastertrading.domain.errors import SafetyBlocked, UsageError
from mastertrading.domain.market import Market
from mastertrading.engine.book import FILL, TRADE
from mastertrading.signals.rows import CONTEXT, MINUTE, VERDICT

MIB = 1 << 20
SHARE_OF_FREE = 0.5
ASSUMED_FREE = 2 << 30
"""Where a system does not say how much is free."""

MODULES = 4
CASE_BYTES = 6_000
"""A finished case in memory: its values, its figures, its place in the final table."""
OWN_SIGNAL_ARRAYS = 8
"""Arrays as long as the bars that a signal of one instrument may hold at a time."""
LOG_ROWS = 4096
PRICES = 9
"""Bytes of a bar that prices need beside the market's own: its mark, and whether it is good."""
CURVE_ARRAYS = 10
"""Arrays as long as the bars while a curve is measured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the memory goes, in bytes.

    Attributes
    ----------
    now
        What the process holds already: libraries, the market.
    shared
        What all cases share beside it.
    workers
        Of all cases that run at a time.
    features
        Forecast arrays that are kept.
    results
        Finished cases.
    limit
        What may be used.
    """

    now: int
    shared: int
    workers: int
    features: int
    results: int
    limit: int

    @property
    def needed(self) -> int:
        """Everything together."""
        return self.now + self.shared + self.workers + self.features + self.results

    def check(self, workers: int) -> None:
        """Refuse to start what would not fit.

        Raises
        ------
        SafetyBlocked
            With what would help.
        """
        if self.needed <= self.limit:
            return
        parts = (
            f"{mib(self.now)} MiB are held already, {mib(self.shared)} are shared by all cases, "
            f"{mib(self.workers)} are for {workers} at a time, {mib(self.features)} for kept forecasts, "
            f"{mib(self.results)} for results"
        )
        fewer = (
            f"--workers {workers // 2}"
            if workers > 1
            else "--random 1000, fewer instruments or a shorter window"
        )
        raise SafetyBlocked(
            f"the sweep needs about {mib(self.needed)} MiB, and the limit is {mib(self.limit)} MiB",
            why=parts,
            where="--memory",
            hint=f"{fewer}; or --memory {-(-self.needed // MIB)}M if there is as much",
        )


def mib(count: int) -> str:
    """Bytes as whole MiB."""
    return f"{-(-count // MIB):,}"


def plan(
    market: Market,
    *,
    cases: int,
    workers: int,
    kept: int,
    own_signal: bool,
    preparations: int = 1,
    limit: int | None = None,
) -> Plan:
    """Predict the memory of a sweep.

    Parameters
    ----------
    kept
        Forecast arrays kept in memory.
    own_signal
        Whether forecasts come from the user's signal, or from the four modules.
    preparations
        How many preparations of the market are kept at a time.
    limit
        Bytes that may be used in all; None: half of what is free.
    """
    bars, width = market.close.shape
    now = held()
    room = now + int(SHARE_OF_FREE * free()) if limit is None else limit
    return Plan(
        now=now,
        shared=_shared(bars, width, own_signal, preparations),
        workers=workers * _case(bars, width, own_signal),
        features=kept * 8 * bars * width if own_signal else 0,
        results=cases * CASE_BYTES,
        limit=room,
    )


def _shared(bars: int, width: int, own_signal: bool, preparations: int) -> int:
    """Bytes of the prepared markets, and of what is alive only while one is made."""
    verdicts = MODULES * VERDICT.itemsize
    lasting = CONTEXT.itemsize + PRICES + (0 if own_signal else verdicts + 8)
    passing = verdicts if own_signal else 0
    return bars * (width * (preparations * lasting + passing) + MINUTE.itemsize)


def _case(bars: int, width: int, own_signal: bool) -> int:
    """Bytes of one case while it runs."""
    forecasts = width * 2 * 8 + 8 * OWN_SIGNAL_ARRAYS if own_signal else 0
    logs = 3 * LOG_ROWS * (FILL.itemsize + TRADE.itemsize)
    return bars * (forecasts + 8 * CURVE_ARRAYS) + logs


def parse_memory(text: str) -> int:
    """Bytes of a text such as ``800`` (MiB), ``800M`` or ``1.5G``.

    Raises
    ------
    UsageError
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)\s*([MG])?(i?B)?", text.strip(), re.IGNORECASE)
    if found is None or float(found[1]) == 0.0:
        raise UsageError(
            f"{text!r} is not an amount of memory", where="--memory", hint="--memory 800M or 1.5G"
        )
    unit = 1 << 30 if (found[2] or "M").upper() == "G" else MIB
    return int(float(found[1]) * unit)


def held() -> int:
    """Bytes that this process holds now; its peak where the system says only that."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return _peak()


def _peak() -> int:
    if sys.platform == "win32":
        return 300 * MIB
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def free() -> int:
    """Bytes that could still be used: of the machine, or of the container that we run in."""
    return min(_free_of_machine(), _free_of_container())


def _free_of_machine() -> int:
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return int(text.split("MemAvailable:")[1].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return ASSUMED_FREE


def _free_of_container() -> int:
    try:
        root = Path("/sys/fs/cgroup")
        most = int((root / "memory.max").read_text(encoding="ascii"))
        return max(0, most - int((root / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return 1 << 62
