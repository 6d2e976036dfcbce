"""Binance USDⓈ-M futures on the local exchange: REST, market streams, user streams and the WebSocket API.

::

    facade     one door: routing, limits, the venue's errors
    routes     every path with its weight, its access and its handler
    signing    keys, signatures, clocks          parameters   what a client may write
    market     prices, bars, books, funding      trade algo   orders and conditional orders
    account account_settings ladder   money, positions, modes    wallet   what api.binance.com is asked at start-up
    rendering  ticks and atoms as the venue writes them
    streams    market streams   private   user streams   socket_api   orders over a WebSocket
    rules      what the venue is said to do, with its evidence
"""

from mastertrading.simulator.binance.facade import BinanceFacade
from mastertrading.simulator.binance.rules import BinanceRules

__all__ = ["BinanceFacade", "BinanceRules"]
