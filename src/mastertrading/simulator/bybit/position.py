"""``/v5/position``: positions, leverage, modes, and the stops and targets that belong to a position."""

from __future__ import annotations

from typing import Any, Final

from mastertrading.domain.orders import OrderKind, TimeInForce, TriggerBy
from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit.codes import Code, Wrong, parameter, refusal
from mastertrading.simulator.bybit.desk import Desk, closed_lots, leg_of
from mastertrading.simulator.bybit.holdings import position_row, tier_limit
from mastertrading.simulator.bybit.new_order import check_sides, ticks, trigger_by
from mastertrading.simulator.bybit.numbers import money
from mastertrading.simulator.bybit.pages import named_page, page, window
from mastertrading.simulator.bybit.parameters import LINEAR, Asked, only_linear
from mastertrading.simulator.bybit.rendering import (
    SIDES,
    STOP_LOSS,
    TAKE_PROFIT,
    execution_type,
    order_id,
    stop_kind,
)
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Execution, Leg, NewOrder, No, Order, Position, Refused, Watch

Result = dict[str, Any]
_LEGS: Final = (Leg.NET, Leg.LONG, Leg.SHORT)
_ONE_WAY, _HEDGED = 0, 3


# ---------------------------------------------------------------- reading
def positions(asked: Asked, desk: Desk, account: Account) -> Result:
    """``list``: of one symbol also where there is none; of a coin those that are not flat."""
    category = asked.category()
    if category != LINEAR:
        return {"list": [], "nextPageCursor": "", "category": category}
    symbol, settle, base = asked.name(), asked.name("settleCoin"), asked.name("baseCoin")
    if not (symbol or settle or base):
        raise parameter("params error: symbol and settleCoin are both empty")
    found = (
        _of_symbol(desk.listing(symbol).symbol, account)
        if symbol
        else [p for p in account.held() if settle in ("", "USDT")]
    )
    rows = {
        f"{p.symbol}{_LEGS.index(p.leg)}": p
        for p in found
        if symbol or not base or desk.exchange.listings[p.symbol].base == base
    }
    names, cursor = named_page(sorted(rows), asked, limit=20, most=200)
    told = [position_row(rows[name], account, desk) for name in names]
    return {"list": told, "nextPageCursor": cursor, "category": category}


def _of_symbol(symbol: str, account: Account) -> list[Position]:
    legs = (Leg.LONG, Leg.SHORT) if account.hedged else (Leg.NET,)
    return [account.legs.get((symbol, leg)) or Position(symbol, leg) for leg in legs]


def closed_pnl(asked: Asked, desk: Desk, account: Account) -> Result:
    """``closed-pnl``: what each closing order won, newest first."""
    category, span = asked.category(), desk.rules.query_span_ms
    start, end = window(asked, desk.now_ms(), span, span)
    if category != LINEAR:
        return {"nextPageCursor": "", "category": category, "list": []}
    fills = desk.exchange.executions(account, asked.name() or None, since_ms=start)
    by_order: dict[int, list[Execution]] = {}
    for fill in fills:
        if fill.ts_ms <= end and closed_lots(fill):
            by_order.setdefault(fill.order, []).append(fill)
    rows = sorted(by_order.items())
    chosen, cursor = page(rows, asked, lambda row: row[0], limit=50, most=100)
    told = [_closed_row(account.orders[number], group, account, desk) for number, group in chosen]
    return {"nextPageCursor": cursor, "category": category, "list": told}


def _closed_row(order: Order, fills: list[Execution], account: Account, desk: Desk) -> Result:
    grid = desk.grid(order.symbol)
    closed = sum(closed_lots(fill) for fill in fills)
    left = sum(closed_lots(fill) * fill.px_ticks for fill in fills)
    won = sum(fill.realised_atoms for fill in fills)
    entered = left - order.new.order_side * -won // grid.atoms
    fees = sum(fill.fee_atoms for fill in fills)
    return {
        "symbol": order.symbol,
        "orderType": "Market" if order.new.kind is OrderKind.MARKET else "Limit",
        "leverage": str(account.leverage[order.symbol]),
        "updatedTime": str(fills[-1].ts_ms),
        "side": SIDES[order.new.order_side],
        "orderId": order_id(order),
        "closedPnl": money(won - fees),
        "avgEntryPrice": grid.average(entered, closed),
        "qty": grid.qty(order.lots),
        "cumEntryValue": grid.value(entered),
        "createdTime": str(fills[0].ts_ms),
        "orderPrice": grid.px(order.limit_ticks),
        "closedSize": grid.qty(closed),
        "avgExitPrice": grid.average(left, closed),
        "execType": execution_type(fills[0]),
        "fillCount": str(len(fills)),
        "cumExitValue": grid.value(left),
    }


