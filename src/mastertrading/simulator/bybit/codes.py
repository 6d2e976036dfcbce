"""Bybit's numbers and sentences for what is wrong.

The numbers are the venue's documented ones. Where users reported the very words of a reply, those words are used;
clients (ccxt among them) search some of them.
"""

from __future__ import annotations

from enum import IntEnum

from mastertrading.simulator.orders import No, Refused


class Code(IntEnum):
    """``retCode``."""

    OK = 0
    SERVER_TIMEOUT = 10000
    PARAMETER = 10001
    TIME_WINDOW = 10002
    KEY = 10003
    SIGNATURE = 10004
    PERMISSION = 10005
    TOO_MANY_VISITS = 10006
    AUTHENTICATION = 10007
    ADDRESS = 10010
    DUPLICATE_REQUEST = 10014
    SERVER_ERROR = 10016
    NO_ROUTE = 10017
    ADDRESS_LIMIT = 10018
    RESTARTING = 10019
    SYMBOL = 10029
    NOT_UNIFIED = 100028
    NOT_MODIFIED = 34040
    UNKNOWN_OP = 10404
    SYSTEM_FREQUENCY = 10429
    REPEATED_AUTH = 20001
    REPEATED_REQUEST_ID = 20006
    ORDER_NOT_FOUND = 110001
    PRICE_RANGE = 110003
    WALLET = 110004
    AVAILABLE = 110007
    TOO_MANY_STOPS = 110009
    AVAILABLE_NOW = 110012
    LEVERAGE = 110013
    REDUCE_ONLY = 110017
    TOO_MANY_ORDERS = 110020
    IS_CROSS = 110015
    HAS_POSITION = 110024
    POSITION_MODE_SAME = 110025
    MARGIN_MODE_SAME = 110026
    HAS_ORDERS = 110028
    RISK_LIMIT = 110031
    ILLEGAL = 110032
    NO_POSITION = 110034
    LEVERAGE_SAME = 110043
    NOT_NOW = 110066
    DUPLICATE_LINK_ID = 110072
    MARGIN_MODE_FAILED = 110073
    NOT_LIVE = 110074
    ISOLATED_ONLY = 110076
    IN_PROCESS = 110079
    NOT_ABOVE = 110092
    NOT_BELOW = 110093
    NOTIONAL = 110094
    POST_ONLY_NOW = 110103


_TEXTS: dict[Code, str] = {
    Code.SERVER_TIMEOUT: "Server Timeout",
    Code.PARAMETER: "Request parameter error.",
    Code.TIME_WINDOW: "invalid request, please check your server timestamp or recv_window param.",
    Code.KEY: "API key is invalid.",
    Code.SIGNATURE: "error sign! origin_string[{detail}]",
    Code.PERMISSION: "Permission denied, please check your API key permissions.",
    Code.TOO_MANY_VISITS: "Too many visits. Exceeded the API Rate Limit.",
    Code.AUTHENTICATION: "User authentication failed.",
    Code.ADDRESS: "Unmatched IP, please check your API key's bound IP addresses.",
    Code.DUPLICATE_REQUEST: "Invalid duplicate request.",
    Code.SERVER_ERROR: "Server error.",
    Code.NO_ROUTE: "Route not found.",
    Code.ADDRESS_LIMIT: "Exceeded the IP Rate Limit.",
    Code.RESTARTING: "ws trade service is restarting",
    Code.SYMBOL: "The requested symbol is invalid, please check symbol whitelist",
    Code.NOT_UNIFIED: "The API cannot be accessed by unified account users.",
    Code.NOT_MODIFIED: "not modified",
    Code.IS_CROSS: "The position is in cross margin mode.",
    Code.RISK_LIMIT: "Non-existing risk limit info, please check the risk limit rules.",
    Code.UNKNOWN_OP: "op type is not found",
    Code.SYSTEM_FREQUENCY: "System level frequency protection",
    Code.REPEATED_AUTH: "Repeat auth",
    Code.REPEATED_REQUEST_ID: "reqId is duplicated",
    Code.ORDER_NOT_FOUND: "order not exists or too late to cancel",
    Code.PRICE_RANGE: "Order price exceeds the allowable range.",
    Code.WALLET: "Wallet balance is insufficient",
    Code.AVAILABLE: "ab not enough for new order",
    Code.TOO_MANY_STOPS: "The number of stop orders exceeds the maximum allowable limit",
    Code.AVAILABLE_NOW: "Insufficient available balance.",
    Code.LEVERAGE: "Cannot set leverage due to risk limit level.",
    Code.REDUCE_ONLY: "current position is zero, cannot fix reduce-only order qty",
    Code.TOO_MANY_ORDERS: "Not allowed to have more than 500 active orders.",
    Code.HAS_POSITION: "You have an existing position, so the position mode cannot be switched.",
    Code.POSITION_MODE_SAME: "Position mode is not modified",
    Code.MARGIN_MODE_SAME: "Cross/isolated margin mode is not modified",
    Code.HAS_ORDERS: "You have existing open orders, so the position mode cannot be switched.",
    Code.ILLEGAL: "Order is illegal",
    Code.NO_POSITION: "There is no net position",
    Code.LEVERAGE_SAME: "leverage not modified",
    Code.NOT_NOW: "Trading is currently not allowed.",
    Code.DUPLICATE_LINK_ID: "OrderLinkedID is duplicate",
    Code.MARGIN_MODE_FAILED: "Set margin mode failed",
    Code.NOT_LIVE: "This contract is not live",
    Code.ISOLATED_ONLY: "Only isolated mode can set auto-add-margin",
    Code.IN_PROCESS: "The order is processing and can not be operated, please try again later",
    Code.NOT_ABOVE: "expect Rising, but trigger_price[{detail}] <= current[{other}]??LastPrice",
    Code.NOT_BELOW: "expect Falling, but trigger_price[{detail}] >= current[{other}]??LastPrice",
    Code.NOTIONAL: "Order does not meet minimum order value {detail}USDT",
    Code.POST_ONLY_NOW: "Only Post-Only orders are available at this stage",
}

