"""Orders, executions, positions and money as Bybit writes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from mastertrading.domain.instrument import MarginTier
from mastertrading.domain.orders import OrderKind, OrderStatus, TimeInForce, TriggerBy
from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit import ids
from mastertrading.simulator.bybit.desk import IDX_OF, Desk, Note, closed_lots
from mastertrading.simulator.bybit.ids import Kind
from mastertrading.simulator.bybit.numbers import Grid, money, plain, rate, share
from mastertrading.simulator.orders import Cause, Ended, Execution, Income, Leg, Liquidity, Order, Position

Row = dict[str, Any]

SIDES = {1: "Buy", -1: "Sell"}
TRIGGERS = {TriggerBy.LAST: "LastPrice", TriggerBy.MARK: "MarkPrice", TriggerBy.INDEX: "IndexPrice"}
TIMES = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "PostOnly",
}
_STATES = {
    OrderStatus.UNTRIGGERED: "Untriggered",
    OrderStatus.WORKING: "New",
    OrderStatus.PARTIAL: "PartiallyFilled",
    OrderStatus.FILLED: "Filled",
    OrderStatus.CANCELLED: "Cancelled",
    OrderStatus.EXPIRED: "Cancelled",
    OrderStatus.REJECTED: "Rejected",
    OrderStatus.UNKNOWN: "New",
}
_CANCELS = {
    Ended.BY_CLIENT: "CancelByUser",
    Ended.REDUCE_ONLY: "CancelByReduceOnly",
    Ended.LIQUIDATED: "CancelAllBeforeLiq",
    Ended.BY_VENUE: "CancelByAdmin",
    Ended.REPLACED: "CancelByUser",
}
_REJECTS = {
    Ended.BY_CLIENT: "EC_PerCancelRequest",
    Ended.NO_LIQUIDITY: "EC_NoImmediateQtyToFill",
    Ended.POST_ONLY: "EC_PostOnlyWillTakeLiquidity",
    Ended.INSUFFICIENT_MARGIN: "EC_Others",
    Ended.REPLACED: "EC_CancelReplaceOrder",
    Ended.REDUCE_ONLY: "EC_Others",
    Ended.LIQUIDATED: "EC_Others",
    Ended.BY_VENUE: "EC_Others",
}
_EXECUTIONS = {
    Cause.CLIENT: "Trade",
    Cause.FOREIGN: "Trade",
    Cause.LIQUIDATION: "BustTrade",
    Cause.ADL: "AdlTrade",
}
STOP_LOSS, TAKE_PROFIT, PLAIN_STOP = "StopLoss", "TakeProfit", "Stop"


def order_id(order: Order) -> str:
    """The venue's id of an order."""
    return ids.id_of(Kind.ORDER, order.number)


# ---------------------------------------------------------------- orders
def stop_kind(order: Order) -> str:
    """``stopOrderType``: the position's stop or target, another conditional order, or '' for none."""
    if order.watch is None:
        return ""
    if order.parent is None and "protects" not in order.new.echo:
        return PLAIN_STOP
    rising_closes_short = order.watch.above == (order.new.order_side > 0)
    name = STOP_LOSS if rising_closes_short else TAKE_PROFIT
    return f"Partial{name}" if order.new.echo.get("tpslMode") == "Partial" else name


def state_of(order: Order) -> str:
    """``orderStatus``. A conditional order that ended before its trigger is Deactivated, not Cancelled."""
    waiting = order.watch is not None and order.triggered_ms == 0
    if waiting and order.status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED):
        return "Deactivated"
    return _STATES[order.status]


def cancel_type(order: Order, kind: str) -> str:
    """``cancelType``."""
    if order.ended is Ended.REDUCE_ONLY and kind not in ("", PLAIN_STOP):
        return "CancelByTpSlTsClear"
    return _CANCELS.get(order.ended, "UNKNOWN") if order.ended else "UNKNOWN"


