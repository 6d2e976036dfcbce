"""The parameters of the rules, as the records that kernels read. ``settings.records`` fills them.

Rates that touch money are whole numbers of 1e-8 (``_e8``); all else are fractions, multiples or milliseconds.
"""

from __future__ import annotations

import numpy as np

MAX_MODULES = 8
MAX_TIERS = 12

COSTS = np.dtype(
    [
        ("taker_e8", "i8"),
        ("maker_e8", "i8"),
        ("liquidation_e8", "i8"),
        ("slippage_e8", "i8"),
        ("through_ticks", "i8"),
        ("path", "i8"),  # IntrabarPath
    ],
    align=True,
)

ALLOCATION = np.dtype(
    [
        ("modules", "i8"),  # columns in use
        ("weights", "f8", (MAX_MODULES,)),
        ("threshold", "f8"),
        ("long_multiplier", "f8"),
        ("confluence_multiplier", "f8"),
        ("alone_multiplier", "f8"),
        ("ttl_ms", "i8"),
        ("min_modules", "i8"),
        ("count_any", "u1"),
        ("floor_mask", "u4"),  # modules whose score must reach the session's floor
        ("meanrev_column", "i8"),  # -1 where there is none
    ],
    align=True,
)

DYNAMIC = np.dtype(
    [
        ("enabled", "u1"),
        ("window_ms", "i8"),
        ("prior_wins", "f8"),
        ("prior_losses", "f8"),
        ("min_trades", "i8"),
        ("low", "f8"),
        ("high", "f8"),
    ],
    align=True,
)

SIZING = np.dtype(
    [
        ("per_trade", "f8"),
        ("at_threshold", "f8"),
        ("full_after", "f8"),
        ("calm", "f8"),
        ("wild", "f8"),
        ("wild_scale", "f8"),
        ("stop_base", "f8"),
        ("stop_atr", "f8"),
        ("stop_floor", "f8"),
        ("target_base", "f8"),
        ("target_atr", "f8"),
        ("target_multiplier", "f8"),
        ("reads_volatility", "u1"),  # 0: no formula above depends on it, so it may be unknown
    ],
    align=True,
)

KELLY = np.dtype(
    [("enabled", "u1"), ("fraction", "f8"), ("cap", "f8"), ("trades", "i8"), ("min_trades", "i8")], align=True
)

PORTFOLIO = np.dtype(
    [
        ("max_instrument", "f8"),
        ("max_leverage", "f8"),
        ("max_correlated", "f8"),
        ("hours", "i8"),
        ("min_hours", "i8"),
        ("shrink", "f8"),
        ("max_var", "f8"),
        ("tail", "f8"),  # 1 - confidence
        ("z", "f8"),  # normal quantile of the confidence
        ("account_leverage", "f8"),
    ],
    align=True,
)

GATES = np.dtype(
    [
        ("htf_adx_min", "f8"),
        ("spares_meanrev", "u1"),
        ("low_adx", "f8"),
        ("high_adx", "f8"),
        ("low_entries", "i8"),
        ("middle_entries", "i8"),
        ("high_entries", "i8"),
        ("min_equity_atoms", "i8"),
        ("max_spread", "f8"),
        ("refuse_unknown_spread", "u1"),
        ("max_data_age_ms", "i8"),
    ],
    align=True,
)

BREAKERS = np.dtype(
    [
        ("enabled", "u1"),
        ("day", "f8", (3,)),  # drawdown at which each Stage above NORMAL begins
        ("week", "f8", (3,)),
        ("peak", "f8", (3,)),
        ("peak_release", "f8"),
        ("losses_half", "i8"),
        ("losses_stop", "i8"),
        ("pause_ms", "i8"),
        ("ignore_r", "f8"),
    ],
    align=True,
)

EXITS = np.dtype(
    [
        ("breakeven_r", "f8"),
        ("partial_r", "f8"),
        ("partial_frac", "f8"),
        ("keep_target", "u1"),
        ("trail_from_r", "f8"),
        ("trail_lock", "f8"),
        ("flip", "u1"),
        ("flip_min_ms", "i8"),
        ("stale_ms", "i8"),
        ("stale_band", "f8"),
        ("exit_when_flat", "u1"),
    ],
    align=True,
)

RULES = np.dtype(
    [
        ("costs", COSTS),
        ("allocation", ALLOCATION),
        ("dynamic", DYNAMIC),
        ("sizing", SIZING),
        ("kelly", KELLY),
        ("portfolio", PORTFOLIO),
        ("gates", GATES),
        ("breakers", BREAKERS),
        ("exits", EXITS),
    ],
    align=True,
)
"""Everything that the rules of one run can be told."""

SPEC = np.dtype(
    [
        ("atoms", "i8"),  # value of one tick of one lot
        ("min_lots", "i8"),
        ("min_notional_atoms", "i8"),
        ("risk_cap", "f8"),  # the smaller of the instrument's own cap and its tier's
        ("modules", "u4"),  # bit m set: module m may vote here
        ("longs", "u1"),
        ("shorts", "u1"),
        ("tiers", "i8"),
        ("tier_floor", "i8", (MAX_TIERS,)),  # atoms of notional
        ("tier_rate_e8", "i8", (MAX_TIERS,)),
        ("tier_deduction", "i8", (MAX_TIERS,)),  # atoms; makes the ladder continuous
    ],
    align=True,
)
"""One instrument's contract and what is allowed on it."""
