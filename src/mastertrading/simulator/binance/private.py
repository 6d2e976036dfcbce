"""Frames of a user stream: orders, conditional orders, money, settings, margin calls."""

from __future__ import annotations

from typing import Any, Final

from mastertrading.simulator.binance import algo
from mastertrading.simulator.binance.desk import Desk, ListenKey
from mastertrading.simulator.binance.rendering import (
    FORCED,
    POSITION_SIDE,
    SIDE,
    Scale,
    algo_id,
    client_id_of,
    money,
    order_id,
    price_of,
    status_of,
    time_in_force_of,
    type_of,
)
from mastertrading.simulator.events import AccountChanged, OrderChanged, OrderNews, SettingsChanged
from mastertrading.simulator.orders import IncomeKind, Liquidity, Order, Position

Frame = dict[str, Any]
EXECUTION: Final = {
    OrderNews.ACCEPTED: "NEW",
    OrderNews.AMENDED: "AMENDMENT",
    OrderNews.CANCELLED: "CANCELED",
    OrderNews.EXPIRED: "EXPIRED",
}
REASON: Final = {"order": "ORDER", "funding": "FUNDING_FEE", "adjustment": "ADJUSTMENT"}
TRADED: Final = (IncomeKind.REALISED, IncomeKind.FEE)
REDUCE_REJECTED: Final = "Reduce Only reject"


