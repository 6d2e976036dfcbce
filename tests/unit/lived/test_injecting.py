"""The reference run of injected signals: each ends filled, or refused with a reason; none crashes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from mastertrading.app.cli import main
from mastertrading.app.injecting import REFERENCE, Rig, signal_from
from mastertrading.domain.errors import UsageError
from mastertrading.domain.facts import CommandPhase
from mastertrading.settings.schema import Settings
from unit.live.bench import BTC, Bench

VENUES = ("binance_usdm", "bybit_linear")


def run(*texts, venue="bybit_linear", settings=None, **options):
    """A finished rig."""
    rig = Rig(venue, settings or Settings(), [signal_from(text) for text in texts], **options)
    return rig, rig.run()


@pytest.mark.parametrize("venue", VENUES)
def test_the_reference_run_buys_and_sells_three_instruments_and_touches_no_statistics(venue):
    rig, told = run(*REFERENCE, venue=venue)
    assert [one.outcome for one in told.ended] == ["filled"] * 6
    assert all(one.detail for one in told.ended)
    assert told.is_good
    assert told.statistics_untouched
    assert [one.after_s for one in told.ended] == [10, 15, 20, 25, 30, 35]
    trades = rig.journal.trades()
    assert [(one.symbol, one.close_reason) for one in trades] == [
        ("ETHUSDT", "signal"),
        ("BTCUSDT", "signal"),
        ("SOLUSDT", "signal"),
    ]
    assert [one.max_qty for one in trades] == [Decimal("0.26"), Decimal("0.014"), Decimal("5.55")]
    exchange, account = rig.local.exchange(venue), rig.local.account("me")
    assert all(exchange.position(account, symbol).lots == 0 for symbol in rig.market.symbols)
    assert exchange.open_orders(account) == []


def test_what_cannot_be_is_refused_with_its_reason():
    _, told = run("BUY DOGEUSDT 1", "BUY BTC 0.0001", "BUY BTC 0.014", "BUY BTC 0.014", "SELL BTC 1")
    named = {one.number: (one.outcome, one.detail) for one in told.ended}
    assert named[2] == ("refused", "min_size")
    assert named[3][0] == "filled"
    assert named[4] == ("refused", "holding: there is a position on that side")
    assert named[5][0] == "filled"
    assert named[5][1].endswith("flat")
    assert told.is_good


def test_an_instrument_that_nobody_trades_is_refused():
    settings = Settings()
    few = settings.model_copy(update={"instruments": {BTC: settings.instruments[BTC]}})
    _, told = run("BUY DOGE 5", settings=few)
    assert [(one.outcome, one.detail) for one in told.ended] == [("refused", "DOGEUSDT is not traded here")]


def test_a_size_beyond_the_account_is_cut_to_what_risk_leaves():
    _, told = run("BUY BTC 9")
    (one,) = told.ended
    assert one.outcome == "filled"
    size = Decimal(one.detail.split()[0])
    assert 0 < size < Decimal("0.2")


def test_an_account_that_may_not_trade_refuses_every_signal():
    live = Settings().live.model_copy(update={"trading_enabled": False})
    _, told = run("BUY BTC 0.014", settings=Settings().model_copy(update={"live": live}))
    assert [(one.outcome, one.detail) for one in told.ended] == [("refused", "trading_disabled")]


def test_a_position_from_a_signal_is_protected_like_any_other():
    rig, told = run("BUY BTC 0.014")
    assert told.ended[0].outcome == "filled"
    resting = rig.local.exchange("bybit_linear").open_orders(rig.local.account("me"), BTC)
    assert any(one.watch for one in resting)


def test_a_trader_that_counts_takes_no_signals():
    async def story(bench):
        bench.ask("inject", 1, side="buy", symbol=BTC, qty="0.01")
        await bench.run(2)
        (asked,) = bench.journal.asked()
        return asked, bench.lots()

    asked, lots = Bench().play(story)
    assert asked.phase is CommandPhase.REFUSED
    assert lots == 0


@pytest.mark.parametrize(
    "text", ["BUY", "HOLD BTC 1", "BUY BTC nothing", "BUY BTC 0", "BUY BTC -1", "BUY BTC NaN"]
)
def test_what_is_no_signal_is_refused_before_anything_starts(text):
    with pytest.raises(UsageError):
        signal_from(text)


def test_the_command_reports_each_signal_and_keeps_a_journal(capsys, tmp_path):
    words = ["inject", "--venue", "bybit_linear", "--signal", "BUY BTC 0.014", "--signal", "SELL BTC 0.014"]
    assert main([*words, "--out", str(tmp_path / "qa"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["outcome"] for one in told["ended"]] == ["filled", "filled"]
    assert main(["trades", "--journal", str(tmp_path / "qa"), "--json"]) == 0
    (trade,) = json.loads(capsys.readouterr().out)["trades"]
    assert (trade["exit_reason"], trade["modules"]) == ("signal", "none")
    assert main(["performance", "--journal", str(tmp_path / "qa")]) == 0
    capsys.readouterr()
    assert main([*words, "--out", str(tmp_path / "qa")]) == 1
    assert "holds a journal already" in capsys.readouterr().err
