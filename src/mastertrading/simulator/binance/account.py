"""Money, positions, and what has moved the money."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from mastertrading.domain.orders import MarginMode
from mastertrading.simulator.binance import entries
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.ladder import largest_notional
from mastertrading.simulator.binance.rendering import MONEY_PLACES, POSITION_SIDE, money, plain
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Income, IncomeKind, Leg, Position

INCOME: Final = {
    IncomeKind.REALISED: "REALIZED_PNL",
    IncomeKind.FEE: "COMMISSION",
    IncomeKind.FUNDING: "FUNDING_FEE",
    IncomeKind.TRANSFER: "TRANSFER",
    IncomeKind.INSURANCE: "INSURANCE_CLEAR",
    IncomeKind.ADJUSTMENT: "AUTO_EXCHANGE",
}
OTHER_INCOME: Final = (
    "WELCOME_BONUS", "REFERRAL_KICKBACK", "COMMISSION_REBATE", "API_REBATE", "CONTEST_REWARD", "FEE_RETURN",
    "CROSS_COLLATERAL_TRANSFER", "INTERNAL_TRANSFER", "DELIVERED_SETTELMENT", "STRATEGY_UMFUTURES_TRANSFER",
    "POSITION_LIMIT_INCREASE_FEE", "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW", "BFUSD_REWARD",
)  # fmt: skip
"""Kinds that a client may ask for and that never happen here."""


# ---------------------------------------------------------------- money
def _asset(call: Call) -> dict[str, Any]:
    exchange, account = call.exchange, call.owner
    positions, orders = (
        exchange.initial_margin_atoms(account, None),
        exchange.order_margin_atoms(account, None),
    )
    equity, available = exchange.equity_atoms(account), exchange.available_atoms(account)
    apart = sum(account.isolated.values())
    profit = sum(_profit(call, one) for one in account.held() if account.is_isolated(one.symbol))
    return {
        "asset": "USDT",
        "walletBalance": money(account.wallet_atoms),
        "unrealizedProfit": money(equity - account.wallet_atoms),
        "marginBalance": money(equity),
        "maintMargin": money(exchange.maintenance_atoms(account, None)),
        "initialMargin": money(positions + orders),
        "positionInitialMargin": money(positions),
        "openOrderInitialMargin": money(orders),
        "crossWalletBalance": money(account.wallet_atoms - apart),
        "crossUnPnl": money(equity - account.wallet_atoms - profit),
        "availableBalance": money(available),
        "maxWithdrawAmount": money(min(available, max(account.wallet_atoms, 0))),
        "marginAvailable": True,
        "updateTime": _updated(call),
    }


def _updated(call: Call) -> int:
    income = call.owner.incomes
    return income[-1].ts_ms if income else call.owner.created_ms


def _totals(asset: dict[str, Any]) -> dict[str, Any]:
    return {
        "totalInitialMargin": asset["initialMargin"],
        "totalMaintMargin": asset["maintMargin"],
        "totalWalletBalance": asset["walletBalance"],
        "totalUnrealizedProfit": asset["unrealizedProfit"],
        "totalMarginBalance": asset["marginBalance"],
        "totalPositionInitialMargin": asset["positionInitialMargin"],
        "totalOpenOrderInitialMargin": asset["openOrderInitialMargin"],
        "totalCrossWalletBalance": asset["crossWalletBalance"],
        "totalCrossUnPnl": asset["crossUnPnl"],
        "availableBalance": asset["availableBalance"],
        "maxWithdrawAmount": asset["maxWithdrawAmount"],
    }


def rights(call: Call) -> dict[str, Any]:
    """What the account may do."""
    return {
        "feeTier": 0,
        "canTrade": "trade" in call.owner.permissions,
        "canDeposit": True,
        "canWithdraw": "withdraw" in call.owner.permissions,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def account_v2(call: Call) -> dict[str, Any]:
    """Rights, money and every position, flat ones too."""
    asset = _asset(call)
    positions = [_account_position_v2(call, *one) for one in _legs(call, everything=True)]
    return {**rights(call), **_totals(asset), "assets": [asset], "positions": positions}


def account_v3(call: Call) -> dict[str, Any]:
    """Money, and positions that are there or have orders."""
    asset = _asset(call)
    del asset["marginAvailable"]
    positions = [_account_position(call, *one) for one in _legs(call, everything=False)]
    return {**_totals(asset), "assets": [asset], "positions": positions}


def balance(call: Call) -> list[dict[str, Any]]:
    """Money by currency."""
    asset = _asset(call)
    return [
        {
            "accountAlias": call.owner.name,
            "asset": "USDT",
            "balance": asset["walletBalance"],
            "crossWalletBalance": asset["crossWalletBalance"],
            "crossUnPnl": asset["crossUnPnl"],
            "availableBalance": asset["availableBalance"],
            "maxWithdrawAmount": asset["maxWithdrawAmount"],
            "marginAvailable": True,
            "updateTime": asset["updateTime"],
        }
    ]


# ---------------------------------------------------------------- positions
def _legs(call: Call, *, everything: bool) -> list[tuple[Listing, Position]]:
    account, found = call.owner, []
    legs = (Leg.LONG, Leg.SHORT) if account.hedged else (Leg.NET,)
    for listing in call.listings():
        busy = any(True for _ in call.exchange.open_orders(account, listing.symbol, conditional=False))
        for leg in legs:
            position = call.exchange.position(account, listing.symbol, leg)
            if everything or position.lots or busy:
                found.append((listing, position))
    return found


def _share(call: Call, position: Position, of: Callable[[Any, str], int]) -> int:
    """An instrument's sum of money that falls to one leg, by size."""
    if not position.lots:
        return 0
    account = call.owner
    both = [call.exchange.position(account, position.symbol, leg) for leg in (Leg.NET, Leg.LONG, Leg.SHORT)]
    return of(account, position.symbol) * abs(position.lots) // sum(abs(one.lots) for one in both)


