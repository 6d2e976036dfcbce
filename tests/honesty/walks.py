"""Walks on which nothing can be earned, settings that let every forecast in, and what the trades then made."""

from __future__ import annotations

import math

import numpy as np

from mastertrading.backtest.run import Ask, run
from mastertrading.settings.schema import Settings

OPEN_DOORS = {
    "allocation": {
        "long_multiplier": 1.0,
        "ttl_seconds": 0,
        "sessions": {name: {"start": start, "end": end, "score_floor": 0.0, "risk": 1.0} for name, start, end in (
            ("overlap", 12, 14), ("london", 6, 14), ("ny", 14, 20), ("dead", 20, 23), ("asia", 23, 6))},
    },
    "costs": {"slippage": 0.0, "taker_fee": 0.0001, "maker_fee": 0.0001},
    "fills": {"through_ticks": 0},
    "risk": {
        "tiers": {"half": 1.0, "reduced": 1.0},
        "volatility": {"wild_scale": 1.0},
        "stops": {"stop_atr": 0.0, "target_atr": 0.0},
        "portfolio": {"max_instrument_exposure": 10.0, "max_correlated_exposure": 20.0, "max_value_at_risk": 1.0},
        "gates": {"htf_adx_min": 0.0, "max_leverage": 4.0, "throttle": {"low": 1440, "middle": 1440, "high": 1440}},
        "breakers": {"enabled": False},
    },
}  # fmt: skip
"""No gate refuses a forecast. A limit fills at its first touch (``through_ticks`` 0), as on a walk it does: the
default would give away one tick of each. No slippage: the trades' gross is then nothing but the fill rule's doing."""


def settings_with(**groups):
    """Open doors, and what a test says beside them."""
    merged = dict(OPEN_DOORS)
    for name, group in groups.items():
        merged[name] = _merged(merged.get(name, {}), group)
    return Settings.model_validate(merged)


def _merged(under, over):
    both = dict(under)
    for name, value in over.items():
        both[name] = _merged(both[name], value) if isinstance(value, dict) and name in both else value
    return both


def coin_tosses(market, every, seed):
    """Long or short by chance, every few bars."""
    draw = np.random.default_rng(seed)
    ts_ms = market.ts_ms[1:-1:every]
    return {symbol: (ts_ms, draw.choice((-1.0, 1.0), len(ts_ms))) for symbol in market.symbols}


def trend_forecasts(market, every, window):
    """The sign of the move over the last bars."""
    at = np.arange(window, len(market.ts_ms) - 1, every)
    return {
        symbol: (market.ts_ms[at], np.sign(market.close[at, i] - market.close[at - window, i]))
        for i, symbol in enumerate(market.symbols)
    }


def trades_of(market, settings, forecasts=None):
    return run(market, settings, Ask(forecasts=forecasts, all_paths=False)).trades


def in_r(trades, column="gross_atoms"):
    """A money column in multiples of what each trade risked."""
    return trades[column] / np.maximum(1, trades["risk_atoms"])


def standard_error(values):
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))


def t_statistic(values):
    """How many standard errors the mean is away from zero."""
    return float(np.mean(values)) / standard_error(values)


def interval_95(values):
    """95 % interval of the mean; the normal quantile is good for the hundreds of values it is used on."""
    mean, reach = float(np.mean(values)), 1.96 * standard_error(values)
    return mean - reach, mean + reach
