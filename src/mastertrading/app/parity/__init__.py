"""Parity: whether what was lived is what the backtest trades, and where it is not, why (DESIGN section 9)."""
