"""Tables of ``docs/venues.md`` that tests compare with what they tell of."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from wire_examples import REPOSITORY


def text() -> str:
    """The document."""
    return (REPOSITORY / "docs" / "venues.md").read_text("utf-8")


def rules_table(rules: Any) -> str:
    """A venue's rules, with how each is known; of an assumed one also its worst position."""
    rows = ["| rule | position | known | what it says |", "|---|---|---|---|"]
    for one in fields(rules):
        known = one.metadata
        worst = f" (worst: `{known['worst']}`)" if known["evidence"] == "assumed" else ""
        rows.append(f"| `{one.name}` | `{one.default}`{worst} | {known['evidence']} | {known['says']} |")
    return "\n".join(rows)
