"""Streams of a venue by ccxt.pro, kept alive: bars without loss or repetition, and news of the account.

ccxt dials, subscribes and answers pings. What it does not do is done here: it fills no gap after a reconnect, keeps
no event time, does not say whether a bar is final, and tells a drop only to those who happen to wait. So each frame
is read as it arrives, each drop is heard, and what a stream may have missed is read by REST.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable, SafetyBlocked
from mastertrading.domain.feed import AccountEvent, Bar, BarRevised, MarketEvent, Quote, StreamGap
from mastertrading.exchange.lean import errors
from mastertrading.exchange.pacing import share
from mastertrading.exchange.series import Series, length_ms

if TYPE_CHECKING:
    from mastertrading.exchange.gateway import VenueGateway

LOG = logging.getLogger("mastertrading.exchange.feed")
GRACE_MS = 2_000
"""How late a closed bar may be before it is asked for."""
SILENT_MS = 30_000
"""No event of any stream for so long by the venue's own times: the connection is thrown away, pings or not."""
WATCH_EVERY_S = 1.0
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
FILL_TRIES, HOLE_MS = 3, 20_000
"""After so many clean answers without a bar, and so long after its close, the venue has none."""
MOST_NEWS = 10_000

Start = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one venue streams.

    Attributes
    ----------
    market_streams
        ccxt, its names of the instruments and a timeframe → what opens each stream; each returns with the first
        message, and raises when the connection is lost.
    account_streams
        The same for the account.
    market_events, account_events
        Gateway and message → what it says. They raise ``ExchangeUnavailable`` for what can't be read.
    is_private
        Whether an address is the account's.
    renew
        Before the account's streams are dialled again: forget what was agreed on for the old connection.
    """

    market_streams: Callable[[Any, Sequence[str], str], Sequence[Start]]
    account_streams: Callable[[Any], Sequence[Start]]
    market_events: Callable[[VenueGateway, Any], Iterable[MarketEvent]]
    account_events: Callable[[VenueGateway, Any], Iterable[AccountEvent]]
    is_private: Callable[[str], bool]
    renew: Callable[[Any], None]


class _Lost(Exception):
    """A connection is gone, or was thrown away."""


class Mailbox:
    """Events for one reader. Of those with a key only the newest waits; the others wait in order."""

    def __init__(self) -> None:
        self._events: deque[tuple[Any, Any]] = deque()
        self._newest: dict[Any, Any] = {}
        self._ready = asyncio.Event()

    def put(self, event: Any, key: Any = None) -> None:
        """Hand in an event."""
        if key is None:
            self._events.append((None, event))
        else:
            if key not in self._newest:
                self._events.append((key, None))
            self._newest[key] = event
        self._ready.set()

    def __len__(self) -> int:
        return len(self._events)

    def clear(self) -> None:
        """Forget everything."""
        self._events.clear()
        self._newest.clear()

    async def get(self) -> Any:
        """The next event. An exception that was handed in is raised."""
        while not self._events:
            self._ready.clear()
            await self._ready.wait()
        key, event = self._events.popleft()
        event = event if key is None else self._newest.pop(key)
        if isinstance(event, BaseException):
            raise event
        return event


class _Feed:
    """What both feeds share: a connection that is dialled again, for ever, with growing pauses."""

    stream = ""

    def __init__(self, gateway: VenueGateway, dialect: Dialect) -> None:
        self.gateway, self.dialect = gateway, dialect
        self.reconnects = 0
        self.unreadable = 0
        self._mail: Mailbox | None = None
        self._lost: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._heard_frame = False
        self._dialled_ms = 0
        """When its connections were dialled last: before that, nothing could be heard on them."""

    async def close(self) -> None:
        """End everything that runs for it."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._mail = None

    def dropped(self) -> None:
        """A connection is gone."""
        if self._lost is not None:
            self._lost.set()

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._mail is not None:
            self._mail.put(error)  # a bug of ours, or a safety rule: the reader gets it

    async def _keep(self, starts: Callable[[], Sequence[Start]]) -> None:
        attempt = 0
        while True:
            self._lost, self._heard_frame = asyncio.Event(), False
            self._dialled_ms = self.gateway.now_ms()
            await self._until_lost(starts())
            attempt = 0 if self._heard_frame else attempt + 1
            self.reconnects += 1
            self._gap()
            longest = min(FIRST_BACKOFF_S * 2.0 ** min(attempt, 10), LONGEST_BACKOFF_S)
            jitter = share(f"{self.gateway.seed} {self.gateway.name} {self.stream} {self.reconnects}")
            await self.gateway.clock.sleep(longest * (0.5 + 0.5 * jitter))
            self._again()

    async def _until_lost(self, starts: Sequence[Start]) -> None:
        assert self._lost is not None
        running = [asyncio.ensure_future(start()) for start in starts]
        running.append(asyncio.ensure_future(_raise_when(self._lost)))
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                if not task.cancelled() and isinstance(error := task.exception(), SafetyBlocked):
                    raise error
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _throw_away(self, private: bool) -> None:
        """Close connections that look alive and are not."""
        error = errors().NetworkError(f"{self.stream}: nothing new for too long")
        for client in list(self.gateway.connection.ccxt.clients.values()):
            if "://" in client.url and self.dialect.is_private(client.url) is private:
                client.on_error(error)
        self.dropped()

    def _gap(self) -> None:
        raise NotImplementedError

    def _again(self) -> None:
        """Just before the streams are dialled again."""


