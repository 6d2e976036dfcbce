"""Short stories in which a process dies at every step: what a trader goes through, once each and at each venue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mastertrading.app.campaign.story import Story

BTC, ETH = "BTCUSDT", "ETHUSDT"
LONG, SHORT = {1: 0.9}, {1: -0.9}
STILL = (0.0,) * 3
UP, DOWN = 0.004, -0.004
CRASH_VENUES = ("binance_usdm", "bybit_linear")
ENTRY, STOP = {"kinds": "place", "nth": 1}, {"kinds": "conditional", "nth": 1}

SITUATIONS: dict[str, Mapping[str, Any]] = {
    "long, stopped": {"said": {BTC: LONG}, "path": (*STILL, DOWN, DOWN, 0.0)},
    "short, stopped": {"said": {BTC: SHORT}, "path": (*STILL, UP, UP, 0.0)},
    "long, target": {"said": {BTC: LONG}, "path": (*STILL, UP, UP, UP)},
    "short, target": {"said": {BTC: SHORT}, "path": (*STILL, DOWN, DOWN, DOWN)},
    "partial, then stopped": {"said": {BTC: LONG}, "path": (*STILL, 0.0035, -0.002, -0.006)},
    "stop follows": {"said": {BTC: LONG}, "path": (*STILL, 0.002, 0.0015, 0.001)},
    "flip": {"said": {BTC: {1: 0.9, 4: -0.9}}, "path": (*STILL, 0.0, 0.001, 0.0)},
    "in again after a stop": {"said": {BTC: {1: 0.9, 4: -0.9}}, "path": (*STILL, -0.005, 0.0, 0.0)},
    "two at once": {"said": {BTC: LONG, ETH: SHORT}, "path": (*STILL, UP, 0.0, DOWN)},
    "gap through the stop": {"said": {BTC: LONG}, "path": (*STILL, -0.02, 0.0, 0.0)},
    "closed by hand": {
        "said": {BTC: LONG},
        "faults": ({"id": "X22", "what": "position", "after_s": 200, "for_s": 60},),
    },
    "deleveraged": {"said": {BTC: LONG}, "faults": ({"id": "X21", "after_s": 200, "for_s": 60},)},
    "liquidated in part": {
        "said": {BTC: LONG},
        "faults": ({"id": "X20", "share": 0.5, "after_s": 200, "for_s": 60},),
    },
    "entry without a reply": {"said": {BTC: LONG}, "faults": ({"id": "N06", **ENTRY},)},
    "entry lost": {"said": {BTC: LONG}, "faults": ({"id": "N05", **ENTRY},)},
    "entry late": {"said": {BTC: LONG}, "faults": ({"id": "N07", "largest_ms": 6_000, **ENTRY},)},
    "entry of unknown outcome": {"said": {BTC: LONG}, "faults": ({"id": "X01", "word": "timeout", **ENTRY},)},
    "stop without a reply": {"said": {BTC: LONG}, "faults": ({"id": "N06", **STOP},)},
    "stop lost": {"said": {BTC: LONG}, "faults": ({"id": "N05", **STOP},)},
    "cancel without a reply": {
        "said": {BTC: {1: 0.9, 4: -0.9}},
        "faults": ({"id": "N06", "kinds": "cancel", "nth": 1},),
    },
    "reads lag": {"said": {BTC: LONG}, "faults": ({"id": "X07", "after_s": 100, "for_s": 100},)},
    "no positions seen": {"said": {BTC: LONG}, "faults": ({"id": "X08", "after_s": 150, "for_s": 60},)},
    "partly filled": {"said": {BTC: LONG}, "faults": ({"id": "X18", "after_s": 100, "for_s": 60},)},
}
"""What happens, by a name for people."""


def scenarios() -> tuple[Story, ...]:
    """Every situation at every venue, and those without a wire on paper too."""
    made = [_story(name, venue) for name in SITUATIONS for venue in CRASH_VENUES]
    return (*made, *(_story(name, "paper") for name, row in SITUATIONS.items() if "faults" not in row))


def _story(name: str, venue: str) -> Story:
    row = SITUATIONS[name]
    path = tuple(row.get("path", (*STILL, 0.001, -0.001, 0.0)))
    return Story(
        name=f"{name} ({venue})",
        venue=venue,
        minutes=len(path),
        calm_minutes=1,
        wild=0.0003,
        said=row["said"],
        path=(*path, 0.0),
        faults=tuple(row.get("faults", ())),
    )
