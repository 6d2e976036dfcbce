"""Two timeframes: the direction of the finished hours, entered when the minutes turn the same way."""

import numpy as np

from mastertrading import coarse, crossed, ema


def hourly_trend(bars, hours: int = 12, minutes: int = 30, strength: float = 0.8):
    """A forecast at the bar where the price crosses its own average in the direction of the hours."""
    hourly = coarse(bars, "1h")
    rising = hourly.to_base(np.sign(hourly.close - ema(hourly.close, hours)))
    turned = crossed(bars.close, ema(bars.close, minutes))
    return np.where(turned == rising, strength * turned, 0.0)
