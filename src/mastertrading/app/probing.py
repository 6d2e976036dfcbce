"""A venue with given keys, each capability tried by reading; with an order only where that was asked for.

The order of ``with_order`` is a limit to buy the smallest size far below the price, cancelled at once and looked for
until it is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any

from mastertrading.app.findings import Finding, fail, from_error, ok, warn
from mastertrading.app.messages import tr
from mastertrading.domain.commands import Outcome
from mastertrading.domain.errors import MastertradingError
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.orders import MarginMode, OrderKind, OrderRequest

if TYPE_CHECKING:
    from mastertrading.exchange.gateway import VenueGateway
    from mastertrading.settings.schema import Settings

DAY_MS = 86_400_000
READS = 20
"""Of each kind whose time is measured."""
STREAM_S = 15.0
FAR = Decimal("0.8")
"""Of the best bid: so far below it is the order of a probe."""
PATIENCE = 10
SLOW_MS = 1000.0

Look = Callable[[], Awaitable[list[Finding]]]


class Probe:
    """One gateway, opened already.

    Parameters
    ----------
    symbols
        Instruments that are asked about; the first is read again and again.
    """

    def __init__(
        self,
        gateway: VenueGateway,
        settings: Settings,
        symbols: Sequence[str],
        *,
        reads: int = READS,
        stream_s: float = STREAM_S,
    ) -> None:
        self.gateway, self.settings, self.symbols = gateway, settings, tuple(symbols)
        self.reads, self.stream_s = reads, stream_s
        self.figures: dict[str, Any] = {}

    async def run(self, *, with_order: bool = False) -> list[Finding]:
        """Try everything; what fails is told, and the rest is tried all the same."""
        looks: list[tuple[str, Look]] = [("clock", self._clock), ("contracts", self._contracts)]
        if self.gateway.signs:
            looks += [
                ("key", self._key),
                ("account", self._account),
                ("orders", self._orders),
                ("history", self._history),
                ("set-up", self._setup),
            ]
        looks += [("latency", self._latency), ("prices", self._market_stream)]
        if self.gateway.signs:
            looks.append(("news", self._account_stream))
        if with_order:
            looks.append(("order", self._order))
        found: list[Finding] = []
        for name, look in looks:
            try:
                found += await look()
            except MastertradingError as error:
                found.append(from_error(name, error))
        return [*found, self._budget(), self._capabilities()]

    # ---------------------------------------------------------------- what anybody may ask
    async def _clock(self) -> list[Finding]:
        await self.gateway.sync_clock()
        error, most = self.gateway.clock_error_ms, self.settings.live.max_clock_error_ms
        self.figures["clock_error_ms"] = round(error, 1)
        found = tr("the venue's time is known to {error:.0f} ms").format(error=error)
        if error > most:
            return [fail("clock", found, tr("nothing is entered beyond {most:g} ms").format(most=most))]
        return [ok("clock", found)]

    async def _contracts(self) -> list[Finding]:
        known = await self.gateway.instruments(self.symbols)
        told = ", ".join(
            f"{one.symbol} {tr('tick')} {one.tick:f} {tr('lot')} {one.lot * one.multiplier:f}"
            for one in known.values()
        )
        return [ok("contracts", told)]

    # ---------------------------------------------------------------- what a key is for
    async def _key(self) -> list[Finding]:
        facts = await self.gateway.account_facts()
        self.figures["account_id"] = facts.account_id
        who = tr("account {name}").format(name=facts.account_id or "?")
        return [
            _right("key trades", facts.can_trade, who, tr("give the key the right to trade futures")),
            _wrong("key withdraws", facts.can_withdraw, tr("make a key without the right to withdraw")),
            _wanted("key's addresses", facts.ip_restricted, tr("bind the key to this machine's address")),
            _wrong("hedge mode", facts.hedged, tr("switch the account to one-way positions")),
        ]

    async def _account(self) -> list[Finding]:
        balance, positions = await self.gateway.balance(), await self.gateway.positions()
        held = ", ".join(f"{one.symbol} {one.qty:f}" for one in positions if one.qty) or tr("none")
        money = f"{balance.wallet:f} {balance.currency}"
        return [ok("wallet", money), ok("positions", held)]

    async def _orders(self) -> list[Finding]:
        resting = await self.gateway.open_orders()
        missing = await self.gateway.find_order(self.symbols[0], "mtprobe0")
        found = tr("{count} rest; looking for one that never was finds nothing").format(count=len(resting))
        return [ok("open orders", found) if missing is None else fail("open orders", f"{missing.order_id}?")]

    async def _history(self) -> list[Finding]:
        since_ms = self.gateway.now_ms() - DAY_MS
        fills = await self.gateway.fills(self.symbols[0], since_ms)
        payments = await self.gateway.payments(since_ms)
        found = tr("{fills} fills of {symbol} and {payments} payments in a day").format(
            fills=len(fills), symbol=self.symbols[0], payments=len(payments)
        )
        return [ok("history", found)]

    async def _setup(self) -> list[Finding]:
        exchange = self.settings.exchange
        try:
            found = await self.gateway.verify_setup(
                self.symbols, exchange.leverage, MarginMode(exchange.margin), change=False
            )
        except MastertradingError as error:
            hint = tr("it is set before the first entry, where the venue allows it")
            return [warn("set-up", f"{error.what}: {error.why}", hint)]
        first = found[0]
        return [ok("set-up", f"{first.leverage}x {first.margin_mode}, {tr('one-way')}")]

    # ---------------------------------------------------------------- how fast
    async def _latency(self) -> list[Finding]:
        symbol, gateway = self.symbols[0], self.gateway
        asks: dict[str, Callable[[], Awaitable[object]]] = {"book": lambda: gateway.book(symbol)}
        if gateway.signs:
            asks |= {"positions": gateway.positions, "open orders": lambda: gateway.open_orders(symbol)}
        found = []
        for name, ask in asks.items():
            p50, p99 = await self._timed(ask)
            self.figures[f"{name.replace(' ', '_')}_ms"] = {"p50": p50, "p99": p99, "reads": self.reads}
            told = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms ({self.reads} {tr('reads')})"
            slow = p99 > SLOW_MS
            line = f"reading {name}"
            found.append(warn(line, told, tr("a slow connection")) if slow else ok(line, told))
        return found

    async def _timed(self, ask: Callable[[], Awaitable[object]]) -> tuple[float, float]:
        took = []
        for _ in range(self.reads):
            began = time.perf_counter()
            await ask()
            took.append(1000 * (time.perf_counter() - began))
        took.sort()
        return tuple(round(took[int(share * (len(took) - 1))], 1) for share in (0.5, 0.99))  # type: ignore[return-value]

    # ---------------------------------------------------------------- streams
    async def _market_stream(self) -> list[Finding]:
        return [
            await self._first("price stream", self.gateway.market_events(self.symbols, "1m"), past_gaps=True)
        ]

    async def _account_stream(self) -> list[Finding]:
        return [await self._first("account stream", self.gateway.account_events(), past_gaps=False)]

    async def _first(self, name: str, events: Any, *, past_gaps: bool) -> Finding:
        """The first word of a stream; a gap is told first, when the connection stands."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.stream_s):
                async for event in events:
                    kind = type(event).__name__
                    if not past_gaps or kind != "StreamGap":
                        took = time.perf_counter() - began
                        return ok(name, tr("{kind} after {took:.1f} s").format(kind=kind, took=took))
        except TimeoutError:
            pass
        finally:
            await events.aclose()
        return fail(
            name, tr("nothing in {seconds:g} s").format(seconds=self.stream_s), tr("is a proxy in the way?")
        )

    # ---------------------------------------------------------------- an order
    async def _order(self) -> list[Finding]:
        symbol, gateway = self.symbols[0], self.gateway
        contract = (await gateway.instruments([symbol]))[symbol]
        best = (await gateway.book(symbol)).bids[0][0]
        request = far_order(contract, best, f"mtprobe{gateway.now_ms():x}")
        placed = await gateway.place(request)
        if placed.outcome is Outcome.REFUSED:
            return [fail("order", f"{placed.refusal} {placed.code} {placed.detail}".strip())]
        found = await self._until(request, there=True)
        if found is None:
            return [
                fail(
                    "order",
                    tr("{name} was sent and is not found: look at the venue").format(name=request.client_id),
                )
            ]
        cancelled = await gateway.cancel(found)
        gone = await self._until(request, there=False)
        words = f"{request.qty:f} {symbol} {tr('at')} {request.limit_px:f}"
        if gone is not None or cancelled.outcome is Outcome.REFUSED:
            return [
                fail(
                    "order",
                    tr("{order} rests and could not be cancelled: cancel it by hand").format(order=words),
                )
            ]
        return [ok("order", tr("{order}: placed, found, cancelled, gone").format(order=words))]

    async def _until(self, request: OrderRequest, *, there: bool) -> Any:
        """The order once it is found open; or None once it is not, any more."""
        order = None
        for _ in range(PATIENCE):
            order = await self.gateway.find_order(request.symbol, request.client_id)
            is_open = order is not None and order.status.is_open
            if is_open is there:
                return order if there else None
            await self.gateway.clock.sleep(0.3)
        return None if there else order

    # ---------------------------------------------------------------- the rest
    def _budget(self) -> Finding:
        budget = self.gateway.connection.budget
        used = {name: (budget.used(name), limit.most) for name, limit in budget.limits.items()}
        self.figures["budget"] = {name: {"used": one, "most": most} for name, (one, most) in used.items()}
        told = ", ".join(f"{name} {one:g} / {most:g}" for name, (one, most) in used.items())
        return (
            ok("budget", told)
            if budget.held_s <= 0
            else warn("budget", told, tr("the venue asked us to wait"))
        )

    def _capabilities(self) -> Finding:
        told = self.gateway.capabilities
        yes = [one.name for one in fields(told) if getattr(told, one.name) is True]
        return ok("the venue has", ", ".join(name.replace("_", " ") for name in yes))


