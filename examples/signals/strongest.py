"""Cross-section: long the instruments that rose most, short those that fell most (``panel``: all of them at once)."""

import numpy as np

from mastertrading import change, ranked


def strongest(panel, lookback: int = 240, share: float = 0.6):
    """Rank all instruments by their change over ``lookback`` bars; the middle is left alone."""
    rank = ranked(change(panel.close, lookback))
    return np.where(np.abs(rank) >= share, rank, 0.0)
