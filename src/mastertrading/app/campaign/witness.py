"""What is seen from outside: the wire, the exchange's own news, and how long positions stood without a stop."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from mastertrading.simulator.faults.kinds import tags_of
from mastertrading.simulator.faults.plan import Plan
from mastertrading.simulator.line import Frame, Link
from mastertrading.simulator.wire import Delivery, Facade, Request, Response

OURS = re.compile(rb"mt[exsptzc][a-z2-7]{26}")
GRACE_MS = 12_000
"""After a request that a fault has touched: its time limit, and one round until the next may be sent."""
BLOCKING = frozenset(
    {
        "X04",
        "X12",
        "X14",
        "X15",
        "X16",
        "X16/maintenance",
        "X17",
        "X18",
        "X23",
        "X26",
        "X27",
        "X27/address",
        "X30",
        "N18",
    }
)
"""While one of these acts, a right order may be refused however often it is sent."""


class Sent(NamedTuple):
    """A request that left the trader."""

    ts_ms: int
    tags: frozenset[str]
    client_id: str
    arrives: bool


@dataclass
class Wire:
    """The weather of a line, with a log of what passes through it.

    Attributes
    ----------
    sent
        Orders and cancels that left, in order.
    on_sent
        Told each of them.
    on_hit
        Told the keys of the faults that just acted.
    late_ms
        The next request arrives so late.
    troubled_until_ms
        Until then no liveness is owed: a fault has just touched a private request.
    """

    plan: Plan
    now: Callable[[], int]
    sent: list[Sent] = field(default_factory=list)
    on_sent: list[Callable[[Sent], None]] = field(default_factory=list)
    on_hit: list[Callable[[tuple[str, ...]], None]] = field(default_factory=list)
    late_ms: int = 0
    troubled_until_ms: int = 0
    requests: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)

    def _watched(self, private: bool, do: Callable[[], Any]) -> Any:
        faults = tuple(self.plan.faults)
        before = [fault.hits for fault in faults]
        answer = do()
        acted = [one for one, hits in zip(faults, before, strict=True) if one.hits != hits]
        if acted:
            ban_s = max(getattr(one, "retry_after_s", 0) for one in acted)
            self.note_hits([one.key for one in acted], private, 1000 * ban_s)
        return answer

    def note_hits(self, keys: Sequence[str], private: bool, ban_ms: int = 0) -> None:
        """Faults have acted; so long the venue forbids to ask again."""
        self.hits.update(keys)
        if private:
            self.troubled_until_ms = max(self.troubled_until_ms, self.now() + ban_ms + GRACE_MS)
        for listener in self.on_hit:
            listener(tuple(keys))

    def is_troubled(self, now_ms: int) -> bool:
        """Whether nothing can be asked of the trader now."""
        if now_ms < self.troubled_until_ms:
            return True
        return any(f.key in BLOCKING and f.hits and f.when.in_time(now_ms) for f in self.plan.faults)

    def tap(self, gateway: Any) -> Any:
        """A gateway without a wire: what it is told to send stands for what leaves."""
        place, cancel = gateway.place, gateway.cancel

        async def placed(request: Any) -> Any:
            self._note(Sent(self.now(), frozenset({"place"}), request.client_id, True))
            return await place(request)

        async def cancelled(order: Any) -> Any:
            self._note(Sent(self.now(), frozenset({"cancel"}), order.client_id, True))
            return await cancel(order)

        gateway.place, gateway.cancel = placed, cancelled
        return gateway

    def _note(self, sent: Sent) -> None:
        self.sent.append(sent)
        for listener in self.on_sent:
            listener(sent)

    # ---------------------------------------------------------------- the weather
    def connects(self, host: str) -> str:
        return self.plan.connects(host)

    def departs(self, venue: str, request: Request) -> Delivery:
        self.requests += 1
        if not self.plan.faults:
            delivery = self.plan.departs(venue, request)
        else:
            private = "x-mbx-apikey" in request.headers or "x-bapi-api-key" in request.headers
            delivery = self._watched(private, lambda: self.plan.departs(venue, request))
        if self.late_ms:
            delivery, self.late_ms = (
                replace(delivery, request_delay_ms=delivery.request_delay_ms + self.late_ms),
                0,
            )
        if request.method != "GET":
            self._log(venue, request, not (delivery.lose_request or delivery.refuse))
        return delivery

    def _log(self, venue: str, request: Request, arrives: bool) -> None:
        found = OURS.findall(request.query.encode() + request.body)
        sent = Sent(self.now(), tags_of(venue, request), found[0].decode() if found else "", arrives)
        if sent.tags & {"place", "cancel"}:
            self._note(sent)

    def answer(self, facade: Facade, request: Request) -> Response:
        if not self.plan.faults:
            return self.plan.answer(facade, request)
        answer: Response = self._watched(True, lambda: self.plan.answer(facade, request))
        return answer

    def returns(self, venue: str, request: Request, response: Response) -> tuple[Response, Delivery]:
        if not self.plan.faults:
            return self.plan.returns(venue, request, response)
        answer: tuple[Response, Delivery] = self._watched(
            True, lambda: self.plan.returns(venue, request, response)
        )
        return answer

    def dials(self, venue: str, request: Request) -> Delivery:
        answer: Delivery = self._watched(False, lambda: self.plan.dials(venue, request))
        return answer

    def opened(self, link: Link) -> None:
        self.plan.opened(link)

    def closed(self, link: Link) -> None:
        self.plan.closed(link)

    def frames(self, link: Link, text: str) -> Sequence[Frame]:
        if not self.plan.faults:
            return self.plan.frames(link, text)
        answer: Sequence[Frame] = self._watched(False, lambda: self.plan.frames(link, text))
        return answer

    def hears(self, link: Link, text: str) -> bool:
        answer: bool = self._watched(False, lambda: self.plan.hears(link, text))
        return answer

    def pongs(self, link: Link) -> bool:
        answer: bool = self._watched(False, lambda: self.plan.pongs(link))
        return answer
