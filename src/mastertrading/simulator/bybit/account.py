"""``/v5/account``: money, margin mode, fees and bookings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mastertrading.domain.orders import MarginMode
from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit import ids
from mastertrading.simulator.bybit.codes import Code, Wrong, parameter, refusal
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.holdings import wallet_row
from mastertrading.simulator.bybit.ids import Kind
from mastertrading.simulator.bybit.numbers import money, rate, share
from mastertrading.simulator.bybit.pages import page, window
from mastertrading.simulator.bybit.parameters import LINEAR, Asked
from mastertrading.simulator.bybit.rendering import SIDES
from mastertrading.simulator.orders import Cause, Execution, Income, IncomeKind, No, Refused

Result = dict[str, Any]
_MODES: Final = {"REGULAR_MARGIN": MarginMode.CROSS, "ISOLATED_MARGIN": MarginMode.ISOLATED}


def wallet_balance(asked: Asked, desk: Desk, account: Account) -> Result:
    """``wallet-balance`` of the unified account, whose only coin is USDT."""
    kind = asked.needed("accountType")
    if kind not in ("UNIFIED", "CONTRACT", "SPOT"):
        raise parameter("accountType invalid")
    coins = [coin for coin in asked.text("coin").split(",") if coin]
    row = wallet_row(account, desk)
    if coins and "USDT" not in coins:
        row["coin"] = []
    return {"list": [row] if kind == "UNIFIED" else []}


def info(asked: Asked, desk: Desk, account: Account) -> Result:
    """``info``: a unified account 2.0 Pro."""
    changed = desk.modes_changed_ms.get(account.name, account.created_ms)
    return {
        "marginMode": "ISOLATED_MARGIN" if desk.isolated(account) else "REGULAR_MARGIN",
        "updatedTime": str(changed),
        "unifiedMarginStatus": 6,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def fee_rate(asked: Asked, desk: Desk, account: Account) -> Result:
    """``fee-rate``."""
    category, symbol = asked.category(), asked.name()
    if category != LINEAR:
        return {"list": []}
    names = [desk.listing(symbol).symbol] if symbol else sorted(desk.exchange.listings)
    listings = (desk.exchange.listings[name] for name in names)
    return {
        "list": [
            {
                "symbol": listing.symbol,
                "takerFeeRate": rate(listing.taker_e8),
                "makerFeeRate": rate(listing.maker_e8),
                "baseCoin": "",
            }
            for listing in listings
        ]
    }


def set_margin_mode(asked: Asked, desk: Desk, account: Account) -> Result:
    """``set-margin-mode``: of the whole account. Portfolio margin is not served."""
    mode = asked.needed("setMarginMode")
    if mode not in _MODES:
        if mode == "PORTFOLIO_MARGIN":
            raise Wrong(Code.MARGIN_MODE_FAILED)
        raise parameter("params error: setMarginMode invalid")
    if desk.isolated(account) == (_MODES[mode] is MarginMode.ISOLATED):
        raise Wrong(Code.MARGIN_MODE_SAME)
    try:
        desk.exchange.set_margin_mode(account, None, _MODES[mode])
    except Refused as refused:
        if refused.reason is No.NO_CHANGE:
            raise Wrong(Code.MARGIN_MODE_SAME) from refused
        if refused.reason is No.HAS_ORDERS_OR_POSITION:
            raise Wrong(Code.MARGIN_MODE_FAILED) from refused
        raise refusal(refused) from refused
    return {"reasons": []}


def collateral_info(asked: Asked, desk: Desk, account: Account) -> Result:
    """``collateral-info``."""
    row = {
        "availableToBorrow": "0",
        "freeBorrowingAmount": "",
        "freeBorrowAmount": "0",
        "maxBorrowingAmount": "0",
        "hourlyBorrowRate": "0",
        "borrowUsageRate": "0",
        "collateralSwitch": True,
        "borrowAmount": "0",
        "borrowable": False,
        "currency": "USDT",
        "otherBorrowAmount": "0",
        "marginCollateral": True,
        "freeBorrowingLimit": "0",
        "collateralRatio": "1",
    }
    return {"list": [row] if asked.name("currency") in ("", "USDT") else []}


def upgrade(asked: Asked, desk: Desk, account: Account) -> Result:
    """``upgrade-to-uta``: it is one."""
    return {"unifiedUpdateStatus": "SUCCESS", "unifiedUpdateMsg": {"msg": None}}


def smp_group(asked: Asked, desk: Desk, account: Account) -> Result:
    """``smp-group``: none."""
    return {"smpGroup": 0}


# ---------------------------------------------------------------- bookings
def transaction_log(asked: Asked, desk: Desk, account: Account) -> Result:
    """``transaction-log``: every booking, newest first; profit and fee of one execution are one row."""
    span = desk.rules.transaction_span_ms
    start, end = window(asked, desk.now_ms(), span, desk.rules.query_span_ms)
    kind, symbol_coin = asked.text("type"), asked.name("baseCoin")
    category = asked.text("category")
    rows = [
        row
        for row in _rows(desk, account, start, end)
        if (not kind or row[1]["type"] == kind)
        and (not category or row[1]["category"] in (category, ""))
        and (not symbol_coin or row[1]["symbol"].startswith(symbol_coin))
    ]
    if asked.name("currency") not in ("", "USDT"):
        rows = []
    chosen, cursor = page(rows, asked, lambda row: row[0], limit=20, most=50)
    return {"nextPageCursor": cursor, "list": [row for _, row in chosen]}


def _rows(desk: Desk, account: Account, start: int, end: int) -> Iterator[tuple[int, Result]]:
    incomes = [one for one in desk.exchange.income(account, since_ms=start) if one.ts_ms <= end]
    fills = {fill.number: fill for fill in desk.exchange.executions(account, None, since_ms=start)}
    parts: list[Income] = []
    for one in incomes:
        if parts and one.execution != parts[-1].execution:
            yield _trade(parts, fills, desk)
            parts = []
        if one.execution in fills:
            parts.append(one)
        else:
            yield one.number, _other(one, desk)
    if parts:
        yield _trade(parts, fills, desk)


def _trade(parts: list[Income], fills: dict[int, Execution], desk: Desk) -> tuple[int, Result]:
    last = parts[-1]
    fill = fills[last.execution or 0]
    grid = desk.grid(fill.symbol)
    won = sum(one.atoms for one in parts if one.kind is not IncomeKind.FEE)
    fee = -sum(one.atoms for one in parts if one.kind is IncomeKind.FEE)
    lots = abs(fill.lots)
    value = lots * fill.px_ticks * grid.atoms
    names = {Cause.LIQUIDATION: "LIQUIDATION", Cause.ADL: "ADL", Cause.DELIVERY: "DELIVERY"}
    return last.number, {
        "transSubType": "",
        "id": ids.id_of(Kind.INCOME, last.number),
        "symbol": fill.symbol,
        "side": SIDES[fill.order_side],
        "funding": "",
        "orderLinkId": fill.client_id,
        "orderId": ids.id_of(Kind.ORDER, fill.order),
        "fee": money(fee),
        "change": money(won - fee),
        "cashFlow": money(won),
        "transactionTime": str(fill.ts_ms),
        "type": names.get(fill.cause, "TRADE"),
        "feeRate": share(fee, value),
        "bonusChange": "",
        "size": grid.qty(fill.position_lots),
        "qty": grid.qty(lots),
        "cashBalance": money(last.balance_atoms),
        "currency": "USDT",
        "category": LINEAR,
        "tradePrice": grid.px(fill.px_ticks),
        "tradeId": ids.id_of(Kind.EXECUTION, fill.number),
        "extraFees": "",
    }


def _other(one: Income, desk: Desk) -> Result:
    """Funding (``SETTLEMENT``) and transfers."""
    funding = one.kind is IncomeKind.FUNDING
    grid = desk.grid(one.symbol) if one.symbol else None
    incoming = "TRANSFER_IN" if one.atoms >= 0 else "TRANSFER_OUT"
    change = money(one.atoms)
    lots = abs(one.position_lots)
    sign = 1 if one.position_lots > 0 else -1
    return {
        "transSubType": "",
        "id": ids.id_of(Kind.INCOME, one.number),
        "symbol": one.symbol,
        "side": SIDES[sign] if funding else "None",
        "funding": change if funding else "",
        "orderLinkId": "",
        "orderId": ids.id_of(Kind.INCOME, one.number) if funding else "",
        "fee": "0",
        "change": change,
        "cashFlow": "0" if funding else change,
        "transactionTime": str(one.ts_ms),
        "type": "SETTLEMENT" if funding else incoming,
        "feeRate": rate(sign * one.funding_rate_e8) if funding else "",
        "bonusChange": "",
        "size": grid.qty(lots) if grid else "0",
        "qty": grid.qty(lots) if grid else "0",
        "cashBalance": money(one.balance_atoms),
        "currency": "USDT",
        "category": LINEAR if funding else "",
        "tradePrice": grid.px(desk.marks.get(one.number, 0)) if grid else "",
        "tradeId": ids.id_of(Kind.INCOME, one.number),
        "extraFees": "",
    }