def _entry(call: Call, listing: Listing, position: Position) -> str:
    return call.scale(listing).average(position.cost, abs(position.lots))


def _isolated(call: Call, position: Position) -> tuple[bool, int, int]:
    """(isolated, its margin with open profit, its money)."""
    account = call.owner
    isolated = account.margin_modes.get(position.symbol) is MarginMode.ISOLATED
    if not isolated or not position.lots:
        return isolated, 0, 0
    wallet = account.isolated.get((position.symbol, position.leg), 0)
    return isolated, wallet + _profit(call, position), wallet


def _profit(call: Call, position: Position) -> int:
    return call.exchange.unrealised_atoms(call.owner, position.symbol, position.leg)


def _money(atoms: int) -> str:
    return money(atoms) if atoms else "0"


def _account_position(call: Call, listing: Listing, position: Position) -> dict[str, Any]:
    scale, mark = call.scale(listing), call.market(listing).mark_ticks
    _, margin, wallet = _isolated(call, position)
    return {
        "symbol": listing.symbol,
        "positionSide": POSITION_SIDE[position.leg],
        "positionAmt": scale.qty(position.lots),
        "unrealizedProfit": money(_profit(call, position)),
        "isolatedMargin": money(margin),
        "notional": _money(mark * position.lots * listing.atoms),
        "isolatedWallet": _money(wallet),
        "initialMargin": _money(_initial(call, position)),
        "maintMargin": _money(_share(call, position, call.exchange.maintenance_atoms)),
        "updateTime": position.updated_ms,
    }


def _initial(call: Call, position: Position) -> int:
    held = _share(call, position, call.exchange.initial_margin_atoms)
    return held + call.exchange.order_margin_atoms(call.owner, position.symbol)


def _account_position_v2(call: Call, listing: Listing, position: Position) -> dict[str, Any]:
    held = _share(call, position, call.exchange.initial_margin_atoms)
    orders = call.exchange.order_margin_atoms(call.owner, position.symbol)
    leverage = call.owner.leverage[listing.symbol]
    return {
        **_account_position(call, listing, position),
        "positionInitialMargin": _money(held),
        "openOrderInitialMargin": _money(orders),
        "leverage": str(leverage),
        "isolated": _isolated(call, position)[0],
        "entryPrice": _entry(call, listing, position),
        "breakEvenPrice": _entry(call, listing, position),
        "maxNotional": plain(largest_notional(listing, leverage)),
        "bidNotional": "0",
        "askNotional": "0",
    }


def position_risk_v2(call: Call) -> list[dict[str, Any]]:
    """Every position with its risk, flat ones too."""
    return [_risk_v2(call, *one) for one in _legs(call, everything=True)]


def position_risk_v3(call: Call) -> list[dict[str, Any]]:
    """Positions that are there or have orders, with their risk."""
    return [_risk_v3(call, *one) for one in _legs(call, everything=False)]


