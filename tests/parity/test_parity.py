"""A journal beside the backtest: the same, or every difference with its own cause, and never just "different"."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mastertrading.app import live_world
from mastertrading.app.cli import main
from mastertrading.app.demo import act_of, demo_bars, demo_settings
from mastertrading.app.live_world import PAPER, World, backtested, lived, predicted
from mastertrading.app.parity import certificate
from mastertrading.app.parity.causes import Cause
from mastertrading.app.parity.explaining import explain
from mastertrading.app.parity.prints import DecisionPrint
from mastertrading.app.parity.retold import write_run
from mastertrading.backtest.checks import check_books
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.facts import OperatorCommand
from mastertrading.domain.orders import OrderKind
from mastertrading.domain.reasons import FillReason
from mastertrading.settings.schema import Settings
from mastertrading.simulator.orders import No, Refused

HOURS = 3.0
TABLES = "trades", "fills", "payments", "stops", "events", "equity"


@pytest.fixture(scope="module")
def act():
    settings = demo_settings(Settings())
    market = demo_bars(("BTCUSDT", "ETHUSDT", "SOLUSDT"), HOURS, 1).market(settings)
    return act_of(market, settings, PAPER, HOURS, None)


@pytest.fixture(scope="module")
def world(act):
    return World(act).run()


def parity(world, settings=None):
    return explain(world.journal, world.market, settings or world.settings)


def causes(found):
    return {one.cause for one in found.findings}


def test_an_account_that_lived_the_backtest_is_told_to_be_the_same(act, world):
    found = parity(world)
    assert found.is_same
    assert found.is_explained
    assert not found.findings
    assert found.lived == lived(world) == predicted(act)


def test_a_journal_told_again_is_the_run_of_the_backtest_to_the_last_bit(act, world, tmp_path):
    again = write_run(world.journal, act.market, act.settings, tmp_path / "run")
    check_books(again)
    result = run(act.market, act.settings, Ask(act.from_ms, act.to_ms, all_paths=False))
    for name in TABLES:
        was, now = getattr(result, name), getattr(again, name)
        assert len(was) == len(now), name
        for column in was.dtype.names:
            assert np.array_equal(was[column], now[column], equal_nan=was[column].dtype.kind == "f"), column
    assert all(
        np.array_equal(*pair) for pair in zip(result.funnel.arrays(), again.funnel.arrays(), strict=True)
    )


def test_other_settings_are_named_one_by_one(world):
    risk = world.settings.risk.model_copy(update={"per_trade": world.settings.risk.per_trade / 2})
    found = parity(world, world.settings.model_copy(update={"risk": risk}))
    assert not found.is_same
    assert found.is_explained
    assert [(one.cause, one.what) for one in found.findings] == [(Cause.CONFIGURATION, "risk.per_trade")]


def test_a_worse_price_is_slippage_in_ticks_and_money(act, monkeypatch):
    fair = live_world.listings_of
    monkeypatch.setattr(
        live_world,
        "listings_of",
        lambda *told: [replace(one, slippage_e8=one.slippage_e8 + 40_000) for one in fair(*told)],
    )
    found = parity(World(act).run())
    assert not found.is_same
    assert found.is_explained
    assert Cause.SLIPPAGE in causes(found)
    slipped = [one for one in found.findings if one.cause is Cause.SLIPPAGE]
    assert all(one.atoms < 0 and "ticks a lot" in one.why for one in slipped)


class Refusing(World):
    """Its venue takes no entry."""

    def _exchange(self):
        local = super()._exchange()
        exchange, place = local.exchange(), local.exchange().place

        def refuse(account, new, *more):
            if new.kind is OrderKind.MARKET and not new.reduce_only:
                raise Refused(No.MARGIN, "not today")
            return place(account, new, *more)

        exchange.place = refuse
        return local


def test_a_refused_entry_is_told_with_the_venues_words(act):
    found = parity(Refusing(act).run())
    assert found.is_explained
    refused = [one for one in found.findings if one.cause is Cause.REFUSED]
    assert refused
    assert all(one.was == "nothing" for one in refused)


def test_a_pause_is_the_doing_of_whoever_asked_for_it(act):
    def pause(world):
        if len(world.milliseconds) == 1:
            world.journal.request(OperatorCommand("1", "pause", "ada", world.gateway.now_ms()))

    found = parity(World(act, on_bar=pause).run())
    assert found.is_explained
    assert causes(found) == {Cause.PERSON}
    assert "ada asked for pause" in found.findings[0].why


def test_bars_that_come_too_late_are_the_cause_of_what_was_not_entered(act):
    entered = max(opened_ms for _, opened_ms, *_, reason in backtested(act) if reason == FillReason.ENTRY)
    at = (entered - act.from_ms) // act.market.base_ms

    def sleep(world):
        if len(world.milliseconds) == at:
            world.local.clock.advance(80)

    found = parity(World(act, on_bar=sleep).run())
    assert not found.is_same
    assert found.is_explained
    assert found.missed
    assert Cause.MISSED_BAR in causes(found)


def test_a_decision_that_nothing_explains_is_said_to_be_unexplained(act):
    world = World(act).run()
    table = world.journal.store.tables["decisions"]
    key = list(table)[-1]
    table[key] = replace(table[key], lots=7)
    found = parity(world)
    assert not found.is_explained
    assert [(one.cause, one.was) for one in found.findings] == [(Cause.UNEXPLAINED, "lots 7")]


def test_the_print_of_decisions_is_the_same_in_parts_and_whole(act):
    whole, parts = DecisionPrint(), DecisionPrint()
    kept = []
    run(act.market, act.settings, Ask(act.from_ms, act.to_ms, all_paths=False),
        on_decisions=lambda closes, said, made, rows: kept.append((closes.copy(), made.copy())))  # fmt: skip
    for closes, made in kept:
        whole.add(closes, made)
        for t in range(len(closes)):
            parts.add(closes[t : t + 1], made[t : t + 1])
    assert whole.text == parts.text
    kept[0][1]["lots"][3, 1] += 1
    other = DecisionPrint()
    for closes, made in kept:
        other.add(closes, made)
    assert other.text != whole.text


# ---------------------------------------------------------------- commands
WORDS = ["--synthetic", "--days", "1", "--hours", "1", "--instruments", "BTC,ETH", "--set", "allocation.min_modules=1",
         "--set", "allocation.threshold=0.1"]  # fmt: skip


def test_a_certificate_has_one_print_over_venues_lines_and_deaths_and_goes_on_where_it_was(tmp_path, capsys):
    words = ["parity", "--certificate", *WORDS, "--out", str(tmp_path), "--json"]
    assert main([*words, "--venues", "binance_usdm", "--sockets"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [line["life"] for line in first["lines"]] == [
        "backtest", "paper", "binance_usdm, in process", "binance_usdm, sockets",
    ]  # fmt: skip
    assert main([*words, "--venues", "binance_usdm", "--deaths", "2"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["same"]
    assert second["lines"][:3] == first["lines"][:3]
    assert {line["decisions"] for line in second["lines"]} == {first["lines"][0]["decisions"]}
    assert (tmp_path / certificate.CERTIFICATE).is_file()


def test_a_certificate_of_other_trades_says_so(tmp_path, capsys, monkeypatch):
    told = certificate.predicted
    monkeypatch.setattr(certificate, "predicted", lambda act: told(act)._replace(trades="another"))
    assert main(["parity", "--certificate", *WORDS, "--venues", "", "--out", str(tmp_path)]) == 4
    assert "the prints DIFFER" in capsys.readouterr().out


def test_the_folder_of_a_replay_is_enough_for_its_parity(tmp_path, capsys):
    folder = tmp_path / "run"
    assert (
        main(
            ["replay", "--synthetic", "--days", "0.2", "--instruments", "BTC", "--out", str(folder), "--json"]
        )
        == 0
    )
    capsys.readouterr()
    assert main(["parity", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["same"]
    assert told["account"] == "paper:paper:me"
    assert main(["parity", str(folder)]) == 0
    assert "every decision, lot, tick, atom, reason and bar" in capsys.readouterr().out
    (folder / "bars.json").unlink()
    assert main(["parity", str(folder)]) != 0
    assert "--data DIR" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["somewhere", "--certificate"]])
def test_a_journal_or_a_certificate_must_be_asked_for(words, capsys):
    assert main(["parity", *words]) == 2
    assert "say which journal" in capsys.readouterr().err
