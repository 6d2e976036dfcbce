"""``/v5/user`` and ``/v5/asset``: the key, and what a client asks of coins when it starts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit.desk import Desk, uid_of
from mastertrading.simulator.bybit.numbers import money
from mastertrading.simulator.bybit.parameters import Asked

Result = dict[str, Any]
BOUND_ADDRESS = "127.0.0.1"
_NOTHING = (
    "Options",
    "CopyTrading",
    "BlockTrade",
    "NFT",
    "Affiliate",
    "Earn",
    "FiatP2P",
    "FiatBybitPay",
    "FiatConvertBroker",
    "FiatGlobalPay",
    "FiatBitPay",
    "BitCard",
    "ByXPost",
)


def query_api(asked: Asked, desk: Desk, account: Account) -> Result:
    """``query-api``: whose key this is and what it may do."""
    uid = uid_of(account)
    may = account.permissions
    wallet = ["AccountTransfer"] if "transfer" in may else []
    created = datetime.fromtimestamp(account.created_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": str(uid),
        "note": account.name,
        "apiKey": account.api_key,
        "readOnly": int("trade" not in may),
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"] if "trade" in may else [],
            "Spot": [],
            "Wallet": [*wallet, "Withdraw"] if "withdraw" in may else wallet,
            "Derivatives": ["DerivativesTrade"] if "trade" in may else [],
            "Exchange": [],
            **{name: [] for name in _NOTHING},
        },
        "ips": [BOUND_ADDRESS] if account.ip_restricted else ["*"],
        "type": 1,
        "deadlineDay": -2 if account.ip_restricted else 90,
        "expiredAt": "1970-01-01T00:00:00Z",
        "createdAt": created,
        "unified": 0,
        "uta": 1,
        "userID": uid,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_1",
        "kycRegion": "MYS",
        "userIDInt64": str(uid),
        "inviterIDInt64": "0",
        "affiliateIDInt64": "0",
    }


def currency_info(asked: Asked, desk: Desk, account: Account) -> Result:
    """``coin/query-info``."""
    chain = {
        "chainType": "ERC20",
        "confirmation": "6",
        "withdrawFee": "1",
        "depositMin": "0",
        "withdrawMin": "1",
        "chain": "ETH",
        "chainDeposit": "0",
        "chainWithdraw": "0",
        "minAccuracy": "6",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
        "safeConfirmNumber": "65",
        "withdrawMax": "0",
    }
    row = {"name": "USDT", "coin": "USDT", "remainAmount": "0", "chains": [chain]}
    return {"rows": [row] if asked.name("coin") in ("", "USDT") else []}


def currency_balance(asked: Asked, desk: Desk, account: Account) -> Result:
    """``transfer/query-account-coins-balance``."""
    kind = asked.needed("accountType")
    free = money(max(0, desk.exchange.available_atoms(account)))
    row = {
        "coin": "USDT",
        "transferBalance": free,
        "walletBalance": money(account.wallet_atoms),
        "bonus": "",
    }
    return {
        "memberId": str(uid_of(account)),
        "accountType": kind,
        "balance": [row] if kind == "UNIFIED" else [],
    }
