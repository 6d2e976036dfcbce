"""What is different between the settings of two runs, in lines for people."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mastertrading.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Changes:
    """``lines``: one a setting; ``instruments``: what is different about which are traded, empty if nothing is."""

    lines: tuple[str, ...]
    instruments: str = ""


def changed_settings(before: str, settings: Settings) -> Changes:
    """Compare the settings of an earlier run (TOML; empty: unknown) with these."""
    if not before:
        return Changes(())
    was, now = flat(tomllib.loads(before)), flat(settings.resolved())
    lines = tuple(
        f"{name}: {was.get(name, 'unset')} → {now.get(name, 'unset')}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    )
    old, new = list(tomllib.loads(before).get("instruments", {})), list(settings.instruments)
    return Changes(lines, "" if old == new else f"{', '.join(old)} before, {', '.join(new)} now")


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as dotted names; what has no value is left out."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.")
        elif value not in ("", None):
            found[before + name] = list(value) if isinstance(value, tuple) else value
    return found
