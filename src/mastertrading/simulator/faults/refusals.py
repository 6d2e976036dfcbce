"""X13, X16 (maintenance), X17, X25 (third coin), X27 (address), X28: answers in the venue's words, and spoilt fills."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mastertrading.domain.errors import ConfigError
from mastertrading.simulator.faults.codes import JSON, Word
from mastertrading.simulator.faults.editing import (
    FILL_KEYS,
    FRAME_FILL_KEYS,
    edited,
    edited_text,
    fills_of_frame,
    rows_of,
)
from mastertrading.simulator.faults.fault import Call, Fault
from mastertrading.simulator.line import Frame, Link
from mastertrading.simulator.wire import ON_TIME, Delivery, Response

REFUSALS: dict[str, dict[str, Word]] = {
    "binance_usdm": {
        "reduce_only": Word(400, -2022, "ReduceOnly Order is rejected."),
        "reduce_only_sum": Word(
            400, -4118, "ReduceOnly Order Failed. Please check your existing position and open orders."
        ),
        "band": Word(
            400, -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
        ),
        "trigger": Word(400, -2021, "Order would immediately trigger."),
        "address": Word(401, -2015, "Invalid API-key, IP, or permissions for action."),
    },
    "bybit_linear": {
        "reduce_only": Word(200, 110017, "current position is zero, cannot fix reduce-only order qty"),
        "reduce_only_sum": Word(200, 110017, "orderQty will be truncated to zero."),
        "band": Word(200, 30208, "The order price is higher than the maximum buying price."),
        "trigger": Word(200, 110093, "expect Falling, but trigger_price[0] >= current[0]??LastPrice"),
        "address": Word(200, 10010, "Unmatched IP, please check your API key's bound IP addresses."),
    },
}


def refusal(venue: str, name: str, now_ms: int) -> Response:
    """A venue's refusal by our name of it."""
    word = REFUSALS[venue][name]
    told: dict[str, object] = {"code": word.code, "msg": word.text}
    if venue == "bybit_linear":
        told = {"retCode": word.code, "retMsg": word.text, "result": {}, "retExtInfo": {}, "time": now_ms}
    return Response(word.status, json.dumps(told).encode(), JSON)


@dataclass
class _Refusal(Fault):
    word: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        known = REFUSALS["binance_usdm"]
        if self.word not in known:
            raise ConfigError(f"there is no refusal {self.word!r}", why=f"there are {', '.join(known)}")

    def departs(self, call: Call) -> Delivery | None:
        """Refuse in the venue's place: nothing has changed there."""
        if not self.due_for(call):
            return None
        return Delivery(lose_request=True, replace=refusal(call.venue, self.word, call.now_ms))


@dataclass
class ReduceOnlyRefused(_Refusal):
    """X13: an order that reduces is refused (-2022, -4118, 110017)."""

    id = "X13"
    kinds = frozenset({"reduce"})
    word: str = "reduce_only"


@dataclass
class PriceRefused(_Refusal):
    """X17: a price outside of the band, or a trigger that is reached already."""

    id = "X17"
    kinds = frozenset({"place"})
    word: str = "band"


@dataclass
class AddressRefused(_Refusal):
    """X27: the key is good, but not from here."""

    id = "X27"
    kinds = frozenset({"private"})
    word: str = "address"


ASSETS = {"commission": ("commissionAsset",), "n": ("N",), "execFee": ("feeCurrency", "feeCoin")}
"""Where the asset stands, by the name of the fee."""


@dataclass
class SpoiltFills(Fault):
    """X28: ids of fills are used again (``what = ids``), or fills come once more with another fee (``fee``).

    X25 with ``what = coin``: the fee is charged in a third coin.
    """

    id = "X28"
    kinds = frozenset({"fills", "order_news"})
    what: str = "fee"
    factor: float = 1.5

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Spoil the rows."""
        if response.status != 200 or not self.due_for(call):
            return None
        keys = FILL_KEYS[call.venue]

        def edit(told: Any) -> Any:
            for row in rows_of(call.venue, told):
                self._spoil(row, keys.number, keys.fee)
            return told

        return edited(response, edit), ON_TIME

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """Deliver once more with another fee; or spoil the only delivery."""
        if not self.aims_at(link.venue, tags, now_ms) or not fills_of_frame(
            link.venue, json.loads(frame.text)
        ):
            return None
        if not self.due(link.venue, tags, now_ms):
            return None
        keys = FRAME_FILL_KEYS[link.venue]

        def edit(told: Any) -> Any:
            for row in fills_of_frame(link.venue, told):
                self._spoil(row, keys.number, keys.fee)
            return told

        spoilt = replace(frame, text=edited_text(frame.text, edit))
        return (frame, replace(spoilt, delay_ms=spoilt.delay_ms + 200)) if self.what == "fee" else (spoilt,)

    def _spoil(self, row: dict[str, Any], number: str, fee: str) -> None:
        if self.what == "ids":
            value = row[number]
            row[number] = 1 if isinstance(value, int) else "00000000-0000-0000-0000-000000000001"
        elif self.what == "fee":
            row[fee] = f"{float(row[fee]) * self.factor:.8f}"
        else:
            for name in ASSETS.get(fee, ()):
                row[name] = "BNB"


@dataclass
class FeeInThirdAsset(SpoiltFills):
    """X25: the fee is charged in another coin than the quote's."""

    id = "X25"
    what: str = "coin"
