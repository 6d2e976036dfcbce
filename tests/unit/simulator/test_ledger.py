"""The exchange's own books."""

from __future__ import annotations

import pytest

from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.orders import BUY, SELL
from mastertrading.simulator import ledger
from mastertrading.simulator.events import AccountChanged
from mastertrading.simulator.ledger import Ledger, Stock
from mastertrading.simulator.orders import IncomeKind
from unit.simulator.trading import SYMBOL, Desk


def test_a_booking_that_does_not_sum_to_zero_is_a_bug():
    with pytest.raises(InvariantBroken):
        Ledger().post(("wallet:me", 5), (ledger.FEES, -4))


def test_the_counterparty_is_worth_its_cash_and_its_stock():
    stock = Stock()
    stock.trade(10, 100)  # it sold ten at 100
    assert stock.worth(100) == 0
    assert stock.worth(110) == -100


def test_all_books_together_are_zero_at_every_moment_of_a_busy_life():
    desk = Desk()
    desk.market_order(BUY, 30)
    desk.balanced()
    for px in (101_003, 99_997, 100_500):
        desk.move(px)
        desk.market_order(SELL, 7)
        desk.balanced()
    desk.exchange.transfer(desk.me, 5 * ATOMS_PER_UNIT)
    desk.exchange.transfer(desk.me, -7, IncomeKind.ADJUSTMENT)
    books = desk.balanced()
    assert books.fees == sum(e.fee_atoms for e in desk.me.executions) > 0
    assert books.adjustments == 7
    assert books.external == -(10_005 * ATOMS_PER_UNIT) - books.insurance


def test_what_the_account_wins_the_market_loses_open_profit_included():
    desk = Desk(taker_e8=0, slippage_e8=0)
    desk.market_order(BUY, 10)
    desk.move(103_000)
    assert desk.balanced().market == -desk.exchange.unrealised_atoms(desk.me, SYMBOL) < 0


def test_a_wallet_is_the_sum_of_its_incomes_and_each_tells_the_balance_after_it():
    desk = Desk()
    desk.market_order(BUY, 10)
    desk.move(101_000)
    desk.market_order(SELL, 10)
    wallet = 0
    for income in desk.me.incomes:
        wallet += income.atoms
        assert income.balance_atoms == wallet
    assert desk.me.wallet_atoms == wallet
    assert [i.kind for i in desk.me.incomes] == [
        IncomeKind.TRANSFER,
        IncomeKind.FEE,
        IncomeKind.REALISED,
        IncomeKind.FEE,
    ]


def test_every_fill_announces_the_account_after_it():
    desk = Desk()
    desk.market_order(BUY, 10)
    changed = [e for e in desk.events if isinstance(e, AccountChanged) and e.reason == "order"]
    assert [p.lots for p in changed[0].positions] == [10]
    assert changed[0].income[-1].balance_atoms == desk.me.wallet_atoms


def test_a_copy_in_an_event_does_not_change_with_its_order():
    desk = Desk()
    order = desk.limit(BUY, 10, 99_000)
    told = desk.events[-1].order
    desk.move(98_000)
    assert (order.filled, told.filled) == (10, 0)
