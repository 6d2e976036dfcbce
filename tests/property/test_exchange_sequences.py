"""Ten thousand random sequences of acts on the exchange: what must always be true of it.

A sequence is a string of bytes, read six at a time as one act; so a failing one shrinks to few acts with small words.
Each of the four sets of rules gets 2 500 sequences of up to 24 acts.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument, MarginTier
from mastertrading.domain.orders import MarginMode, OrderKind, OrderStatus, TimeInForce, TriggerBy
from mastertrading.simulator import margin
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Leg, NewOrder, Refused, Watch
from mastertrading.simulator.venue_rules import MatchingRules

SEQUENCES = settings(
    deadline=None,
    max_examples=2_500,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SYMBOLS = ("BTCUSDT", "ETHUSDT")
TIERS = (MarginTier(Decimal(0), Decimal("0.01")), MarginTier(Decimal(5_000), Decimal("0.025")))
TIMES = tuple(TimeInForce)
BY = tuple(TriggerBy)
LEVERAGES = (1, 3, 20, 50)

RULES = {
    "plain": MatchingRules(),
    "like binance": MatchingRules(
        trigger_makes_new_order=True,
        reduce_only_sum=True,
        conditional_needs_position=True,
        post_only_crossing="refuse",
        duplicate_id="never",
    ),
    "like bybit": MatchingRules(
        duplicate_id="always", reduce_only_excess="refuse", fill_pieces=3, immediate_trigger="trigger"
    ),
    "worst": MatchingRules(
        flat_ends_reduce_only=False,
        liquidation_by="mark",
        held_limit="take",
        fill_pieces=2,
        duplicate_id="never",
    ),
}


class Run:
    """An exchange, two accounts, and what is remembered to compare with."""

    def __init__(self, rules: MatchingRules, hedged: bool, share: bool) -> None:
        self.clock = VirtualClock(0)  # the first moment of all: no rule may take 0 for "never"
        listings = [_listing(symbol, share) for symbol in SYMBOLS]
        self.exchange = Exchange(listings, self.clock, rules=rules, insurance_atoms=10 * ATOMS_PER_UNIT)
        opened = {"deposit_atoms": 400 * ATOMS_PER_UNIT}
        self.accounts = [
            self.exchange.open_account("a", hedged=hedged, **opened),
            self.exchange.open_account("b", **opened),
        ]
        self.ended: dict[int, tuple] = {}
        self.checked = {"a": 0, "b": 0}
        for symbol in SYMBOLS:
            self.exchange.plan_funding(symbol, [(60_000 * k, 30_000, 60_000) for k in range(1, 200, 3)])
            self.exchange.move(symbol, 1_000)

    def act(self, words: bytes) -> None:
        """One act of six bytes."""
        act, who, what, *rest = words
        account, symbol = self.accounts[who % 2], SYMBOLS[what % 2]
        before = self._state()
        try:
            ACTS[act % len(ACTS)](self, account, symbol, what // 2, rest)
        except Refused:
            assert self._state() == before  # what is refused has not happened
        self.check()

    def _state(self):
        return [
            (a.wallet_atoms, sorted(a.open), len(a.orders), len(a.executions), _modes(a))
            for a in self.accounts
        ]

    # ---------------------------------------------------------------- what must be true
    def check(self) -> None:
        assert self.exchange.books().total == 0
        for account in self.accounts:
            assert account.wallet_atoms == sum(i.atoms for i in account.incomes)
            self._check_orders(account)
            self._check_fills(account)
            for position in account.legs.values():
                assert position.cost >= 0
                assert position.lots != 0 or position.cost == 0
                assert position.leg is Leg.NET or position.lots * (1 if position.leg is Leg.LONG else -1) >= 0

    def _check_orders(self, account) -> None:
        for order in account.orders.values():
            assert order.status.is_open == (order.number in account.open)
            assert order.status.is_open == (order.number in self.exchange.markets[order.symbol].resting)
            assert 0 <= order.filled <= order.lots or order.lots == 0 == order.filled
            assert order.status is not OrderStatus.FILLED or order.filled == order.lots
            assert (order.ended is not None) == (
                not order.status.is_open and order.status is not OrderStatus.FILLED
            )
            now = order.status, order.filled, order.spent, order.ended
            assert self.ended.get(order.number, now) == now  # what has ended stays as it ended
            if not order.status.is_open:
                self.ended[order.number] = now

    def _check_fills(self, account) -> None:
        held, filled = defaultdict(int), defaultdict(int)
        for n, execution in enumerate(account.executions):
            key = execution.symbol, execution.leg
            before = held[key]
            held[key] += execution.lots
            filled[execution.order] += abs(execution.lots)
            assert execution.position_lots == held[key]
            if n >= self.checked[account.name] and margin.is_reducing(account.orders[execution.order]):
                assert before * execution.lots < 0, "a reduction that grew a position"
                assert before * held[key] >= 0, "a reduction that turned a position"
        self.checked[account.name] = len(account.executions)
        assert all(account.orders[number].filled == lots for number, lots in filled.items())
        assert {key: p.lots for key, p in account.legs.items() if p.lots} == {
            k: v for k, v in held.items() if v
        }

    # ---------------------------------------------------------------- acts
    def place(self, account, symbol, what, rest) -> None:
        size, px, flags = rest
        order_side = 1 if what & 1 else -1
        leg = Leg.NET if not account.hedged else (Leg.LONG, Leg.SHORT)[what >> 1 & 1]
        near = self.exchange.markets[symbol].last_ticks + (px - 128) // 4
        limit = OrderKind.LIMIT if flags & 1 else OrderKind.MARKET
        waits = flags >> 1 & 3 == 0
        above = bool(what >> 2 & 1)
        closes = waits and what >> 3 & 3 == 0
        new = NewOrder(
            symbol,
            order_side,
            OrderKind.MARKET if closes else limit,
            0 if closes else 1 + size * size // 24,
            limit_ticks=max(1, near) if limit is OrderKind.LIMIT and not closes else 0,
            watch=Watch(max(1, near), above, BY[size % 3]) if waits else None,
            time_in_force=TIMES[flags >> 5 & 3]
            if limit is OrderKind.LIMIT and not closes
            else TimeInForce.GTC,
            reduce_only=bool(flags >> 3 & 1) or closes,
            close_position=closes,
            leg=leg,
            client_id=f"c{size % 4}",
            conditional=waits,
            stop_ticks=max(1, near - order_side * 20) if flags >> 4 & 1 and not waits else 0,
        )
        order = self.exchange.place(account, new)
        floor = self.exchange.floor
        if order.status.is_open and margin.needs_margin(order):
            needed = margin.initial(floor, account) + margin.order_margin(floor, account)
            without = dict(account.open)
            del account.open[order.number]
            less = margin.initial(floor, account) + margin.order_margin(floor, account)
            account.open = without
            assert needed <= margin.equity(floor, account) or needed == less or order.filled

    def cancel(self, account, symbol, what, rest) -> None:
        numbers = sorted(account.open) or [0]
        self.exchange.cancel(account, symbol, number=numbers[rest[0] % len(numbers)])

    def cancel_by_name(self, account, symbol, what, rest) -> None:
        self.exchange.cancel(account, symbol, client_id=f"c{rest[0] % 4}")

    def amend(self, account, symbol, what, rest) -> None:
        numbers = sorted(account.open) or [0]
        market = self.exchange.markets[symbol]
        self.exchange.amend(
            account,
            symbol,
            number=numbers[rest[0] % len(numbers)],
            lots=1 + rest[1] if what & 1 else None,
            limit_ticks=max(1, market.last_ticks + rest[2] - 128) if what & 2 else None,
            trigger_ticks=max(1, market.last_ticks + rest[2] - 128) if what & 4 else None,
        )

    def move(self, account, symbol, what, rest) -> None:
        market = self.exchange.markets[symbol]
        px = max(50, market.last_ticks + (rest[0] - 128) // (1 if what & 1 else 8))
        mark = px if what & 2 else max(50, px + (rest[1] - 128) // 16)
        self.clock.advance(rest[2])
        self.exchange.charge_due(self.clock.now_ms() + 1)
        self.exchange.move(symbol, px, mark_ticks=mark)

    def bar(self, account, symbol, what, rest) -> None:
        """A whole bar; ``what`` may leave the market held between close and open, for the next act."""
        exchange, market = self.exchange, self.exchange.markets[symbol]
        last = market.last_ticks
        if not market.held:
            exchange.travel(symbol, last)
            exchange.close_bar(symbol)
            if what & 1:
                return
        self.clock.advance(60)
        begin = max(60, last + (rest[0] - 128) // 8)
        exchange.open_bar(symbol, begin, volume_lots=rest[2] * 4)
        high, low = begin + rest[1] // 4, max(50, begin - rest[2] // 4)
        for px, direction in ((high, 1), (low, -1)) if what & 2 else ((low, -1), (high, 1)):
            exchange.travel(symbol, px, direction)
        exchange.travel(symbol, begin, liquidates=False)
        exchange.set_marks({symbol: (begin, begin)})

    def settings(self, account, symbol, what, rest) -> None:
        if what % 4 == 0:
            self.exchange.set_leverage(account, symbol, LEVERAGES[rest[0] % 4])
        elif what % 4 == 1:
            mode = MarginMode.ISOLATED if rest[0] & 1 else MarginMode.CROSS
            self.exchange.set_margin_mode(account, symbol if rest[1] & 1 else None, mode)
        elif what % 4 == 2:
            self.exchange.set_position_mode(account, bool(rest[0] & 1))
        else:
            self.exchange.transfer(account, (rest[0] - 128) * ATOMS_PER_UNIT)

    def force(self, account, symbol, what, rest) -> None:
        if what % 4 == 0:
            legs = [p for p in account.held(symbol)]
            if legs:
                self.exchange.deleverage(account, symbol, legs[0].leg, lots=1 + rest[0] % 40)
        elif what % 4 == 1:
            self.exchange.cancel_all(account, symbol if rest[0] & 1 else None)


ACTS = (
    Run.place, Run.place, Run.place, Run.place, Run.place, Run.cancel, Run.cancel_by_name, Run.amend,
    Run.move, Run.move, Run.move, Run.bar, Run.bar, Run.settings, Run.force,
)  # fmt: skip


def _modes(account):
    return dict(account.leverage), dict(account.margin_modes), account.hedged


def _listing(symbol: str, share: bool) -> Listing:
    instrument = Instrument(symbol, Decimal("0.1"), Decimal("0.1"), Decimal(1), tiers=TIERS)
    return Listing(
        instrument, volume_share=Decimal("0.2") if share else None, max_conditional=5, band=Decimal("0.2")
    )


@pytest.mark.parametrize("name", RULES)
@SEQUENCES
@given(st.binary(min_size=24, max_size=144), st.booleans(), st.booleans())
def test_after_any_sequence_books_balance_and_orders_positions_and_money_agree(name, words, hedged, share):
    run = Run(RULES[name], hedged, share)
    for at in range(0, len(words) - 5, 6):
        run.act(words[at : at + 6])
