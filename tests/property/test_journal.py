"""Random lives of an account: the journal's money is that of fractions, whatever came late, twice or out of order."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal_made import ACCOUNT, D, Template, begun, books, fill, funding, sqlite_url
from mastertrading.journal.memory import memory_journal
from mastertrading.journal.opening import open_journal
from oracles import journal_by_hand

UNIT = Fraction(1, 10_000)
"""One tick of one lot of BTCUSDT in quote units."""


def life(seed, count):
    """A random life: fills that open, grow, shrink, close and flip, a cent of fee or rebate, and funding."""
    chance = random.Random(seed)
    fills, payments, ts, held = [], [], 1000, D(0)
    for number in range(1, count + 1):
        ts += chance.choice((1, 1000, 60_000))
        side = chance.choice((1, -1))
        qty = D(chance.randint(1, 40)) / 1000
        if held and chance.random() < 0.2:  # close exactly, or flip
            side = -1 if held > 0 else 1
            qty = abs(held) * chance.choice((1, 1, 2))
        held += side * qty
        px = D(chance.randint(500_000, 520_000)) / 10
        fee = D(chance.randint(-500, 2_000_000)) / 10**8
        fills.append(fill(number, side, qty, px, ts, fee=fee))
        if number % 50 == 0:
            ts += 1
            payments.append(funding(number, D(chance.randint(-(10**6), 10**6)) / 10**8, ts))
    return fills, payments


def compare(journal, fills, payments):
    """The difference to the oracle, in everything: has to be nothing."""
    plain = [(one.order_side, one.qty, one.px, one.fee, one.ts_ms) for one in fills]
    paid = [(one.amount, one.ts_ms) for one in payments]
    trades, wallet, qty, cost = journal_by_hand.run(plain, paid, UNIT)
    told = [
        {
            "opened": one.opened_ms,
            "closed": one.closed_ms,
            "gross": Fraction(one.gross),
            "fees": Fraction(one.fees),
            "funding": Fraction(one.funding),
        }
        for one in sorted(journal.trades(), key=lambda one: (one.opened_ms, one.first_key))
    ]
    assert told == trades
    balances = journal.balances()
    assert Fraction(balances["wallet", "USDT"]) == wallet
    assert (
        Fraction(balances.get(("position:BTCUSDT", "BTCUSDT"), 0))
        == qty
        == Fraction(journal.position("BTCUSDT"))
    )
    assert Fraction(balances.get(("cost:BTCUSDT", "USDT"), 0)) == cost
    assert wallet - cost == journal_by_hand.cash(plain, paid)
    journal.verify()


def feed(journal, fills, payments, size=500):
    for start in range(0, len(fills), size):
        journal.book_fill(*fills[start : start + size], at_ms=1)
    journal.book_payment(*payments, at_ms=1)


def test_five_thousand_random_fills_differ_from_fractions_by_nothing():
    fills, payments = life(1, 5000)
    journal = begun(memory_journal(ACCOUNT))
    feed(journal, fills, payments)
    compare(journal, fills, payments)


def test_random_fills_in_a_database_differ_from_fractions_by_nothing(tmp_path):
    fills, payments = life(2, 500)
    journal = begun(open_journal(sqlite_url(Template(tmp_path).copy()), account=ACCOUNT, durable=False))
    feed(journal, fills, payments)
    compare(journal, fills, payments)
    journal.close()


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 25), order=st.randoms(use_true_random=False))
def test_shuffled_and_repeated_fills_give_the_books_of_those_in_order(seed, count, order):
    fills, payments = life(seed, count)
    straight, shuffled = begun(memory_journal(ACCOUNT)), begun(memory_journal(ACCOUNT))
    feed(straight, fills, payments)
    told = [*fills, *order.choices(fills, k=count // 2 + 1)]
    order.shuffle(told)
    for one in told:
        shuffled.book_fill(one, at_ms=1)
        if payments and order.random() < 0.2:
            shuffled.book_payment(order.choice(payments), at_ms=1)
    shuffled.book_payment(*payments, at_ms=1)
    assert books(shuffled) == books(straight)
    shuffled.verify()


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), parts=st.integers(2, 5))
def test_splitting_a_fill_changes_no_money_of_a_flat_account(seed, parts):
    chance = random.Random(seed)
    qty, px = chance.randint(parts, 40), D(chance.randint(500_000, 520_000)) / 10
    cuts = [*sorted(chance.sample(range(1, qty), parts - 1)), qty] if qty > parts else [qty]
    sizes = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
    journal = begun(memory_journal(ACCOUNT))
    journal.book_fill(fill(1, 1, D(qty) / 1000, px, fee=0), at_ms=1)
    for number, size in enumerate(sizes, 2):
        journal.book_fill(fill(number, -1, D(size) / 1000, px, fee=0), at_ms=1)
    assert journal.trades()[0].gross == 0
    assert journal.position("BTCUSDT") == 0


@pytest.mark.parametrize("mirror", [1, -1])
def test_a_short_is_the_mirror_of_a_long(mirror):
    journal = begun(memory_journal(ACCOUNT))
    rows = ((1, "0.005", "50000.1"), (-1, "0.002", "50100.2"), (-1, "0.003", "50300.3"))
    journal.book_fill(
        *(fill(k, mirror * side, qty, px) for k, (side, qty, px) in enumerate(rows, 1)), at_ms=1
    )
    assert journal.trades()[0].gross == mirror * D("1.1008")
