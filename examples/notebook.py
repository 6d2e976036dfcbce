"""The whole story in a few lines; run it from the checkout: python examples/notebook.py."""

from pathlib import Path

import numpy as np

import mastertrading as mt


def ema_cross(bars, fast: int = 20, slow: int = 50):
    """Long above, short below."""
    return np.sign(mt.ema(bars.close, fast) - mt.ema(bars.close, slow))


def main(folder: Path = Path(), days: float = 5) -> None:
    """Check a signal, trade it, look at it, compare it with the four modules."""
    market = mt.panel(instruments=["BTC", "ETH"], days=days)  # or mt.panel("lake", ["BTC", "ETH"])
    print(mt.lookahead(ema_cross, market))
    run = mt.backtest(market, mt.signal(ema_cross, fast=30), **{"risk.per_trade": 0.002})
    print(run)
    print(run.trades.select("instrument", "side", "entry_px", "exit_px", "r", "exit_reason").head())
    print(run.why("BTC", "2024-01-02T12:00"))
    run.plot().save(folder / "equity.svg")
    print(mt.backtest(market))


if __name__ == "__main__":
    main()
