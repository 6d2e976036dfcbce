"""Bybit V5, linear perpetuals, on the local exchange.

::

    facade ──► signing, limits ──► market · bars · records · trade · position · account · user ──► exchange
       │              (parameters, new_order read; rendering, holdings, numbers, ids, pages write) │
       └──► streams ──► public_stream · private_stream · order_entry ◄──────── events ──────────┘

``rules`` says what the venue is taken to do and how we know; ``codes`` holds its numbers and sentences.
"""

from mastertrading.simulator.bybit.facade import BybitFacade
from mastertrading.simulator.bybit.rules import BybitRules

__all__ = ["BybitFacade", "BybitRules"]