# ---------------------------------------------------------------- settings
def set_leverage(asked: Asked, desk: Desk, account: Account) -> Result:
    """``set-leverage``: whole numbers, equal for both sides."""
    only_linear(asked)
    listing = desk.listing(asked.needed("symbol"))
    buy, sell = asked.number("buyLeverage"), asked.number("sellLeverage")
    if not buy or not sell:
        raise parameter("params error: buyLeverage and sellLeverage are needed")
    if buy != sell:
        raise parameter("buy leverage and sell leverage must be equal")
    if buy != buy.to_integral_value() or not 1 <= buy <= 10_000:
        raise parameter("params error: leverage invalid")
    if account.leverage[listing.symbol] == int(buy):
        raise Wrong(Code.LEVERAGE_SAME)
    _ask(desk.exchange.set_leverage, account, listing.symbol, int(buy), same=Code.LEVERAGE_SAME)
    return {}


def switch_mode(asked: Asked, desk: Desk, account: Account) -> Result:
    """``switch-mode``: one-way or hedged. The exchange has one mode for an account, whatever symbol is named."""
    only_linear(asked)
    symbol, coin = asked.name(), asked.name("coin")
    if not symbol and not coin:
        raise parameter("params error: symbol and coin are both empty")
    if symbol:
        desk.listing(symbol)
    mode = asked.whole("mode", 0, 3, -1)
    if mode not in (_ONE_WAY, _HEDGED):
        raise parameter("params error: mode invalid")
    hedged = mode == _HEDGED
    if account.hedged == hedged:
        raise Wrong(Code.POSITION_MODE_SAME)
    if any(True for _ in account.held()):
        raise Wrong(Code.HAS_POSITION)
    if account.open:
        raise Wrong(Code.HAS_ORDERS)
    _ask(desk.exchange.set_position_mode, account, hedged, same=Code.POSITION_MODE_SAME)
    return {}


def switch_isolated(asked: Asked, desk: Desk, account: Account) -> Result:
    """``switch-isolated``: not for unified accounts, and every account here is one."""
    raise Wrong(Code.NOT_UNIFIED)


def set_risk_limit(asked: Asked, desk: Desk, account: Account) -> Result:
    """``set-risk-limit``: the tier follows the position by itself; a tier that exists is answered as given."""
    only_linear(asked)
    listing = desk.listing(asked.needed("symbol"))
    risk_id = asked.whole("riskId", 1, 10_000, 0)
    tiers = listing.instrument.tiers
    if not 1 <= risk_id <= len(tiers):
        raise Wrong(Code.RISK_LIMIT)
    return {"riskId": risk_id, "riskLimitValue": tier_limit(tiers, risk_id - 1), "category": LINEAR}


def set_auto_add_margin(asked: Asked, desk: Desk, account: Account) -> Result:
    """``set-auto-add-margin``: of isolated positions only, and the exchange never adds margin by itself."""
    only_linear(asked)
    desk.listing(asked.needed("symbol"))
    on = asked.whole("autoAddMargin", 0, 1, -1)
    if on < 0:
        raise parameter("params error: autoAddMargin invalid")
    if not desk.isolated(account) or on:
        raise Wrong(Code.ISOLATED_ONLY)
    return {}


def add_margin(asked: Asked, desk: Desk, account: Account) -> Result:
    """``add-margin``: of isolated positions only; the exchange sets their margin once, at the entry."""
    only_linear(asked)
    desk.listing(asked.needed("symbol"))
    if asked.number("margin") is None:
        raise parameter("params error: margin invalid")
    raise Wrong(Code.ILLEGAL if desk.isolated(account) else Code.IS_CROSS)


