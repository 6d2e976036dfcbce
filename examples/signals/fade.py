"""Mean reversion: sell what has run far above its average, buy what has fallen far below, in calm markets only."""

import numpy as np

from mastertrading import adx, rsi, zscore


def fade(bars, window: int = 120, entry: float = 2.0, calm_adx: float = 25.0, confirm: bool = True):
    """The further from the average, the stronger; ``confirm`` asks the RSI as well."""
    stretch = zscore(bars.close, window)
    wish = np.where(np.abs(stretch) >= entry, np.clip(-stretch / 4.0, -1.0, 1.0), 0.0)
    calm = adx(bars.high, bars.low, bars.close) < calm_adx
    if confirm:
        index = rsi(bars.close)
        calm &= np.where(wish > 0.0, index < 30.0, index > 70.0)
    return np.where(calm, wish, 0.0)