def far_order(contract: Instrument, best_px: Decimal, client_id: str) -> OrderRequest:
    """A limit to buy the smallest size, far below the best bid."""
    px = (best_px * FAR / contract.tick).to_integral_value(ROUND_DOWN) * contract.tick
    step = contract.lot * contract.multiplier
    worth = (contract.min_notional / px / step).to_integral_value(ROUND_UP)
    qty = max(worth + 1, Decimal(contract.min_lots)) * step
    return OrderRequest(client_id, contract.symbol, 1, OrderKind.LIMIT, qty, limit_px=px)


def _right(name: str, told: bool | None, who: str, todo: str) -> Finding:
    if told is None:
        return warn(name, tr("{who}: the venue does not tell").format(who=who), todo)
    return ok(name, who) if told else fail(name, tr("{who}: no").format(who=who), todo)


def _wrong(name: str, told: bool | None, todo: str) -> Finding:
    if told is None:
        return warn(name, tr("the venue does not tell"), todo)
    return fail(name, tr("yes"), todo) if told else ok(name, tr("no"))


def _wanted(name: str, told: bool | None, todo: str) -> Finding:
    if told is None:
        return warn(name, tr("the venue does not tell"), todo)
    return ok(name, tr("bound")) if told else warn(name, tr("any"), todo)
