"""One account at one venue, through ccxt: what all venues have in common.

A venue's own file says where things are asked and how its words read. Everything that must not differ stands here:
one request a command, outcomes by exact code, reads that are whole or not at all, the set-up verified by reading it
back.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from mastertrading.domain.commands import Outcome, Refusal, Reply
from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable, UsageError
from mastertrading.domain.feed import AccountEvent, Bar, Book, Funding, MarketEvent, Settlement
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.orders import (
    AccountFacts,
    Balance,
    Fill,
    MarginMode,
    Order,
    OrderRequest,
    Payment,
    Position,
    Setup,
)
from mastertrading.domain.ports import Clock
from mastertrading.exchange.budget import Limit, Priority
from mastertrading.exchange.capabilities import CAPABILITIES, Capabilities
from mastertrading.exchange.connection import Connection, Endpoint
from mastertrading.exchange.contracts import Market, by_symbol, facts_of
from mastertrading.exchange.feed import AccountFeed, Dialect, MarketFeed
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Permit, check_account
from mastertrading.exchange.outcome import Answer, Codes, judged, said, settled
from mastertrading.exchange.series import length_ms
from mastertrading.exchange.setup import SetupGuard, verified

CLIENT_ID = re.compile(r"[a-z0-9]{1,32}")
"""Good on every venue; BingX makes small letters of it."""
CLOCK_FRESH_S = 600.0
CONTRACTS_FRESH_S = 900.0
"""Older contract facts are loaded again before they are handed out."""
ENTRY_PATIENCE_S = 3.0
STALE_CONTRACTS = (Refusal.PRECISION, Refusal.MIN_SIZE, Refusal.MAX_SIZE, Refusal.NO_SUCH_INSTRUMENT)
"""Refusals after which the contract facts are not believed any more."""
FINAL = (Refusal.AUTHENTICATION, Refusal.PERMISSION, Refusal.BAD_REQUEST, Refusal.NO_SUCH_INSTRUMENT)
"""Refusals of a question that asking again does not change."""


class VenueGateway(ABC):
    """Implements ``domain.ports.Gateway``.

    Parameters
    ----------
    permit
        What may be done; ``modes.permit_of`` makes it.
    keys
        None: only public questions can be asked.
    session
        An HTTP session to use instead of our own; it stays open.
    timeout_s, reserve, proxy, seed
        Of a request; share of the budget for protection; for every connection; of the jitter of reconnects.
    """

    name: ClassVar[str]
    exchange_id: ClassVar[str]
    codes: ClassVar[Codes]
    limits: ClassVar[tuple[Limit, ...]]
    options: ClassVar[Mapping[str, Any]]
    markets_endpoint: ClassVar[Endpoint]
    clock_endpoint: ClassVar[Endpoint]
    dialect: ClassVar[Dialect]
    bars_at_once: ClassVar[int] = 1000

    def __init__(
        self,
        permit: Permit,
        clock: Clock,
        *,
        keys: Keys | None = None,
        session: Any = None,
        timeout_s: float = 5.0,
        reserve: float = 0.2,
        proxy: str = "",
        seed: int = 0,
    ) -> None:
        if permit.site.venue != self.name:
            raise UsageError(f"this permit is for {permit.site.venue}, not for {self.name}")
        self.permit, self.clock, self.seed = permit, clock, seed
        self.signs = keys is not None
        self.connection = Connection(
            self.exchange_id,
            permit.site,
            keys,
            clock,
            self.limits,
            session=session,
            options=self.options,
            timeout_s=timeout_s,
            reserve=reserve,
            proxy=proxy,
        )
        self.warnings: tuple[str, ...] = ()
        self.funding_told: dict[str, dict[str, str]] = {}
        """What streams told of each instrument's next charge; a frame may have only what changed of it."""
        self._guard: SetupGuard | None = None
        self._markets: dict[str, Market] = {}
        self._symbols: dict[str, str] = {}
        self._contracts: dict[str, Instrument] = {}
        self._loaded_at = float("-inf")
        self._market_feed = MarketFeed(self, self.dialect)
        self._account_feed = AccountFeed(self, self.dialect)
        self.connection.on_frame, self.connection.on_drop = self._on_frame, self._on_drop
        self.connection.on_connected = self._on_connected

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.permit.mode.value}, {self.permit.account or 'no account'})"

    # ---------------------------------------------------------------- life
    @property
    def venue(self) -> str:
        """Our name of the venue."""
        return self.name

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""
        return CAPABILITIES[self.name]

    @property
    def attaches_stops(self) -> bool:
        """Whether the venue places a stop together with an entry."""
        return self.capabilities.attached_stop

    async def start(self) -> None:
        """Set the clock, load the contracts, and refuse an account or a key that may not be used."""
        await self.connection.open()
        await self.sync_clock()
        await self._load_contracts()
        if self.signs:
            self.warnings = check_account(self.permit, await self.account_facts())

    async def close(self) -> None:
        """Let go of sessions and streams."""
        await self._market_feed.close()
        await self._account_feed.close()
        await self.connection.close()

    def now_ms(self) -> int:
        """The venue's clock, as well as we know it."""
        return self.connection.time.now_ms()

    @property
    def clock_error_ms(self) -> float:
        """How far ``now_ms`` may be from the truth."""
        return self.connection.time.error_ms

    async def sync_clock(self) -> None:
        """Ask the venue's time."""
        await self.connection.measure_clock(self.clock_endpoint, self._read_clock)

    # ---------------------------------------------------------------- contracts
    @property
    def contracts_age_s(self) -> float:
        """Age of the contract facts; infinite if they are not believed any more."""
        return self.clock.monotonic() - self._loaded_at

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Contract facts, margin ladder included; loaded again if they are old or were proved wrong."""
        if self.contracts_age_s > CONTRACTS_FRESH_S:
            await self._load_contracts()
        missing = [symbol for symbol in symbols if symbol not in self._contracts]
        if missing:
            ladders = await self._ladders(missing)
            for symbol in missing:
                facts = facts_of(symbol, self._market(symbol), ladders.get(symbol, ()))
                if facts is None:
                    raise ExchangeUnavailable(f"{self.name} does not state tick and lot of {symbol} exactly")
                self._contracts[symbol] = facts
        return {symbol: self._contracts[symbol] for symbol in symbols}

    async def _load_contracts(self) -> None:
        await self.connection.load_markets({}, self.markets_endpoint)
        self._markets = by_symbol(self.connection.ccxt.markets.values())
        self._symbols = {str(market["id"]): symbol for symbol, market in self._markets.items()}
        self._contracts.clear()
        self._loaded_at = self.clock.monotonic()

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            raise ExchangeRefused(
                f"{self.name} lists no {symbol}", why=f"it lists {len(self._markets)} instruments"
            )
        return market

    def market_id(self, symbol: str) -> str:
        """The venue's name of an instrument."""
        return str(self._market(symbol)["id"])

    def unified(self, symbol: str) -> str:
        """The name that ccxt gives an instrument."""
        return str(self._market(symbol)["symbol"])

    def symbol_of(self, market_id: str) -> str:
        """Our name of an instrument; the venue's own where it is none of ours (a foreign position stays seen)."""
        return self._symbols.get(market_id, market_id)

    # ---------------------------------------------------------------- asking
    async def _read(
        self,
        endpoint: Endpoint,
        parameters: Mapping[str, Any] | None = None,
        *,
        priority: Priority = Priority.USUAL,
    ) -> Any:
        """The parsed reply to a question.

        Raises
        ------
        ExchangeUnavailable, ExchangeRefused
        """
        answer = await self._asked(endpoint, parameters, priority)
        code = self.codes.code_of(answer.parsed)
        if answer.status == 200 and not code and isinstance(answer.parsed, (dict, list)):
            return answer.parsed
        raise self._trouble(endpoint, answer, code)

    async def _find(self, endpoint: Endpoint, parameters: Mapping[str, Any]) -> Any:
        """The parsed reply to a question after one order; None if the venue says that it has none."""
        answer = await self._asked(endpoint, parameters, Priority.PROTECTION)
        code = self.codes.code_of(answer.parsed)
        if code in self.codes.not_found and self.codes.believed(answer.status):
            return None
        if answer.status == 200 and not code and isinstance(answer.parsed, dict) and answer.parsed:
            return answer.parsed
        raise self._trouble(endpoint, answer, code)

    async def _asked(
        self,
        endpoint: Endpoint,
        parameters: Mapping[str, Any] | None,
        priority: Priority,
        patience_s: float | None = None,
    ) -> Answer:
        if self.connection.time.age_s > CLOCK_FRESH_S and endpoint is not self.clock_endpoint:
            await self._try_clock()
        answer = await self.connection.ask(endpoint, parameters, priority=priority, patience_s=patience_s)
        refusal = self.codes.refusals.get(self.codes.code_of(answer.parsed))
        if refusal is Refusal.CLOCK:
            self.connection.time.forget()
        return answer

    async def _try_clock(self) -> None:
        try:
            await self.sync_clock()
        except ExchangeUnavailable:
            return  # the old estimate stands, and its error grows for all to see

    def _trouble(
        self, endpoint: Endpoint, answer: Answer, code: str
    ) -> ExchangeUnavailable | ExchangeRefused:
        sentence = f"{code}: {said(answer)}" if code else said(answer)
        refusal = self.codes.refusals.get(code)
        if refusal in FINAL and self.codes.believed(answer.status):
            return ExchangeRefused(f"{self.name} refuses {endpoint.name}", why=sentence)
        return ExchangeUnavailable(f"{self.name} gave no answer to {endpoint.name}", why=sentence)

    # ---------------------------------------------------------------- commands
    async def place(self, request: OrderRequest) -> Reply:
        """Send one order, once."""
        wrong = self._cannot(request)
        if wrong:
            return self._refused_here(wrong)
        protects = request.reduce_only or request.close_position
        if self._guard is not None and not protects:
            objection = await self._guard.objection(request.symbol)
            if objection:
                return self._refused_here(objection, Refusal.POSITION_MODE)
        endpoint, parameters = self._order(request)
        priority = Priority.PROTECTION if protects else Priority.USUAL
        answer = await self._asked(endpoint, parameters, priority, None if protects else ENTRY_PATIENCE_S)

        def ours(parsed: Any) -> Order | None:
            order = self._placed(parsed, request)
            return order if order.client_id == request.client_id else None

        return self._learnt(judged(answer, self.codes, ours))

    async def cancel(self, order: Order) -> Reply:
        """Cancel one order, once. ACK: the venue accepted the request, not that the order is gone."""
        if order.symbol not in self._markets or not (order.order_id or order.client_id):
            return self._refused_here("the order has no id, or its instrument is not listed")
        endpoint, parameters = self._cancellation(order)
        answer = await self._asked(endpoint, parameters, Priority.PROTECTION)

        def same(parsed: Any) -> Order | None:
            known = self._cancelled(parsed, order)
            by_id = order.order_id and known.order_id == order.order_id
            return known if by_id or (order.client_id and known.client_id == order.client_id) else None

        return self._learnt(judged(answer, self.codes, same))

    async def set_leverage(self, symbol: str, leverage: int) -> Reply:
        """Set the leverage; *no change* is an ACK."""
        return await self._set(*self._leverage(symbol, leverage))

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> Reply:
        """Set the margin mode; *no change* is an ACK."""
        return await self._set(*self._margin(symbol, mode))

    async def set_one_way(self) -> Reply:
        """One position an instrument; *no change* is an ACK."""
        return await self._set(*self._one_way())

    async def _set(
        self, endpoint: Endpoint, parameters: Mapping[str, Any], confirms: Callable[[Any], bool]
    ) -> Reply:
        answer = await self._asked(endpoint, parameters, Priority.USUAL)
        return self._learnt(settled(answer, self.codes, confirms))

    def _cannot(self, request: OrderRequest) -> str:
        """Why this order can't be sent at all; empty if it can."""
        if request.symbol not in self._markets:
            return f"{self.name} lists no {request.symbol}"
        if not CLIENT_ID.fullmatch(request.client_id):
            return "a client id is 1 to 32 characters of a-z and 0-9"
        if request.close_position and not self.capabilities.close_position:
            return f"{self.name} has no order that closes a position of any size"
        if request.qty is None and not request.close_position:
            return "an order without a size"
        numbers = (
            request.qty,
            request.limit_px,
            request.trigger.px if request.trigger else None,
            request.attached_stop_px,
        )
        if any(number is not None and not (number.is_finite() and number > 0) for number in numbers):
            return "sizes and prices are positive numbers"
        if request.attached_stop_px is not None and not self.capabilities.attached_stop:
            return f"{self.name} has no attached stops"
        return ""

    def _refused_here(self, why: str, refusal: Refusal = Refusal.BAD_REQUEST) -> Reply:
        now = self.now_ms()
        return Reply(Outcome.REFUSED, refusal=refusal, detail=why, sent_ms=now, received_ms=now)

    def _learnt(self, reply: Reply) -> Reply:
        if reply.refusal in STALE_CONTRACTS:
            self._loaded_at = float("-inf")
        return reply

    async def explain(self, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        """The same fills with their causes; most venues tell them with the fill."""
        return tuple(fills)

    # ---------------------------------------------------------------- set-up
    async def verify_setup(
        self, symbols: Sequence[str], leverage: int, mode: MarginMode, *, change: bool = True
    ) -> tuple[Setup, ...]:
        """Make sure of position mode, margin mode and leverage; see ``setup.verified``."""
        return await verified(self, symbols, leverage, mode, change)

    def require_setup(self, leverage: int, mode: MarginMode) -> None:
        """From here on an instrument's set-up is read back before its first entry, and hourly; see ``SetupGuard``."""
        self._guard = SetupGuard(self, leverage, mode)

    # ---------------------------------------------------------------- bars and streams
    async def bars(self, symbol: str, timeframe: str, since_ms: int, until_ms: int) -> tuple[Bar, ...]:
        """Closed bars that open in [since, until), ascending, each once.

        Raises
        ------
        ExchangeUnavailable
            Also where the venue contradicts itself about a bar.
        """
        step_ms = length_ms(timeframe)
        last = min(until_ms, self.now_ms() - step_ms + 1)
        found: dict[int, Bar] = {}
        for first in range(-(-since_ms // step_ms) * step_ms, last, self.bars_at_once * step_ms):
            for bar in await self._bars_page(
                symbol, timeframe, first, min(last, first + self.bars_at_once * step_ms)
            ):
                if found.setdefault(bar.ts_ms, bar) != bar:
                    raise ExchangeUnavailable(f"{self.name} tells two bars of {symbol} at {bar.ts_ms}")
        return tuple(found[ts] for ts in sorted(found) if since_ms <= ts < last and ts % step_ms == 0)

    def market_events(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[MarketEvent]:
        """Bars, quotes, funding and gaps, reconnecting for ever."""
        return self._market_feed.events(tuple(symbols), timeframe)

    def account_events(self) -> AsyncIterator[AccountEvent]:
        """News of one's own orders, fills, positions and money, reconnecting for ever."""
        return self._account_feed.events()

    def _on_frame(self, address: str, message: Any) -> None:
        feed = self._account_feed if self.dialect.is_private(address) else self._market_feed
        feed.frame(message)

    def _on_drop(self, address: str) -> None:
        feed = self._account_feed if self.dialect.is_private(address) else self._market_feed
        feed.dropped()

    def _on_connected(self, address: str) -> None:
        if self.dialect.is_private(address):
            self._account_feed.connected()

    def throw_away_account_stream(self) -> None:
        """Dial the account's stream anew: what was agreed on for it is void."""
        self._account_feed.throw_away()

    @property
    def staleness_ms(self) -> Mapping[str, int]:
        """Age of the newest event by stream and instrument (``bars BTCUSDT``), by the venue's own times."""
        return self._market_feed.ages_ms()

    # ---------------------------------------------------------------- what each venue says by itself
    @abstractmethod
    def _read_clock(self, parsed: Any) -> int:
        """The venue's time of its answer."""

    @abstractmethod
    async def _ladders(self, symbols: Sequence[str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Margin ladders, as ``contracts.facts_of`` reads them."""

    @abstractmethod
    def _order(self, request: OrderRequest) -> tuple[Endpoint, dict[str, Any]]:
        """The one request that places an order."""

    @abstractmethod
    def _placed(self, parsed: Any, request: OrderRequest) -> Order:
        """The order in the reply."""

    @abstractmethod
    def _cancellation(self, order: Order) -> tuple[Endpoint, dict[str, Any]]:
        """The one request that cancels an order."""

    @abstractmethod
    def _cancelled(self, parsed: Any, order: Order) -> Order:
        """The order in the reply."""

    @abstractmethod
    def _leverage(self, symbol: str, leverage: int) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        """The request that sets it, and what confirms it."""

    @abstractmethod
    def _margin(
        self, symbol: str, mode: MarginMode
    ) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        """The request that sets it, and what confirms it."""

    @abstractmethod
    def _one_way(self) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        """The request that sets it, and what confirms it."""

    @abstractmethod
    async def setups(self, symbols: Sequence[str]) -> tuple[Setup, ...]:
        """Leverage, margin mode and position mode as they are."""

    @abstractmethod
    async def _bars_page(self, symbol: str, timeframe: str, first_ms: int, last_ms: int) -> Sequence[Bar]:
        """Bars that open in [first, last), as many as the venue gives at once."""

    @abstractmethod
    async def account_facts(self) -> AccountFacts:
        """Identity, rights of the key, position mode."""

    @abstractmethod
    async def balance(self) -> Balance:
        """Money in the quote currency."""

    @abstractmethod
    async def positions(self) -> tuple[Position, ...]:
        """Every position that is not flat."""

    @abstractmethod
    async def open_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Plain and conditional orders that may still fill."""

    @abstractmethod
    async def find_order(self, symbol: str, client_id: str) -> Order | None:
        """Look everywhere an order of ours can be."""

    @abstractmethod
    async def fills(self, symbol: str, since_ms: int) -> tuple[Fill, ...]:
        """Executions from a moment on, ascending, whole."""

    @abstractmethod
    async def payments(self, since_ms: int) -> tuple[Payment, ...]:
        """Funding and transfers from a moment on, ascending, whole."""

    @abstractmethod
    async def funding(self, symbol: str) -> Funding:
        """The next charge."""

    @abstractmethod
    async def settlements(self, symbol: str, since_ms: int) -> tuple[Settlement, ...]:
        """Funding that was charged from a moment on, ascending, whole."""

    @abstractmethod
    async def book(self, symbol: str, levels: int = 20) -> Book:
        """The best levels."""


def plain(number: Decimal) -> str:
    """A decimal as venues want it: no exponent, no superfluous zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
