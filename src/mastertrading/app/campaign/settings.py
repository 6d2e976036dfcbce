"""Settings under which a position is open most of the time, and something happens to it every few minutes."""

from __future__ import annotations

from typing import Any

from mastertrading.app.campaign.story import Story
from mastertrading.settings.schema import Settings

BUSY: dict[str, Any] = {
    "account": {"leverage": 50.0},
    "allocation": {
        "threshold": 0.1,
        "long_multiplier": 1.0,
        "ttl_seconds": 600,
        "sessions": {"dead": {"start": 20, "end": 23, "score_floor": 0.0, "risk": 1.0}},
    },
    "position": {
        "trail_from_r": 1.0,
        "stale_hours": 0.2,
        "exit_when_flat": False,
        "flip_min_minutes": 2.0,
        "target_after_partial": "keep",
    },
    "risk": {
        "per_trade": 0.01,
        "tiers": {"half": 1.0, "reduced": 1.0},
        "volatility": {"wild_scale": 1.0},
        "stops": {
            "stop_base": 0.003,
            "stop_floor": 0.003,
            "stop_atr": 0.0,
            "target_base": 0.005,
            "target_atr": 0.0,
        },
        "portfolio": {"max_instrument_exposure": 20.0, "max_correlated_exposure": 40.0, "min_hours": 9999},
        "gates": {
            "htf_adx_min": 0.0,
            "max_leverage": 45.0,
            "throttle": {"low": 200, "middle": 200, "high": 200},
        },
        "breakers": {
            "day": {"half_size": 0.5, "no_entries": 0.9, "flatten": 1.0},
            "week": {"half_size": 0.6, "no_entries": 0.9, "flatten": 1.0},
            "peak": {"half_size": 0.6, "no_entries": 0.9, "flatten": 1.0},
            "losses": {"no_entries": 90},
        },
    },
}


def settings_of(story: Story) -> Settings:
    """The settings of a story: the busy ones, and its own."""
    told = _copied(BUSY)
    for name, value in story.overrides.items():
        *groups, last = name.split(".")
        place = told
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return Settings.model_validate(told)


def _copied(told: dict[str, Any]) -> dict[str, Any]:
    return {name: _copied(one) if isinstance(one, dict) else one for name, one in told.items()}