def create_type(order: Order, kind: str) -> str:
    """``createType``."""
    if order.cause is Cause.LIQUIDATION:
        return "CreateByLiq"
    if order.cause is Cause.ADL:
        return "CreateByAdl_PassThrough"
    return {"": "CreateByUser", PLAIN_STOP: "CreateByStopOrder"}.get(kind, f"CreateBy{kind}")


def order_row(order: Order, desk: Desk, state: str = "") -> Row:
    """An order as REST tells it. ``state`` overrides its status (the moment *Triggered*)."""
    new, grid, kind = order.new, desk.grid(order.symbol), stop_kind(order)
    is_open = order.status.is_open
    left = order.open_lots if is_open else 0
    worth = order.limit_ticks or (order.watch.ticks if order.watch else 0)
    fee = money(order.fees)
    echo = new.echo
    row: Row = {
        "orderId": order_id(order),
        "orderLinkId": order.client_id,
        "parentOrderLinkId": echo.get("parentOrderLinkId", ""),
        "blockTradeId": "",
        "symbol": order.symbol,
        "price": _price(order, grid),
        "qty": grid.qty(order.lots),
        "side": SIDES[new.order_side],
        "isLeverage": "",
        "positionIdx": IDX_OF[new.leg],
        "orderStatus": state or state_of(order),
        "createType": create_type(order, kind),
        "cancelType": cancel_type(order, kind),
        "rejectReason": _REJECTS.get(order.ended, "EC_NoError") if order.ended else "EC_NoError",
        "avgPrice": grid.average(order.spent, order.filled) if order.filled else "",
        "leavesQty": grid.qty(left),
        "leavesValue": grid.value(left * worth),
        "cumExecQty": grid.qty(order.filled),
        "cumExecValue": grid.value(order.spent),
        "cumExecFee": fee,
        "timeInForce": "IOC" if new.kind is OrderKind.MARKET else TIMES[new.time_in_force],
        "orderType": "Market" if new.kind is OrderKind.MARKET else "Limit",
        "stopOrderType": kind,
        "orderIv": "",
        "marketUnit": "",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "",
        "triggerPrice": grid.px(order.watch.ticks) if order.watch else "",
        "takeProfit": grid.some_px(new.target_ticks),
        "stopLoss": grid.some_px(new.stop_ticks),
        "tpslMode": echo.get("tpslMode", "Full" if new.target_ticks or new.stop_ticks else ""),
        "ocoTriggerBy": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "tpTriggerBy": TRIGGERS[new.target_by] if new.target_ticks else "",
        "slTriggerBy": TRIGGERS[new.stop_by] if new.stop_ticks else "",
        "triggerDirection": 0 if order.watch is None else (1 if order.watch.above else 2),
        "triggerBy": TRIGGERS[order.watch.by] if order.watch else "",
        "lastPriceOnCreated": echo.get("lastPriceOnCreated", ""),
        "reduceOnly": new.reduce_only or new.close_position,
        "closeOnTrigger": bool(echo.get("closeOnTrigger", new.close_position)),
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
        "cumFeeDetail": {"USDT": fee} if order.filled else {},
    }
    return row


def order_news(order: Order, desk: Desk, state: str = "") -> Row:
    """An order as the private stream tells it."""
    row = order_row(order, desk, state)
    row["category"] = "linear"
    row["closedPnl"] = money(desk.won.get(order.number, 0))
    row["feeCurrency"] = ""
    row["rpiTakerAccess"] = False
    row["rpiMatchedQty"] = "0"
    return row


def _price(order: Order, grid: Grid) -> str:
    """Limit price; of a market order the price that the venue's own protection makes of it."""
    if order.new.kind is OrderKind.LIMIT:
        return grid.px(order.limit_ticks)
    return str(order.new.echo.get("protectedPrice", "0"))


# ---------------------------------------------------------------- executions
def execution_type(one: Execution | Income) -> str:
    """``execType``."""
    return "Funding" if isinstance(one, Income) else _EXECUTIONS[one.cause]


