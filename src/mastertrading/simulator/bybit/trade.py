"""``/v5/order``: commands. An answer says that the request was accepted; what became of it the streams tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit import ids
from mastertrading.simulator.bybit.codes import Code, Wrong, parameter, refusal, text_of
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.ids import Kind
from mastertrading.simulator.bybit.limits import Limits
from mastertrading.simulator.bybit.new_order import amended_lots, read_order, ticks
from mastertrading.simulator.bybit.parameters import LINEAR, Asked, only_linear
from mastertrading.simulator.bybit.rendering import PLAIN_STOP, order_id, stop_kind
from mastertrading.simulator.orders import NewOrder, No, Order, Refused

Result = dict[str, Any]
Command = Callable[[Asked, Desk, Account], Result]


def create(asked: Asked, desk: Desk, account: Account) -> Result:
    """``create``."""
    new = read_order(asked, account, desk)
    _check_link_id(new, account, desk)
    try:
        order = desk.exchange.place(account, new)
    except Refused as refused:
        raise _refusal(refused, new, desk) from refused
    return _named(order)


def _check_link_id(new: NewOrder, account: Account, desk: Desk) -> None:
    """An orderLinkId is one of the whole account; the exchange looks at its own instrument only."""
    policy = desk.rules.duplicate_id
    if not new.client_id or policy == "never":
        return
    for symbol in desk.exchange.listings:
        if symbol != new.symbol and any(
            policy == "always" or order.status.is_open for order in account.named(symbol, new.client_id)
        ):
            raise Wrong(Code.DUPLICATE_LINK_ID)


def _refusal(refused: Refused, new: NewOrder, desk: Desk) -> Wrong:
    """The venue's error, with the numbers that it puts into its words."""
    if refused.reason is No.WOULD_TRIGGER and new.watch is not None:
        code = Code.NOT_ABOVE if new.watch.above else Code.NOT_BELOW
        listing, last = desk.exchange.listings[new.symbol], desk.market(new.symbol).last_ticks
        return Wrong(
            code, text_of(code, int(listing.px(new.watch.ticks) * 10_000), int(listing.px(last) * 10_000))
        )
    if refused.reason is No.MIN_NOTIONAL:
        least = desk.exchange.listings[new.symbol].instrument.min_notional
        return Wrong(Code.NOTIONAL, text_of(Code.NOTIONAL, least))
    return refusal(refused)


def amend(asked: Asked, desk: Desk, account: Account) -> Result:
    """``amend``: size, price and trigger of an order that has not filled wholly."""
    order = _known(asked, desk, account, "order not exists or too late to replace")
    listing = desk.exchange.listings[order.symbol]
    if "takeProfit" in asked or "stopLoss" in asked:
        raise parameter("an order's TP/SL cannot be amended here: use trading-stop")
    lots = amended_lots(asked, listing)
    limit = ticks(asked, "price", listing) or None
    trigger = ticks(asked, "triggerPrice", listing) or None
    try:
        changed = desk.exchange.amend(
            account, order.symbol, number=order.number, lots=lots, limit_ticks=limit, trigger_ticks=trigger
        )
    except Refused as refused:
        if refused.reason is No.ORDER_NOT_FOUND:
            raise Wrong(Code.ORDER_NOT_FOUND, "order not exists or too late to replace") from refused
        raise refusal(refused) from refused
    return _named(changed)


def cancel(asked: Asked, desk: Desk, account: Account) -> Result:
    """``cancel``."""
    order = _known(asked, desk, account, text_of(Code.ORDER_NOT_FOUND))
    try:
        return _named(desk.exchange.cancel(account, order.symbol, number=order.number))
    except Refused as refused:
        raise refusal(refused) from refused


def cancel_all(asked: Asked, desk: Desk, account: Account) -> Result:
    """``cancel-all``: of a symbol, a base coin, or all."""
    only_linear(asked)
    symbol, base, settle = asked.name(), asked.name("baseCoin"), asked.name("settleCoin")
    if not (symbol or base or settle):
        raise parameter("params error: symbol, baseCoin and settleCoin are all empty")
    if symbol:
        desk.listing(symbol)
    chosen = asked.one_of("orderFilter", ("Order", "StopOrder", "tpslOrder", "OpenOrder"))
    only_stops = asked.one_of("stopOrderType", (PLAIN_STOP,)) != ""
    ended = [
        _cancelled(order, desk, account)
        for order in desk.exchange.open_orders(account, symbol or None)
        if _of_coin(order, desk, "" if symbol else base, settle)
        and _passes(order, chosen)
        and (not only_stops or stop_kind(order) == PLAIN_STOP)
    ][: desk.rules.cancel_all_at_most]
    return {"list": [named for named in ended if named is not None], "success": "1"}


def _cancelled(order: Order, desk: Desk, account: Account) -> Result | None:
    try:
        return _named(desk.exchange.cancel(account, order.symbol, number=order.number))
    except Refused:
        return None


