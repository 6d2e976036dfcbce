"""Trend following: long while the fast average is above the slow one, short while it is below."""

import numpy as np

from mastertrading import ema


def ema_cross(bars, fast: int = 20, slow: int = 50):
    """Say 1 or -1; nothing before the slow average is there."""
    return np.sign(ema(bars.close, fast) - ema(bars.close, slow))