class UserFrames:
    """What each event of the exchange is to the owner of an account."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def _scale(self, symbol: str) -> Scale:
        return Scale.of(self.desk.exchange.listings[symbol])

    # ---------------------------------------------------------------- orders
    def of_order(self, news: OrderChanged) -> list[Frame]:
        """News of an order."""
        if news.order.new.conditional:
            return self._of_conditional(news)
        frames: list[Frame] = []
        if news.news is OrderNews.FILLED:
            frames = [self._trade(news), self._trade_lite(news)]
        elif news.news in EXECUTION:
            frames = [self._order(news, self._kind(news))]
        parent = self._conditional_parent(news.order)
        if parent is None:
            return frames
        if news.news is OrderNews.ACCEPTED:
            return [self._algo(news.ts_ms, parent, news.order, "TRIGGERED"), *frames]
        ended = not news.order.status.is_open
        return [*frames, self._algo(news.ts_ms, parent, news.order, "FINISHED")] if ended else frames

    def _kind(self, news: OrderChanged) -> str:
        if news.news is OrderNews.CANCELLED and status_of(news.order) == "EXPIRED":
            return "EXPIRED"
        return EXECUTION[news.news]

    def _trade(self, news: OrderChanged) -> Frame:
        forced = news.order.cause in FORCED
        return self._order(news, "CALCULATED" if forced else "TRADE")

    def _order(self, news: OrderChanged, execution_type: str) -> Frame:
        order, done = news.order, news.execution
        scale, new = self._scale(order.symbol), order.new
        kind = type_of(order)
        return {
            "e": "ORDER_TRADE_UPDATE",
            "T": news.ts_ms,
            "E": news.ts_ms,
            "o": {
                "s": order.symbol,
                "c": client_id_of(order),
                "S": SIDE[new.order_side],
                "o": kind,
                "f": time_in_force_of(order),
                "q": scale.qty(order.lots),
                "p": price_of(scale, order),
                "ap": scale.average(order.spent, order.filled),
                "sp": scale.px(0),
                "x": execution_type,
                "X": status_of(order),
                "i": order_id(order.number),
                "l": scale.qty(abs(done.lots) if done else 0),
                "z": scale.qty(order.filled),
                "L": scale.px(done.px_ticks if done else 0),
                "N": "USDT",
                "n": money(done.fee_atoms) if done else "0",
                "T": news.ts_ms,
                "t": done.number if done else 0,
                "b": "0",
                "a": "0",
                "m": bool(done and done.liquidity is Liquidity.MAKER),
                "R": new.reduce_only or new.close_position,
                "wt": new.echo.get("workingType", "CONTRACT_PRICE"),
                "ot": kind,
                "ps": POSITION_SIDE[new.leg],
                "cp": new.close_position,
                "rp": money(done.realised_atoms) if done else "0",
                "pP": new.echo.get("priceProtect", False),
                "si": 0,
                "ss": 0,
                "V": new.echo.get("selfTradePreventionMode", "EXPIRE_MAKER"),
                "pm": "NONE",
                "gtd": new.echo.get("goodTillDate", 0),
            },
        }

    def _trade_lite(self, news: OrderChanged) -> Frame:
        order, done = news.order, news.execution
        scale = self._scale(order.symbol)
        return {
            "e": "TRADE_LITE",
            "E": news.ts_ms,
            "T": news.ts_ms,
            "s": order.symbol,
            "q": scale.qty(order.lots),
            "p": scale.px(order.limit_ticks),
            "m": bool(done and done.liquidity is Liquidity.MAKER),
            "c": client_id_of(order),
            "S": SIDE[order.new.order_side],
            "L": scale.px(done.px_ticks if done else 0),
            "l": scale.qty(abs(done.lots) if done else 0),
            "t": done.number if done else 0,
            "i": order_id(order.number),
        }

    # ---------------------------------------------------------------- conditional orders
    def _of_conditional(self, news: OrderChanged) -> list[Frame]:
        order = news.order
        if news.news is OrderNews.TRIGGERED:
            return [self._algo(news.ts_ms, order, None, "TRIGGERING")]
        status = algo.status(order, None)
        frames = [self._algo(news.ts_ms, order, None, status)]
        if status == "REJECTED":
            frames.append(self._trigger_reject(news))
        return frames

    def _conditional_parent(self, order: Order) -> Order | None:
        """The conditional order that an order was before its trigger."""
        if order.parent is None:
            return None
        parent = self.desk.exchange.accounts[order.account].orders.get(order.parent)
        return parent if parent is not None and parent.new.conditional else None

    def _algo(self, ts_ms: int, order: Order, child: Order | None, status: str) -> Frame:
        scale, row = self._scale(order.symbol), algo.row(self._scale(order.symbol), order)
        told = {
            "caid": row["clientAlgoId"],
            "aid": algo_id(order.number),
            "at": row["algoType"],
            "o": row["orderType"],
            "s": order.symbol,
            "S": row["side"],
            "ps": row["positionSide"],
            "f": row["timeInForce"],
            "q": row["quantity"],
            "X": status,
            "ai": str(order_id(child.number)) if child else "",
            "ap": scale.average(child.spent if child else 0, child.filled if child else 0),
            "aq": scale.qty(child.filled if child else 0),
            "act": type_of(child) if child else "0",
            "tp": row["triggerPrice"],
            "p": row["price"],
            "V": row["selfTradePreventionMode"],
            "wt": row["workingType"],
            "pm": row["priceMatch"],
            "cp": row["closePosition"],
            "pP": row["priceProtect"],
            "R": row["reduceOnly"],
            "tt": row["triggerTime"],
            "gtd": row["goodTillDate"],
        }
        if status == "TRIGGERING":  # observed: it is not yet told what it will become
            told = {name: value for name, value in told.items() if name not in ("ap", "aq", "act")}
        if status in ("EXPIRED", "REJECTED"):
            told["rm"] = REDUCE_REJECTED if row["reduceOnly"] else "Margin is insufficient."
        return {"e": "ALGO_UPDATE", "T": ts_ms, "E": ts_ms, "o": told}

    def _trigger_reject(self, news: OrderChanged) -> Frame:
        order = news.order
        reason = {"s": order.symbol, "i": algo_id(order.number), "r": "Margin is insufficient."}
        return {"e": "CONDITIONAL_ORDER_TRIGGER_REJECT", "E": news.ts_ms, "T": news.ts_ms, "or": reason}

    # ---------------------------------------------------------------- money and settings
    def of_account(self, news: AccountChanged) -> Frame:
        """Money and positions afterwards; a funding of a cross position tells the money only."""
        account = self.desk.exchange.accounts[news.account]
        moved = sum(one.atoms for one in news.income if one.kind not in TRADED)
        cross = account.wallet_atoms - sum(account.isolated.values())
        balance = {
            "a": "USDT",
            "wb": money(account.wallet_atoms),
            "cw": money(cross),
            "bc": money(moved) if moved else "0",
        }
        reason = REASON.get(news.reason) or ("DEPOSIT" if moved >= 0 else "WITHDRAW")
        positions = (
            [] if news.reason == "funding" else [self._position(news.account, p) for p in news.positions]
        )
        return {
            "e": "ACCOUNT_UPDATE",
            "T": news.ts_ms,
            "E": news.ts_ms,
            "a": {"m": reason, "B": [balance], "P": positions},
        }

    def _position(self, name: str, position: Position) -> Frame:
        account, symbol = self.desk.exchange.accounts[name], position.symbol
        scale, isolated = self._scale(symbol), account.is_isolated(symbol)
        entry = scale.average(position.cost, abs(position.lots))
        return {
            "s": symbol,
            "pa": scale.qty(position.lots),
            "ep": entry,
            "bep": entry if position.lots else "0",
            "cr": money(position.realised_atoms),
            "up": money(self.desk.exchange.unrealised_atoms(account, symbol, position.leg)),
            "mt": "isolated" if isolated else "cross",
            "iw": money(account.isolated.get((symbol, position.leg), 0)) if isolated else "0",
            "ps": POSITION_SIDE[position.leg],
        }

    def of_settings(self, news: SettingsChanged) -> list[Frame]:
        """Leverage of an instrument, or its margin mode, is another now."""
        frames: list[Frame] = []
        if news.leverage is not None and news.margin_mode is None and news.symbol:
            config = {"s": news.symbol, "l": news.leverage}
            frames.append({"e": "ACCOUNT_CONFIG_UPDATE", "E": news.ts_ms, "T": news.ts_ms, "ac": config})
        if news.margin_mode is not None and news.symbol:
            changed = {"m": "MARGIN_TYPE_CHANGE", "B": [], "P": []}
            frames.append({"e": "ACCOUNT_UPDATE", "T": news.ts_ms, "E": news.ts_ms, "a": changed})
        return frames

    def margin_call(self, name: str, ts_ms: int) -> Frame:
        """The account is near its end."""
        exchange, account = self.desk.exchange, self.desk.exchange.accounts[name]
        return {
            "e": "MARGIN_CALL",
            "E": ts_ms,
            "cw": money(account.wallet_atoms),
            "p": [
                {
                    "s": position.symbol,
                    "ps": POSITION_SIDE[position.leg],
                    "pa": self._scale(position.symbol).qty(position.lots),
                    "mt": "ISOLATED" if account.is_isolated(position.symbol) else "CROSSED",
                    "iw": money(account.isolated.get((position.symbol, position.leg), 0)),
                    "mp": self._scale(position.symbol).precise(exchange.markets[position.symbol].mark_ticks),
                    "up": money(exchange.unrealised_atoms(account, position.symbol, position.leg)),
                    "mm": money(exchange.maintenance_atoms(account, position.symbol)),
                }
                for position in account.held()
            ],
        }

    def expired(self, key: ListenKey, ts_ms: int) -> Frame:
        """The stream's key has died."""
        return {"e": "listenKeyExpired", "E": ts_ms, "listenKey": key.key}