_OF: dict[No, tuple[Code, str]] = {
    No.ORDER_NOT_FOUND: (Code.ORDER_NOT_FOUND, ""),
    No.INSTRUMENT: (Code.PARAMETER, "params error: symbol invalid"),
    No.NOT_TRADING: (Code.NOT_LIVE, ""),
    No.CANCEL_ONLY: (Code.NOT_NOW, ""),
    No.POST_ONLY_PHASE: (Code.POST_ONLY_NOW, ""),
    No.TICK: (Code.PARAMETER, "Price invalid"),
    No.LOT: (Code.PARAMETER, "Qty invalid"),
    No.MIN_QTY: (Code.PARAMETER, "The number of contracts exceeds minimum limit allowed"),
    No.MAX_QTY: (Code.PARAMETER, "The number of contracts exceeds maximum limit allowed: too large"),
    No.MIN_NOTIONAL: (Code.NOTIONAL, ""),
    No.PRICE_BAND: (Code.PRICE_RANGE, ""),
    No.MARGIN: (Code.AVAILABLE, ""),
    No.REDUCE_ONLY: (Code.REDUCE_ONLY, ""),
    No.REDUCE_ONLY_SUM: (Code.REDUCE_ONLY, "orderQty will be truncated to zero"),
    No.WOULD_TRIGGER: (Code.NOT_ABOVE, ""),
    No.POST_ONLY_CROSSES: (Code.ILLEGAL, ""),
    No.FILL_OR_KILL: (Code.ILLEGAL, ""),
    No.DUPLICATE_ID: (Code.DUPLICATE_LINK_ID, ""),
    No.TOO_MANY: (Code.TOO_MANY_ORDERS, ""),
    No.TOO_MANY_CONDITIONAL: (Code.TOO_MANY_STOPS, ""),
    No.POSITION_MODE: (Code.PARAMETER, "position idx not match position mode"),
    No.LEVERAGE: (Code.LEVERAGE, ""),
    No.NO_CHANGE: (
        Code.PARAMETER,
        "The order remains unchanged as the parameters entered match the existing ones.",
    ),
    No.HAS_ORDERS_OR_POSITION: (Code.HAS_POSITION, ""),
    No.BALANCE: (Code.AVAILABLE_NOW, ""),
    No.PERMISSION: (Code.PERMISSION, ""),
    No.NOT_AMENDABLE: (Code.ORDER_NOT_FOUND, "order not exists or too late to replace"),
}
"""The venue's number for each refusal of the exchange, and words that differ from the number's own."""


class Wrong(Exception):
    """A request gets this error instead of a result.

    Parameters
    ----------
    status
        HTTP status; nearly all of the venue's errors come with 200.
    """

    def __init__(self, code: Code, text: str = "", *, status: int = 200) -> None:
        self.code = code
        self.text = text or text_of(code)
        self.status = status
        super().__init__(f"{code}: {self.text}")


def text_of(code: Code, detail: object = "", other: object = "") -> str:
    """The venue's words for a number."""
    return _TEXTS.get(code, "").format(detail=detail, other=other)


def refusal(refused: Refused) -> Wrong:
    """The venue's error for a refusal of the exchange."""
    code, text = _OF[refused.reason]
    return Wrong(code, text)


def parameter(text: str) -> Wrong:
    """The venue's *request parameter error* with its reason."""
    return Wrong(Code.PARAMETER, text)