def _risk(call: Call, listing: Listing, position: Position) -> dict[str, Any]:
    scale, market = call.scale(listing), call.market(listing)
    _, margin, wallet = _isolated(call, position)
    liquidation = call.exchange.liquidation_ticks(call.owner, listing.symbol, position.leg)
    return {
        "symbol": listing.symbol,
        "positionSide": POSITION_SIDE[position.leg],
        "positionAmt": scale.qty(position.lots),
        "entryPrice": _entry(call, listing, position),
        "breakEvenPrice": _entry(call, listing, position),
        "markPrice": scale.precise(market.mark_ticks),
        "unRealizedProfit": money(_profit(call, position)),
        "liquidationPrice": scale.px(liquidation) if liquidation > 0 else "0",
        "isolatedMargin": money(margin) if margin else "0.00000000",
        "notional": _money(market.mark_ticks * position.lots * listing.atoms),
        "isolatedWallet": _money(wallet),
        "updateTime": position.updated_ms,
    }


def _risk_v2(call: Call, listing: Listing, position: Position) -> dict[str, Any]:
    leverage = call.owner.leverage[listing.symbol]
    return {
        **_risk(call, listing, position),
        "leverage": str(leverage),
        "maxNotionalValue": plain(largest_notional(listing, leverage)),
        "marginType": "isolated" if _isolated(call, position)[0] else "cross",
        "isAutoAddMargin": "false",
    }


def _risk_v3(call: Call, listing: Listing, position: Position) -> dict[str, Any]:
    held = _share(call, position, call.exchange.initial_margin_atoms)
    orders = call.exchange.order_margin_atoms(call.owner, listing.symbol)
    risk = _risk(call, listing, position)
    return {
        **risk,
        "isolatedMargin": "0" if risk["isolatedMargin"] == "0.00000000" else risk["isolatedMargin"],
        "marginAsset": "USDT",
        "initialMargin": _money(held + orders),
        "maintMargin": _money(_share(call, position, call.exchange.maintenance_atoms)),
        "positionInitialMargin": _money(held),
        "openOrderInitialMargin": _money(orders),
        "adl": call.exchange.adl_quantile(call.owner, listing.symbol, position.leg) if position.lots else 0,
        "bidNotional": "0",
        "askNotional": "0",
    }


def adl_quantile(call: Call) -> list[dict[str, Any]]:
    """How early each position would be deleveraged: 0 (last) … 4."""
    rows = []
    for listing in call.listings():
        held = {
            leg: call.exchange.adl_quantile(call.owner, listing.symbol, leg)
            for leg in (Leg.NET, Leg.LONG, Leg.SHORT)
            if call.exchange.position(call.owner, listing.symbol, leg).lots
        }
        if held:
            both = {"HEDGE": 0} if call.owner.hedged else {"BOTH": held.get(Leg.NET, 0)}
            quantile = {"LONG": held.get(Leg.LONG, 0), "SHORT": held.get(Leg.SHORT, 0), **both}
            rows.append({"symbol": listing.symbol, "adlQuantile": quantile})
    return rows


# ---------------------------------------------------------------- what has moved the money
def income(call: Call) -> list[dict[str, Any]]:
    """Bookings of an account, ascending."""
    listing, (start, end) = call.symbol_or_none(), call.parameters.span(call.desk.rules.longest_query_ms)
    limit, page = call.parameters.limit(100, 1000), call.parameters.whole("page") or 1
    kind = call.parameters.choice("incomeType", (*INCOME.values(), *OTHER_INCOME, ""), "")
    since, until = entries.window(call, start, end)
    found = [
        one
        for one in call.exchange.income(call.owner, symbol=listing.symbol if listing else None)
        if since <= one.ts_ms <= until and (not kind or INCOME[one.kind] == kind)
    ]
    first = (page - 1) * limit
    wanted = found[-limit:] if start is None and page == 1 else found[first : first + limit]
    return [_income_row(one) for one in wanted]


def _income_row(one: Income) -> dict[str, Any]:
    kind = INCOME[one.kind]
    traded = one.execution is not None
    return {
        "symbol": one.symbol,
        "incomeType": kind,
        "income": money(one.atoms),
        "asset": "USDT",
        "time": one.ts_ms,
        "info": kind,
        "tranId": one.number,
        "tradeId": str(one.execution) if traded else "",
    }


def commission_rate(call: Call) -> dict[str, Any]:
    """Fees of an instrument."""
    listing = call.symbol()
    return {
        "symbol": listing.symbol,
        "makerCommissionRate": _fee(listing.maker_e8),
        "takerCommissionRate": _fee(listing.taker_e8),
    }


def _fee(units_e8: int) -> str:
    return plain(Decimal(units_e8).scaleb(-MONEY_PLACES))
