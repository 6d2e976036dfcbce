"""One account at the exchange: its keys, settings, money, positions, orders and history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mastertrading.domain.orders import MarginMode
from mastertrading.simulator.orders import Execution, Income, Leg, Order, Position

LegKey = tuple[str, Leg]


@dataclass(slots=True)
class Account:
    """State only; ``booking`` and ``matching`` change it, ``margin`` values it.

    Attributes
    ----------
    margin_modes
        By instrument; those not named are cross.
    leverage
        By instrument.
    wallet_atoms
        Money without open profit.
    isolated
        Money set aside for each isolated leg.
    opened_at
        Price of each leg's first fill, and which mark was in force then: until the next mark it is valued at it.
    open
        Orders that may still fill, by number; ``orders`` holds all of them.
    """

    name: str
    api_key: str = ""
    secret: str = ""
    passphrase: str = ""
    permissions: frozenset[str] = frozenset({"read", "trade"})
    ip_restricted: bool = True
    created_ms: int = 0
    hedged: bool = False
    margin_modes: dict[str, MarginMode] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    wallet_atoms: int = 0
    legs: dict[LegKey, Position] = field(default_factory=dict)
    isolated: dict[LegKey, int] = field(default_factory=dict)
    opened_at: dict[LegKey, tuple[int, int]] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    open: dict[int, Order] = field(default_factory=dict)
    by_client_id: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    incomes: list[Income] = field(default_factory=list)
    spare_atoms: int = 0
    spare_version: int = -1

    def leg(self, symbol: str, leg: Leg = Leg.NET) -> Position:
        """A position of this account; made flat where there was none."""
        position = self.legs.get((symbol, leg))
        if position is None:
            position = self.legs[(symbol, leg)] = Position(symbol, leg)
        return position

    def held(self, symbol: str | None = None) -> Iterator[Position]:
        """Positions that are not flat."""
        return (p for p in self.legs.values() if p.lots != 0 and (symbol is None or p.symbol == symbol))

    def is_isolated(self, symbol: str) -> bool:
        """Whether the instrument's positions answer for themselves alone."""
        return self.margin_modes.get(symbol) is MarginMode.ISOLATED

    def note(self, order: Order) -> None:
        """Remember a new order."""
        self.orders[order.number] = order
        self.open[order.number] = order
        if order.client_id:
            self.by_client_id.setdefault((order.symbol, order.client_id), []).append(order.number)

    def named(self, symbol: str, client_id: str) -> Iterator[Order]:
        """Orders with a client id, newest first."""
        return (self.orders[number] for number in reversed(self.by_client_id.get((symbol, client_id), ())))
