"""Each invariant is silent where it holds, and speaks where it is broken on purpose."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from mastertrading.app.campaign.invariants import CHECKERS, books, orders, protection, recovery
from mastertrading.app.campaign.market import BEGIN_MS
from mastertrading.domain.facts import Adjustment
from mastertrading.domain.intents import CommandState, Purpose, Transition
from mastertrading.domain.orders import OrderKind, Payment
from mastertrading.simulator.orders import Cause, NewOrder, No
from unit.campaign.hand_made import LOTS, PX, SYMBOL, Hand

S = CommandState


def good(hand):
    """A position entered and protected as it should be, and booked."""
    hand.enter()
    hand.stop()
    hand.clock.advance(1)
    hand.book()
    hand.scene.lots = {SYMBOL: LOTS}
    for name in [one.client_id for one in hand.journal.open_commands()]:
        hand.leaves(name)
    hand.pass_s(60)


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda one: one.id)
def test_an_invariant_is_silent_where_all_is_well(checker):
    hand = Hand(checker)
    good(hand)
    if checker is orders.EndedThere:  # the hand tells the journal no orders
        return
    hand.checker.at_rest()
    hand.checker.at_end()
    assert hand.found == []


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda one: one.id)
def test_an_invariant_compares_two_of_three_and_has_a_name(checker):
    assert len(set(checker.reads) & set("XBW")) >= 2
    assert checker.says
    assert [one.id for one in CHECKERS].count(checker.id) == 1


def test_p1_a_position_without_a_stop():
    hand = Hand(protection.Unprotected)
    hand.enter()
    hand.pass_s(15)
    assert hand.found == []
    hand.pass_s(10)
    assert hand.found == ["P1"]


def test_p1_owes_nothing_while_no_request_could_arrive():
    hand = Hand(protection.Unprotected)
    hand.enter()
    hand.wire.troubled_until_ms = hand.clock.now_ms() + 60_000
    hand.pass_s(60)
    assert hand.found == []
    hand.stop()
    assert hand.checker.spans_ms == [60_000]


def test_p1_a_stop_on_the_wrong_side_covers_nothing():
    hand = Hand(protection.Unprotected)
    hand.enter()
    hand.stop(side=-1, ticks=PX + 3_000)
    hand.pass_s(30)
    assert hand.found == ["P1"]


def test_p2_a_position_that_somebody_else_made():
    hand = Hand(protection.UnprotectedByOthers)
    hand.exchange.place(hand.account, NewOrder(SYMBOL, 1, OrderKind.MARKET, LOTS), Cause.FOREIGN)
    hand.pass_s(30)
    assert hand.found == ["P2"]


def test_p3_a_stop_that_does_not_only_reduce():
    hand = Hand(protection.StopsProtect)
    hand.enter()
    name = hand.written(Purpose.STOP, side=-1)
    hand.place(name, -1, limit_ticks=0)
    assert hand.found == ["P3"]


def test_p4_a_stop_with_a_limit():
    hand = Hand(protection.StopsAreMarket)
    hand.enter()
    name = hand.written(Purpose.STOP, side=-1)
    order = hand.exchange.place
    order(
        hand.account,
        replace(
            hand.account.orders[1].new,
            kind=OrderKind.LIMIT,
            order_side=-1,
            client_id=name,
            limit_ticks=PX + 9,
        ),
    )
    assert hand.found == ["P4"]


def test_p5_the_old_stop_goes_before_the_new_one_is_there():
    hand = Hand(protection.NeverLowered)
    hand.enter()
    old = hand.stop()
    hand.stop(ticks=PX - 2_000)
    hand.exchange.cancel(hand.account, SYMBOL, number=old.number)
    assert hand.found == []
    last = next(iter(hand.account.open.values()))
    hand.exchange.cancel(hand.account, SYMBOL, number=last.number)
    assert hand.found == ["P5"]


def test_p7_a_stop_outlives_its_position():
    hand = Hand(protection.NoOrphans)
    hand.enter()
    hand.stop()
    hand.place(hand.written(Purpose.EXIT, side=-1), -1, reduce_only=False)
    hand.account.open.update({n: o for n, o in hand.account.orders.items() if o.watch})
    hand.pass_s(60)
    assert hand.found == ["P7"]


def test_p8_an_exit_that_turns_the_position_round():
    hand = Hand(protection.ClosingCloses)
    hand.enter()
    hand.place(hand.written(Purpose.EXIT, side=-1), -1, 2 * LOTS)
    assert hand.found == ["P8"]


def test_p9_a_stop_goes_away_from_the_price():
    hand = Hand(protection.NeverAway)
    hand.enter()
    hand.stop(ticks=PX - 2_000)
    hand.stop(ticks=PX - 1_000)
    assert hand.found == []
    hand.stop(ticks=PX - 3_000)
    assert hand.found == ["P9"]


def test_p10_two_stops_in_one_round():
    hand = Hand(protection.OneStopARound)
    hand.leaves(hand.written(Purpose.STOP))
    hand.checker.on_cycle()
    hand.leaves(hand.written(Purpose.STOP))
    assert hand.found == []
    hand.leaves(hand.written(Purpose.STOP))
    assert hand.found == ["P10"]


def test_o1_one_id_twice_and_two_entries_of_one_decision():
    hand = Hand(orders.OnceEach)
    name = hand.written(Purpose.ENTRY, bar_ms=BEGIN_MS)
    hand.place(name)
    hand.place(hand.written(Purpose.ENTRY, bar_ms=BEGIN_MS))
    assert hand.found == ["O1"]
    hand.place(name)
    assert hand.found == ["O1", "O1"]


@pytest.mark.parametrize("states", [None, ()])
def test_o2_an_order_that_was_not_written_down_as_sent(states):
    hand = Hand(orders.WrittenFirst)
    name = hand.name(Purpose.ENTRY) if states is None else hand.written(Purpose.ENTRY, states=states)
    hand.place(name)
    assert hand.found == ["O2"]


def test_o3_an_order_that_was_called_absent():
    hand = Hand(orders.NoPhantoms)
    hand.place(hand.written(Purpose.ENTRY, states=(S.SENT, S.UNKNOWN, S.ABSENT)))
    assert hand.found == ["O3"]


def test_o3_an_order_that_is_called_refused_afterwards():
    hand = Hand(orders.NoPhantoms)
    hand.place(name := hand.written(Purpose.ENTRY))
    hand.written(Purpose.ENTRY)
    assert hand.found == []
    hand.journal.mark(Transition(name, S.REFUSED, BEGIN_MS))
    hand.checker.at_end()
    assert hand.found == ["O3"]


def test_o4_an_id_that_leaves_twice():
    hand = Hand(orders.NeverAgain)
    hand.leaves(name := hand.written(Purpose.ENTRY))
    hand.leaves(name, "cancel")
    assert hand.found == []
    hand.leaves(name)
    assert hand.found == ["O4"]


def test_o5_an_entry_while_another_is_unknown():
    hand = Hand(orders.Frozen)
    hand.written(Purpose.ENTRY, states=(S.SENT, S.UNKNOWN))
    hand.leaves(hand.written(Purpose.STOP))
    assert hand.found == []
    hand.leaves(hand.written(Purpose.ENTRY))
    assert hand.found == ["O5"]


def test_o6_an_end_that_the_exchange_does_not_know():
    hand = Hand(orders.EndedThere)
    hand.enter()
    hand.stop(name=hand.written(Purpose.STOP, side=-1, states=(S.SENT, S.ACK, S.CANCELLED)))
    hand.checker.at_rest()
    assert hand.found == ["O6", "O6"]


def test_o7_a_fill_that_shrinks():
    hand = Hand(orders.Monotone)
    name = hand.written(Purpose.ENTRY)
    hand.checker.filled[name] = Decimal(1)
    hand.checker.on_cycle()
    assert hand.found == ["O7"]


@pytest.mark.parametrize("name", ["", "hello", "mtexxxxxxxxxxxxxxxxxxxxxxxxxx"])
def test_o8_an_order_without_a_name_of_ours(name):
    hand = Hand(orders.Named)
    hand.place(name)
    assert hand.found == ["O8"]


def test_o9_an_order_off_the_grid():
    hand = Hand(orders.Conforming)
    hand.checker.on_refused(No.MARGIN, SYMBOL, "x", False)
    hand.checker.on_refused(No.MIN_NOTIONAL, SYMBOL, "x", True)
    assert hand.found == []
    hand.checker.on_refused(No.LOT, SYMBOL, "x", False)
    assert hand.found == ["O9"]


def test_o10_a_storm_of_commands():
    hand = Hand(orders.NoChurn)
    for _ in range(6):
        hand.leaves(hand.written(Purpose.STOP))
    assert hand.found == []
    hand.leaves(hand.written(Purpose.STOP))
    assert hand.found == ["O10"]


def test_o11_a_fill_under_no_name():
    hand = Hand(orders.RightCause)
    hand.enter()
    hand.fill()
    hand.checker.at_end()
    assert hand.found == ["O11"]


def test_j1_a_position_that_the_journal_does_not_know():
    hand = Hand(books.SamePositions)
    hand.enter()
    hand.scene.lots = {SYMBOL: 3}
    hand.checker.at_rest()
    assert hand.found == ["J1", "J1"]


def test_j2_a_fill_that_was_lost_and_one_that_was_invented():
    hand = Hand(books.SameFills)
    hand.enter()
    hand.fill(px=Decimal(1))
    hand.checker.at_rest()
    assert hand.found == ["J2", "J2"]


def test_j4_a_ledger_that_was_touched():
    hand = Hand(books.LedgerHolds)
    good(hand)
    transactions = hand.journal.store.tables["transactions"]
    transactions[1] = replace(transactions[1], digest="0" * 64)
    hand.checker.at_end()
    assert hand.found == ["J4"]


def test_j5_money_that_was_not_booked():
    hand = Hand(books.SameMoney)
    good(hand)
    hand.exchange.transfer(hand.account, 5)
    hand.checker.at_rest()
    assert hand.found == ["J5"]


def test_j5_an_engine_that_counts_other_money_than_the_exchange():
    hand = Hand(books.SameMoney)
    good(hand)
    hand.scene.wallet_atoms = hand.account.wallet_atoms
    hand.checker.at_rest()
    assert hand.found == []
    hand.scene.wallet_atoms += 1
    hand.checker.at_rest()
    assert hand.found == ["J5"]


def test_j9_an_atom_of_profit_fees_or_funding_that_is_booked_elsewhere():
    hand = Hand(books.SameAccounts)
    good(hand)
    hand.checker.at_rest()
    assert hand.found == []
    hand.journal.book_payment(
        Payment("1", "funding", SYMBOL, Decimal("1E-8"), "USDT", BEGIN_MS), at_ms=BEGIN_MS
    )
    hand.checker.at_rest()
    assert hand.found == ["J9"]


def test_j6_a_difference_that_was_adjusted_away():
    hand = Hand(books.NothingInvented)
    good(hand)
    difference = Adjustment("1", "nobody knows", BEGIN_MS, amount=Decimal(3), currency="USDT")
    hand.journal.adjust(difference, at_ms=BEGIN_MS)
    hand.checker.at_end()
    assert hand.found == ["J6"]


def test_j8_a_charge_that_never_was():
    hand = Hand(books.SameFunding)
    hand.journal.book_payment(Payment("1", "funding", SYMBOL, Decimal(1), "USDT", BEGIN_MS), at_ms=BEGIN_MS)
    hand.checker.at_rest()
    assert hand.found == ["J8"]


def test_r2_an_entry_on_top_of_another():
    hand = Hand(books.WithinCaps)
    hand.enter()
    assert hand.found == []
    hand.enter()
    assert hand.found == ["R2"]


def test_d3_an_entry_beside_a_position():
    hand = Hand(books.NotTakenForFlat)
    hand.enter()
    hand.pass_s(30)
    hand.enter()
    assert hand.found == ["D3"]


def test_l1_a_start_that_never_agrees():
    hand = Hand(recovery.Converges)
    hand.enter()
    hand.checker.on_begin()
    hand.pass_s(10)
    assert hand.found == []
    hand.pass_s(5)
    assert hand.found == ["L1"]


def test_l2_an_outcome_that_stays_unknown():
    hand = Hand(recovery.Resolves)
    hand.written(Purpose.ENTRY, states=(S.SENT, S.UNKNOWN))
    hand.checker.at_rest()
    assert hand.found == []
    hand.clock.advance(120)
    hand.checker.at_rest()
    assert hand.found == ["L2"]


def test_l4_a_process_that_ends_by_an_error():
    hand = Hand(recovery.StaysUp)
    hand.checker.on_failure("KeyError: 'x'")
    assert hand.found == ["L4"]


def test_l6_a_command_at_rest():
    hand = Hand(recovery.Rests)
    hand.leaves(hand.written(Purpose.STOP))
    hand.checker.begin_rest()
    hand.pass_s(30)
    assert hand.found == []
    hand.leaves(hand.written(Purpose.STOP))
    hand.pass_s(5)
    assert hand.found == ["L6"]
