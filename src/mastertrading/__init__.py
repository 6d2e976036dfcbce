"""mastertrading: one set of trading rules for backtest, paper and live."""

__version__ = "0.1.0"
