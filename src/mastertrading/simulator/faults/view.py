"""The exchange as its venue sees it while it answers one request: behind the truth, or with holes in it.

A façade is built on a ``View`` in the exchange's place, and never knows. All it asks goes to the exchange itself, but
for two things: whose key it is, and what time it is. While a fault says so, the account that the façade is given is a
*copy as seen*: orders as they were some seconds ago, no positions, no conditional orders, … Every question about it
is then answered by the exchange's own code, from that copy. Commands are never given a copy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from mastertrading.simulator.account import Account, LegKey
from mastertrading.simulator.events import AccountChanged, Event, OrderChanged
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.orders import Income, Order, Position

KEPT = 64
"""Earlier states kept of one order or position: more than fit into any lag."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How far behind, and with what left out.

    Attributes
    ----------
    orders_ms, fills_ms, positions_ms, money_ms
        Age of each surface.
    no_positions, no_open, no_history, no_conditional
        It is there, and is not seen.
    clock_error_ms
        How wrong the venue's own clock is.
    """

    orders_ms: int = 0
    fills_ms: int = 0
    positions_ms: int = 0
    money_ms: int = 0
    no_positions: bool = False
    no_open: bool = False
    no_history: bool = False
    no_conditional: bool = False
    clock_error_ms: int = 0

    def __or__(self, other: Sight) -> Sight:
        """Both at once: the older, and all the holes."""
        return Sight(
            max(self.orders_ms, other.orders_ms),
            max(self.fills_ms, other.fills_ms),
            max(self.positions_ms, other.positions_ms),
            max(self.money_ms, other.money_ms),
            self.no_positions or other.no_positions,
            self.no_open or other.no_open,
            self.no_history or other.no_history,
            self.no_conditional or other.no_conditional,
            self.clock_error_ms + other.clock_error_ms,
        )


CLEAR = Sight()


class View:
    """Stands where an ``Exchange`` is expected; see the module."""

    def __init__(self, exchange: Exchange) -> None:
        self._real = exchange
        self._sight = CLEAR
        self._orders: dict[int, deque[tuple[int, Order]]] = {}
        self._legs: dict[tuple[str, LegKey], deque[tuple[int, Position]]] = {}
        self.remembers = False
        self.clock = _Shown(self)
        exchange.subscribe(self._hear)

    def __getattr__(self, name: str) -> Any:
        """All else is the exchange's."""
        return getattr(self._real, name)

    @property
    def real(self) -> Exchange:
        """What is really so."""
        return self._real

    @property
    def rules(self) -> Any:
        """The matching rules."""
        return self._real.rules

    @rules.setter
    def rules(self, rules: Any) -> None:
        self._real.rules = rules

    @contextmanager
    def seen(self, sight: Sight) -> Iterator[None]:
        """Answer one request so."""
        before, self._sight = self._sight, sight
        try:
            yield
        finally:
            self._sight = before

    def now_ms(self) -> int:
        """What the venue's clock shows."""
        return self._real.clock.now_ms() + self._sight.clock_error_ms

    def account_of_key(self, api_key: str) -> Account | None:
        """Whose key it is; in a clouded moment, a copy as seen."""
        account = self._real.account_of_key(api_key)
        sight = self._sight
        if account is None or sight is CLEAR or replace(sight, clock_error_ms=0) == CLEAR:
            return account
        return self._as_seen(account, sight, self._real.clock.now_ms())

    # ---------------------------------------------------------------- what was
    def _hear(self, event: Event) -> None:
        if not self.remembers:
            return
        if isinstance(event, OrderChanged):
            _keep(self._orders, event.order.number, event.ts_ms, event.order)
            account = self._real.accounts.get(event.order.account)
            if event.execution is not None and account is not None:
                for key in [key for key in account.legs if key[0] == event.order.symbol]:
                    _keep(self._legs, (account.name, key), event.ts_ms, copy(account.legs[key]))
        elif isinstance(event, AccountChanged):
            for position in event.positions:
                _keep(
                    self._legs, (event.account, (position.symbol, position.leg)), event.ts_ms, copy(position)
                )

    def _as_seen(self, account: Account, sight: Sight, now: int) -> Account:
        orders = self._orders_at(account, now - sight.orders_ms, sight)
        numbers = {key: [n for n in found if n in orders] for key, found in account.by_client_id.items()}
        return replace(
            account,
            orders=_Orders(account.orders, {} if sight.no_history else orders),
            open={} if sight.no_open else {n: o for n, o in orders.items() if o.status.is_open},
            by_client_id={} if sight.no_history else numbers,
            executions=[e for e in account.executions if e.ts_ms <= now - sight.fills_ms],
            incomes=[i for i in account.incomes if i.ts_ms <= now - _age_of(i, sight)],
            wallet_atoms=_wallet_at(account, now - sight.money_ms)
            if sight.money_ms
            else account.wallet_atoms,
            legs={} if sight.no_positions else self._legs_at(account, now - sight.positions_ms),
            spare_version=-1,
        )

    def _orders_at(self, account: Account, moment_ms: int, sight: Sight) -> dict[int, Order]:
        found = {}
        for number, order in account.orders.items():
            if order.created_ms > moment_ms or (sight.no_conditional and _waits(order)):
                continue
            found[number] = _state_at(self._orders.get(number), moment_ms) or order
        return found

    def _legs_at(self, account: Account, moment_ms: int) -> dict[LegKey, Position]:
        found = {}
        for key, position in account.legs.items():
            then = _state_at(self._legs.get((account.name, key)), moment_ms)
            if then is None and position.updated_ms > moment_ms:
                then = Position(position.symbol, position.leg)  # flat before the first that is known
            found[key] = then or position
        return found


class _Orders(dict[int, Order]):
    """Orders as seen; one that a façade knows by its own lists is found all the same."""

    def __init__(self, all_: dict[int, Order], seen: dict[int, Order]) -> None:
        super().__init__(seen)
        self._all = all_

    def __missing__(self, number: int) -> Order:
        return self._all[number]


class _Shown:
    """The venue's clock."""

    def __init__(self, view: View) -> None:
        self._view = view

    def now_ms(self) -> int:
        """Milliseconds since 1970, as the venue believes."""
        return self._view.now_ms()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view.real.clock, name)


def _age_of(income: Income, sight: Sight) -> int:
    """What a fill has booked is never seen before the fill."""
    return min(sight.fills_ms, sight.money_ms) if income.execution is None else sight.fills_ms


def _waits(order: Order) -> bool:
    """Whether it is in a book of conditional orders, or would be if the venue kept one apart."""
    return order.new.conditional or (order.watch is not None and not order.triggered_ms)


def _keep(states: dict[Any, Any], key: Any, ts_ms: int, state: Any) -> None:
    states.setdefault(key, deque(maxlen=KEPT)).append((ts_ms, state))


def _state_at(states: deque[tuple[int, Any]] | None, moment_ms: int) -> Any:
    """The last state at or before a moment; None if none is known."""
    return next((state for ts_ms, state in reversed(states or ()) if ts_ms <= moment_ms), None)


def _wallet_at(account: Account, moment_ms: int) -> int:
    before = (i.balance_atoms for i in reversed(account.incomes) if i.ts_ms <= moment_ms)
    return next(before, 0)
