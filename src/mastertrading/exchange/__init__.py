"""The exchanges, spoken to by ccxt: what they publish about the past, asked kindly and believed with care.

Nothing here stores anything. Pages of rows are handed up as arrays, and who asked keeps them.
"""
