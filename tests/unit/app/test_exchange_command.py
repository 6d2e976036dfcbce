"""``exchange serve``: what it prints, where its bars stand in time, and how it ends."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from decimal import Decimal

import pytest

from mastertrading.app.backtest import Wanted
from mastertrading.app.cli import main
from mastertrading.app.commands.exchange import BOOKS, facts, recipes
from mastertrading.app.exchange import HISTORY_BARS, Serving, moved, serve, staged, to_the_present
from mastertrading.domain.errors import ConfigError
from mastertrading.domain.market import HOUR_MS
from mastertrading.lake.synthetic import synthesize
from mastertrading.settings.schema import Settings
from mastertrading.simulator.ledger import Statement

MINUTE = 60_000


@pytest.fixture(scope="module")
def market():
    return synthesize(("BTCUSDT",), 3, 1)


def wanted(**more):
    return Wanted(instruments=("BTCUSDT",), days=0.2, **more)


def test_bars_are_moved_so_that_the_present_is_among_them_and_funding_keeps_its_hours(market):
    now = 1_800_000_000_000
    here, first = to_the_present(market, now, None)
    assert here.ts_ms[first] <= now < here.ts_ms[first] + 60_000
    assert first >= min(HISTORY_BARS, len(market.ts_ms) // 3)
    assert {int(ts) % (8 * HOUR_MS) for ts in here.settlements[0].ts_ms} == {0}
    assert (here.close == market.close).sum() == (market.close == market.close).sum()


def test_a_short_tape_is_moved_to_the_minute():
    short = synthesize(("BTCUSDT",), 0.1, 1)
    now = 1_800_000_012_345
    here, first = to_the_present(short, now, None)
    assert 0 <= now - here.ts_ms[first] < 60_000


def test_every_line_of_the_books_has_our_word():
    assert tuple(BOOKS) == Statement._fields


def test_moving_there_and_back_changes_nothing(market):
    back = moved(moved(market, 7 * MINUTE), -7 * MINUTE)
    assert (back.ts_ms == market.ts_ms).all()


def test_fees_and_fills_are_those_of_the_settings(tmp_path):
    costs = Settings().costs.model_copy(update={"taker_fee": 0.0007, "slippage": 0.0003})
    settings = Settings().model_copy(update={"costs": costs})
    stage = staged(Serving(("bybit_linear",), wanted(), folder=tmp_path), settings, print)
    one = stage.local.exchange().listings["BTCUSDT"]
    assert (one.taker_e8, one.slippage_e8, one.through_ticks) == (70_000, 30_000, 1)
    assert stage.local.account().wallet_atoms == 10_000 * 10**8
    assert one.instrument.tick == Decimal("0.1")


def test_in_lockstep_the_bars_keep_their_times_and_history_comes_before(tmp_path):
    stage = staged(Serving(("binance_usdm",), wanted(), lockstep=True, folder=tmp_path), Settings(), print)
    assert stage.local.clock.now_ms() == stage.begin_ms
    assert len(stage.local.exchange().markets["BTCUSDT"].closed) == 96


@pytest.mark.parametrize("own", [{"lockstep": True}, {"as_recorded": True}, {"speed": 60.0}])
def test_where_the_exchange_has_a_time_of_its_own_any_timestamp_will_do(own, tmp_path):
    venues = ("binance_usdm", "bybit_linear")

    def checks(**more):
        places = staged(Serving(venues, wanted(), folder=tmp_path, **more), Settings(), print).local.places
        return {place.facade.rules.checks_time for place in places.values()}

    assert checks(**own) == {False}
    assert checks() == {True}


def test_a_plan_of_faults_is_drawn_by_its_seed(tmp_path):
    serving = Serving(("binance_usdm",), wanted(), faults_seed=4, folder=tmp_path)
    plans = [[f.key for f in staged(serving, Settings(), print).local.plan.faults] for _ in range(2)]
    assert plans[0] == plans[1]
    other = staged(replace(serving, faults_seed=5), Settings(), print).local.plan.faults
    assert [f.key for f in other] != plans[0]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ('do = "transfer"\naccount = "you"\namount = "1"', "an account that is not there: you"),
        ('do = "delist"\nsymbol = "ABC"', "an instrument that is not there: ABCUSDT"),
        ('do = "delist"\nsymbol = "BTC"\nwhen = { account = "me", holds = "ABC" }', "not there: ABC"),
    ],
)
def test_an_act_at_what_is_not_there_is_refused_before_anything_is_served(act, said, tmp_path):
    path = tmp_path / "acts.toml"
    path.write_text(f"[[act]]\n{act}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        staged(Serving(("binance_usdm",), wanted(), acts=path, folder=tmp_path), Settings(), print)


def test_when_the_bars_are_over_it_says_so_and_what_was_refused(tmp_path, capsys):
    acts = tmp_path / "acts.toml"
    acts.write_text('[[act]]\ndo = "transfer"\naccount = "me"\namount = "-99999"\n', encoding="utf-8")
    options = ["--synthetic", "--days", "0.1", "--instruments", "BTC", "--venue", "binance_usdm"]
    more = ["--speed", "100000", "--acts", str(acts), "--out", str(tmp_path)]
    assert main(["exchange", "serve", *options, *more]) == 0
    said = capsys.readouterr()
    assert "the bars are over" in said.err
    assert "an act was refused: transfer" in said.out


def test_every_kind_of_client_gets_its_line(tmp_path):
    told = {}
    serving = Serving(
        ("binance_usdm", "bybit_linear"),
        wanted(),
        as_recorded=True,
        speed=100_000,
        folder=tmp_path,
        key="k",
        secret="s",
    )
    stage = staged(serving, Settings(), print)

    def leave(stage):
        told.update(facts(stage))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(stage, leave)
    lines = recipes(told)
    kinds = {"any Python bot", "ccxt.pro", "Binance's SDK", "pybit", "curl", "control"}
    assert {name.split(",")[0] for name in lines} == kinds
    assert next(iter(lines)) == "any Python bot"
    assert lines["pybit"].endswith(f'client.client.verify = "{tmp_path / "ca.pem"}"')
    assert f"--cacert {tmp_path / 'ca.pem'}" in lines["curl, bybit_linear"]
    assert '"apiKey": "k", "secret": "s"' in lines["ccxt.pro, binance_usdm"]
    assert stage.launcher.is_file()
    assert all(books.total == 0 for books in stage.books.values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--synthetic", "--venue", "nyse"], "does not speak 'nyse'"),
        (["--synthetic", "--lockstep", "--speed", "5"], "--speed and --lockstep"),
        (["--synthetic", "--speed", "0"], "--speed must be above 0"),
        (["--synthetic", "--port", "70000"], "a port is at most 65535"),
        (["--synthetic", "--key", "k"], "belong together"),
        ([], "where the market comes from"),
        (
            ["--synthetic", "--days", "0.2", "--instruments", "BTC", "--faults", "no-such-file"],
            "can't be read",
        ),
    ],
)
def test_what_cannot_be_served_is_refused(options, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["exchange", "serve", "--out", str(tmp_path), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_bot_is_answered_and_ctrl_c_closes_it_with_its_books(tmp_path, environment):
    command = [sys.executable, "-m", "mastertrading", "exchange", "serve", "--synthetic", "--days", "0.2"]
    options = ["--instruments", "BTC", "--venue", "bybit_linear", "--json", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        told = json.loads(process.stdout.readline())
        context = ssl.create_default_context(cafile=told["authority"])
        context.check_hostname = False  # the address stands in the place of the name
        request = urllib.request.Request(
            f"https://{told['address']}/v5/market/time", headers={"Host": "api.bybit.com"}
        )
        with urllib.request.urlopen(request, context=context, timeout=10) as reply:
            answer = json.loads(reply.read())
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert answer["retCode"] == 0
    assert abs(answer["time"] - time.time() * 1000) < 60_000
    assert json.loads(said)["books"]["bybit_linear"]["total"] == 0
    assert complaints == ""
    assert process.returncode == 0
