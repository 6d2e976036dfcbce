"""The public past of one exchange, by ccxt: markets, contract facts, and pages of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable, UsageError
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS
from mastertrading.exchange.contracts import Market, by_symbol, facts_of
from mastertrading.exchange.lean import exchange_class
from mastertrading.exchange.pacing import Pace, Stopping, pause_s, share
from mastertrading.exchange.pages import Rows, whole_page, windows
from mastertrading.exchange.trouble import (
    PATIENCE_S,
    BadAnswer,
    Heard,
    Trouble,
    judged,
)
from mastertrading.exchange.venues import COLUMNS, KINDS, METHODS, SHORTEST_FUNDING_MS, Kind, offer_of

T = TypeVar("T")

TRIES, FIRST_TRIES = 8, 4
TIMEOUT_MS = 10_000
NEARLY_ALL = 0.9
"""Share of a minute's weight after which everybody waits for the next minute."""
SHARED = ("markets", "markets_by_id", "symbols", "ids", "currencies", "currencies_by_id", "codes", "options")
INTERVALS = {"fundingIntervalHours": HOUR_MS, "fundingInterval": 1, "interval": 1, "granularity": 1}
"""Where an answer may state the length of a funding interval, and in which unit."""


class History:
    """One exchange, for one thread.

    Parameters
    ----------
    exchange_id
        The id that ccxt gives it.
    pace
        Shared by everybody who asks this exchange.
    session
        An HTTP session to use instead of ccxt's own.
    seed
        Seed of the jitter of pauses.
    tell
        Told when something has to be asked again.
    """

    def __init__(
        self,
        exchange_id: str,
        pace: Pace,
        *,
        session: object = None,
        seed: int = 0,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.id = exchange_id
        self.offer = offer_of(exchange_id)
        self.pace = pace
        self.seed = seed
        self.heard = Heard()
        self.tell = tell
        self._ccxt = _listening(exchange_class(exchange_id), self)(
            {
                "enableRateLimit": True,
                "timeout": TIMEOUT_MS,
                "requests_trust_env": True,  # HTTPS_PROXY works as everywhere
                "options": dict(self.offer.options),
                **({} if session is None else {"session": session}),
            }
        )
        self._ccxt.has["fetchCurrencies"] = False

    def beside(self, session: object = None) -> History:
        """The same exchange for another thread, which knows the markets already."""
        twin = History(self.id, self.pace, session=session, seed=self.seed, tell=self.tell)
        for name in SHARED:
            setattr(twin._ccxt, name, getattr(self._ccxt, name, None))
        return twin

    # ------------------------------------------------------------ what there is

    def offers(self, kind: Kind) -> bool:
        """Whether ccxt can ask this exchange for such a series."""
        return bool(self._ccxt.has.get(METHODS[kind]))

    def check(self, kind: Kind, timeframe: str) -> None:
        """Refuse a kind or a timeframe that the exchange does not publish.

        Raises
        ------
        UsageError
        """
        if not self.offers(kind):
            rest = ",".join(k for k in KINDS if self.offers(k))
            raise UsageError(
                f"{self.id} publishes no history of {kind}", where="--kind", hint=f"--kind {rest}"
            )
        if kind in ("candles", "mark") and timeframe not in self._ccxt.timeframes:
            raise UsageError(
                f"{self.id} has no candles of {timeframe}",
                why=f"it has {', '.join(self._ccxt.timeframes)}",
                where="--timeframe",
            )

    def markets(self) -> dict[str, Market]:
        """What can be traded, by canonical symbol.

        Raises
        ------
        ExchangeUnavailable, ExchangeRefused
        """
        self._insist(
            "its markets", lambda: self._ccxt.load_markets(params=dict(self.offer.start)), FIRST_TRIES
        )
        return by_symbol(self._ccxt.markets.values())

    def now_ms(self) -> int:
        """The exchange's clock; this machine's where it does not tell."""
        if not self._ccxt.has.get("fetchTime"):
            return self.pace.clock.now_ms()
        told = self._insist("its time", self._ccxt.fetch_time, FIRST_TRIES)
        return int(told) if isinstance(told, int) else self.pace.clock.now_ms()

    def contract(self, symbol: str, market: Market) -> Instrument | None:
        """Contract facts, with the margin ladder where that is public."""
        tiers: Sequence[Mapping[str, Any]] = ()
        if self._ccxt.has.get("fetchMarketLeverageTiers") is True:
            try:
                answer = self._insist(
                    f"tiers of {symbol}", lambda: self._ccxt.fetch_market_leverage_tiers(market["symbol"])
                )
                tiers = answer if isinstance(answer, list) else ()
            except ExchangeRefused:
                tiers = ()
        return facts_of(symbol, market, tiers)

    # ------------------------------------------------------------ rows

    def page_ms(self, kind: Kind, step_ms: int) -> int:
        """How much time one page covers."""
        return self.offer.rows[kind] * (step_ms or SHORTEST_FUNDING_MS)

    def page(self, kind: Kind, market: Market, timeframe: str, start_ms: int, end_ms: int) -> Rows:
        """Rows from a moment, before another: in order, each time once, as whole as the exchange has them.

        Raises
        ------
        ExchangeUnavailable, ExchangeRefused
        """
        step_ms = 0 if kind == "funding" else self._ccxt.parse_timeframe(timeframe) * 1000
        limit = self.offer.rows[kind]

        def ask(a: int, b: int) -> Rows:
            label = f"{market['symbol']} {kind} {a}"
            return self._insist(label, lambda: self._once(kind, market, timeframe, a, b, step_ms))

        return whole_page(ask, start_ms, end_ms, step_ms=step_ms, limit=limit, sparse=self.offer.sparse)

    def first_day(self, market: Market, start_ms: int, end_ms: int) -> int | None:
        """Open of the first daily candle in a range: when an instrument was listed. None: there is none.

        An exchange without daily candles gives ``start_ms``.
        """
        if "1d" not in self._ccxt.timeframes:
            return start_ms
        first = start_ms // DAY_MS * DAY_MS
        for a, b in windows(first, end_ms, self.page_ms("candles", DAY_MS)):
            rows = self.page("candles", market, "1d", a, b)
            if len(rows):
                return max(int(rows.ts_ms[0]), start_ms)
        return None

    def _once(self, kind: Kind, market: Market, timeframe: str, a: int, b: int, step_ms: int) -> Rows:
        answer = self._asked(kind, market, timeframe, a, b, step_ms)
        rows = _table(answer, kind)
        if len(rows) and int(rows.ts_ms.max()) < a:
            raise BadAnswer("rows of an earlier time than was asked for")
        if kind == "candles" and self.offer.counts_contracts:
            rows.values[:, -1] *= float(market.get("contractSize") or 1.0)
        return rows

    def _asked(self, kind: Kind, market: Market, timeframe: str, a: int, b: int, step_ms: int) -> Any:
        symbol, limit = market["symbol"], self.offer.rows[kind]
        until: dict[str, Any] = {"until": b - 1}
        if kind == "funding":
            return self._ccxt.fetch_funding_rate_history(symbol, a, limit, until)
        count = min(limit, math.ceil((b - a) / step_ms))
        if kind == "open-interest":
            return self._ccxt.fetch_open_interest_history(symbol, timeframe, a, count, until)
        params = (until if self.offer.until else {}) | ({"price": "mark"} if kind == "mark" else {})
        return self._ccxt.fetch_ohlcv(symbol, timeframe, a, count, params)

    # ------------------------------------------------------------ asking until there is an answer

    def _insist(self, label: str, call: Callable[[], T], tries: int = TRIES) -> T:
        """Ask until there is an answer, or until asking is of no use any more."""
        seed = f"{self.seed} {self.id} {label}"
        trouble = Trouble("")
        for attempt in range(tries):
            self.heard.forget()
            try:
                return call()
            except Stopping:
                raise
            except Exception as error:  # whatever a strange answer makes ccxt's parsers stumble over
                trouble = judged(error, self.heard, self.pace.clock.now_ms())
            if trouble.final:
                raise ExchangeRefused(f"{self.id} refuses {label}", why=trouble.text)
            if attempt < tries - 1:
                self._pause(trouble, attempt, seed)
        raise ExchangeUnavailable(
            f"{self.id} did not give {label} in {tries} tries",
            why=trouble.text,
            hint="check the connection (HTTPS_PROXY is heeded); some exchanges refuse some countries",
        )

    def _pause(self, trouble: Trouble, attempt: int, seed: str) -> None:
        wait_s = pause_s(attempt, seed)
        if trouble.wait_s is not None:
            if trouble.wait_s > PATIENCE_S:
                minutes = math.ceil(trouble.wait_s / 60)
                raise ExchangeUnavailable(
                    f"{self.id} wants no question for {minutes} minutes", why=trouble.text
                )
            wait_s = trouble.wait_s + share(seed)
        if attempt or trouble.everybody:  # a single failure is usual
            self.tell(f"{self.id}: {trouble.text}; asking again in {wait_s:.1f} s")
        if trouble.everybody:
            self.pace.hold(wait_s)
        else:
            self.pace.clock.sleep(wait_s)

    def listen(self, status: int, headers: Mapping[str, str]) -> None:
        """Note what an answer said besides its rows; slow down before a minute's weight is used up."""
        self.heard.status = status
        self.heard.headers = {str(name).lower(): str(value) for name, value in headers.items()}
        used = self.heard.headers.get("x-mbx-used-weight-1m", "")
        limit = self.offer.weight_limit
        if limit and used.isdecimal() and int(used) >= NEARLY_ALL * limit:
            self.pace.hold((MINUTE_MS - self.pace.clock.now_ms() % MINUTE_MS) / 1000)


def unit_of(exchange_id: str) -> float:
    """Time that one unit of weight takes, ms, as ccxt knows it."""
    return float(exchange_class(exchange_id)().rateLimit)


def _listening(base: Any, history: History) -> Any:
    """The class of ccxt, whose answers we hear before it judges them, and whose waiting is done by our pace."""

    class Listening(base):  # type: ignore[misc]
        def throttle(self, cost: float | None = None) -> None:
            history.pace.wait(1.0 if cost is None else cost)

        def handle_errors(self, *answer: Any) -> Any:
            status, headers, body, parsed = answer[0], answer[4], answer[5], answer[6]
            history.listen(status, headers)
            judged_by_ccxt = super().handle_errors(*answer)
            if status < 400 and parsed is None:
                raise BadAnswer(f"no JSON but {len(body)} characters: {body[:60]!r}")
            return judged_by_ccxt

        def filter_by_since_limit(self, array: Any, *_: Any, **__: Any) -> Any:
            return array  # what is outside the window tells whether an exchange understood it

        def filter_by_symbol_since_limit(self, array: Any, *_: Any, **__: Any) -> Any:
            return array

    Listening.__name__ = base.__name__
    return Listening


def _table(answer: Any, kind: Kind) -> Rows:
    """The rows of an answer.

    Raises
    ------
    BadAnswer
        If they are none.
    """
    if not isinstance(answer, list):
        raise BadAnswer(f"no list of rows but {type(answer).__name__}")
    read = {"funding": _charge, "open-interest": _interest}.get(kind, _candle)
    rows = [read(row) for row in answer]
    times = [row[0] for row in rows]
    if not all(isinstance(ts, int) and ts > 0 for ts in times):
        raise BadAnswer("rows without a time")
    values = np.array([row[1:] for row in rows], dtype=np.float64)
    return Rows(np.array(times, dtype=np.int64), values.reshape(len(rows), len(COLUMNS[kind])))


def _candle(row: Any) -> tuple[Any, ...]:
    if not isinstance(row, list) or len(row) < 6:
        raise BadAnswer(f"a candle of {row!r}"[:80])
    return (row[0], *map(_float, row[1:5]), _float(row[5], 0.0))


def _charge(row: Any) -> tuple[Any, ...]:
    info = row.get("info") or {}
    stated = next((_float(info[key]) * unit for key, unit in INTERVALS.items() if key in info), 0.0)
    if not (HOUR_MS <= stated <= DAY_MS):  # in another unit, or nothing of the kind
        stated = 0.0
    return (row["timestamp"], _float(row["fundingRate"]), stated)


def _interest(row: Any) -> tuple[Any, ...]:
    return (row["timestamp"], _float(row.get("openInterestAmount")), _float(row.get("openInterestValue")))


def _float(value: Any, missing: float = math.nan) -> float:
    return missing if value is None else float(value)
