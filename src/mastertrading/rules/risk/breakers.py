"""RISK-BREAKERS: a latched ladder, normal → half size → no entries → flatten.

Drawdowns are those of the account's net asset value, which a deposit or withdrawal does not move, so a transfer
neither trips a breaker nor hides a loss. A stage only rises until its own rule, or a person, releases it.
"""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import Breaker, Stage

DAY_MS = 86_400_000
TINY = 1e-12  # 1 - 0.8 is a drawdown of 20 %, whatever its last bit
DAY, WEEK, PEAK, LOSSES = int(Breaker.DAY), int(Breaker.WEEK), int(Breaker.PEAK), int(Breaker.LOSSES)
NORMAL, HALF_SIZE = int(Stage.NORMAL), int(Stage.HALF_SIZE)
NO_ENTRIES, FLATTEN = int(Stage.NO_ENTRIES), int(Stage.FLATTEN)


@kernel
def stage_at(drawdown: float, steps: Any) -> int:
    """Stage that a drawdown asks for; ``steps``: where half size, no entries and flatten begin."""
    stage = 0
    while stage < 3 and drawdown + TINY >= steps[stage]:
        stage += 1
    return stage


@kernel
def drawdown(reference_nav: float, nav: float) -> float:
    """Loss since a reference, as a fraction of it; never negative."""
    return max(0.0, 1.0 - nav / reference_nav) if reference_nav > 0.0 else 0.0


@kernel
def breaker_value(account: Any, breaker: int) -> float:
    """What a breaker watches: the drawdown of the day, the week or from the peak, or the losing streak."""
    if breaker == LOSSES:
        return float(account.losses)
    if breaker == PEAK:
        return drawdown(account.peak_nav, account.nav)
    return drawdown(account.day_nav if breaker == DAY else account.week_nav, account.nav)


@kernel
def release_calendar(account: Any, t_ms: int) -> None:
    """A new UTC day (Monday: week) starts from this equity and releases what is not flatten.

    The moment 00:00 ends the old day before it begins the new one, so its loss is counted first.
    """
    day = t_ms // DAY_MS
    week = (day + 3) // 7  # 1970-01-01 was a Thursday
    if day != account.day:
        account.day, account.day_nav = day, account.nav
        if account.stages[DAY] < FLATTEN:
            account.stages[DAY] = NORMAL
    if week != account.week:
        account.week, account.week_nav = week, account.nav
        if account.stages[WEEK] < FLATTEN:
            account.stages[WEEK] = NORMAL


@kernel
def release_losses(account: Any, t_ms: int) -> None:
    """The pause of a losing streak ends by the clock, and the count restarts."""
    if account.stages[LOSSES] == NO_ENTRIES and t_ms >= account.pause_until_ms:
        account.stages[LOSSES] = NORMAL
        account.losses = 0


@kernel
def raise_stages(account: Any, breakers: Any) -> None:
    """Latch what the present drawdowns ask for."""
    day, week = drawdown(account.day_nav, account.nav), drawdown(account.week_nav, account.nav)
    peak = drawdown(account.peak_nav, account.nav)
    account.stages[DAY] = max(account.stages[DAY], stage_at(day, breakers.day))
    account.stages[WEEK] = max(account.stages[WEEK], stage_at(week, breakers.week))
    if account.stages[PEAK] == HALF_SIZE and peak < breakers.peak_release:
        account.stages[PEAK] = NORMAL
    account.stages[PEAK] = max(account.stages[PEAK], stage_at(peak, breakers.peak))


@kernel
def update_breakers(account: Any, t_ms: int, breakers: Any) -> None:
    """Move the ladder after the account was marked at ``t_ms``."""
    account.peak_nav = max(account.peak_nav, account.nav)
    if breakers.enabled and account.day >= 0:
        raise_stages(account, breakers)
    release_calendar(account, t_ms)
    if not breakers.enabled:
        return
    move_streak(account, breakers)
    release_losses(account, t_ms)
    worst = NORMAL
    for k in range(account.stages.shape[0]):
        worst = max(worst, account.stages[k])
    account.stage = worst


@kernel
def quiet_nav(account: Any, breakers: Any) -> float:
    """A net asset value above which, and up to the peak, ``update_breakers`` moves no stage: its counterpart."""
    if not breakers.enabled:
        return -1.0
    if account.stages[PEAK] == HALF_SIZE:
        return account.peak_nav  # it may be released at any time
    quiet = next_trip(account.day_nav, account.stages[DAY], breakers.day)
    quiet = max(quiet, next_trip(account.week_nav, account.stages[WEEK], breakers.week))
    return max(quiet, next_trip(account.peak_nav, account.stages[PEAK], breakers.peak))


@kernel
def next_trip(reference_nav: float, stage: int, steps: Any) -> float:
    """A net asset value safely above the one at which a breaker goes beyond its stage."""
    if stage >= FLATTEN:
        return -1.0
    return reference_nav * (1.0 - steps[stage] + 1e-9)


@kernel
def quiet_until_ms(account: Any, t_ms: int) -> int:
    """The moment before which neither the calendar nor the clock releases a breaker."""
    until = (t_ms // DAY_MS + 1) * DAY_MS
    if account.stages[LOSSES] == NO_ENTRIES:
        until = min(until, account.pause_until_ms)
    return until


@kernel
def count_loss(account: Any, net_atoms: int, result_r: float, breakers: Any) -> None:
    """A closed trade moves the losing streak; a result within ``ignore_r`` of zero does neither.

    Of trades that close in one bar the wins count first, in whichever order they were told: a bar of the past does not
    say which instrument came first, and a venue does. The stage follows when the bar is marked.
    """
    if abs(result_r) < breakers.ignore_r or not breakers.enabled:
        return
    if net_atoms >= 0:
        account.losses, account.has_won = account.bar_losses, 1
    else:
        account.losses += 1
        account.bar_losses += 1


@kernel
def move_streak(account: Any, breakers: Any) -> None:
    """Latch what the losing streak asks for; a win lets the size be whole again."""
    if account.has_won and account.stages[LOSSES] == HALF_SIZE:
        account.stages[LOSSES] = NORMAL
    account.has_won = 0
    if account.losses >= breakers.losses_stop and account.stages[LOSSES] < NO_ENTRIES:
        account.stages[LOSSES] = NO_ENTRIES
        account.pause_until_ms = account.learnt_ms + breakers.pause_ms
    elif account.losses >= breakers.losses_half:
        account.stages[LOSSES] = max(account.stages[LOSSES], HALF_SIZE)


@kernel
def breaker_scale(stage: int) -> float:
    """Risk multiplier of a stage."""
    if stage >= NO_ENTRIES:
        return 0.0
    return 0.5 if stage == HALF_SIZE else 1.0
