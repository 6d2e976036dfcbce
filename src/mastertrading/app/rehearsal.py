"""What a trader would send now, and why, without sending it: its own look and its own plan, on a copy of its journal.

The venue is only read, the journal too; the trader's lease stays where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, NoReturn

import numpy as np

from mastertrading.domain.errors import DataMissing, ExchangeUnavailable, InvariantBroken
from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument
from mastertrading.domain.intents import Purpose
from mastertrading.domain.market import Bars
from mastertrading.domain.orders import Order
from mastertrading.domain.ports import Gateway
from mastertrading.journal.shadow import shadow_of
from mastertrading.journal.stored import StoredJournal
from mastertrading.live.ear import Ear
from mastertrading.live.ideal import IdealOrders
from mastertrading.live.observing import Seen
from mastertrading.live.reconcile import Place
from mastertrading.live.sending import Planned
from mastertrading.live.trader import Trader
from mastertrading.settings.schema import Settings

LOOKS = 3
APART_S = 1.0
"""Between two looks: what a trader is just about to change is then changed."""
COMMANDS = ("place", "cancel", "set_leverage", "set_margin_mode", "set_one_way")


@dataclass(frozen=True, slots=True)
class Held:
    """A position by the venue and by the books, signed base units; None: the venue did not tell."""

    instrument: str
    venue_qty: str | None
    books_qty: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class Rests:
    """An order that rests; ``wanted_px`` is where the engine wants one of its kind, empty if nowhere."""

    instrument: str
    purpose: str
    side: str
    qty: str
    px: str
    wanted_px: str


@dataclass(frozen=True, slots=True)
class WouldSend:
    """A command that would go out: ``what`` is ``place`` or ``cancel``."""

    instrument: str
    what: str
    purpose: str
    side: str
    qty: str
    px: str
    why: str


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What was found.

    Attributes
    ----------
    wallet_difference
        The venue's wallet less that of the books, in the quote currency; None: it was not told.
    unresolved
        Client ids of commands of which nobody knows yet whether they exist.
    """

    account: str
    decided_ms: int
    held: tuple[Held, ...]
    rests: tuple[Rests, ...]
    would_send: tuple[WouldSend, ...]
    unresolved: tuple[str, ...]
    wallet_difference: str | None

    @property
    def differs(self) -> bool:
        """Whether anything is not as it should be."""
        money = self.wallet_difference not in (None, "0")
        return bool(self.would_send or self.unresolved or money or not all(one.agrees for one in self.held))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "differs": self.differs}


class OnlyReads:
    """A gateway of which only questions can be asked: a command through it is a bug of ours."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        if name in COMMANDS:
            return self._refuse
        return getattr(self._gateway, name)

    async def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise InvariantBroken("a rehearsal was about to send something", where="app/rehearsal.py")


async def rehearse(
    settings: Settings,
    instruments: Sequence[Instrument],
    journal: StoredJournal,
    gateway: Gateway,
    *,
    looks: int = LOOKS,
    apart_s: float = APART_S,
) -> Rehearsed:
    """Look at an account as its trader does, and tell what it would send.

    Parameters
    ----------
    settings, instruments
        Those that the account is traded with.
    looks
        While something differs, it is looked at so often: a trader that is at work is given the time to change it.

    Raises
    ------
    DataMissing
        If the account was never traded.
    ExchangeUnavailable
        If the venue does not answer.
    """
    told = await _look(settings, instruments, journal, gateway)
    for _ in range(looks - 1):
        if not told.differs:
            break
        await asyncio.sleep(apart_s)
        told = await _look(settings, instruments, journal, gateway)
    return told


async def _look(
    settings: Settings, instruments: Sequence[Instrument], journal: StoredJournal, gateway: Gateway
) -> Rehearsed:
    shadow = shadow_of(journal, gateway.now_ms())
    if shadow.latest_state() is None:
        raise DataMissing("this account was never traded", where=str(journal.account))
    ear = Ear(settings, instruments, [_no_bars() for _ in instruments], 0)
    only: Any = OnlyReads(gateway)
    trader = Trader(settings, instruments, journal.account, only, shadow, ear)
    await trader.begin()
    seen, planned = await trader.rehearse()
    if not seen.snapshot.is_whole:
        raise ExchangeUnavailable("the venue did not tell everything", hint="try again")
    orders = seen.snapshot.orders or ()
    unresolved = tuple(one.client_id for one in shadow.open_commands() if one.state.is_unresolved)
    atoms = trader.equity_differs(seen.snapshot)
    return Rehearsed(
        str(journal.account),
        trader.decided.bar_ms,
        tuple(_held(trader, one, seen) for one in instruments),
        tuple(_rests(trader, order) for order in sorted(orders, key=lambda one: (one.symbol, one.order_id))),
        tuple(_would_send(trader, one) for one in planned),
        unresolved,
        None if seen.snapshot.balance is None else _plain(Decimal(atoms) / ATOMS_PER_UNIT),
    )


def _no_bars() -> Bars:
    none = np.zeros(0)
    return Bars(np.zeros(0, np.int64), none, none, none, none, none)


def _held(trader: Trader, instrument: Instrument, seen: Seen) -> Held:
    symbol, units = instrument.symbol, trader.units[instrument.symbol]
    told, ours = seen.told[symbol], int(trader.mind.position_of(symbol).lots)
    venue = None if told is None else _plain(units.qty(told))
    return Held(symbol, venue, _plain(units.qty(ours)), told == ours)


def _rests(trader: Trader, order: Order) -> Rests:
    command = trader.journal.command(order.client_id) if order.client_id else None
    purpose = command.intent.purpose if command is not None else None
    px = order.trigger.px if order.trigger is not None else order.limit_px
    return Rests(
        order.symbol,
        "foreign" if purpose is None else purpose.value,
        "buy" if order.order_side > 0 else "sell",
        "" if order.close_position else _plain(order.qty - order.filled_qty),
        "" if px is None else _plain(px),
        _wanted(trader, order.symbol, purpose),
    )


def _wanted(trader: Trader, symbol: str, purpose: Purpose | None) -> str:
    ideal = trader.decided.ideals.get(symbol, IdealOrders(symbol, 0))
    ticks: Mapping[Purpose | None, int] = {
        Purpose.STOP: ideal.stop_ticks,
        Purpose.PARTIAL: ideal.partial_ticks,
        Purpose.TARGET: ideal.target_ticks,
    }
    found = ticks.get(purpose, 0)
    return _plain(trader.units[symbol].px(found)) if found else ""


def _would_send(trader: Trader, planned: Planned) -> WouldSend:
    step, intent = planned.step, planned.intents[0]
    units = trader.units[step.symbol]
    if isinstance(step, Place):
        px = _plain(units.px(step.px_ticks)) if step.px_ticks else ""
        qty = _plain(units.qty(step.lots)) if step.lots else ""
        side = "buy" if step.order_side > 0 else "sell"
        return WouldSend(step.symbol, "place", step.purpose.value, side, qty, px, intent.reason)
    rests = _rests(trader, step.resting.order)
    return WouldSend(step.symbol, "cancel", rests.purpose, rests.side, rests.qty, rests.px, step.why)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
