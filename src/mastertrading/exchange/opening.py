"""A gateway from the settings: the permit, the keys, and the class of the venue, in that order."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mastertrading.domain.errors import UsageError
from mastertrading.domain.orders import MarginMode
from mastertrading.domain.ports import Clock
from mastertrading.exchange.keys import Keys, keys_of
from mastertrading.exchange.modes import SWITCH, Mode, permit_of

if TYPE_CHECKING:
    from mastertrading.exchange.gateway import VenueGateway
    from mastertrading.settings.schema import Exchange as ExchangeSettings

GATEWAYS: Mapping[str, tuple[str, str]] = {
    "binance_usdm": ("mastertrading.exchange.binance", "BinanceGateway"),
    "bybit_linear": ("mastertrading.exchange.bybit", "BybitGateway"),
}
"""By our name of the venue; imported when it is used."""


def open_gateway(
    settings: ExchangeSettings,
    clock: Clock,
    environ: Mapping[str, str],
    *,
    switch: str = "",
    origin: str = "",
    session: Any = None,
    keys: Keys | None = None,
    seed: int = 0,
) -> VenueGateway:
    """The gateway that the settings name. It has opened nothing yet; ``start`` does.

    Before an instrument's first order, and every hour, it reads position mode, margin mode and leverage back.

    Parameters
    ----------
    environ
        The environment: keys, and the second switch where ``switch`` (the command line's) is empty.
    origin
        Where ``exchange.mode`` was said, see ``modes.permit_of``.
    session
        An HTTP session to use instead of our own.
    keys
        Those of the account, where they are known already.

    Raises
    ------
    SafetyBlocked
        If the mode may not be entered, or there are no keys for it. In paper mode no key is read.
    UsageError
        If the venue has no gateway.
    """
    permit = permit_of(settings, switch or environ.get(SWITCH, ""), origin=origin)
    if settings.venue not in GATEWAYS:
        raise UsageError(
            f"there is no gateway to {settings.venue} yet",
            why=f"there are {', '.join(GATEWAYS)}",
            where="exchange.venue",
        )
    module, name = GATEWAYS[settings.venue]
    signing = None if permit.mode is Mode.PAPER else keys or keys_of(settings.account, environ)
    gateway: VenueGateway = getattr(import_module(module), name)(
        permit,
        clock,
        keys=signing,
        session=session,
        timeout_s=settings.timeout_seconds,
        reserve=settings.reserve,
        proxy=settings.proxy,
        seed=seed,
    )
    gateway.require_setup(settings.leverage, MarginMode(settings.margin))
    return gateway
