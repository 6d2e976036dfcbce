"""The venue's errors: codes, sentences and HTTP status, and which of them answers each refusal of the exchange."""

from __future__ import annotations

from mastertrading.simulator.orders import No, Refused

SENTENCES: dict[int, str] = {
    -1000: "An unknown error occured while processing the request.",
    -1013: "Invalid message.",
    -1015: "Too many new orders.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1101: "Duplicate values for a parameter detected.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1125: "This listenKey does not exist.",
    -1128: "Combination of optional parameters invalid.",
    -1136: "Invalid newOrderRespType.",
    -2010: "NEW_ORDER_REJECTED",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2018: "Balance is insufficient.",
    -2019: "Margin is insufficient.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -2025: "Reach max open order limit.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -2028: "Leverage is smaller than permitted: insufficient margin balance.",
    -4001: "Price less than or equal to zero.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than or equal to zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4006: "Stop price less than zero.",
    -4013: "Price less than min price.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4016: "Limit price can't be higher than the price cap.",
    -4021: "Invalid depth limit.",
    -4023: "Qty not increased by step size.",
    -4024: "Limit price can't be lower than the price floor.",
    -4028: "Leverage is not valid",
    -4031: "Invalid parameter working type.",
    -4045: "Reach max stop order limit.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4049: "Add margin only support for isolated position.",
    -4051: "Isolated balance insufficient.",
    -4056: "HMAC_SHA256 API key is not supported.",
    -4059: "No need to change position side.",
    -4060: "Invalid position side.",
    -4061: "Order's position side does not match user's setting.",
    -4067: "Position side cannot be changed if there exists open orders.",
    -4068: "Position side cannot be changed if there exists position.",
    -4082: "Invalid number of batch place orders.",
    -4108: "This symbol is on delivering or delivered or settling or closed or pre-trading.",
    -4116: "ClientOrderId is duplicated.",
    -4118: "ReduceOnly Order Failed. Please check your existing position and open orders.",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    -4130: "An open stop or take profit order with GTE and closePosition in the direction is existing.",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
    -4137: "Quantity must be zero with closePosition equals true.",
    -4140: "Invalid symbol status for opening position.",
    -4141: "Symbol is closed.",
    -4164: "Order's notional must be no smaller than the minimum (unless you choose reduce only).",
    -4165: "Invalid time interval.",
    -4169: "Unable to adjust Multi-Assets Mode with insufficient margin balance in USDⓈ-M Futures.",
    -4171: "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.",
    -4183: "Price is higher than stop price multiplier cap.",
    -4184: "Price is lower than stop price multiplier floor.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history.",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history.",
    -5024: "Symbol is not in trading status. Order amendment is not permitted.",
    -5025: "Only limit order is supported.",
    -5027: "No need to modify the order.",
    -5037: "Invalid price match.",
    -5039: "Invalid self trade prevention mode.",
    -5040: "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than "
    "253402300799000.",
}

UNAUTHORISED = frozenset({-2014, -2015})

OF_REFUSAL: dict[No, int] = {
    No.ORDER_NOT_FOUND: -2011,
    No.INSTRUMENT: -1121,
    No.NOT_TRADING: -4141,
    No.CANCEL_ONLY: -4140,
    No.POST_ONLY_PHASE: -4140,
    No.TICK: -4014,
    No.LOT: -4023,
    No.MIN_QTY: -4004,
    No.MAX_QTY: -4005,
    No.MIN_NOTIONAL: -4164,
    No.PRICE_BAND: -4016,
    No.MARGIN: -2019,
    No.REDUCE_ONLY: -2022,
    No.REDUCE_ONLY_SUM: -4118,
    No.WOULD_TRIGGER: -2021,
    No.POST_ONLY_CROSSES: -5022,
    No.FILL_OR_KILL: -5021,
    No.DUPLICATE_ID: -4116,
    No.TOO_MANY: -2025,
    No.TOO_MANY_CONDITIONAL: -4045,
    No.POSITION_MODE: -4061,
    No.LEVERAGE: -4028,
    No.NO_CHANGE: -5027,
    No.HAS_ORDERS_OR_POSITION: -4047,
    No.BALANCE: -2018,
    No.PERMISSION: -2015,
    No.NOT_AMENDABLE: -5025,
}


class VenueError(Exception):
    """The venue's answer to something that it does not do.

    Parameters
    ----------
    code
        The venue's.
    sentence
        Instead of the code's usual one.
    status
        HTTP status; by default 400, or 401 where the key is at fault.
    """

    def __init__(
        self, code: int, sentence: str = "", *, status: int = 0, headers: dict[str, str] | None = None
    ) -> None:
        self.code = code
        self.sentence = sentence or SENTENCES[code]
        self.status = status or (401 if code in UNAUTHORISED else 400)
        self.headers = headers or {}
        super().__init__(f"{code}: {self.sentence}")

    def body(self) -> dict[str, object]:
        """As the venue writes it."""
        return {"code": self.code, "msg": self.sentence}


def of_refusal(refused: Refused, instead: dict[No, int] | None = None) -> VenueError:
    """What the venue says where the exchange refused; ``instead``: other codes in this place."""
    code = (instead or {}).get(refused.reason, OF_REFUSAL[refused.reason])
    return VenueError(code)


def missing(name: str) -> VenueError:
    """A parameter that must be there is not, or is empty or malformed."""
    return VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> VenueError:
    """A parameter has characters that it must not have."""
    return VenueError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def unwanted(name: str) -> VenueError:
    """A parameter is not allowed here."""
    return VenueError(-1106, f"Parameter '{name.lower()}' sent when not required.")


def invalid(name: str) -> VenueError:
    """A parameter's value is none of those there are."""
    return VenueError(-1130, f"Data sent for parameter '{name}' is not valid.")
