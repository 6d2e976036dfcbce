"""What every journal does, whatever keeps its rows. A class that stores inherit (DESIGN section 9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from journal_made import ACCOUNT, BTC, D, begun, books, cycle, fill, funding, intent, order, sent, transfer
from mastertrading.domain.errors import InvariantBroken, JournalUnusable, LeaseLost, SafetyBlocked, UsageError
from mastertrading.domain.facts import (
    Adjustment,
    BreakerFacts,
    CapitalStage,
    CommandPhase,
    CycleFacts,
    DecisionFacts,
    Incident,
    InputFacts,
    OperatorCommand,
    RunFacts,
    Severity,
)
from mastertrading.domain.intents import LEGAL, CommandState, Purpose, Transition
from mastertrading.domain.orders import OrderStatus

S = CommandState
ROADS = {
    S.PREPARED: (),
    S.SENT: (S.SENT,),
    S.ACK: (S.SENT, S.ACK),
    S.REFUSED: (S.SENT, S.REFUSED),
    S.UNKNOWN: (S.SENT, S.UNKNOWN),
    S.ABSENT: (S.ABSENT,),
    **{end: (S.SENT, S.ACK, end) for end in LEGAL[S.ACK]},
}
"""A way to each state."""


class JournalContract:
    """Inherit it and give ``opener``: a function that opens the same journal, as often as it is called."""

    @pytest.fixture
    def opener(self):
        raise NotImplementedError

    @pytest.fixture
    def account(self):
        return ACCOUNT

    @pytest.fixture
    def journal(self, opener):
        journal = begun(opener())
        yield journal
        journal.close()

    # ---------------------------------------------------------------- who may write
    def test_a_second_process_cannot_take_a_lease_that_runs(self, opener):
        first, second = opener(), opener()
        first.acquire("first", 0, 30_000)
        with pytest.raises(LeaseLost, match="is being traded by first"):
            second.acquire("second", 29_999, 30_000)
        assert second.acquire("second", 30_000, 30_000).epoch == 2
        first.close()
        second.close()

    def test_a_writer_whose_lease_was_taken_writes_nothing(self, opener):
        old, new = begun(opener(), "old"), opener()
        new.acquire("new", 2 * 10**12, 30_000)
        for write in (
            lambda: old.prepare(intent(), at_ms=5),
            lambda: old.book_fill(fill(1, 1, "0.003", "50000"), at_ms=5),
            lambda: old.commit_cycle(cycle(60_000), 5),
            lambda: old.renew(5, 5),
            lambda: old.report(Incident("x", "y", 1)),
        ):
            with pytest.raises(LeaseLost):
                write()
        assert new.open_commands() == ()
        assert new.fills() == ()
        assert new.latest_state() is None
        old.close()
        new.close()

    def test_a_journal_without_a_lease_refuses_to_write(self, opener):
        journal = opener()
        with pytest.raises(LeaseLost, match="may not write"):
            journal.report(Incident("x", "y", 1))
        journal.close()

    def test_a_released_lease_can_be_taken_at_once(self, opener):
        first, second = opener(), opener()
        first.acquire("first", 0, 30_000)
        first.release()
        assert second.lease() is None
        assert second.acquire("second", 1, 30_000).epoch == 2
        first.release()
        assert second.lease().holder == "second"
        first.close()
        second.close()

    def test_a_lease_of_one_that_is_over_can_be_taken_at_once(self, opener):
        first, second = opener(), opener()
        first.acquire("first", 0, 30_000)
        with pytest.raises(LeaseLost):
            second.acquire("second", 1, 30_000, lambda holder: holder == "somebody else")
        assert second.acquire("second", 1, 30_000, lambda holder: holder == "first").epoch == 2
        with pytest.raises(LeaseLost):
            first.report(Incident("x", "y", 1))
        first.close()
        second.close()

    def test_a_lease_that_ran_out_sends_nothing_although_nobody_took_it(self, opener):
        journal = opener()
        journal.acquire("me", 0, 1000)
        one = intent()
        journal.prepare(one, at_ms=5)
        with pytest.raises(LeaseLost, match="has run out"):
            journal.mark(Transition(one.client_id, S.SENT, 1000))
        assert journal.command(one.client_id).state is S.PREPARED
        journal.renew(1000, 1000)
        journal.mark(Transition(one.client_id, S.SENT, 1999))
        journal.close()

    def test_a_journal_belongs_to_one_account_of_the_venue(self, journal):
        journal.bind("uid-1")
        journal.bind("uid-1")
        with pytest.raises(JournalUnusable, match="belongs to another account"):
            journal.bind("uid-2")

    # ---------------------------------------------------------------- commands
    def test_an_intent_comes_back_as_it_was_prepared(self, journal, opener):
        one = intent(
            Purpose.STOP,
            lots=0,
            qty=None,
            order_side=-1,
            trigger_px=D("49000.10"),
            reduce_only=True,
            snapshot=4,
        )
        journal.prepare(one, intent(), at_ms=5)
        again = opener()
        first, second = again.open_commands()
        assert first.intent == one
        assert (first.number, second.number, first.state, first.prepared_ms) == (1, 2, S.PREPARED, 5)
        again.close()

    def test_a_client_id_is_used_once(self, journal):
        one = intent()
        journal.prepare(one, at_ms=5)
        for again in ((one,), (intent(attempt=1), intent(attempt=1))):
            with pytest.raises(InvariantBroken, match="was used before"):
                journal.prepare(*again, at_ms=6)
        assert len(journal.open_commands()) == 1

    @pytest.mark.parametrize("begin", S)
    def test_only_legal_arrows_are_written(self, journal, begin):
        for number, to in enumerate(S):
            one = intent(bar_ms=60_000 * (number + 1))
            journal.prepare(one, at_ms=5)
            journal.mark(*(Transition(one.client_id, state, 6) for state in ROADS[begin]))
            if to in LEGAL[begin]:
                assert journal.mark(Transition(one.client_id, to, 7))[0].state is to
            else:
                with pytest.raises(InvariantBroken, match="cannot go from"):
                    journal.mark(Transition(one.client_id, to, 7))
                assert journal.command(one.client_id).state is begin

    def test_arrows_of_one_call_are_written_together_or_not_at_all(self, journal):
        one, two = intent(), intent(leg=1)
        journal.prepare(one, two, at_ms=5)
        with pytest.raises(InvariantBroken):
            journal.mark(Transition(one.client_id, S.SENT, 6), Transition(two.client_id, S.FILLED, 6))
        assert {command.state for command in journal.open_commands()} == {S.PREPARED}

    def test_what_is_learned_on_the_way_stays(self, journal, opener):
        client_id = sent(journal, intent(), at_ms=10)
        journal.mark(Transition(client_id, S.UNKNOWN, 20, code="504", detail="gateway time-out"))
        journal.mark(Transition(client_id, S.ACK, 30, order_id="77"))
        again = opener()
        found = again.command(client_id)
        assert (found.sent_ms, found.deadline_ms, found.order_id, found.code) == (11, 60_010, "77", "504")
        again.close()

    def test_a_terminal_command_is_open_no_more(self, journal):
        client_id = sent(journal, intent())
        journal.mark(Transition(client_id, S.REFUSED, 12, refusal="insufficient_margin", code="-2019"))
        assert journal.open_commands() == ()
        assert journal.command(client_id).refusal == "insufficient_margin"

    def test_an_unknown_command_whose_order_is_seen_was_taken(self, journal):
        client_id = sent(journal, intent())
        journal.mark(Transition(client_id, S.UNKNOWN, 12))
        moved = journal.observe(order(client_id, OrderStatus.FILLED, filled="0.003"), at_ms=30)
        assert [command.state for command in moved] == [S.FILLED]
        assert journal.command(client_id).order_id == "7"
        assert journal.command(client_id).filled_qty == D("0.003")

    def test_old_news_of_an_order_moves_nothing(self, journal):
        client_id = sent(journal, intent())
        journal.observe(order(client_id, OrderStatus.PARTIAL, filled="0.002", updated_ms=50), at_ms=51)
        for stale in (
            order(client_id, OrderStatus.WORKING, updated_ms=40),
            order(client_id, OrderStatus.PARTIAL, filled="0.001", updated_ms=60),
        ):
            assert journal.observe(stale, at_ms=61) == ()
        journal.observe(order(client_id, OrderStatus.CANCELLED, filled="0.002", updated_ms=70), at_ms=71)
        assert (
            journal.observe(order(client_id, OrderStatus.WORKING, filled="0.002", updated_ms=80), at_ms=81)
            == ()
        )
        assert journal.command(client_id).state is S.CANCELLED
        assert journal.command(client_id).filled_qty == D("0.002")
        assert journal.venue_orders() == ()

    def test_an_order_that_was_proven_absent_and_appears_is_a_broken_protocol(self, journal):
        client_id = sent(journal, intent())
        journal.mark(Transition(client_id, S.UNKNOWN, 12), Transition(client_id, S.ABSENT, 99))
        with pytest.raises(InvariantBroken, match="cannot go from absent"):
            journal.observe(order(client_id), at_ms=100)

    def test_a_foreign_order_is_kept_without_a_command(self, journal):
        assert journal.observe(order("web_123", order_id="9"), at_ms=20) == ()
        assert [one.order_id for one in journal.venue_orders("BTCUSDT")] == ["9"]

    # ---------------------------------------------------------------- money
    def test_a_fill_is_booked_once_however_often_it_is_told(self, journal):
        one = fill(1, 1, "0.003", "50000.1")
        assert journal.book_fill(one, one, at_ms=9) == 1
        assert journal.book_fill(one, replace(one, fee=D("0.02")), at_ms=9) == 0
        assert journal.position("BTCUSDT") == D("0.003")
        assert journal.fills() == (one,)

    def test_the_same_fill_id_of_another_instrument_is_another_fill(self, journal):
        other = fill(1, 1, "0.5", "3000", symbol="ETHUSDT")
        assert journal.book_fill(fill(1, 1, "0.003", "50000"), other, at_ms=9) == 2

    def test_a_round_trip_moves_exactly_this_money(self, journal):
        journal.book_payment(transfer(1, "1000", 1), at_ms=1)
        journal.book_fill(
            fill(1, 1, "0.003", "50000.1"), fill(3, -1, "0.003", "50010.1", fee="0.02"), at_ms=9
        )
        journal.book_payment(funding(1, "0.5", 2500), at_ms=9)
        trade = journal.trades()[0]
        assert (trade.gross, trade.fees, trade.funding, trade.net) == (
            D("0.03"),
            D("0.03"),
            D("0.5"),
            D("-0.5"),
        )
        assert journal.balances()["wallet", "USDT"] == D("999.5")
        assert journal.balances()["cost:BTCUSDT", "USDT"] == 0
        journal.verify()

    def test_a_late_fill_gives_the_books_of_one_in_time(self, journal, opener):
        first = fill(1, 1, "0.003", "50000.1")
        late = fill(2, -1, "0.001", "50005.3")
        last = fill(3, -1, "0.003", "50010.1")
        journal.book_fill(first, last, at_ms=9)
        assert journal.trades()[0].closed_ms == 3000
        journal.book_fill(late, at_ms=10)
        closed, opened = journal.trades()
        assert (closed.gross, closed.closed_ms, closed.movements) == (D("0.0252"), 3000, 3)
        assert (opened.qty, opened.entry_px) == (D("-0.001"), D("50010.1"))
        assert closed.fees + opened.fees == D("0.03")
        journal.verify()

    def test_a_trade_closes_for_the_reason_of_its_own_order(self, journal):
        stop = sent(journal, intent(Purpose.STOP, order_side=-1, reason="trailing"))
        journal.book_fill(
            fill(1, 1, "0.003", "50000"), fill(2, -1, "0.003", "50100", client_id=stop), at_ms=9
        )
        journal.book_fill(
            fill(3, 1, "0.003", "50000"), fill(4, -1, "0.003", "49000", cause="liquidation"), at_ms=9
        )
        journal.book_fill(
            fill(5, 1, "0.003", "50000"), fill(6, -1, "0.003", "49000", client_id="web_1"), at_ms=9
        )
        journal.book_fill(
            fill(7, 1, "0.003", "50000"), fill(8, -1, "0.003", "49000", cause="unknown"), at_ms=9
        )
        reasons = [trade.close_reason for trade in journal.trades()]
        assert reasons == ["trailing", "liquidation", "external", "unknown"]
        assert journal.trades()[0].closed_by == stop

    def test_a_fill_is_ours_also_where_only_the_order_id_tells(self, journal):
        stop = sent(journal, intent(Purpose.STOP, order_side=-1))
        journal.observe(order(stop, order_id="c1", conditional=True, triggered_id="p9"), at_ms=20)
        journal.book_fill(
            fill(1, 1, "0.003", "50000"), fill(2, -1, "0.003", "49000", order_id="p9"), at_ms=30
        )
        assert journal.trades()[0].close_reason == "stop"
        assert [journal.command_of_order("BTCUSDT", name).client_id for name in ("c1", "p9")] == [stop, stop]
        assert journal.command_of_order("ETHUSDT", "p9") is None

    def test_an_order_that_we_cancelled_is_not_ours_for_that(self, journal):
        cancel = sent(journal, intent(Purpose.CANCEL, order_side=0, target="#f1"))
        journal.mark(Transition(cancel, CommandState.ACK, 20, order_id="f1"))
        assert journal.command_of_order("BTCUSDT", "f1") is None

    def test_fills_of_one_millisecond_are_booked_in_the_order_of_their_commands(self, journal):
        leave = sent(journal, intent(Purpose.EXIT, order_side=-1, reason="flip"))
        enter = sent(journal, intent(leg=1, order_side=-1), at_ms=30)
        journal.book_fill(fill(1, 1, "0.003", "50000"), at_ms=9)
        entry = fill(8, -1, "0.002", "50100", 5000, client_id=enter)
        out = fill(9, -1, "0.003", "50100", 5000, client_id=leave)
        journal.book_fill(entry, at_ms=10)
        journal.book_fill(out, at_ms=11)
        closed, opened = journal.trades()
        assert (closed.close_reason, closed.closed_by, closed.from_flip) == ("flip", leave, False)
        assert (opened.opened_by, opened.qty, opened.from_flip) == (enter, D("-0.002"), False)

    def test_funding_goes_to_the_trade_that_was_open_before_the_bar(self, journal):
        journal.book_payment(funding(1, "0.1", 1000), funding(2, "0.2", 3000), at_ms=1)
        journal.book_fill(fill(1, 1, "0.003", "50000"), fill(3, -1, "0.003", "50000"), at_ms=9)
        journal.book_fill(fill(4, 1, "0.003", "50000", 3000), at_ms=9)
        assert [trade.funding for trade in journal.trades()] == [D("0.2"), 0]
        assert journal.book_payment(funding(2, "0.2", 3000), at_ms=9) == 0
        assert journal.balances()["funding", "USDT"] == D("0.3")

    def test_facts_come_back_in_the_order_of_the_books(self, journal):
        one, two = (sent(journal, intent(leg=leg), at_ms=leg + 1) for leg in (0, 1))
        late, early = (
            fill(10, 1, "0.001", "50000", 5, client_id=one),
            fill(9, 1, "0.001", "50000", 5, client_id=two),
        )
        first = fill(11, 1, "0.001", "50000", 4)
        journal.book_fill(early, at_ms=9)
        journal.book_fill(late, first, at_ms=9)
        assert journal.fills() == (first, late, early)
        assert journal.fills(since_ms=5) == (late, early)
        journal.book_payment(funding(2, "0.2", 8), transfer(1, "5", 7), at_ms=9)
        assert [one.payment_id for one in journal.payments()] == ["t1", "f2"]
        assert journal.payments(8) == (funding(2, "0.2", 8),)

    def test_the_report_of_a_trade_holds_its_fills_commands_and_funding_and_no_others(self, journal):
        enter, leave = sent(journal, intent()), sent(journal, intent(Purpose.EXIT, order_side=-1))
        journal.book_fill(fill(1, 1, "0.003", "50000"), fill(2, -1, "0.003", "50100"), at_ms=9)
        own = (fill(3, 1, "0.003", "50000", client_id=enter), fill(5, -1, "0.003", "50100", client_id=leave))
        journal.book_fill(*own, fill(6, 1, "0.003", "50000"), at_ms=9)
        journal.book_payment(
            funding(1, "0.1", 1500), funding(2, "0.2", 4000), funding(3, "0.3", 6500), at_ms=9
        )
        found = journal.operation(2)
        assert found.fills == own
        assert [one.client_id for one in found.commands] == [enter, leave]
        assert [one.payment_id for one in found.payments] == ["f2"]
        assert found.trade.net == D("0.08")
        assert journal.operation(9) is None

    def test_a_fee_in_a_third_currency_touches_that_wallet_only(self, journal):
        journal.book_fill(fill(1, 1, "0.003", "50000", fee="0.0001", fee_currency="BNB"), at_ms=9)
        assert journal.balances()["wallet", "BNB"] == D("-0.0001")
        assert journal.trades()[0].fees == 0

    def test_a_difference_becomes_an_adjustment_and_an_incident_and_no_fill(self, journal):
        journal.book_fill(fill(1, 1, "0.003", "50000"), at_ms=9)
        gone = Adjustment("a1", "position is gone", 5000, "BTCUSDT", D("-0.003"), D("50100"))
        money = Adjustment("a2", "wallet is short", 6000, amount=D("-0.5"), currency="USDT")
        assert journal.adjust(gone, money, gone, at_ms=9) == 2
        assert journal.position("BTCUSDT") == 0
        assert len(journal.fills()) == 1
        trade = journal.trades()[0]
        assert (trade.close_reason, trade.adjusted) == ("adjustment", True)
        assert [one.kind for one in journal.incidents()] == ["adjustment", "adjustment"]
        assert journal.balances()["suspense", "USDT"] == D("0.8")
        journal.verify()

    def test_amounts_of_38_digits_are_kept_exactly(self, journal):
        amount = "12345678901234567890.123456789012345678"
        journal.book_payment(transfer(1, amount, 1), at_ms=1)
        journal.book_payment(transfer(2, "-" + amount, 2), transfer(3, "0.000000000000000001", 3), at_ms=1)
        assert journal.balances()["wallet", "USDT"] == D("1e-18")
        journal.verify()

    def test_cursors_stand_at_the_newest_fact(self, journal):
        assert (journal.fill_cursor("BTCUSDT"), journal.payment_cursor()) == (0, 0)
        journal.book_fill(fill(3, 1, "0.003", "50000"), fill(1, 1, "0.003", "50000"), at_ms=9)
        journal.book_payment(funding(1, "0.1", 7000), at_ms=9)
        assert (journal.fill_cursor("BTCUSDT"), journal.fill_cursor("ETHUSDT")) == (3000, 0)
        assert journal.payment_cursor() == 7000

    def test_contract_facts_that_change_hold_from_then_on(self, journal):
        journal.book_fill(fill(1, 1, "0.003", "50000.1"), at_ms=1)
        journal.define(replace(BTC, tick=D("0.01"), lot=D("0.0005")), at_ms=2)
        journal.book_fill(fill(2, -1, "0.0015", "50000.11"), fill(3, -1, "0.0015", "50000.11"), at_ms=3)
        assert journal.trades()[0].gross == D("0.00003")
        journal.verify()

    # ---------------------------------------------------------------- cycles
    def test_a_cycle_writes_everything_in_one_piece(self, journal, opener):
        facts = cycle(
            60_000,
            fills=(fill(1, 1, "0.003", "50000"),),
            payments=(transfer(1, "10000", 1),),
            orders=(order("web_1"),),
            intents=(intent(),),
        )
        assert journal.commit_cycle(facts, 60_100) == 1
        again = opener()
        assert again.latest_state().state == b"engine"
        assert again.decisions("BTCUSDT", 0, 60_001) == (facts.decisions[0],)
        assert again.equity() == (facts.equity,)
        assert again.inputs(0, 60_001) == (InputFacts(1, 60_000, 1, b"in"),)
        assert again.inputs(0, 60_000) == ()
        assert (len(again.fills()), len(again.open_commands()), len(again.venue_orders())) == (1, 1, 1)
        again.close()

    def test_a_cycle_that_fails_leaves_nothing_behind(self, journal):
        journal.commit_cycle(cycle(60_000), 60_100)
        twice = (intent(), intent())
        facts = cycle(120_000, b"new", fills=(fill(1, 1, "0.003", "50000"),), intents=twice)
        with pytest.raises(InvariantBroken):
            journal.commit_cycle(facts, 120_100)
        assert journal.latest_state().state == b"engine"
        assert (journal.fills(), journal.trades(), journal.open_commands()) == ((), (), ())
        assert journal.decisions("BTCUSDT", 0, 10**9) == (cycle(60_000).decisions[0],)
        assert journal.commit_cycle(cycle(120_000, b"new"), 120_100) == 2
        journal.verify()

    def test_a_minute_is_decided_once(self, journal):
        journal.commit_cycle(cycle(60_000), 60_100)
        with pytest.raises(InvariantBroken):
            journal.commit_cycle(cycle(60_000, b"again"), 60_200)
        assert journal.latest_state().state == b"engine"

    def test_a_cycle_between_bars_keeps_the_state(self, journal):
        journal.commit_cycle(cycle(60_000), 60_100)
        journal.commit_cycle(cycle(0, b"", symbols=(), equity=None), 65_000)
        assert journal.latest_state().number == 1

    # ---------------------------------------------------------------- safety
    def test_a_latch_survives_a_restart_and_only_a_command_opens_it(self, journal, opener):
        assert journal.latch("emergency", "drawdown", 5)
        assert not journal.latch("emergency", "again", 6)
        again = opener()
        assert again.latches()["emergency"].reason == "drawdown"
        again.close()
        assert journal.unlatch("emergency", "op-1", 7)
        assert not journal.unlatch("emergency", "op-1", 8)
        assert journal.latches() == {}
        assert [one.kind for one in journal.incidents()] == ["latched", "unlatched"]
        assert journal.latch("emergency", "next time", 9)

    def test_stopping_needs_no_lease(self, opener):
        journal = opener()
        assert journal.latch("emergency", "by hand", 5)
        assert journal.request(OperatorCommand("op-1", "flatten", "me", 5))
        journal.close()

    def test_a_breaker_is_written_when_it_moves(self, journal):
        assert journal.set_breaker(BreakerFacts("day", 1, 0.021, 5))
        assert not journal.set_breaker(BreakerFacts("day", 1, 0.025, 6))
        assert journal.set_breaker(BreakerFacts("day", 0, 0.0, 7))
        assert journal.breakers()["day"].stage == 0
        assert [one.kind for one in journal.incidents()] == ["breaker_tripped", "breaker_released"]

    def test_an_operators_command_acts_once(self, journal):
        one = OperatorCommand("op-1", "pause", "me", 5, {"why": "news"})
        assert journal.request(one)
        assert not journal.request(replace(one, ts_ms=6))
        with pytest.raises(UsageError, match="used for something else"):
            journal.request(OperatorCommand("op-1", "flatten", "me", 5))
        (waiting,) = journal.requests()
        done = replace(waiting, phase=CommandPhase.DONE, before="running", after="paused", done_ms=9)
        journal.finish(done)
        assert journal.requests() == ()
        assert not journal.request(one)
        with pytest.raises(SafetyBlocked):
            journal.finish(replace(done, outcome="twice"))

    def test_capital_grows_one_stage_at_a_time_after_a_gate_and_a_command(self, journal):
        small = CapitalStage(1, "small", D("0.1"), 2, 10, 5, "research:GO", "op-1")
        for wrong in (replace(small, number=2), replace(small, gate=""), replace(small, command_id="")):
            with pytest.raises(SafetyBlocked, match="cannot be entered"):
                journal.enter_stage(wrong)
        journal.enter_stage(small)
        assert journal.stage() == small
        journal.enter_stage(CapitalStage(0, "paper", D(0), entered_ms=9))
        assert journal.stage().name == "paper"

    def test_incidents_come_back_as_they_were(self, journal):
        one = Incident(
            "orphan", "a stop without a position", 5, Severity.CRITICAL, "BTCUSDT", {"qty": "0.003"}
        )
        journal.report(one, replace(one, ts_ms=9))
        assert journal.incidents(6) == (replace(one, ts_ms=9),)

    def test_performance_sums_the_trades_of_a_window(self, journal):
        journal.book_fill(fill(1, 1, "0.003", "50000"), fill(2, -1, "0.003", "50100"), at_ms=9)
        journal.book_fill(fill(3, 1, "0.003", "50000"), fill(4, -1, "0.003", "49900"), at_ms=9)
        all_of_it, later = journal.performance(), journal.performance(3000)
        assert (all_of_it.trades, all_of_it.wins, all_of_it.net) == (2, 1, D("-0.04"))
        assert (later.trades, later.gross, later.close_reasons) == (1, D("-0.3"), {"external": 1})

    # ---------------------------------------------------------------- questions
    def test_a_process_says_with_what_settings_it_traded_and_how_it_ended(self, journal, opener):
        journal.begin_run(RunFacts("code", "hash", 7, "me", "[risk]\nper_trade = 0.003\n"))
        journal.end_run(9, "over")
        again = opener()
        first, second = again.runs()
        assert (first.config, first.ended_ms) == ("", 0)
        assert (second.config, second.ended_ms) == ("[risk]\nper_trade = 0.003\n", 9)
        assert second.outcome == "over"
        again.close()

    def test_commands_are_found_by_the_bar_that_wanted_them(self, journal):
        early, late, other = intent(), intent(bar_ms=120_000), intent(bar_ms=120_000, symbol="ETHUSDT")
        journal.prepare(early, late, other, at_ms=5)
        assert [one.intent for one in journal.commands("BTCUSDT", 60_000, 120_000)] == [early]
        assert [one.intent for one in journal.commands(None, 0, 120_001)] == [early, late, other]

    def test_the_arrows_of_a_command_come_back_as_they_were_written(self, journal):
        one = intent()
        journal.prepare(intent(bar_ms=120_000), at_ms=9)
        sent(journal, one)
        journal.mark(Transition(one.client_id, S.REFUSED, 12, refusal="margin", code="-2019", detail="no"))
        prepared, out, refused = journal.transitions(one.client_id)
        assert [prepared.state, out.state, refused.state] == [S.PREPARED, S.SENT, S.REFUSED]
        assert (refused.at_ms, refused.code, refused.detail) == (12, "-2019", "no")
        assert journal.transitions() == ()

    def test_what_people_asked_for_is_kept_after_it_was_done(self, journal):
        journal.request(OperatorCommand("op-1", "pause", "me", 5))
        journal.finish(replace(journal.requests()[0], phase=CommandPhase.DONE, done_ms=6))
        journal.request(OperatorCommand("op-2", "resume", "me", 9))
        assert [one.command_id for one in journal.asked()] == ["op-1", "op-2"]
        assert [one.verb for one in journal.asked(6)] == ["resume"]

    def test_a_decision_keeps_what_its_gates_compared(self, journal):
        known = DecisionFacts("BTCUSDT", 60_000, close=D("50000.1"), htf_adx=17.25, volatility=0.01)
        unknown = DecisionFacts("ETHUSDT", 60_000)
        journal.commit_cycle(CycleFacts(5, 60_000, decisions=(known, unknown)), 5)
        assert journal.decisions("BTCUSDT", 0, 60_001) == (known,)
        assert journal.decisions("ETHUSDT", 0, 60_001) == (unknown,)

    def test_each_fill_is_told_with_its_trade_and_one_through_zero_with_two(self, journal):
        journal.book_fill(
            fill(1, 1, "0.002", "50000", fee="0.02"),
            fill(2, -1, "0.001", "50000"),
            fill(3, -1, "0.004", "50000", fee="0.04"),
            fill(4, 1, "0.003", "50000"),
            fill(5, 1, "0.003", "50000"),
            at_ms=9,
        )
        told = [(one.trade, one.fill.fill_id, one.qty, one.fee) for one in journal.booked()]
        assert told == [
            (1, "1", D("0.002"), D("0.02")),
            (1, "2", D("-0.001"), D("0.01")),
            (1, "3", D("-0.001"), D("0.01")),
            (2, "3", D("-0.003"), D("0.03")),
            (2, "4", D("0.003"), D("0.01")),
            (3, "5", D("0.003"), D("0.01")),
        ]
        assert {one.trade for one in journal.booked(4000)} == {2, 3}
        assert [one for one in journal.booked() if one.trade > 1] == list(journal.booked(4000))

    def test_the_same_facts_in_any_order_give_the_same_books(self, journal, opener):
        facts = [fill(k, 1 if k % 3 else -1, "0.002", f"{50_000 + k}") for k in range(1, 9)]
        journal.book_fill(*facts[4:], at_ms=9)
        journal.book_payment(funding(1, "0.5", 4500), at_ms=9)
        for one in reversed(facts[:4]):
            journal.book_fill(one, at_ms=9)
        shuffled = books(journal)
        straight = begun(self.fresh())
        straight.book_fill(*facts, at_ms=9)
        straight.book_payment(funding(1, "0.5", 4500), at_ms=9)
        assert shuffled == books(straight)
        journal.verify()
        straight.close()

    def fresh(self):
        """Another, empty journal in memory: the books to compare with."""
        from mastertrading.journal.memory import memory_journal

        return memory_journal(ACCOUNT)
