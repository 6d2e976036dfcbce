"""The crossing strategy of W1 to W3: its market, its settings, its signal, and the floor's numbers for it."""

from __future__ import annotations

import numpy as np

from mastertrading.backtest.lean import LeanResult
from mastertrading.backtest.result import Result
from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.instrument import RATE_UNIT
from mastertrading.domain.market import F64, MINUTE_MS, Bars, Market, Settlements
from mastertrading.lake.universe import CATALOGUE
from mastertrading.research.arrays import emas
from mastertrading.research.bench.floor import FIELDS, Flat, Floored
from mastertrading.settings.records import atoms, rate_e8
from mastertrading.settings.schema import Settings

FAST, SLOW = 20, 50
STOP, TARGET, FEE, RISK = 0.012, 0.018, 0.0006, 0.0012
DEPOSIT = 1_000_000.0
START_MS = 1_704_067_200_000
SIGMA, SUB_STEPS, PIECE = 0.0006, 12, 8192
PRICES = {
    "BTCUSDT": 60_000.0,
    "ETHUSDT": 2_400.0,
    "SOLUSDT": 145.0,
    "XRPUSDT": 2.2,
    "DOGEUSDT": 0.18,
    "ADAUSDT": 0.6,
    "LINKUSDT": 14.5,
}
"""Where each instrument's walk begins."""


def walk(bars: int, instruments: int, seed: int) -> Market:
    """A geometric random walk on the instruments' tick grid: minutes of twelve steps, so that extremes are real.

    Parameters
    ----------
    bars, instruments
        Size; at most seven instruments.
    """
    chosen = tuple(CATALOGUE[symbol] for symbol in list(PRICES)[:instruments])
    ticks = np.array([float(instrument.tick) for instrument in chosen])
    first = np.array([PRICES[instrument.symbol] for instrument in chosen])
    rng = np.random.Generator(np.random.PCG64(seed))
    prices = [np.empty((bars, instruments)) for _ in range(4)]
    level, before = np.zeros(instruments), np.round(first / ticks) * ticks
    for start in range(0, bars, PIECE):  # in pieces, so that making it needs no more memory than having it
        count = min(PIECE, bars - start)
        steps = rng.normal(0.0, SIGMA / np.sqrt(SUB_STEPS), (count * SUB_STEPS, instruments))
        way = level + np.cumsum(steps, axis=0)
        level = way[-1]
        px = (np.round(np.exp(way) * first / ticks) * ticks).reshape(count, SUB_STEPS, instruments)
        opens = np.vstack([before[None], px[:-1, -1]])
        before = px[-1, -1]
        cut = slice(start, start + count)
        prices[0][cut], prices[3][cut] = opens, px[:, -1]
        prices[1][cut], prices[2][cut] = np.maximum(px.max(1), opens), np.minimum(px.min(1), opens)
    return market_of(chosen_symbols(instruments), prices, f"walk {seed}")


def chosen_symbols(instruments: int) -> tuple[str, ...]:
    """The first instruments of the walk."""
    return tuple(PRICES)[:instruments]


def market_of(symbols: tuple[str, ...], prices: list[F64], name: str) -> Market:
    """A market from arrays: open, high, low, close, each of shape (bars, instruments)."""
    nothing, never = np.empty(0), np.empty(0, np.int64)
    close = prices[3]
    return Market(
        instruments=tuple(CATALOGUE[symbol] for symbol in symbols),
        base_ms=MINUTE_MS,
        ts_ms=np.arange(START_MS, START_MS + MINUTE_MS * len(close), MINUTE_MS),
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=close,
        volume=np.ones(close.shape),
        valid=np.ones(close.shape, np.bool_),
        settlements=tuple(Settlements(never, nothing, never) for _ in symbols),
        primer=tuple(Bars(never, *[nothing] * 5) for _ in symbols),
        data_id=name,
        grade="A",
    )


