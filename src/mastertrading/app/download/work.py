"""A download from its wish to the series in the lake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field

from mastertrading.app.download.crew import Crew
from mastertrading.app.download.keep import Kept, keep, look, state_contracts
from mastertrading.app.download.plan import (
    FRESH_MS,
    Forecast,
    Task,
    Wish,
    forecast,
    pages_of,
    skip_before,
    task_of,
    wanted,
)
from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable, OutputError
from mastertrading.exchange.client import History, unit_of
from mastertrading.exchange.contracts import chosen_markets
from mastertrading.exchange.pacing import Clock, Pace
from mastertrading.exchange.venues import offer_of
from mastertrading.lake.lock import Wait, at_once, writing
from mastertrading.lake.names import moment
from mastertrading.lake.ranges import Range
from mastertrading.lake.staging import FOLDER
from mastertrading.lake.store import Venue

GO_ON = "give the same command again: it goes on where it stopped"

Say = Callable[[str], None]
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar: a label and a total, then how much is done."""


def _no_bar(label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda done: None)


@dataclass
class Desk:
    """What a download needs from outside.

    Attributes
    ----------
    stop
        Set when everybody is to stop; the clock's waits end with it.
    session
        Makes an HTTP session for a thread; None: ccxt's own.
    patience
        Makes a way to wait for another writer of the lake.
    """

    clock: Clock
    stop: threading.Event
    say: Say = lambda sentence: None
    bar: Bar = _no_bar
    session: Callable[[], object] | None = None
    patience: Callable[[], Wait] = lambda: at_once


@dataclass
class Outcome:
    """What a download did, by series, and what it cost."""

    kept: list[tuple[Task, Kept]] = field(default_factory=list)
    requests: int = 0


def predict(wish: Wish, now_ms: int) -> list[Forecast]:
    """What a download would cost at most; asks nobody."""
    offer, unit_ms = offer_of(wish.exchange), unit_of(wish.exchange)
    venue = Venue(wish.lake / wish.venue)
    tasks = [task_of(kind, series, wish, venue, offer, now_ms) for kind, series in wanted(wish, offer)]
    return [forecast(task, offer, unit_ms) for task in tasks]


def download(wish: Wish, desk: Desk) -> Outcome:
    """Ask for everything that is missing, and keep it.

    Raises
    ------
    UsageError
        If the exchange has no such instrument, kind or timeframe.
    ExchangeUnavailable
        If it stops answering; what came before is in the lake.
    OutputError
        If the lake can't be written, or another download into this venue is at work.
    """
    pace = Pace(desk.clock, unit_of(wish.exchange))
    session = desk.session() if desk.session else None
    history = History(wish.exchange, pace, session=session, seed=wish.seed, tell=desk.say)
    asked = wanted(wish, history.offer)
    for kind, series in asked:
        history.check(kind, series.timeframe)
    now_ms = history.now_ms()
    markets = chosen_markets(history.markets(), wish.symbols, wish.exchange)
    venue = Venue(wish.lake / wish.venue)
    with _alone(venue):
        tasks = [task_of(kind, series, wish, venue, history.offer, now_ms) for kind, series in asked]
        for task in tasks:
            task.market = markets[task.series.symbol]
        state_contracts(
            Venue(venue.folder, desk.patience()),
            {symbol: history.contract(symbol, m) for symbol, m in markets.items()},
        )
        _skip_unlisted(history, tasks, desk.say)
        kept = _work(history, tasks, venue, wish, desk, now_ms)
    return Outcome([(task, kept[task.series]) for task in tasks], pace.requests)


@contextmanager
def _alone(venue: Venue) -> Iterator[None]:
    """Be the only download into a venue."""
    lock = writing(venue.folder / FOLDER)
    try:
        lock.__enter__()
    except OutputError as error:
        if "being written" not in error.what:
            raise
        what = f"another download into {venue.name} is at work"
        raise OutputError(what, why=error.what, where=error.where, hint=error.hint) from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)
        with suppress(OSError):
            (venue.folder / FOLDER).rmdir()


def _skip_unlisted(history: History, tasks: list[Task], say: Say) -> None:
    """Find when each instrument was listed, where a task begins earlier than anything known of it."""
    for symbol in dict.fromkeys(task.series.symbol for task in tasks):
        mine = [t for t in tasks if t.series.symbol == symbol and t.needs and t.needs[0][0] == t.window[0]]
        if not mine:
            continue
        start, end = min(t.window[0] for t in mine), max(t.window[1] for t in mine)
        listed = history.first_day(mine[0].market, start, end)
        for task in mine:
            skip_before(task, listed)
        if listed is None:
            say(f"{symbol}: {history.id} has nothing of it before {moment(end)}")
        elif listed > start:
            say(f"{symbol}: listed on {moment(listed)[:10]}; there is nothing before")


def _work(
    history: History, tasks: list[Task], venue: Venue, wish: Wish, desk: Desk, now_ms: int
) -> dict[object, Kept]:
    """Ask for all pages, and take each series into the lake when its last page is there, or when all is over."""
    jobs = [(task, page) for task in tasks for page in pages_of(task, history.offer.rows[task.kind])]
    for task in tasks:
        task.left = sum(1 for mine, _ in jobs if mine is task)
    kept: dict[object, Kept] = {}

    def finish(task: Task) -> None:
        added, asked = keep(task, Venue(venue.folder, desk.patience()), wish.source)
        kept[task.series] = look(task, venue, added, asked)

    for task in tasks:
        if task.left == 0:
            finish(task)
    count = max(1, min(wish.jobs, len(jobs)))
    tools = [history, *(history.beside(desk.session() if desk.session else None) for _ in range(count - 1))]
    crew = Crew(tools, jobs, lambda tool, job: _fetch(tool, *job, now_ms), desk.stop)
    try:
        with (
            desk.bar(f"{wish.exchange} → {venue.folder}", len(jobs)) as advance,
            closing(crew.run()) as answered,
        ):
            for done, (task, _) in enumerate(answered, start=1):
                advance(done)
                task.left -= 1
                if task.left == 0:
                    finish(task)
    except ExchangeUnavailable as error:
        raise ExchangeUnavailable(
            error.what, why=error.why, where=_stored(tasks, venue), hint=GO_ON
        ) from error
    finally:
        for task in tasks:
            if task.series not in kept:
                finish(task)
    return kept


def _fetch(history: History, task: Task, page: Range, now_ms: int) -> None:
    """One page from the exchange to the disk. A refusal ends its series, not the others."""
    if task.failed:
        return
    start, end = page
    try:
        rows = history.page(task.kind, task.market, task.series.timeframe, start, end)
    except ExchangeRefused as error:
        task.failed = error.why or error.what
        return
    last = int(rows.ts_ms[-1]) + (task.step_ms or 1) if len(rows) else start
    known_until = max(last, min(end, now_ms - FRESH_MS))
    task.staging.add(start, min(known_until, end), rows.ts_ms, rows.values)


def _stored(tasks: list[Task], venue: Venue) -> str:
    """What is safe already, in a few words."""
    whole = sum(task.left == 0 for task in tasks)
    return f"{whole} of {len(tasks)} series are whole in {venue.folder}, the others as far as they came"
