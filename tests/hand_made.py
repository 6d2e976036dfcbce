"""Tiny markets whose every number can be worked out on paper.

One coin: a tick is 1 USDT, a lot 0.01, so a tick of a lot is a cent (1 000 000 atoms). Around 10 000 a tick is
one basis point: slippage 1 tick, taker fee 5 ticks a side, the stop 120 ticks away. Bars are (open, high, low,
close) in ticks. A forecast said at bar k is known at its close and enters at the open of bar k + 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from mastertrading.backtest.result import Result
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.instrument import Instrument, MarginTier
from mastertrading.domain.market import HOUR_MS, MINUTE_MS, Bars, Market, Records, Settlements
from mastertrading.domain.reasons import EventKind, FillReason, Gate, name_of
from mastertrading.settings.schema import Settings

CENT = 1_000_000
"""Value of one tick of one lot, atoms."""
PX = 10_000
MONDAY_08 = 1_748_246_400_000
"""2025-05-26 08:00 UTC: session london, full risk."""
Bar = tuple[int, int, int, int]
QUIET: Bar = (PX, PX, PX, PX)
FREE_OF_WARM_UP: dict[str, Any] = {
    "allocation.long_multiplier": 1.0,
    "allocation.ttl_seconds": 0,
    "risk.stops.stop_atr": 0.0,
    "risk.stops.target_atr": 0.0,
    "risk.stops.target_base": 0.04995,
    "risk.volatility.wild_scale": 1.0,
    "risk.gates.htf_adx_min": 0.0,
    "account.initial_equity": 10_100.0,
}
"""No average to wait for; 30.3 of 10 100 at risk, 1.2 a lot: 25 lots. The target (4.995 %, and 0.1 % for fees) is
510 ticks away."""


def coin(symbol: str = "BTCUSDT", **changes: Any) -> Instrument:
    plain = Instrument(symbol, tick=Decimal(1), lot=Decimal("0.01"), min_notional=Decimal(5))
    return replace(plain, **changes)


def tiers(*steps: tuple[str, str]) -> tuple[MarginTier, ...]:
    return tuple(MarginTier(Decimal(floor), Decimal(rate)) for floor, rate in steps)


def settings(changes: Mapping[str, Any] | None = None) -> Settings:
    """Settings without warm-up, changed by dotted keys."""
    tree: dict[str, Any] = {}
    for key, value in {**FREE_OF_WARM_UP, "instruments": {}, **(changes or {})}.items():
        *groups, name = key.split(".")
        at = tree
        for group in groups:
            at = at.setdefault(group, {})
        at[name] = value
    return Settings.model_validate(tree)


def level(px: int, count: int = 1) -> list[Bar]:
    """Bars in which nothing happens."""
    return [(px, px, px, px)] * count


class Paid(NamedTuple):
    """A funding settlement: minutes after the first open, and the rate."""

    minute: float
    rate: float


@dataclass
class Scene:
    """What happens.

    Attributes
    ----------
    bars
        Of each instrument; None where a bar is missing.
    said
        Forecasts of each instrument by bar.
    paid
        Settlements of each instrument.
    primer
        Closes of 1 h bars that end where the base begins, for each instrument.
    """

    bars: Sequence[Sequence[Bar | None]]
    said: Sequence[Mapping[int, float]] = ({0: 1.0},)
    paid: Sequence[Sequence[Paid]] = ((),)
    coins: Sequence[Instrument] = (coin(),)
    start_ms: int = MONDAY_08
    primer: Sequence[Sequence[float]] = ((),)
    changes: Mapping[str, Any] = field(default_factory=dict)
    macro: Sequence[int] = ()


class Played(NamedTuple):
    """What came of it. ``decisions``: DECISION (bars, instruments)."""

    result: Result
    decisions: Records
    start_ms: int

    def fills(self, instrument: int = 0) -> list[tuple[int, int, int, str]]:
        """(bar, signed lots, ticks, reason) of each fill; the bar is that at whose open time it is dated."""
        rows = self.result.fills
        return [
            ((int(f.ts_ms) - self.start_ms) // MINUTE_MS, int(f.lots), int(f.px_ticks), reason_of(f.reason))
            for f in rows[rows["instrument"] == instrument]
        ]

    @property
    def trade(self) -> Any:
        """The only trade."""
        assert len(self.result.trades) == 1, f"{len(self.result.trades)} trades"
        return self.result.trades[0]

    def refusals(self, instrument: int = 0) -> list[str]:
        """First refusal of every bar; '' where nothing refused."""
        return [name_of(Gate(int(d.refusal))) if d.refusal else "" for d in self.decisions[:, instrument]]

    def refused_by(self, bar: int, instrument: int = 0) -> set[str]:
        """Every gate that said no at a bar."""
        decision = self.decisions[bar, instrument]
        no = int(decision.evaluated) & ~int(decision.passed)
        return {name_of(gate) for gate in Gate if no >> (gate - 1) & 1}

    def events(self, kind: EventKind) -> list[Any]:
        rows = self.result.events
        return list(rows[rows["kind"] == kind])


def reason_of(code: int) -> str:
    return name_of(FillReason(int(code)))


def market(scene: Scene) -> Market:
    count, coins = len(scene.bars[0]), scene.coins
    panel = np.full((4, count, len(coins)), np.nan)
    for i, bars in enumerate(scene.bars):
        for t, bar in enumerate(bars):
            if bar is not None:
                panel[:, t, i] = bar
    hours = [primer_bars(closes, scene.start_ms) for closes in _each(scene.primer, coins)]
    charged = [settlements(paid, scene.start_ms) for paid in _each(scene.paid, coins)]
    return Market(
        instruments=tuple(coins),
        base_ms=MINUTE_MS,
        ts_ms=scene.start_ms + MINUTE_MS * np.arange(count, dtype=np.int64),
        open=panel[0].copy(),
        high=panel[1].copy(),
        low=panel[2].copy(),
        close=panel[3].copy(),
        volume=np.ones_like(panel[0]),
        valid=~np.isnan(panel[0]),
        settlements=tuple(charged),
        primer=tuple(hours),
        data_id="hand-made",
        grade="A",
    )


def _each(given: Sequence[Any], coins: Sequence[Instrument]) -> list[Any]:
    return [*given, *[()] * (len(coins) - len(given))][: len(coins)]


def settlements(paid: Sequence[Paid], start_ms: int) -> Settlements:
    moments = np.array([start_ms + round(p.minute * MINUTE_MS) for p in paid], np.int64)
    rates = np.array([p.rate for p in paid], np.float64)
    return Settlements(moments, rates, np.full(len(paid), 8 * HOUR_MS, np.int64))


def primer_bars(closes: Sequence[float], start_ms: int) -> Bars:
    close = np.array(closes, np.float64)
    moments = start_ms - HOUR_MS * np.arange(len(close), 0, -1, dtype=np.int64)
    return Bars(moments, close.copy(), close.copy(), close.copy(), close, np.ones_like(close))


def play(scene: Scene) -> Played:
    """Replay a scene."""
    said = {
        item.symbol: (
            np.array([scene.start_ms + MINUTE_MS * k for k in sorted(views)], np.int64),
            np.array([views[k] for k in sorted(views)], np.float64),
        )
        for item, views in zip(scene.coins, scene.said, strict=False)
    }
    seen: list[Records] = []
    macro = np.array(scene.macro, np.int64) if scene.macro else None
    result = run(
        market(scene),
        settings(scene.changes),
        Ask(forecasts=said, macro_ms=macro, all_paths=False),
        on_decisions=lambda _t, _verdicts, decisions, _rows: seen.append(decisions.copy()),
    )
    return Played(result, np.concatenate(seen).view(np.recarray), scene.start_ms)


def one(*bars: Bar | list[Bar] | None, said: Mapping[int, float] | None = None, **rest: Any) -> Played:
    """Replay one coin: bars and runs of bars, in order. Keywords with a dot or of a Scene."""
    flat: list[Bar | None] = []
    for item in bars:
        flat.extend(item) if isinstance(item, list) else flat.append(item)
    return play(Scene([flat], said=[said or {0: 1.0}], **rest))
