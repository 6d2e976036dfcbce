"""The door of the local exchange: commands of accounts, questions, and the price that somebody moves.

::

    exchange = Exchange([listing], VirtualClock(0))
    account = exchange.open_account("me", deposit_atoms=10_000 * ATOMS_PER_UNIT)
    exchange.move("BTCUSDT", 650_000)
    exchange.place(account, NewOrder("BTCUSDT", BUY, OrderKind.MARKET, lots=10))

Everything happens at ``clock.now_ms()``, in the order in which it is called, and depends on nothing else but the seed.
A command that is refused raises ``Refused`` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mastertrading.domain.orders import MarginMode, OrderKind
from mastertrading.domain.ports import Clock
from mastertrading.simulator import admission, booking, force, margin, matching
from mastertrading.simulator import ledger as books
from mastertrading.simulator.account import Account
from mastertrading.simulator.events import Event, OrderNews, SettingsChanged
from mastertrading.simulator.floor import Floor
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.market import MarketState
from mastertrading.simulator.orders import (
    Cause,
    Ended,
    Execution,
    Income,
    IncomeKind,
    Leg,
    NewOrder,
    No,
    Order,
    Position,
    Refused,
    Watch,
)
from mastertrading.simulator.pricing import Pricing
from mastertrading.simulator.venue_rules import MatchingRules

__all__ = ["Account", "Exchange", "MarketState"]

DEFAULT_LEVERAGE = 20
DEFAULT_INSURANCE_ATOMS = 10**15
"""Ten million quote units."""


class Exchange(Pricing):
    """One matching and account engine.

    Parameters
    ----------
    listings
        What is traded. Symbols are canonical.
    clock
        Anything with ``now_ms()``.
    rules
        What differs between venues; may be replaced at any time.
    seed
        Of everything that is made up (levels of the synthetic book, sizes of public trades).
    insurance_atoms
        What the insurance fund begins with.
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        clock: Clock,
        *,
        rules: MatchingRules | None = None,
        seed: int = 0,
        insurance_atoms: int = DEFAULT_INSURANCE_ATOMS,
    ) -> None:
        super().__init__(Floor(listings, clock, rules or MatchingRules(), seed, insurance_atoms))
        self.clock = clock
        self.listings, self.markets = self.floor.listings, self.floor.markets
        self.accounts, self.ledger = self.floor.accounts, self.floor.ledger
        for symbol in self.listings:
            self.plan_funding(symbol, (), from_ms=clock.now_ms() + 1)

    @property
    def rules(self) -> MatchingRules:
        """The matching rules in force."""
        return self.floor.rules

    @rules.setter
    def rules(self, rules: MatchingRules) -> None:
        self.floor.rules = rules

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Hear every event, at once and in order. A listener must not command: it is heard in the midst of an act."""
        self.floor.listeners.append(listener)

    def unsubscribe(self, listener: Callable[[Event], None]) -> None:
        """Hear no more."""
        self.floor.listeners.remove(listener)

    # ---------------------------------------------------------------- accounts
    def open_account(
        self,
        name: str,
        *,
        api_key: str = "",
        secret: str = "",
        passphrase: str = "",
        deposit_atoms: int = 0,
        permissions: frozenset[str] = frozenset({"read", "trade"}),
        ip_restricted: bool = True,
        hedged: bool = False,
    ) -> Account:
        """Open an account, with a first deposit."""
        leverage = {s: min(DEFAULT_LEVERAGE, one.max_leverage) for s, one in self.listings.items()}
        account = Account(
            name,
            api_key,
            secret,
            passphrase,
            permissions,
            ip_restricted,
            self.floor.now(),
            hedged,
            leverage=leverage,
        )
        self.accounts[name] = account
        if deposit_atoms:
            booking.transfer(self.floor, account, deposit_atoms, IncomeKind.TRANSFER)
        return account

    def account_of_key(self, api_key: str) -> Account | None:
        """Whose key it is."""
        return next((a for a in self.accounts.values() if a.api_key == api_key and api_key), None)

    def transfer(self, account: Account, atoms: int, kind: IncomeKind = IncomeKind.TRANSFER) -> Income:
        """Deposit (+) or withdraw. Raises ``Refused`` where more is withdrawn than is free."""
        return booking.transfer(self.floor, account, atoms, kind)

    def set_leverage(self, account: Account, symbol: str, leverage: int) -> None:
        """Set the leverage of an instrument; what is held and ordered must still be backed."""
        listing = self._listing(symbol)
        if not 1 <= leverage <= listing.max_leverage:
            raise Refused(No.LEVERAGE, f"{leverage}, at most {listing.max_leverage}")
        before = account.leverage[symbol]
        if leverage == before:
            raise Refused(No.NO_CHANGE, f"leverage is {leverage}")
        account.leverage[symbol] = leverage
        needed = margin.initial(self.floor, account) + margin.order_margin(self.floor, account)
        if leverage < before and needed > margin.equity(self.floor, account):
            account.leverage[symbol] = before
            raise Refused(No.MARGIN, f"needs {needed} atoms of margin at {leverage}")
        self.floor.publish(
            SettingsChanged(self.floor.now(), account.name, symbol, leverage, None, account.hedged)
        )

    def set_margin_mode(self, account: Account, symbol: str | None, mode: MarginMode) -> None:
        """Set the margin mode of an instrument (None: of all), which must be flat and without orders."""
        symbols = list(self.listings) if symbol is None else [self._listing(symbol).symbol]
        if all(account.margin_modes.get(one, MarginMode.CROSS) is mode for one in symbols):
            raise Refused(No.NO_CHANGE, f"margin mode is {mode}")
        if any(self._is_busy(account, one) for one in symbols):
            raise Refused(No.HAS_ORDERS_OR_POSITION, symbol or "")
        account.margin_modes.update(dict.fromkeys(symbols, mode))
        for one in symbols:
            self.floor.publish(
                SettingsChanged(
                    self.floor.now(), account.name, one, account.leverage[one], mode, account.hedged
                )
            )

    def set_position_mode(self, account: Account, hedged: bool) -> None:
        """One position an instrument, or a long and a short one apart; the account must be flat, without orders."""
        if account.hedged == hedged:
            raise Refused(No.NO_CHANGE, f"hedged is {hedged}")
        if any(self._is_busy(account, symbol) for symbol in self.listings):
            raise Refused(No.HAS_ORDERS_OR_POSITION)
        account.hedged = hedged
        self.floor.publish(SettingsChanged(self.floor.now(), account.name, "", None, None, hedged))

    def _is_busy(self, account: Account, symbol: str) -> bool:
        return any(o.symbol == symbol for o in account.open.values()) or any(account.held(symbol))

    def _listing(self, symbol: str) -> Listing:
        if symbol not in self.listings:
            raise Refused(No.INSTRUMENT, symbol)
        return self.listings[symbol]

    # ---------------------------------------------------------------- orders
    def place(self, account: Account, new: NewOrder, cause: Cause = Cause.CLIENT) -> Order:
        """Place an order; what comes back is the order itself, which goes on living."""
        admission.admit(self.floor, account, new)
        admission.admit_margin(self.floor, account, self.floor.probe(account.name, new))
        order = self.floor.make(account.name, new)
        order.cause = cause
        if new.close_position and new.watch is None:
            order.lots = matching.fillable(self.floor, order)
        self.floor.enter(order)
        self.floor.tell(order, OrderNews.ACCEPTED)
        if new.watch is None:
            matching.arrive(self.floor, order)
        elif not self.markets[new.symbol].held and matching.is_reached(self.markets[new.symbol], new.watch):
            matching.trigger(self.floor, order)
        return order

    def amend(
        self,
        account: Account,
        symbol: str,
        *,
        number: int | None = None,
        client_id: str = "",
        lots: int | None = None,
        limit_ticks: int | None = None,
        trigger_ticks: int | None = None,
    ) -> Order:
        """Change an open order's size, limit or trigger; it keeps its number and its place among equals."""
        order = self._open_order(account, symbol, number, client_id, None)
        waiting = margin.is_waiting(order)
        if waiting and not self.rules.amends_conditional:
            raise Refused(No.NOT_AMENDABLE, "conditional")
        if order.new.kind is OrderKind.MARKET and not waiting:
            raise Refused(No.NOT_AMENDABLE, "market")
        was = order.lots, order.limit_ticks, order.watch
        lots = order.lots if lots is None else lots
        limit = order.limit_ticks if limit_ticks is None else limit_ticks
        watch = order.watch
        if trigger_ticks is not None and waiting and watch is not None:
            watch = Watch(trigger_ticks, watch.above, watch.by)
        if (lots, limit, watch) == was:
            raise Refused(No.NO_CHANGE, "nothing differs")
        self._check_amended(order, lots, limit, watch)
        order.lots, order.limit_ticks, order.watch = lots, limit, watch
        try:
            admission.admit_margin_kept(self.floor, account, order, was[0], was[1])
        except Refused:
            order.lots, order.limit_ticks, order.watch = was
            raise
        order.updated_ms = self.floor.now()
        self.floor.tell(order, OrderNews.AMENDED)
        if not waiting:
            matching.arrive(self.floor, order)
        return order

    def _check_amended(self, order: Order, lots: int, limit: int, watch: Watch | None) -> None:
        listing = self.listings[order.symbol]
        if lots <= order.filled and not order.new.close_position:
            raise Refused(No.LOT, f"{lots} lots, {order.filled} are filled")
        admission.check_size(self.floor, listing, order.new, lots)
        admission.check_price(self.floor, listing, order.new, limit)
        if watch is not None and margin.is_waiting(order):
            admission.check_trigger_price(listing, watch.ticks)
            if matching.is_reached(self.markets[order.symbol], watch):
                raise Refused(No.WOULD_TRIGGER, f"trigger {watch.ticks}")

    def cancel(
        self,
        account: Account,
        symbol: str,
        *,
        number: int | None = None,
        client_id: str = "",
        conditional: bool | None = None,
    ) -> Order:
        """Cancel an open order. A fill that came first wins: then there is no such order."""
        order = self._open_order(account, symbol, number, client_id, conditional)
        self.floor.end(order, OrderNews.CANCELLED, Ended.BY_CLIENT)
        return order

    def cancel_all(
        self, account: Account, symbol: str | None, *, conditional: bool | None = None
    ) -> list[Order]:
        """Cancel every open order of an instrument (None: of all)."""
        orders = self.open_orders(account, symbol, conditional=conditional)
        for order in orders:
            self.floor.end(order, OrderNews.CANCELLED, Ended.BY_CLIENT)
        return orders

    def _open_order(
        self, account: Account, symbol: str, number: int | None, client_id: str, conditional: bool | None
    ) -> Order:
        self._listing(symbol)
        order = self.find(account, symbol, number=number, client_id=client_id, conditional=conditional)
        if order is None or not order.status.is_open:
            raise Refused(No.ORDER_NOT_FOUND, client_id or str(number))
        return order

    # ---------------------------------------------------------------- questions
    def find(
        self,
        account: Account,
        symbol: str,
        *,
        number: int | None = None,
        client_id: str = "",
        conditional: bool | None = None,
    ) -> Order | None:
        """An order, open or ended, by its number or its client id; of a re-used client id an open one, or the newest.

        ``conditional`` None searches both books.
        """

        def fits(order: Order) -> bool:
            return order.symbol == symbol and conditional in (None, order.new.conditional)

        if number is not None:
            order = account.orders.get(number)
            return order if order is not None and fits(order) else None
        named = [order for order in account.named(symbol, client_id) if fits(order)]
        return next((order for order in named if order.status.is_open), next(iter(named), None))

    def open_orders(
        self, account: Account, symbol: str | None = None, *, conditional: bool | None = None
    ) -> list[Order]:
        """Orders that may still fill, ascending number."""
        found = (o for o in account.open.values() if symbol in (None, o.symbol))
        return sorted(
            (o for o in found if conditional in (None, o.new.conditional)), key=lambda order: order.number
        )

    def order_history(
        self, account: Account, symbol: str | None = None, *, since_ms: int = 0, until_ms: int | None = None
    ) -> list[Order]:
        """Every order that was made in [since, until], ascending number."""
        return [
            o
            for o in account.orders.values()
            if symbol in (None, o.symbol)
            and o.created_ms >= since_ms
            and (until_ms is None or o.created_ms <= until_ms)
        ]

    def executions(
        self,
        account: Account,
        symbol: str | None = None,
        *,
        since_ms: int = 0,
        until_ms: int | None = None,
        after: int = 0,
    ) -> list[Execution]:
        """Fills in [since, until] with a number above ``after``, ascending."""
        return [
            e
            for e in account.executions
            if symbol in (None, e.symbol)
            and e.ts_ms >= since_ms
            and e.number > after
            and (until_ms is None or e.ts_ms <= until_ms)
        ]

    def income(
        self,
        account: Account,
        *,
        symbol: str | None = None,
        kind: IncomeKind | None = None,
        since_ms: int = 0,
        until_ms: int | None = None,
    ) -> list[Income]:
        """Bookings in [since, until], in the order in which they were made."""
        return [
            i
            for i in account.incomes
            if symbol in (None, i.symbol)
            and kind in (None, i.kind)
            and i.ts_ms >= since_ms
            and (until_ms is None or i.ts_ms <= until_ms)
        ]

    def position(self, account: Account, symbol: str, leg: Leg = Leg.NET) -> Position:
        """One leg; a flat one if there never was any."""
        return account.legs.get((symbol, leg)) or Position(symbol, leg)

    def positions(self, account: Account) -> list[Position]:
        """Every leg that was ever held, flat ones included."""
        return list(account.legs.values())

    # ---------------------------------------------------------------- money, in atoms
    def unrealised_atoms(self, account: Account, symbol: str, leg: Leg = Leg.NET) -> int:
        """Open profit of a leg at the mark."""
        market = self.markets[symbol]
        return margin.unrealised(
            self.position(account, symbol, leg), self.listings[symbol], market.mark_ticks
        )

    def equity_atoms(self, account: Account) -> int:
        """Wallet and open profit."""
        return margin.equity(self.floor, account)

    def initial_margin_atoms(self, account: Account, symbol: str | None = None) -> int:
        """Initial margin of positions."""
        return margin.initial(self.floor, account, symbol)

    def order_margin_atoms(self, account: Account, symbol: str | None = None) -> int:
        """What open orders need beyond it."""
        return margin.order_margin(self.floor, account, symbol)

    def maintenance_atoms(self, account: Account, symbol: str | None = None) -> int:
        """Maintenance margin of positions, by tier."""
        return margin.total_maintenance(self.floor, account, symbol)

    def available_atoms(self, account: Account) -> int:
        """What may back new orders."""
        return margin.available(self.floor, account)

    def liquidation_ticks(self, account: Account, symbol: str, leg: Leg = Leg.NET) -> int:
        """Where a leg would be liquidated, all other marks unchanged; 0: nowhere."""
        return margin.liquidation_level(self.floor, account, self.position(account, symbol, leg))

    def adl_quantile(self, account: Account, symbol: str, leg: Leg = Leg.NET) -> int:
        """Place in the queue for deleveraging: 0 (flat or losing) to 4 (next)."""
        return force.adl_quantile(self.floor, account, symbol, leg)

    def books(self) -> books.Statement:
        """What everybody has; its ``total`` is zero."""
        balance = self.floor.ledger.balance
        market = sum(
            stock.worth(self.markets[symbol].mark_ticks) * atoms
            for (symbol, atoms), stock in self.floor.ledger.stocks.items()
        )
        return books.Statement(
            sum(self.equity_atoms(account) for account in self.accounts.values()),
            balance(books.FEES),
            balance(books.FUNDING),
            balance(books.INSURANCE),
            balance(books.EXTERNAL),
            balance(books.ADJUSTMENTS),
            market - self.floor.ledger.forgiven,
        )
