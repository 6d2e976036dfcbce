"""Leverage, margin mode, position mode, several currencies, and keys of user streams."""

from __future__ import annotations

from typing import Any, Final

from mastertrading.domain.orders import MarginMode
from mastertrading.simulator.binance.account import rights
from mastertrading.simulator.binance.codes import VenueError, invalid, of_refusal
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.ladder import brackets_of, largest_notional
from mastertrading.simulator.binance.rendering import plain
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import No, Refused

DONE: Final = {"code": 200, "msg": "success"}
MODES: Final = {"CROSSED": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}


def leverage_bracket(call: Call) -> Any:
    """The ladder of one instrument or of all."""
    return [
        {"symbol": one.symbol, "notionalCoef": 1.0, "brackets": brackets_of(one)} for one in call.listings()
    ]


def set_leverage(call: Call) -> dict[str, Any]:
    """Set an instrument's leverage."""
    listing, leverage = call.symbol(), call.parameters.required_whole("leverage")
    if not 1 <= leverage <= listing.max_leverage:
        raise VenueError(-4028, f"Leverage {leverage} is not valid")
    try:
        call.exchange.set_leverage(call.owner, listing.symbol, leverage)
    except Refused as refused:
        if refused.reason is not No.NO_CHANGE:
            raise of_refusal(refused, {No.MARGIN: -2028}) from None
    most = plain(largest_notional(listing, leverage))
    return {"leverage": leverage, "maxNotionalValue": most, "symbol": listing.symbol}


def set_margin_type(call: Call) -> dict[str, Any]:
    """Set an instrument's margin mode."""
    listing, name = call.symbol(), call.parameters.required("marginType")
    if name not in MODES:
        raise invalid("marginType")
    account = call.owner
    if account.margin_modes.get(listing.symbol, MarginMode.CROSS) is MODES[name]:
        raise VenueError(-4046)
    if call.exchange.open_orders(account, listing.symbol):
        raise VenueError(-4047)
    try:
        call.exchange.set_margin_mode(account, listing.symbol, MODES[name])
    except Refused as refused:
        raise of_refusal(refused, {No.NO_CHANGE: -4046, No.HAS_ORDERS_OR_POSITION: -4048}) from None
    return dict(DONE)


def position_mode(call: Call) -> dict[str, bool]:
    """Whether long and short are kept apart."""
    return {"dualSidePosition": call.owner.hedged}


def set_position_mode(call: Call) -> dict[str, Any]:
    """Keep long and short apart, or not."""
    call.parameters.required("dualSidePosition")
    hedged = bool(call.parameters.flag("dualSidePosition"))
    account = call.owner
    if account.hedged is hedged:
        raise VenueError(-4059)
    if call.exchange.open_orders(account):
        raise VenueError(-4067)
    try:
        call.exchange.set_position_mode(account, hedged)
    except Refused as refused:
        raise of_refusal(refused, {No.NO_CHANGE: -4059, No.HAS_ORDERS_OR_POSITION: -4068}) from None
    return dict(DONE)


def multi_assets(call: Call) -> dict[str, bool]:
    """Whether several currencies back positions: never."""
    return {"multiAssetsMargin": False}


def set_multi_assets(call: Call) -> dict[str, Any]:
    """There is one currency only: it stays off."""
    call.parameters.required("multiAssetsMargin")
    raise VenueError(-4169 if call.parameters.flag("multiAssetsMargin") else -4171)


def position_margin(call: Call) -> dict[str, Any]:
    """Move money to or from an isolated position: not modelled, so the venue's two refusals are the answers."""
    listing = call.symbol()
    call.parameters.required_decimal("amount")
    if call.parameters.required_whole("type") not in (1, 2):
        raise invalid("type")
    isolated = call.owner.margin_modes.get(listing.symbol) is MarginMode.ISOLATED
    raise VenueError(-4051 if isolated else -4049)


def account_config(call: Call) -> dict[str, Any]:
    """Rights and modes of the account."""
    return {**rights(call), "dualSidePosition": call.owner.hedged}


def symbol_config(call: Call) -> list[dict[str, Any]]:
    """Margin mode and leverage of each instrument."""
    return [_config(call, listing) for listing in call.listings()]


def _config(call: Call, listing: Listing) -> dict[str, Any]:
    leverage = call.owner.leverage[listing.symbol]
    isolated = call.owner.margin_modes.get(listing.symbol) is MarginMode.ISOLATED
    return {
        "symbol": listing.symbol,
        "marginType": "ISOLATED" if isolated else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": leverage,
        "maxNotionalValue": plain(largest_notional(listing, leverage)),
    }


# ---------------------------------------------------------------- user streams
def start_listen_key(call: Call) -> dict[str, str]:
    """A key of a user stream."""
    return {"listenKey": call.desk.start_key(call.owner.name).key}


def keep_listen_key(call: Call) -> dict[str, str]:
    """Begin its hour anew."""
    return {"listenKey": call.desk.keep_key(call.owner.name).key}


def end_listen_key(call: Call) -> dict[str, str]:
    """Close the user stream."""
    call.desk.end_key(call.owner.name)
    return {}
