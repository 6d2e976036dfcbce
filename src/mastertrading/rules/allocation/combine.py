"""ALLOC-NET, ALLOC-MIN and SIG-TTL: forecasts of the modules into one wish for an instrument."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel

TINY = 1e-9  # a score that equals the floor reaches it, whatever its last bit


@kernel
def remember(memory: Any, verdict: Any, t_ms: int) -> None:
    """SIG-TTL: a newer non-flat verdict replaces the older; a flat one cancels nothing."""
    if verdict.forecast != 0.0:
        memory.forecast = verdict.forecast
        memory.confluence = verdict.confluence
        memory.t_ms = t_ms


@kernel
def is_fresh(memory: Any, t_ms: int, ttl_ms: int) -> bool:
    """Whether a remembered verdict still counts: T <= t <= T + TTL."""
    return memory.forecast != 0.0 and t_ms - memory.t_ms <= ttl_ms


@kernel
def reaches_floor(forecast: float, floor_hundredths: int) -> bool:
    """Whether a module's score reaches the session's floor (SMC asks this itself, in whole hundredths)."""
    return abs(forecast) * 100.0 + TINY >= floor_hundredths


@kernel
def confluence_multiplier(confluence: int, allocation: Any) -> float:
    """Weight multiplier of SMC: with an active zone on the trade's side, alone, or not asked."""
    if confluence > 0:
        return allocation.confluence_multiplier
    if confluence < 0:
        return allocation.alone_multiplier
    return 1.0


@kernel
def wish_of(net: float, longs: int, shorts: int, allocation: Any) -> int:
    """Side that has enough weight (threshold, after the long multiplier) and enough modules, or 0 (ALLOC-MIN).

    Parameters
    ----------
    longs, shorts
        How many fresh modules vote each way.
    """
    if abs(net) < allocation.threshold:
        return 0
    agreeing = longs if net > 0.0 else shorts
    votes = longs + shorts if allocation.count_any else agreeing
    if votes < allocation.min_modules:
        return 0
    return 1 if net > 0.0 else -1


@kernel
def scaled_net(net: float, allocation: Any) -> float:
    """The net forecast after the long multiplier."""
    return net * allocation.long_multiplier if net > 0.0 else net
