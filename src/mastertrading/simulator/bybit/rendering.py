"""Orders and executions as Bybit writes them."""

from __future__ import annotations

from typing import Any

from mastertrading.domain.orders import OrderKind, OrderStatus, TimeInForce, TriggerBy
from mastertrading.simulator.bybit import ids
from mastertrading.simulator.bybit.desk import IDX_OF, Desk, Note, closed_lots
from mastertrading.simulator.bybit.ids import Kind
from mastertrading.simulator.bybit.numbers import Grid, money, rate, share
from mastertrading.simulator.orders import Cause, Ended, Execution, Income, Liquidity, Order

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
    Cause.DELIVERY: "Delivery",
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


def reject_reason(order: Order) -> str:
    """``rejectReason``."""
    if order.ended is None:
        return "EC_NoError"
    if order.ended is Ended.NO_LIQUIDITY and order.new.time_in_force is TimeInForce.FOK:
        return "EC_CancelForNoFullFill"
    return _REJECTS[order.ended]


def create_type(order: Order, kind: str) -> str:
    """``createType``."""
    if order.cause is Cause.LIQUIDATION:
        return "CreateByLiq"
    if order.cause is Cause.ADL:
        return "CreateByAdl_PassThrough"
    if order.cause is Cause.DELIVERY:
        return "CreateBySettle"
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
        "parentOrderLinkId": _parents_name(order, desk),
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
        "rejectReason": reject_reason(order),
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


def _parents_name(order: Order, desk: Desk) -> str:
    """The client's id of the entry that brought this protection."""
    if order.parent is None:
        return ""
    parent = desk.exchange.accounts[order.account].orders.get(order.parent)
    return parent.client_id if parent else ""


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
