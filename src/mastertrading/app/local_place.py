"""Where a local exchange is being served: the file by which a trader on the same machine finds it."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mastertrading.domain.errors import ConfigError, SafetyBlocked
from mastertrading.simulator.clock import WallClock

LOCAL = "local.json"
"""Beside the certificate of ``exchange serve``: where it is, whose it is, and what time it has."""


@dataclass(frozen=True, slots=True)
class Local:
    """A local exchange that is being served on this machine."""

    port: int
    authority: Path
    speed: float
    now_ms: int
    at_ms: int
    api_key: str = field(repr=False)
    secret: str = field(repr=False)

    def clock(self) -> WallClock:
        """The exchange's time."""
        passed_ms = (time.time_ns() // 1_000_000 - self.at_ms) * self.speed
        return WallClock(self.speed, int(self.now_ms + passed_ms))


def write_local(folder: Path, told: Mapping[str, Any]) -> None:
    """Say where a local exchange is; only its owner can read it."""
    handle = os.open(folder / LOCAL, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(told, out)


def read_local(folder: Path) -> Local:
    """The local exchange that serves with a folder.

    Raises
    ------
    ConfigError
        If none does.
    SafetyBlocked
        If others can read its keys.
    """
    path = folder / LOCAL
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SafetyBlocked("the file with the keys is open to others", where=str(path))
        told = json.loads(path.read_text(encoding="utf-8"))
        return Local(
            int(told["port"]),
            folder / "ca.pem",
            float(told["speed"]),
            int(told["now_ms"]),
            int(told["at_ms"]),
            str(told["key"]),
            str(told["secret"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            "no local exchange is served with this folder",
            why=type(error).__name__,
            where=str(path),
            hint=f"mastertrading exchange serve --synthetic --out {folder}",
        ) from None
