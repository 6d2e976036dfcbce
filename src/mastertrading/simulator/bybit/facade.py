"""Bybit V5 for linear perpetuals: who asks, whether they may, and who answers.

::

    request ──► address limit ──► path ──► key, clock, signature ──► permission ──► limit ──► endpoint ──► reply

An endpoint is a function of the parameters, the desk and (where it is private) the account; what it raises as
``Wrong`` is the venue's own error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from mastertrading.simulator.account import Account as Owner
from mastertrading.simulator.bybit import account, bars, market, position, records, trade, user
from mastertrading.simulator.bybit.codes import Code, Wrong
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.limits import Limits
from mastertrading.simulator.bybit.parameters import Asked
from mastertrading.simulator.bybit.rules import BybitRules
from mastertrading.simulator.bybit.signing import sender
from mastertrading.simulator.bybit.streams import Streams
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.reading import object_of
from mastertrading.simulator.wire import Hang, Request, Response, Send, Session

Result = dict[str, Any]
Public = Callable[[Asked, Desk], Result]
Private = Callable[[Asked, Desk, Owner], Result]

PUBLIC: Final[Mapping[str, Public]] = {
    "/v3/public/time": market.time,
    "/v5/market/time": market.time,
    "/v5/market/instruments-info": market.instruments,
    "/v5/market/risk-limit": market.risk_limit,
    "/v5/market/price-limit": market.price_limit,
    "/v5/market/kline": bars.price_bars,
    "/v5/market/mark-price-kline": bars.mark_bars,
    "/v5/market/index-price-kline": bars.mark_bars,
    "/v5/market/premium-index-price-kline": bars.premium_bars,
    "/v5/market/orderbook": market.orderbook,
    "/v5/market/tickers": market.quotes,
    "/v5/market/funding/history": market.funding_history,
    "/v5/market/recent-trade": market.recent_trades,
    "/v5/market/open-interest": market.open_interest,
    "/v5/market/insurance": market.insurance,
    "/v5/market/account-ratio": market.account_ratio,
    "/v5/market/delivery-price": market.deliveries,
    "/v5/system/status": market.system_status,
}
READS: Final[Mapping[str, Private]] = {
    "/v5/order/realtime": records.realtime,
    "/v5/order/history": records.history,
    "/v5/execution/list": records.executions,
    "/v5/position/list": position.positions,
    "/v5/position/closed-pnl": position.closed_pnl,
    "/v5/account/wallet-balance": account.wallet_balance,
    "/v5/account/info": account.info,
    "/v5/account/fee-rate": account.fee_rate,
    "/v5/account/collateral-info": account.collateral_info,
    "/v5/account/transaction-log": account.transaction_log,
    "/v5/account/smp-group": account.smp_group,
    "/v5/user/query-api": user.query_api,
    "/v5/asset/coin/query-info": user.currency_info,
    "/v5/asset/transfer/query-account-coins-balance": user.currency_balance,
}
COMMANDS: Final[Mapping[str, Private]] = {
    "/v5/order/create": trade.create,
    "/v5/order/amend": trade.amend,
    "/v5/order/cancel": trade.cancel,
    "/v5/order/cancel-all": trade.cancel_all,
    "/v5/order/pre-check": trade.pre_check,
    "/v5/position/set-leverage": position.set_leverage,
    "/v5/position/switch-mode": position.switch_mode,
    "/v5/position/switch-isolated": position.switch_isolated,
    "/v5/position/set-risk-limit": position.set_risk_limit,
    "/v5/position/trading-stop": position.trading_stop,
    "/v5/position/set-auto-add-margin": position.set_auto_add_margin,
    "/v5/position/add-margin": position.add_margin,
    "/v5/account/set-margin-mode": account.set_margin_mode,
    "/v5/account/upgrade-to-uta": account.upgrade,
}
BATCHES: Final[Mapping[str, trade.Batch]] = {
    "/v5/order/create-batch": trade.create_batch,
    "/v5/order/amend-batch": trade.amend_batch,
    "/v5/order/cancel-batch": trade.cancel_batch,
}
_METHODS: Final = {
    **dict.fromkeys(PUBLIC, "GET"),
    **dict.fromkeys(READS, "GET"),
    **dict.fromkeys(COMMANDS, "POST"),
    **dict.fromkeys(BATCHES, "POST"),
}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


class BybitFacade:
    """Bybit's protocol on the exchange.

    Parameters
    ----------
    rules
        What the venue is taken to do; its matching rules become the exchange's.
    limits
        Multiplies every request limit; None: no limits at all (for load tests).
    """

    name = "bybit_linear"
    hosts = (
        "api.bybit.com",
        "stream.bybit.com",
        "api.bytick.com",
        "api-testnet.bybit.com",
        "stream-testnet.bybit.com",
        "api-demo.bybit.com",
        "stream-demo.bybit.com",
    )

    def __init__(
        self, exchange: Exchange, *, rules: BybitRules | None = None, limits: int | None = 1
    ) -> None:
        self.rules = rules or BybitRules()
        exchange.rules = self.rules.within(exchange.rules)
        self.desk = Desk(exchange, self.rules)
        self.limits = Limits(self.rules, limits)
        exchange.subscribe(self.desk.hear)
        self.streams = Streams(self.desk, self.limits)
        exchange.subscribe(self.streams.hear)

    @property
    def topics(self) -> frozenset[str]:
        """Public streams that somebody listens to."""
        return self.streams.public.topics

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        try:
            self.limits.admit(request.client, self.desk.exchange.clock.now_ms())
            return self._route(request)
        except Wrong as wrong:
            return self._refuse(wrong)

    def connect(self, request: Request, send: Send, hang: Hang) -> Session | Response:
        """Begin a WebSocket session on one of the stream paths."""
        try:
            return self.streams.connect(request, send, hang)
        except Wrong as wrong:
            return self._refuse(wrong)

    def forget_closed(self) -> None:
        """The venue restarts: its realtime list loses what has ended."""
        self.desk.forget_closed()

    # ------------------------------------------------------------ one request
    def _route(self, request: Request) -> Response:
        method = _METHODS.get(request.path)
        if request.method not in ("GET", "POST"):
            raise Wrong(Code.NO_ROUTE, "Need to send the request with GET / POST", status=400)
        if method != request.method:
            raise Wrong(Code.NO_ROUTE, status=404)
        public = PUBLIC.get(request.path)
        if public is not None:
            return self._reply(public(Asked(request.parameters()), self.desk))
        return self._private(request)

    def _private(self, request: Request) -> Response:
        desk, path = self.desk, request.path
        owner = sender(request, desk.exchange.account_of_key, desk.now_ms(), self.rules)
        if method_needs_trade(path) and "trade" not in owner.permissions:
            raise Wrong(Code.PERMISSION)
        asked = Asked(request.parameters() if request.method == "GET" else _body(request))
        batch = BATCHES.get(path)
        if batch is not None:
            result, extra, headers = batch(asked, desk, owner, self.limits)
            return self._reply(result, extra, headers)
        headers = self.limits.take(owner.name, path, desk.exchange.clock.now_ms())
        endpoint = READS.get(path) or COMMANDS[path]
        try:
            return self._reply(endpoint(asked, desk, owner), None, headers)
        except Wrong as wrong:
            return self._refuse(wrong, headers)

    def _reply(
        self, result: Result, extra: Result | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        body = {
            "retCode": 0,
            "retMsg": "OK",
            "result": result,
            "retExtInfo": extra or {},
            "time": self.desk.now_ms(),
        }
        return Response(200, _bytes(body), {**_JSON, **(headers or {})})

    def _refuse(self, wrong: Wrong, headers: Mapping[str, str] | None = None) -> Response:
        known = headers or getattr(wrong, "headers", None) or {}
        if wrong.status == 403:
            return Response(403, f"403, {wrong.text}".encode(), {"Content-Type": "text/plain"})
        if wrong.status == 404 and not self.rules.unknown_path_body:
            return Response(404, b"", {"Content-Type": "text/plain"})
        body = {
            "retCode": int(wrong.code),
            "retMsg": wrong.text,
            "result": {},
            "retExtInfo": {},
            "time": self.desk.now_ms(),
        }
        return Response(wrong.status, _bytes(body), {**_JSON, **known})


def method_needs_trade(path: str) -> bool:
    """Whether a path changes something, for which a key that may only read is not enough."""
    return path in COMMANDS or path in BATCHES


def _body(request: Request) -> Mapping[str, Any]:
    found = object_of(request.body)
    if found is None:
        raise Wrong(Code.PARAMETER)
    return found


def _bytes(body: Result) -> bytes:
    return _ENCODER.encode(body).encode()
