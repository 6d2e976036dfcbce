"""What a trader tells people while it trades: a line for each thing that happens, in the log and on the terminal."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mastertrading.app.messages import tr
from mastertrading.domain.errors import MastertradingError
from mastertrading.domain.facts import Incident, Severity, Trade

if TYPE_CHECKING:
    from mastertrading.app.trading.trading import Trading

LOG = logging.getLogger("mastertrading.trade")
LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}
HEARTBEAT = 15
"""Bars after which a line says that all is well."""


class Diary:
    """Lines of one process."""

    def __init__(self) -> None:
        self._seen_ms = 0
        self._trades: dict[int, tuple[Any, ...]] = {}
        self._told: set[tuple[Any, ...]] = set()
        self._bars = 0

    # ------------------------------------------------------------ around
    def note(self, sentence: str) -> None:
        """Something worth knowing."""
        LOG.info(tr(sentence))

    def warn(self, *sentences: str) -> None:
        """Something that should be looked at."""
        for sentence in sentences:
            LOG.warning(tr(sentence))

    def waits(self, held: MastertradingError) -> None:
        """Another process trades; this one stands by."""
        LOG.info(tr("standing by: {what} ({why})").format(what=held.what, why=held.why))

    def changed(self, lines: tuple[str, ...]) -> None:
        """The settings are not those of the last run."""
        LOG.warning(tr("the settings are others than those of the last run:"))
        for line in lines:
            LOG.warning("  %s", line)

    def reads(self, anchor_ms: int, now_ms: int) -> None:
        """The past is being read."""
        hours = (now_ms - anchor_ms) / 3_600_000
        LOG.info(tr("reading the bars of the last {hours:.0f} hours").format(hours=hours))

    def begins(self, trading: Trading) -> None:
        """It trades from now on."""
        wish, now = trading.wish, trading.venue.now_ms()
        trades = trading.journal.trades(since_ms=now)
        self._trades = {one.number: _state(one) for one in trades}
        self._seen_ms = now
        sentence = tr("trading {mode} on {venue} as {account}: {symbols}")
        LOG.info(
            sentence.format(
                mode=wish.mode.value,
                venue=wish.account.venue,
                account=wish.account.name,
                symbols=", ".join(wish.symbols),
            )
        )
        for line in held_lines(trading):
            LOG.info(line)

    def ends(self, trading: Trading, outcome: str) -> None:
        """It does not trade any more; what stays where."""
        self._news(trading)
        LOG.info(tr("no longer trading: {outcome}").format(outcome=outcome))
        for line in held_lines(trading):
            LOG.info(line)

    def fails(self, error: MastertradingError) -> None:
        """It ends by an error."""
        LOG.critical(
            "%s", " | ".join(part for part in (error.what, error.why, error.where, error.hint) if part)
        )

    # ------------------------------------------------------------ each bar
    def minute(self, trading: Trading) -> None:
        """Tell what is new since the last bar."""
        self._news(trading)
        self._bars += 1
        if self._bars % HEARTBEAT == 1 and trading.trader.decided.bar_ms:
            account = trading.trader.mind.book.account[0]
            at = moment(trading.trader.decided.bar_ms)
            sentence = tr("bar of {at}: equity {equity:,.2f}, {held} positions")
            held = sum(1 for one in trading.trader.mind.book.positions if one.lots)
            LOG.info(sentence.format(at=at, equity=int(account.equity) / 1e8, held=held))

    def _news(self, trading: Trading) -> None:
        try:
            incidents = trading.journal.incidents(since_ms=self._seen_ms)
            trades = trading.journal.trades(since_ms=self._seen_ms)
        except MastertradingError as trouble:
            LOG.error("%s", trouble.what)
            return
        for incident in incidents:
            if _key(incident) not in self._told:
                subject = f" {incident.subject}" if incident.subject else ""
                LOG.log(LEVELS[incident.severity], "%s%s: %s", incident.kind, subject, incident.detail)
        self._told = {_key(one) for one in incidents}
        self._seen_ms = max([self._seen_ms, *(one.ts_ms for one in incidents)])
        for trade in trades:
            if self._trades.get(trade.number) != _state(trade):
                self._trades[trade.number] = _state(trade)
                LOG.info(trade_line(trade))


def _key(incident: Incident) -> tuple[Any, ...]:
    return incident.ts_ms, incident.kind, incident.subject, incident.detail


def _state(trade: Trade) -> tuple[Any, ...]:
    return trade.qty, trade.closed_ms, trade.max_qty


def moment(ms: int) -> str:
    """A moment for people."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}"


def trade_line(trade: Trade) -> str:
    """One trade as it stands."""
    side = tr("long") if trade.side > 0 else tr("short")
    if trade.is_open:
        sentence = tr("{symbol}: {side} {qty} at {px}")
        return sentence.format(
            symbol=trade.symbol, side=side, qty=plain(abs(trade.qty)), px=plain(trade.entry_px)
        )
    sentence = tr("{symbol}: {side} closed at {px} ({why}), net {net:,.2f}")
    return sentence.format(
        symbol=trade.symbol, side=side, px=plain(trade.exit_px), why=trade.close_reason, net=trade.net
    )


def held_lines(trading: Trading) -> list[str]:
    """Positions and what protects them, as our books have it."""
    mind, lines = trading.trader.mind, []
    for n, one in enumerate(mind.instruments):
        position, order = mind.book.positions[n], mind.book.orders[n]
        if not position.lots:
            continue
        units = trading.trader.units[one.symbol]
        sentence = tr("{symbol}: {qty} stays, its stop at {stop}")
        stop = plain(units.px(int(order.stop_ticks))) if order.stop_ticks else tr("none")
        lines.append(sentence.format(symbol=one.symbol, qty=plain(units.qty(int(position.lots))), stop=stop))
    return lines or [tr("nothing is held")]


def plain(value: Any) -> str:
    """A decimal without exponent and superfluous zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