def _of_coin(order: Order, desk: Desk, base: str, settle: str) -> bool:
    if base:
        return desk.exchange.listings[order.symbol].base == base
    return settle in ("", "USDT")


def _passes(order: Order, chosen: str) -> bool:
    """Whether an order is of the asked kind: conditional orders that have not been triggered, or the others."""
    if chosen in ("", "OpenOrder"):
        return True
    waiting = order.watch is not None and order.triggered_ms == 0
    return waiting == (chosen != "Order")


def pre_check(asked: Asked, desk: Desk, account: Account) -> Result:
    """``pre-check``: margin rates before and after an order, in hundredths of a percent. Nothing is placed."""
    new = read_order(asked, account, desk)
    exchange, listing = desk.exchange, desk.exchange.listings[new.symbol]
    equity = max(1, exchange.equity_atoms(account))
    initial = exchange.initial_margin_atoms(account, None) + exchange.order_margin_atoms(account, None)
    maintenance = exchange.maintenance_atoms(account, None)
    value = new.lots * (new.limit_ticks or desk.market(new.symbol).last_ticks) * listing.atoms
    grows = 0 if new.reduce_only else value
    more = grows // account.leverage[new.symbol]
    lowest = grows * listing.instrument.tiers[0].maintenance_rate
    return {
        "orderId": ids.id_of(Kind.MESSAGE, desk.now_ms()),
        "orderLinkId": new.client_id,
        "preImrE4": initial * 10_000 // equity,
        "preMmrE4": maintenance * 10_000 // equity,
        "postImrE4": (initial + more) * 10_000 // equity,
        "postMmrE4": int(maintenance + lowest) * 10_000 // equity,
    }


def _known(asked: Asked, desk: Desk, account: Account, missing: str) -> Order:
    """The open order that a command names; where both ids are given, the venue's own counts."""
    only_linear(asked)
    symbol = desk.listing(asked.needed("symbol")).symbol
    given, link_id = asked.text("orderId"), asked.text("orderLinkId")
    if not given and not link_id:
        raise parameter("params error: OrderId or OrderLinkId is required")
    order = find(given, link_id, symbol, desk, account)
    if order is None or not order.status.is_open:
        raise Wrong(Code.ORDER_NOT_FOUND, missing)
    return order


def find(given: str, link_id: str, symbol: str, desk: Desk, account: Account) -> Order | None:
    """An order by the venue's id or the client's own, open or not."""
    if given:
        number = ids.number_of(Kind.ORDER, given)
        order = account.orders.get(number) if number is not None else None
        return order if order is not None and order.symbol == (symbol or order.symbol) else None
    symbols = [symbol] if symbol else list(desk.exchange.listings)
    found = (desk.exchange.find(account, name, client_id=link_id) for name in symbols)
    return next((order for order in found if order is not None), None)


def _named(order: Order) -> Result:
    return {"orderId": order_id(order), "orderLinkId": order.client_id}


# ---------------------------------------------------------------- batches
class Batch:
    """Several orders in one request: each has its own outcome, and each counts against the limit."""

    def __init__(self, command: Command, path: str) -> None:
        self._command, self._path = command, path

    def __call__(
        self, asked: Asked, desk: Desk, account: Account, limits: Limits
    ) -> tuple[Result, Result, dict[str, str]]:
        """The results, what was wrong with each, and the headers of the limit."""
        only_linear(asked)
        requests = asked.objects("request", desk.rules.batch_size)
        rows: list[Result] = []
        outcomes: list[Result] = []
        headers: dict[str, str] = {}
        for one in requests:
            try:
                headers = limits.take(account.name, self._path, desk.now_ms())
                row = self._command(Asked({**one, "category": LINEAR}), desk, account)
                outcome = {"code": 0, "msg": "OK"}
            except Wrong as wrong:
                headers = getattr(wrong, "headers", headers)
                row = {"orderId": "", "orderLinkId": _text(one, "orderLinkId")}
                outcome = {"code": int(wrong.code), "msg": wrong.text}
            rows.append(self._row(row, one, outcome, desk))
            outcomes.append(outcome)
        return {"list": rows}, {"list": outcomes}, headers

    def _row(self, row: Result, one: Mapping[str, Any], outcome: Result, desk: Desk) -> Result:
        told = {"category": LINEAR, "symbol": _text(one, "symbol"), **row}
        if self._command is create:
            told["createAt"] = "" if outcome["code"] else str(desk.now_ms())
        return told


def _text(one: Mapping[str, Any], name: str) -> str:
    value = one.get(name)
    return value if isinstance(value, str) else ""


create_batch = Batch(create, "/v5/order/create-batch")
amend_batch = Batch(amend, "/v5/order/amend-batch")
cancel_batch = Batch(cancel, "/v5/order/cancel-batch")