async def _raise_when(event: asyncio.Event) -> None:
    await event.wait()
    raise _Lost


class MarketFeed(_Feed):
    """Bars, quotes, funding and gaps of some instruments."""

    stream = "market"

    def __init__(self, gateway: VenueGateway, dialect: Dialect) -> None:
        super().__init__(gateway, dialect)
        self._series: dict[str, Series] = {}
        self._filling: set[str] = set()
        self._timeframe = ""
        self._newest_ms: dict[str, int] = {}

    def ages_ms(self) -> Mapping[str, int]:
        """Age of the newest event of each stream and instrument, by the venue's times."""
        now = self.gateway.now_ms()
        return {name: now - at for name, at in self._newest_ms.items()}

    async def events(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[MarketEvent]:
        """The feed. Bars that close from now on come each once and in order."""
        await self.close()
        step_ms, now = length_ms(timeframe), self.gateway.now_ms()
        self._timeframe, self._mail = timeframe, Mailbox()
        self._series = {one: Series(one, step_ms, now // step_ms * step_ms) for one in symbols}
        self._newest_ms, self._filling = {}, set()
        ccxt, names = self.gateway.connection.ccxt, [self.gateway.unified(one) for one in symbols]
        self._spawn(self._keep(lambda: self.dialect.market_streams(ccxt, names, timeframe)))
        self._spawn(self._watch())
        mail = self._mail
        try:
            while True:
                yield await mail.get()
        finally:
            await self.close()

    def frame(self, message: Any) -> None:
        """A message of a public connection."""
        if self._mail is None:
            return
        try:
            told = list(self.dialect.market_events(self.gateway, message))
        except ExchangeUnavailable as error:
            self.unreadable += 1
            LOG.warning("%s", error.what)
            return
        for event in told:
            self._take(event)

    def _take(self, event: MarketEvent) -> None:
        symbol = event.bar.symbol if isinstance(event, BarRevised) else event.symbol
        if symbol not in self._series:
            return
        self._heard_frame = True
        name = f"{type(event).__name__.lower()}s {symbol}"
        self._newest_ms[name] = max(self._newest_ms.get(name, 0), event.event_ms)
        if isinstance(event, Bar):
            self._take_bar(event)
        elif isinstance(event, Quote):  # one that tells other prices does not replace it
            told = (event.bid_px, event.ask_px, event.last_px, event.mark_px)
            self._put(event, (Quote, symbol, *(px is None for px in told)))
        else:
            self._put(event, (type(event), symbol))

    def _take_bar(self, bar: Bar) -> None:
        series = self._series[bar.symbol]
        if bar.timeframe != self._timeframe:
            return
        handed_on = series.take(bar)
        if handed_on is not None:
            self._put(handed_on, None if not isinstance(handed_on, Bar) or bar.closed else (Bar, bar.symbol))
        self._fill_if_needed(series)

    def _put(self, event: Any, key: Any = None) -> None:
        if self._mail is not None:
            self._mail.put(event, key)

    def _fill_if_needed(self, series: Series) -> None:
        if series.has_gap and series.symbol not in self._filling:
            self._filling.add(series.symbol)
            self._spawn(self._fill(series))

    async def _fill(self, series: Series) -> None:
        """Read what the stream did not bring."""
        attempt = clean = 0
        try:
            while series.has_gap:
                bars, before = await self._read(series), series.next_ms
                for bar in bars or ():
                    self._put_filled(series.fill(bar))
                if series.next_ms > before:
                    attempt = clean = 0
                    continue
                attempt, clean = attempt + 1, clean + (bars is not None)
                if clean >= FILL_TRIES and self.gateway.now_ms() >= series.next_ms + series.step_ms + HOLE_MS:
                    later = (bar.ts_ms for bar in bars or () if bar.ts_ms > series.next_ms)
                    self._hole(series, min(later, default=min(series.wanted_ms, self._closed_before(series))))
                    clean = 0
                    continue
                pause = min(FIRST_BACKOFF_S * 2.0 ** min(attempt, 10), LONGEST_BACKOFF_S)
                await self.gateway.clock.sleep(
                    pause * (0.5 + 0.5 * share(f"{self.gateway.seed} {series.symbol}"))
                )
        finally:
            self._filling.discard(series.symbol)

    async def _read(self, series: Series) -> tuple[Bar, ...] | None:
        """What is missing, as far as the venue has it; None without a clean answer."""
        try:
            return await self.gateway.bars(series.symbol, self._timeframe, series.next_ms, series.wanted_ms)
        except (ExchangeUnavailable, ExchangeRefused) as error:
            LOG.warning("%s (%s)", error.what, error.why)
            return None

    def _put_filled(self, bar: Bar | None) -> None:
        if bar is not None:
            self._put(bar)

    def _closed_before(self, series: Series) -> int:
        return self.gateway.now_ms() // series.step_ms * series.step_ms

    def _hole(self, series: Series, ts_ms: int) -> None:
        since = series.skip_to(ts_ms)
        self._put(StreamGap("bars", series.symbol, since, self.gateway.now_ms()))

    async def _watch(self) -> None:
        """Once a second: bars that are late, and connections that only seem alive."""
        while True:
            await self.gateway.clock.sleep(WATCH_EVERY_S)
            now = self.gateway.now_ms()
            for series in self._series.values():
                series.overdue(now, GRACE_MS)
                self._fill_if_needed(series)
            newest = max([self._dialled_ms, *self._newest_ms.values()])
            if now - newest > SILENT_MS:
                self._throw_away(private=False)

    def _gap(self) -> None:
        now = self.gateway.now_ms()
        since = max(self._newest_ms.values(), default=now)
        self._put(StreamGap(self.stream, "", since, now))
        for series in self._series.values():
            series.want(now // series.step_ms * series.step_ms)
            self._fill_if_needed(series)


class AccountFeed(_Feed):
    """News of the account. After each new connection a gap is told, since nobody knows what was missed."""

    stream = "account"

    def __init__(self, gateway: VenueGateway, dialect: Dialect) -> None:
        super().__init__(gateway, dialect)
        self._newest_ms = 0

    async def events(self) -> AsyncIterator[AccountEvent]:
        """The feed."""
        await self.close()
        self._mail, self._newest_ms = Mailbox(), self.gateway.now_ms()
        ccxt = self.gateway.connection.ccxt
        self._spawn(self._keep(lambda: self.dialect.account_streams(ccxt)))
        mail = self._mail
        try:
            while True:
                yield await mail.get()
        finally:
            await self.close()

    def frame(self, message: Any) -> None:
        """A message of the private connection."""
        if self._mail is None:
            return
        self._heard_frame = True
        try:
            told = list(self.dialect.account_events(self.gateway, message))
        except ExchangeUnavailable as error:  # we do not know what it said, so: look now
            self.unreadable += 1
            LOG.warning("%s", error.what)
            return self._gap()
        for event in told:
            self._newest_ms = max(self._newest_ms, _moment_ms(event))
            self._put(event)

    def connected(self) -> None:
        """The private connection is open (again)."""
        self._gap()

    def throw_away(self) -> None:
        """What was agreed on for this connection is void (a listen key died)."""
        self._throw_away(private=True)

    def _put(self, event: Any) -> None:
        if self._mail is None:
            return
        if len(self._mail) >= MOST_NEWS:
            self._mail.clear()
            event = StreamGap(self.stream, "", self._newest_ms, self.gateway.now_ms())
        self._mail.put(event)

    def _gap(self) -> None:
        self._put(StreamGap(self.stream, "", self._newest_ms, self.gateway.now_ms()))

    def _again(self) -> None:
        self.dialect.renew(self.gateway.connection.ccxt)


def _moment_ms(event: AccountEvent) -> int:
    """When it happened, by the venue."""
    for name in ("event_ms", "updated_ms", "ts_ms"):
        if (moment := getattr(event, name, None)) is not None:
            return int(moment)
    return 0
