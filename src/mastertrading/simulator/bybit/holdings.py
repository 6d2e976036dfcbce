"""Positions and money as Bybit writes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from mastertrading.domain.instrument import MarginTier
from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit.desk import IDX_OF, Desk
from mastertrading.simulator.bybit.numbers import money, plain, share
from mastertrading.simulator.bybit.rendering import SIDES, STOP_LOSS, TAKE_PROFIT, Row, stop_kind
from mastertrading.simulator.orders import Leg, Position


# ---------------------------------------------------------------- positions
def position_row(position: Position, account: Account, desk: Desk) -> Row:
    """A position as REST tells it."""
    exchange, grid = desk.exchange, desk.grid(position.symbol)
    symbol, leg, lots = position.symbol, position.leg, abs(position.lots)
    mark = desk.market(symbol).mark_ticks
    shared = lots and _share_of(account, position, desk)
    initial = exchange.initial_margin_atoms(account, symbol) * shared // 10**8 if lots else 0
    maintenance = exchange.maintenance_atoms(account, symbol) * shared // 10**8 if lots else 0
    liquidation = exchange.liquidation_ticks(account, symbol, leg) if lots else 0
    stop, target = protection(account, symbol, leg, desk)
    tier, limit = _tier(position, desk)
    entry = grid.average(position.cost, lots) if lots else "0"
    return {
        "positionIdx": IDX_OF[leg],
        "riskId": tier,
        "riskLimitValue": limit,
        "symbol": symbol,
        "side": SIDES[1 if position.lots > 0 else -1] if lots else "",
        "size": grid.qty(lots) if lots else "0",
        "avgPrice": entry,
        "positionValue": grid.value(position.cost) if lots else "0",
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": exchange.adl_quantile(account, symbol, leg) if lots else 0,
        "leverage": str(account.leverage[symbol]),
        "breakEvenPrice": _break_even(position, desk) if lots else "",
        "positionBalance": money(initial),
        "markPrice": grid.px(mark),
        "liqPrice": grid.some_px(liquidation),
        "bustPrice": "",
        "positionMM": money(maintenance),
        "positionMMByMp": money(maintenance),
        "positionIM": money(initial),
        "positionIMByMp": money(initial),
        "tpslMode": "Full",
        "takeProfit": grid.some_px(target),
        "stopLoss": grid.some_px(stop),
        "trailingStop": "0",
        "unrealisedPnl": money(exchange.unrealised_atoms(account, symbol, leg)) if lots else "0",
        "curRealisedPnl": money(position.realised_atoms) if lots else "0",
        "cumRealisedPnl": money(position.realised_atoms),
        "seq": desk.sequences.get((account.name, symbol, leg), -1),
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "sessionAvgPrice": "",
        "openTime": position.opened_ms if lots else 0,
        "createdTime": str(position.opened_ms),
        "updatedTime": str(position.updated_ms),
    }


def position_news(position: Position, account: Account, desk: Desk) -> Row:
    """A position as the private stream tells it: the entry price has another name there."""
    row = position_row(position, account, desk)
    row["entryPrice"] = row.pop("avgPrice")
    row["category"] = "linear"
    return row


def protection(account: Account, symbol: str, leg: Leg, desk: Desk) -> tuple[int, int]:
    """Trigger prices of the leg's full-size stop and target; 0 where there is none."""
    stop = target = 0
    for order in desk.exchange.open_orders(account, symbol):
        if order.new.leg is leg and order.watch is not None:
            kind = stop_kind(order)
            stop = order.watch.ticks if kind == STOP_LOSS else stop
            target = order.watch.ticks if kind == TAKE_PROFIT else target
    return stop, target


def _break_even(position: Position, desk: Desk) -> str:
    """(entry x size - realised) / (size - |size| x fee), size signed; the venue's formula, its fee at least 0.055 %."""
    listing, grid = desk.exchange.listings[position.symbol], desk.grid(position.symbol)
    side, lots = (1 if position.lots > 0 else -1), abs(position.lots)
    fee = max(listing.taker_e8, 55_000)
    won = position.realised_atoms // grid.atoms
    return grid.average((side * position.cost - won) * side * 10**8, lots * (10**8 - side * fee))


def _share_of(account: Account, position: Position, desk: Desk) -> int:
    """The part of the instrument's margin that one of its two legs has, by size, in 1e-8."""
    both = sum(abs(one.lots) for one in account.legs.values() if one.symbol == position.symbol)
    return abs(position.lots) * 10**8 // both if both else 0


def _tier(position: Position, desk: Desk) -> tuple[int, str]:
    """Number and upper end of the tier that the position's value is in."""
    listing = desk.exchange.listings[position.symbol]
    value = listing.px(1) * listing.qty(1) * position.cost
    tiers = listing.instrument.tiers
    index = max(i for i, tier in enumerate(tiers) if tier.floor <= value or i == 0)
    return index + 1, tier_limit(tiers, index)


def tier_limit(tiers: Sequence[MarginTier], index: int) -> str:
    """Upper end of a tier; of the last one, a thousand times its beginning (the venue has no open end)."""
    if index + 1 < len(tiers):
        return plain(tiers[index + 1].floor)
    return plain(max(tiers[index].floor * 1000, Decimal(10**9)))


# ---------------------------------------------------------------- money
def wallet_row(account: Account, desk: Desk) -> Row:
    """The account's money."""
    exchange = desk.exchange
    equity, wallet = exchange.equity_atoms(account), account.wallet_atoms
    available = max(0, exchange.available_atoms(account))
    orders = exchange.order_margin_atoms(account, None)
    initial = exchange.initial_margin_atoms(account, None)
    maintenance = exchange.maintenance_atoms(account, None)
    unrealised = equity - wallet
    realised = sum(position.realised_atoms for position in exchange.positions(account))
    needed = initial + orders
    row: Row = {
        "totalEquity": money(equity),
        "accountIMRate": share(needed, equity, 4),
        "accountIMRateByMp": share(needed, equity, 4),
        "totalMarginBalance": money(equity),
        "totalInitialMargin": money(needed),
        "totalInitialMarginByMp": money(needed),
        "accountType": "UNIFIED",
        "totalAvailableBalance": money(available),
        "accountMMRate": share(maintenance, equity, 4),
        "accountMMRateByMp": share(maintenance, equity, 4),
        "totalPerpUPL": money(unrealised),
        "totalWalletBalance": money(wallet),
        "accountLTV": "0",
        "totalMaintenanceMargin": money(maintenance),
        "totalMaintenanceMarginByMp": money(maintenance),
        "coin": [
            {
                "availableToBorrow": "",
                "bonus": "0",
                "accruedInterest": "0",
                "availableToWithdraw": "",
                "totalOrderIM": money(orders),
                "equity": money(equity),
                "totalPositionMM": money(maintenance),
                "usdValue": money(equity),
                "spotHedgingQty": "0",
                "unrealisedPnl": money(unrealised),
                "collateralSwitch": True,
                "borrowAmount": "0",
                "totalPositionIM": money(initial),
                "walletBalance": money(wallet),
                "cumRealisedPnl": money(realised),
                "locked": "0",
                "marginCollateral": True,
                "coin": "USDT",
                "spotBorrow": "0",
            }
        ],
    }
    return row
