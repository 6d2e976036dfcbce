"""Position mode, margin mode and leverage: looked at, put right, and looked at again before anything is traded."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable, SafetyBlocked
from mastertrading.domain.orders import MarginMode, Setup

if TYPE_CHECKING:
    from mastertrading.exchange.gateway import VenueGateway

FRESH_S = 3_600.0
"""After so long a set-up is looked at again: somebody may have changed it by hand."""


class SetupGuard:
    """Lets no order out that may open a position before its instrument's set-up was read back."""

    def __init__(self, gateway: VenueGateway, leverage: int, mode: MarginMode) -> None:
        self._gateway, self._leverage, self._mode = gateway, leverage, mode
        self._seen_s: dict[str, float] = {}

    async def objection(self, symbol: str) -> str:
        """Why an order of this instrument must not go out; empty if it may."""
        now_s = self._gateway.clock.monotonic()
        if now_s - self._seen_s.get(symbol, float("-inf")) < FRESH_S:
            return ""
        try:
            await verified(self._gateway, [symbol], self._leverage, self._mode, change=True)
        except (SafetyBlocked, ExchangeUnavailable, ExchangeRefused) as trouble:
            return f"{trouble.what}: {trouble.why}" if trouble.why else trouble.what
        self._seen_s[symbol] = now_s
        return ""


async def verified(
    gateway: VenueGateway, symbols: Sequence[str], leverage: int, mode: MarginMode, change: bool
) -> tuple[Setup, ...]:
    """The set-up of some instruments, read from the venue, when it is as it must be: one-way, and as asked.

    Parameters
    ----------
    change
        Set what is different, once; False only looks.

    Raises
    ------
    SafetyBlocked
        If something is different and stays so.
    ExchangeUnavailable, ExchangeRefused
    """
    wanted = (Decimal(leverage), mode, False)

    def differing(found: Sequence[Setup]) -> list[Setup]:
        return [one for one in found if (one.leverage, one.margin_mode, one.hedged) != wanted]

    found = await gateway.setups(symbols)
    if differing(found) and change:
        await _put_right(gateway, differing(found), leverage, mode)
        found = await gateway.setups(symbols)
    wrong = differing(found)
    if wrong:
        first = wrong[0]
        raise SafetyBlocked(
            f"{gateway.name} is not set up as it must be for {', '.join(one.symbol for one in wrong)}",
            why=f"{first.symbol}: leverage {first.leverage}, margin {first.margin_mode}, hedged {first.hedged}",
            where="exchange.leverage, exchange.margin",
            hint=f"close positions and orders, then set {leverage}x, {mode.value}, one-way by hand",
        )
    return found


async def _put_right(gateway: VenueGateway, wrong: Sequence[Setup], leverage: int, mode: MarginMode) -> None:
    if any(one.hedged is not False for one in wrong):
        await gateway.set_one_way()
    for one in wrong:
        if one.margin_mode is not mode:
            await gateway.set_margin_mode(one.symbol, mode)
        if one.leverage != leverage:
            await gateway.set_leverage(one.symbol, leverage)