def _ask(command: Any, *arguments: Any, same: Code) -> None:
    try:
        command(*arguments)
    except Refused as refused:
        if refused.reason is No.NO_CHANGE:
            raise Wrong(same) from refused
        raise refusal(refused) from refused


# ---------------------------------------------------------------- stop and target of a position
def trading_stop(asked: Asked, desk: Desk, account: Account) -> Result:
    """``trading-stop``: set, move or remove (0) the stop and the target of a position.

    Full: of the whole position, one of each, moved in place. Partial: of a size, added to those there are.
    """
    only_linear(asked)
    listing = desk.listing(asked.needed("symbol"))
    partial = asked.one_of("tpslMode", ("Full", "Partial"), default="Full") == "Partial"
    leg = leg_of(asked.whole("positionIdx", 0, 2, 0), account)
    if asked.number("trailingStop"):
        raise parameter("trailingStop is not served here")
    for name in ("tpOrderType", "slOrderType"):
        if asked.one_of(name, ("Market", "Limit"), default="Market") == "Limit":
            raise parameter("limit TP/SL is not served here")
    position = account.legs.get((listing.symbol, leg))
    if position is None or not position.lots:
        raise parameter("can not set tp/sl/ts for zero position")
    side = 1 if position.lots > 0 else -1
    stop, target = ticks(asked, "stopLoss", listing), ticks(asked, "takeProfit", listing)
    check_sides(listing, side, desk.market(listing.symbol).last_ticks, stop, target)
    set_one = _Protection(asked, desk, account, listing, position, partial)
    set_one("stopLoss", "slSize", STOP_LOSS, stop, trigger_by(asked, "slTriggerBy"))
    set_one("takeProfit", "tpSize", TAKE_PROFIT, target, trigger_by(asked, "tpTriggerBy"))
    return {}


class _Protection:
    """Sets one side of a position's protection."""

    def __init__(
        self, asked: Asked, desk: Desk, account: Account, listing: Listing, position: Position, partial: bool
    ) -> None:
        self.asked, self.desk, self.account = asked, desk, account
        self.listing, self.position, self.partial = listing, position, partial

    def __call__(self, name: str, size: str, kind: str, at: int, by: TriggerBy) -> None:
        if name not in self.asked:
            return
        if self.partial and at:
            self._place(kind, at, by, self._size(size))
            return
        there = self._standing(kind)
        try:
            if not at:
                for order in there:
                    self.desk.exchange.cancel(self.account, order.symbol, number=order.number)
            elif there and there[0].watch is not None and there[0].watch.by is by:
                self._move(there[0], at)
            else:
                for order in there:
                    self.desk.exchange.cancel(self.account, order.symbol, number=order.number)
                self._place(kind, at, by, 0)
        except Refused as refused:
            raise refusal(refused) from refused

    def _move(self, order: Order, at: int) -> None:
        if order.watch is not None and order.watch.ticks == at:
            raise Wrong(Code.NOT_MODIFIED)
        self.desk.exchange.amend(self.account, order.symbol, number=order.number, trigger_ticks=at)

    def _standing(self, kind: str) -> list[Order]:
        return [
            order
            for order in self.desk.exchange.open_orders(self.account, self.listing.symbol)
            if order.new.leg is self.position.leg and stop_kind(order) == kind
        ]

    def _size(self, name: str) -> int:
        value = self.asked.number(name)
        lots = abs(self.position.lots) if value is None else self.listing.lots_of(value)
        if not lots:
            raise parameter("Qty invalid")
        return lots

    def _place(self, kind: str, at: int, by: TriggerBy, lots: int) -> None:
        side = -1 if self.position.lots > 0 else 1
        above = (side > 0) == (kind == STOP_LOSS)
        new = NewOrder(
            symbol=self.listing.symbol,
            order_side=side,
            kind=OrderKind.MARKET,
            lots=lots or abs(self.position.lots),
            watch=Watch(at, above, by),
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            close_position=not lots,
            leg=self.position.leg,
            echo={"protects": True, "tpslMode": "Partial" if lots else "Full", "closeOnTrigger": True},
        )
        try:
            self.desk.exchange.place(self.account, new)
        except Refused as refused:
            raise refusal(refused) from refused