def crossing_settings() -> Settings:
    """Settings under which the ordinary engine trades the crossing strategy and nothing holds it back.

    Every gate is asked; none refuses. The target rule adds round-trip fees, so they are taken off its base.
    """
    all_day = {"score_floor": 0.0, "risk": 1.0}
    return Settings.model_validate(
        {
            "allocation": {
                "threshold": 0.0,
                "min_modules": 1,
                "ttl_seconds": 0,
                "long_multiplier": 1.0,
                "dynamic": {"enabled": False},
                "sessions": {
                    "overlap": {"start": 0, "end": 23, **all_day},
                    "dead": {"start": 22, "end": 23, **all_day},
                    "asia": {"start": 23, "end": 6, **all_day},
                },
                "budget": {"at_threshold": 1.0},
            },
            "risk": {
                "per_trade": RISK,
                "volatility": {"wild_scale": 1.0},
                "stops": {
                    "stop_base": STOP,
                    "stop_atr": 0.0,
                    "stop_floor": STOP,
                    "target_base": TARGET - 2 * FEE,
                    "target_atr": 0.0,
                },
                "portfolio": {
                    "max_value_at_risk": 1.0,
                    "max_correlated_exposure": 100.0,
                    "max_instrument_exposure": 100.0,
                    "correlation_shrink": 0.2,
                },
                "gates": {
                    "htf_adx_min": 0.0,
                    "throttle": {"low": 1440, "middle": 1440, "high": 1440},
                    "max_leverage": 100.0,
                },
                "breakers": {"enabled": False},
            },
            "position": {
                "breakeven_r": 1e9,
                "partial_fraction": 0.0,
                "trail_from_r": 1e9,
                "flip_min_minutes": 0,
                "stale_hours": 1e9,
            },
            "account": {"initial_equity": DEPOSIT, "leverage": 125},
            "costs": {"taker_fee": FEE, "maker_fee": FEE, "slippage": 0.0, "funding": False},
            "instruments": {},
        }
    )


def flat_rules(fast: int = FAST, slow: int = SLOW) -> Flat:
    """The same strategy for the floor."""
    fee_e8 = rate_e8(FEE)
    target = (TARGET - 2 * FEE) * 1.0 + 2.0 * fee_e8 / RATE_UNIT
    return Flat(fast, slow, STOP, target, RISK, fee_e8, atoms(DEPOSIT))


def crossings(close: F64, fast: int = FAST, slow: int = SLOW) -> F64:
    """The signal: 1 at the bar where the fast average comes to stand above the slow one, -1 where below, else 0.

    Parameters
    ----------
    close
        Shape (bars, instruments).
    """
    quick, lazy = emas(close, fast, slow)
    return turns(quick > lazy, slow)


def turns(above: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], first: int) -> F64:
    """1 where ``above`` becomes true, -1 where it becomes false, from bar ``first`` on."""
    out, side = np.empty(above.shape), above.view(np.int8)
    out[:first], out[first:] = 0.0, side[first:] - side[first - 1 : -1]
    return out


def check_same(engine: Result | LeanResult, flat: Floored) -> None:
    """Refuse to go on where the engine and the floor are not the same trades and the same equity, to the bit.

    Raises
    ------
    InvariantBroken
        With the first difference.
    """
    trades = engine.trades
    ours = np.stack([trades[name] for name in FIELDS], axis=1) if len(trades) else np.empty((0, len(FIELDS)))
    theirs = flat.trades[np.argsort(flat.trades[:, FIELDS.index("closed_ms")], kind="stable")]
    ours = ours[np.argsort(ours[:, FIELDS.index("closed_ms")], kind="stable")]
    equity = engine.equity if isinstance(engine, LeanResult) else engine.equity["equity"]
    if len(ours) != len(theirs):
        _differ(f"{len(ours)} trades and {len(theirs)}")
    unlike = np.flatnonzero((ours != theirs).any(axis=1))
    if len(unlike):
        _differ(f"trade {unlike[0]}: {ours[unlike[0]].tolist()} and {theirs[unlike[0]].tolist()}")
    if len(equity) != len(flat.equity) or (equity != flat.equity).any():
        at = int(np.flatnonzero(equity != flat.equity)[0])
        _differ(f"equity of bar {at}: {equity[at]} and {flat.equity[at]}")


def _differ(why: str) -> None:
    raise InvariantBroken(
        "the engine and the flat loop differ, so their times must not be compared",
        why=why,
        where="research/bench/floor.py",
        hint="the strategy, the settings or a rule of the engine has changed; the floor must follow",
    )
