"""What clients ask of api.binance.com before they trade futures: currencies, margin pairs, rights of the key."""

from __future__ import annotations

from typing import Any

from mastertrading.simulator.binance.desk import Call


def currencies(call: Call) -> list[dict[str, Any]]:
    """Currencies: the quote and each base; nothing can be deposited or withdrawn here."""
    names = dict.fromkeys(["USDT", *(listing.base for listing in call.exchange.listings.values())])
    return [
        {
            "coin": name,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "name": name,
            "free": "0",
            "locked": "0",
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for name in names
    ]


def margin_instruments(call: Call) -> list[dict[str, Any]]:
    """Pairs of margin trading on spot: none."""
    return []


def restrictions(call: Call) -> dict[str, Any]:
    """What the key may do."""
    account = call.owner
    return {
        "ipRestrict": account.ip_restricted,
        "createTime": account.created_ms,
        "enableReading": "read" in account.permissions,
        "enableWithdrawals": "withdraw" in account.permissions,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": "trade" in account.permissions,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": True,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }


def system_status(call: Call) -> dict[str, Any]:
    """The venue works."""
    return {"status": 0, "msg": "normal"}