def execution_row(execution: Execution, order: Order | None, desk: Desk) -> Row:
    """A fill as REST tells it."""
    grid = desk.grid(execution.symbol)
    note = desk.notes.get(execution.number) or Note(0, 0)
    lots, kind = abs(execution.lots), stop_kind(order) if order else ""
    market = order is None or order.new.kind is OrderKind.MARKET
    value = lots * execution.px_ticks * grid.atoms
    return {
        "symbol": execution.symbol,
        "orderType": "Market" if market else "Limit",
        "underlyingPrice": "",
        "orderLinkId": execution.client_id,
        "side": SIDES[execution.order_side],
        "indexPrice": "",
        "orderId": ids.id_of(Kind.ORDER, execution.order),
        "stopOrderType": kind or "UNKNOWN",
        "leavesQty": grid.qty(note.left_lots),
        "execTime": str(execution.ts_ms),
        "feeCurrency": "",
        "isMaker": execution.liquidity is Liquidity.MAKER,
        "execFee": money(execution.fee_atoms),
        "feeRate": share(execution.fee_atoms, value),
        "execId": ids.id_of(Kind.EXECUTION, execution.number),
        "tradeIv": "",
        "blockTradeId": "",
        "markPrice": grid.px(note.mark_ticks),
        "execPrice": grid.px(execution.px_ticks),
        "markIv": "",
        "orderQty": grid.qty(order.lots if order else lots),
        "orderPrice": _price(order, grid) if order else "0",
        "execValue": money(value),
        "execType": execution_type(execution),
        "execQty": grid.qty(lots),
        "closedSize": grid.qty(closed_lots(execution)),
        "extraFees": "",
        "createType": create_type(order, kind) if order else "CreateByUser",
        "seq": execution.number,
    }


def execution_news(execution: Execution, order: Order | None, desk: Desk) -> Row:
    """A fill as the private stream tells it."""
    row = execution_row(execution, order, desk)
    row["category"] = "linear"
    row["isLeverage"] = "0"
    row["marketUnit"] = ""
    row["execPnl"] = money(execution.realised_atoms)
    return row


def fast_news(execution: Execution, desk: Desk) -> Row:
    """A fill as ``execution.fast`` tells it."""
    grid = desk.grid(execution.symbol)
    return {
        "category": "linear",
        "symbol": execution.symbol,
        "execId": ids.id_of(Kind.EXECUTION, execution.number),
        "execPrice": grid.px(execution.px_ticks),
        "execQty": grid.qty(abs(execution.lots)),
        "orderId": ids.id_of(Kind.ORDER, execution.order),
        "isMaker": execution.liquidity is Liquidity.MAKER,
        "orderLinkId": execution.client_id,
        "side": SIDES[execution.order_side],
        "execTime": str(execution.ts_ms),
        "seq": execution.number,
    }


def funding_row(income: Income, desk: Desk) -> Row:
    """A funding payment among the executions: + paid, its rate signed as the payment."""
    grid = desk.grid(income.symbol)
    mark, lots = desk.marks.get(income.number, 0), abs(income.position_lots)
    side = 1 if income.position_lots > 0 else -1
    return {
        "symbol": income.symbol,
        "orderType": "UNKNOWN",
        "underlyingPrice": "",
        "orderLinkId": "",
        "side": SIDES[side],
        "indexPrice": "",
        "orderId": ids.id_of(Kind.INCOME, income.number),
        "stopOrderType": "UNKNOWN",
        "leavesQty": "0",
        "execTime": str(income.ts_ms),
        "feeCurrency": "",
        "isMaker": False,
        "execFee": money(-income.atoms),
        "feeRate": rate(side * income.funding_rate_e8),
        "execId": ids.id_of(Kind.INCOME, income.number),
        "tradeIv": "",
        "blockTradeId": "",
        "markPrice": grid.px(mark),
        "execPrice": grid.px(mark),
        "markIv": "",
        "orderQty": "0",
        "orderPrice": "0",
        "execValue": grid.value(lots * mark),
        "execType": "Funding",
        "execQty": grid.qty(lots),
        "closedSize": "0",
        "extraFees": "",
        "createType": "",
        "seq": income.number,
    }


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
        "seq": position.updated_ms or -1,
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
