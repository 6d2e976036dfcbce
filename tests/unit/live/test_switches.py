"""Emergency, operators' commands, latches, capital stages, clock, lease, and bars that closed while away."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mastertrading.domain.commands import Refusal
from mastertrading.domain.errors import ExchangeUnavailable, JournalUnusable, LeaseLost
from mastertrading.domain.facts import BreakerFacts, CapitalStage, CommandPhase
from mastertrading.domain.intents import Purpose
from mastertrading.live.emergency import FILE, write_emergency
from unit.live.bench import BTC, ETH, PX, STOP, TARGET, Bench, settings


def command(bench, number=1):
    return bench.journal.store.operator_command(f"c{number}")


# ---------------------------------------------------------------- emergency
def test_an_emergency_is_on_disk_before_anything_is_sent(tmp_path):
    async def story(bench):
        await bench.enter(10, target=TARGET)
        at_first = []
        place = bench.gateway.inner.place

        async def spying(request):
            at_first.append(((tmp_path / FILE).exists(), "emergency" in bench.journal.latches()))
            return await place(request)

        bench.gateway.inner.place = spying
        bench.ask("emergency")
        await bench.run(2)
        return at_first

    bench = Bench(folder=tmp_path)
    assert bench.play(story) == [(True, True)]
    assert (bench.lots(), bench.stops(), bench.limits()) == (0, [], [])
    assert bench.reasons()[-1] == "emergency"
    assert command(bench).phase is CommandPhase.DONE


def test_an_emergency_frees_takes_profits_first_and_stops_last(tmp_path):
    async def story(bench):
        await bench.enter(10, target=TARGET)
        start = len(bench.gateway.sent)
        bench.ask("emergency")
        await bench.run(3)
        return bench.gateway.sent[start:]

    sent = Bench(folder=tmp_path).play(story)
    assert [one for one, _ in sent] == [
        Purpose.CANCEL,
        Purpose.EMERGENCY,
    ]  # this venue ends idle stops itself
    assert sent[0][1].trigger is None
    assert sent[1][1].reduce_only


def test_an_emergency_keeps_trying_through_refusals_and_a_restart_and_alerts_every_minute(tmp_path):
    async def story(bench):
        await bench.enter(10)
        bench.gateway.refused[Purpose.EMERGENCY] = [Refusal.PRICE_BAND] * 99
        bench.ask("emergency")
        await bench.run(130)
        alerts = [one for one in bench.journal.incidents() if one.kind == "emergency"]
        bench.gateway.refused.clear()
        await bench.restart()
        await bench.run(5)
        return len(alerts)

    bench = Bench(folder=tmp_path)
    assert bench.play(story) == 3
    assert bench.lots() == 0
    assert "emergency" in bench.journal.latches()


def test_an_emergency_whose_answers_are_lost_never_flips(tmp_path):
    async def story(bench):
        await bench.enter(10)
        bench.gateway.lost[Purpose.EMERGENCY] = 3
        bench.ask("emergency")
        await bench.run(60)
        return [request.reduce_only for one, request in bench.gateway.sent if one is Purpose.EMERGENCY]

    bench = Bench(folder=tmp_path)
    assert all(bench.play(story))
    assert bench.lots() == 0


def test_an_emergency_closes_what_our_books_hold_though_the_list_of_positions_stays_empty(tmp_path):
    async def story(bench):
        await bench.enter(10)
        bench.gateway.hidden_positions = True
        bench.ask("emergency")
        await bench.run(4)
        before = bench.stops()
        await bench.run(16)
        return before

    bench = Bench(folder=tmp_path)
    assert bench.play(story) == [(-1, 10, STOP)]  # not flat because a list says so
    assert (bench.lots(), bench.book(), bench.stops()) == (0, 0, [])


def test_nothing_is_entered_after_an_emergency_until_a_person_resumes(tmp_path):
    async def story(bench):
        bench.ask("emergency")
        await bench.run(2)
        await bench.restart()
        await bench.enter(10)
        before = bench.lots()
        bench.ask("resume", 2)
        await bench.run(1)
        await bench.enter(10)
        return before

    bench = Bench(folder=tmp_path)
    assert bench.play(story) == 0
    assert bench.lots() == 10
    assert not (tmp_path / FILE).exists()


def test_an_emergency_begun_by_its_file_works_without_a_journal(tmp_path):
    async def story(bench):
        await bench.enter(10, target=TARGET)
        write_emergency(tmp_path, {"*": "by hand"})
        journal = bench.trader.journal
        latches = journal.latches

        def away():
            raise JournalUnusable("the database does not answer")

        journal.latches = away
        for _ in range(3):
            with pytest.raises(JournalUnusable):
                await bench.trader.cycle()
        held = bench.lots()
        journal.latches = latches
        await bench.run(3)
        return held

    bench = Bench(folder=tmp_path)
    assert bench.play(story) == 0
    assert bench.reasons()[-1] == "emergency"
    assert (bench.book(), bench.stops()) == (0, [])
    assert "emergency" in bench.journal.latches()


def test_a_file_that_cannot_be_read_is_an_emergency(tmp_path):
    async def story(bench):
        await bench.enter(10)
        (tmp_path / FILE).write_text("{")
        await bench.run(2)

    bench = Bench(folder=tmp_path)
    bench.play(story)
    assert bench.lots() == 0


# ---------------------------------------------------------------- operators
def test_pause_keeps_positions_and_enters_nothing_through_a_restart():
    async def story(bench):
        await bench.enter(10)
        bench.ask("pause")
        await bench.run(1)
        await bench.restart()
        await bench.enter(5, ETH)

    bench = Bench()
    bench.play(story)
    assert (bench.lots(BTC), bench.lots(ETH), bench.stops()) == (10, 0, [(-1, 10, STOP)])
    assert "pause" in bench.journal.latches()


def test_flatten_closes_everything_and_is_done_when_all_is_flat():
    async def story(bench):
        await bench.enter(10, target=TARGET)
        await bench.enter(5, ETH)
        bench.ask("flatten")
        await bench.run(3)

    bench = Bench()
    bench.play(story)
    assert (bench.lots(BTC), bench.lots(ETH), bench.stops(), bench.limits()) == (0, 0, [], [])
    assert bench.reasons()[-2:] == ["manual", "manual"]
    done = command(bench)
    assert (done.phase, done.outcome, done.after) == (CommandPhase.DONE, "flat", "flatten")


def test_stop_leaves_positions_with_their_stops():
    async def story(bench):
        await bench.enter(10, target=TARGET)
        bench.ask("stop")
        await bench.run(1)
        await bench.enter(5, ETH)
        return bench.trader.is_stopping

    bench = Bench()
    assert bench.play(story)
    assert (bench.lots(BTC), bench.lots(ETH)) == (10, 0)
    assert (bench.stops(), bench.limits()) == ([(-1, 10, STOP)], [(-1, 10, TARGET)])


def test_a_command_acts_once_and_says_what_was_before_and_after():
    async def story(bench):
        bench.ask("pause")
        bench.ask("pause")
        await bench.run(1)
        bench.ask("resume", 2)
        await bench.run(1)
        bench.ask("pause")
        await bench.run(1)

    bench = Bench()
    bench.play(story)
    assert bench.journal.latches() == {}
    assert [(command(bench, n).before, command(bench, n).after) for n in (1, 2)] == [
        ("trading", "pause"),
        ("pause", "trading"),
    ]


def test_a_word_that_nobody_knows_is_refused():
    async def story(bench):
        bench.ask("dance")
        await bench.run(1)

    bench = Bench()
    bench.play(story)
    assert command(bench).phase is CommandPhase.REFUSED


def test_resume_is_refused_while_an_emergency_is_not_over(tmp_path):
    async def story(bench):
        await bench.enter(10)
        bench.gateway.refused[Purpose.EMERGENCY] = [Refusal.PRICE_BAND] * 99
        bench.ask("emergency")
        await bench.run(2)
        bench.ask("resume", 2)
        await bench.run(2)

    bench = Bench(folder=tmp_path)
    bench.play(story)
    assert command(bench, 2).phase is CommandPhase.REFUSED
    assert "emergency" in bench.journal.latches()


# ---------------------------------------------------------------- limits
def entered(bench, spoil=None):
    async def story(bench):
        bench.wish(10)
        if spoil is not None:
            spoil(bench)
        await bench.trader.settle()

    bench.play(story)
    return bench.lots()


def test_without_any_of_these_an_entry_goes_out():
    assert entered(Bench()) == 10


def test_trading_disabled_enters_nothing():
    assert entered(Bench(settings(trading_enabled=False))) == 0


def test_a_clock_that_is_off_by_half_a_second_enters_nothing():
    assert entered(Bench(), lambda bench: setattr(bench.gateway, "clock_error_ms", 501.0)) == 0
    assert entered(Bench(), lambda bench: setattr(bench.gateway, "clock_error_ms", float("nan"))) == 0


def test_a_clock_that_is_off_by_two_seconds_is_set():
    bench = Bench()
    entered(bench, lambda bench: setattr(bench.gateway, "clock_error_ms", 2_001.0))
    assert bench.gateway.synced > 0


def test_a_stale_price_enters_nothing():
    assert (
        entered(Bench(), lambda b: b.trader.permission.prices_ms.update({BTC: b.clock.now_ms() - 10_001}))
        == 0
    )


def test_a_late_entry_is_not_made_up_for():
    assert entered(Bench(), lambda b: setattr(b.trader.decided, "bar_ms", b.clock.now_ms() - 20_001)) == 0


@pytest.mark.parametrize(
    ("stage", "lots"),
    [
        (CapitalStage(1, "small", Decimal("0.5")), 5),
        (CapitalStage(1, "whole", Decimal(1)), 10),
        (CapitalStage(1, "tiny", Decimal("0.01")), 0),
    ],
)
def test_a_capital_stage_only_makes_entries_smaller(stage, lots):
    bench = Bench()
    bench.journal.store.tables["stages"][1] = stage
    assert entered(bench) == lots


@pytest.mark.parametrize("cap", ["instruments", "trades"])
def test_a_capital_stage_caps_instruments_and_trades_of_a_day(cap):
    async def story(bench):
        await bench.enter(10)
        await bench.enter(5, ETH)

    bench = Bench()
    bench.journal.store.tables["stages"][1] = CapitalStage(1, "one", Decimal(1), **{cap: 1})
    bench.play(story)
    assert (bench.lots(BTC), bench.lots(ETH)) == (10, 0)


def test_a_lease_that_is_old_sends_nothing_not_even_a_stop():
    async def story(bench):
        await bench.enter(10)
        bench.journal.store.tables["single"]["lease"] = bench.journal.lease().__class__(
            "test", 1, bench.clock.now_ms() + 29_000
        )
        bench.trader.mind.order_of(BTC).stop_ticks = PX - 5_000
        sent = len(bench.gateway.sent)
        await bench.run(2)
        return len(bench.gateway.sent) - sent

    assert Bench().play(story) == 0


def frozen_after_commit(bench):
    """The process stands still for years between its commit and its first byte."""
    commit = bench.journal.commit_cycle

    def then_frozen(cycle, at_ms):
        bench.journal.commit_cycle = commit
        commit(cycle, at_ms)
        bench.clock.advance(10**11)

    bench.journal.commit_cycle = then_frozen


def test_the_lease_is_asked_before_each_byte():
    async def story(bench):
        bench.wish(10)
        frozen_after_commit(bench)
        held = bench.journal.lease()
        commit = bench.journal.commit_cycle

        def then_overtaken(cycle, at_ms):
            commit(cycle, at_ms)
            bench.journal.store.tables["single"]["lease"] = held.__class__("another", held.epoch + 1, 10**15)

        bench.journal.commit_cycle = then_overtaken
        with pytest.raises(LeaseLost):
            await bench.trader.settle()
        return bench.gateway.sent

    assert Bench().play(story) == []


def test_who_stood_still_and_was_not_overtaken_forgets_what_it_had_decided_and_goes_on():
    async def story(bench):
        await bench.enter(10)
        bench.trader.mind.order_of(BTC).stop_ticks = PX - 5_000
        sent = len(bench.gateway.sent)
        frozen_after_commit(bench)
        with pytest.raises(ExchangeUnavailable, match="stood still"):
            await bench.trader.settle()
        assert len(bench.gateway.sent) == sent
        await bench.trader.settle()
        return bench.gateway.sent[sent:]

    assert Bench().play(story), "the stop moves after all"


# ---------------------------------------------------------------- breakers
def test_a_stage_in_the_journal_is_kept_when_the_record_is_older():
    async def story(bench):
        await bench.enter(10)
        bench.journal.set_breaker(BreakerFacts("peak", 3, 0.2, bench.clock.now_ms() + 1))
        await bench.restart()
        return int(bench.trader.mind.book.account[0].stage)

    assert Bench().play(story) == 3


def test_resume_releases_breakers_only_if_asked_to():
    async def story(bench):
        account = bench.trader.mind.book.account[0]
        account.stages[2] = account.stage = 3
        bench.ask("resume")
        await bench.run(1)
        kept = int(account.stage)
        bench.ask("resume", 2, breakers="release")
        await bench.run(1)
        return kept, int(account.stage)

    assert Bench().play(story) == (3, 0)


def test_a_flatten_of_a_breaker_waits_for_the_venues_own_equity():
    async def story(bench):
        await bench.enter(10)
        bench.trader.mind.order_of(BTC).exit_reason = 9
        account = bench.trader.mind.book.account[0]
        equity, account.equity = int(account.equity), int(account.equity) // 2
        await bench.run(2)
        held = bench.lots()
        account.equity = equity
        await bench.run(2)
        return held

    bench = Bench()
    assert bench.play(story) == 10
    assert bench.lots() == 0


# ---------------------------------------------------------------- broken off
def test_a_cycle_that_could_not_be_written_is_taken_up_again_from_the_journal():
    async def story(bench):
        bench.wish(10)
        commit, failures = bench.journal.commit_cycle, [1, 0]

        def away(cycle, at_ms):
            if cycle.fills and failures.pop():
                raise JournalUnusable("no")
            return commit(cycle, at_ms)

        await bench.trader.cycle()
        failures[:] = [1]
        bench.journal.commit_cycle = away
        with pytest.raises(JournalUnusable):
            await bench.trader.cycle()
        bench.journal.commit_cycle = commit
        await bench.run(2)

    bench = Bench()
    bench.play(story)
    assert (bench.lots(), bench.book(), len(bench.journal.fills())) == (10, 10, 1)
    assert bench.stops() == [(-1, 10, STOP)]
