"""Whose a fill was: from its own order, which not every venue names together with it.

Binance's fills carry the number of their order alone, and a stop that triggers becomes an order with another number,
which only the stop itself tells.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable
from mastertrading.domain.intents import Command, Purpose
from mastertrading.domain.orders import Fill
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.live.attached import is_attached
from mastertrading.live.recorder import Recorder
from mastertrading.live.snapshot import News

SLACK = Decimal("0.001")
"""A stop fills at its trigger or beyond it; seldom, and by no more than this share, on the better side of it."""


class Namer:
    """Finds the orders of fills.

    Parameters
    ----------
    lag_ms
        How late the venue's answers may be.
    """

    def __init__(self, gateway: Gateway, journal: Journal, lag_ms: int) -> None:
        self._gateway, self._journal, self._lag_ms = gateway, journal, lag_ms

    async def named(self, news: News, recorder: Recorder) -> News:
        """The news without fills of which it may still be found out whose they are: those are told again.

        They wait while nobody can be asked, while the outcome of a command there is unknown, and while an answer that
        shows one of our stops untouched may be older than they are.
        """
        nameless = recorder.nameless(news)
        if not nameless:
            return news
        waiting = await self._ask_for_orders(nameless, recorder)
        news = recorder.without_nameless(news, waiting) if waiting else news
        news = await self._explained(news, recorder)
        early = frozenset(f.symbol for f in recorder.nameless_fills(news) if self._may_be_a_stops(f))
        return recorder.without_nameless(news, early) if early else news

    async def _ask_for_orders(self, symbols: frozenset[str], recorder: Recorder) -> frozenset[str]:
        """Look at every order of ours that is not over; the instruments where one told nothing."""
        waiting = set()
        for command in self._journal.open_commands():
            symbol, purpose = command.intent.symbol, command.intent.purpose
            if symbol not in symbols or purpose is Purpose.CANCEL or is_attached(command.intent):
                continue
            try:
                found = await self._gateway.find_order(symbol, command.client_id)
            except (ExchangeUnavailable, ExchangeRefused):
                waiting.add(symbol)
                continue
            if found is not None:
                recorder.note_order(found)
                self._journal.observe(found, at_ms=self._gateway.now_ms())
            elif command.state.is_unresolved and self._gateway.now_ms() <= command.deadline_ms:
                # no longer: it would be found by then, and its absence is not proved while a fill waits for it
                waiting.add(symbol)
        return frozenset(waiting)

    async def _explained(self, news: News, recorder: Recorder) -> News:
        """Ask for the causes of fills that are nobody's: liquidations and deleveragings are told apart by them."""
        strange = recorder.nameless_fills(news)
        if not strange:
            return news
        try:
            told = {(f.symbol, f.fill_id): f for f in await self._gateway.explain(strange)}
        except (ExchangeUnavailable, ExchangeRefused):
            return recorder.without_nameless(news, frozenset(f.symbol for f in strange))
        return replace(news, fills=tuple(told.get((f.symbol, f.fill_id), f) for f in news.fills))

    def _may_be_a_stops(self, fill: Fill) -> bool:
        """Whether a stop of ours may have made a young fill, although it was not told to have triggered."""
        is_young = self._gateway.now_ms() <= fill.ts_ms + self._lag_ms
        return is_young and any(_could_make(one, fill) for one in self._journal.open_commands())


def _could_make(command: Command, fill: Fill) -> bool:
    intent = command.intent
    if intent.purpose is not Purpose.STOP or intent.trigger_px is None or is_attached(intent):
        return False
    if (intent.symbol, intent.order_side) != (fill.symbol, fill.order_side):
        return False
    return fill.order_side * (fill.px - intent.trigger_px) >= -SLACK * intent.trigger_px
