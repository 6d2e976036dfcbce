"""Acts of a script: at a time, on a condition, from a file."""

from __future__ import annotations

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from mastertrading.domain.errors import ConfigError
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.market import HOUR_MS
from mastertrading.domain.orders import BUY, MarginMode
from mastertrading.simulator.listing import Trading
from mastertrading.simulator.orders import Cause, No, Refused
from mastertrading.simulator.script import ACTS, Act, Script, When, read_script, script_of
from unit.simulator.trading import FREE, START_MS, SYMBOL, Desk


def done(desk, do, **words):
    """Do one act now."""
    script = Script([Act(do, words)])
    script.run(desk.exchange)
    return script.log[0].refused


def test_an_act_is_done_once_when_its_time_has_come():
    desk = Desk()
    script = Script([Act("transfer", {"account": "me", "amount": "5"}, at_ms=START_MS + 1_000)])
    before = desk.me.wallet_atoms
    for _ in range(3):
        script.run(desk.exchange)
        desk.clock.advance(1)
    assert desk.me.wallet_atoms == before + 5 * ATOMS_PER_UNIT


def test_an_act_on_a_condition_waits_for_it_and_then_for_its_delay():
    desk = Desk()
    when = When(account="me", holds=SYMBOL)
    script = Script([Act("deleverage", {"account": "me", "symbol": SYMBOL}, when=when, after_ms=2_000)])
    script.run(desk.exchange)
    desk.market_order(BUY, 10)
    for _ in range(2):
        script.run(desk.exchange)
        assert desk.lots == 10
        desk.clock.advance(1)
    script.run(desk.exchange)
    assert desk.lots == 0


@pytest.mark.parametrize(
    ("when", "is_so"),
    [
        (When(account="me", rests=SYMBOL), True),
        (When(account="me", holds=SYMBOL), False),
        (When(account="me", fills=1), False),
        (When(account="nobody"), False),
        (When(symbol=SYMBOL, above=Decimal(10_000)), True),
        (When(symbol=SYMBOL, above=Decimal(10_001)), False),
        (When(symbol=SYMBOL, below=Decimal(9_999)), False),
    ],
)
def test_a_condition_looks_at_orders_positions_fills_and_prices(when, is_so):
    desk = Desk()
    desk.limit(BUY, 1, 99_000)
    assert when.is_so(desk.exchange) is is_so


def test_a_foreign_order_is_the_accounts_and_tells_that_it_is_foreign():
    desk = Desk()
    assert done(desk, "order", account="me", symbol="BTC/USDT", side="buy", qty="0.01") == ""
    assert desk.lots == 10
    assert desk.me.executions[0].cause is Cause.FOREIGN
    words = {"account": "me", "symbol": SYMBOL, "side": "sell", "trigger": "9900", "close": True}
    assert done(desk, "order", **words) == ""
    desk.move(98_900)
    assert desk.lots == 0


def test_what_the_exchange_refuses_is_written_down():
    desk = Desk()
    refused = done(desk, "leverage", account="me", symbol=SYMBOL, leverage=20)
    assert refused.startswith(No.NO_CHANGE)


def test_scripts_change_modes_rates_fees_steps_tiers_and_phases():
    desk = Desk()
    done(desk, "position_mode", account="me", hedged=True)
    done(desk, "margin_mode", account="me", symbol=SYMBOL, mode="isolated")
    done(desk, "funding", symbol=SYMBOL, rate="-0.0005", interval_h=1)
    done(desk, "fees", symbol=SYMBOL, taker="0.001", maker="-0.0001")
    done(desk, "steps", symbol=SYMBOL, tick="0.5", lot="0.01", min_notional="20")
    done(desk, "tiers", symbol=SYMBOL, tiers=[["0", "0.05"]])
    done(desk, "phase", symbol=SYMBOL, phase="cancel_only")
    assert desk.me.hedged
    assert desk.me.margin_modes == {SYMBOL: MarginMode.ISOLATED}
    assert (desk.market.funding_rate_e8, desk.market.funding_interval_ms) == (-50_000, HOUR_MS)
    listing = desk.listing
    assert (listing.taker_e8, listing.maker_e8) == (100_000, -10_000)
    assert (listing.tick, listing.lot, listing.tick_step) == (Decimal("0.5"), Decimal("0.01"), 5)
    assert listing.instrument.tiers[0].maintenance_rate == Decimal("0.05")
    assert listing.trading is Trading.CANCEL_ONLY


def test_a_coarser_step_refuses_finer_orders_and_leaves_what_rests_and_is_held():
    desk = Desk()
    desk.market_order(BUY, 15)
    order = desk.limit(BUY, 5, 99_001)
    done(desk, "steps", symbol=SYMBOL, tick="1", lot="0.01")
    for words, reason in (((BUY, 15, 99_000), No.LOT), ((BUY, 10, 99_001), No.TICK)):
        with pytest.raises(Refused) as caught:
            desk.limit(*words)
        assert caught.value.reason is reason
    assert (desk.lots, order.status.is_open) == (15, True)
    desk.stop(-BUY, 98_000)
    desk.move(97_000)
    assert desk.lots == 0


def test_a_step_finer_than_the_exchange_counts_in_is_refused_with_the_way_out():
    with pytest.raises(ConfigError, match="tick_step"):
        done(Desk(), "steps", symbol=SYMBOL, tick="0.01")


def test_a_wick_meets_orders_and_leaves_the_mark_alone():
    desk = Desk(**FREE)
    desk.market_order(BUY, 10)
    desk.stop(-BUY, 95_000)
    done(desk, "wick", symbol=SYMBOL, price="9400")
    assert (desk.lots, desk.market.last_ticks, desk.market.mark_ticks) == (0, 100_000, 100_000)


def test_a_mark_moves_alone():
    desk = Desk()
    done(desk, "mark", symbol=SYMBOL, price="10100")
    assert (desk.market.mark_ticks, desk.market.last_ticks) == (101_000, 100_000)


def test_a_delisting_and_a_liquidation_and_cancelling_everything_can_be_written():
    desk = Desk()
    desk.market_order(BUY, 10)
    desk.limit(BUY, 1, 99_000)
    done(desk, "cancel_all", account="me")
    done(desk, "liquidate", account="me", symbol=SYMBOL)
    assert (desk.lots, desk.me.open) == (0, {})
    done(desk, "delist", symbol=SYMBOL, price="9000")
    assert desk.listing.trading is Trading.CLOSED


def test_toml_and_json_say_the_same(tmp_path):
    toml, js = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text(
        '[[act]]\ndo = "transfer"\nat = 2025-06-01T00:30:00Z\naccount = "me"\namount = "250"\n'
        '[[act]]\ndo = "liquidate"\nafter_s = 1.5\naccount = "me"\nsymbol = "BTCUSDT"\n'
        'when = { account = "me", holds = "BTCUSDT", above = 3 }\n',
        encoding="utf-8",
    )
    condition = {"account": "me", "holds": "BTCUSDT", "above": "3"}
    acts = [
        {"do": "transfer", "at": "2025-06-01T00:30:00+00:00", "account": "me", "amount": "250"},
        {"do": "liquidate", "after_s": 1.5, "when": condition, "account": "me", "symbol": "BTCUSDT"},
    ]
    js.write_text(json.dumps({"act": acts}), encoding="utf-8")
    assert read_script(toml).acts == read_script(js).acts
    assert read_script(toml).acts[0].at_ms == 1_748_737_800_000
    assert read_script(toml).acts[1].after_ms == 1_500


@pytest.mark.parametrize(
    "data",
    [
        {"act": [{"do": "dance"}]},
        {"act": [{"do": "transfer", "account": "me", "amount": "1", "when": {"moon": "full"}}]},
        {"act": [{"do": "transfer", "account": "me"}]},
        {"act": [{"do": "transfer", "account": "me", "amount": "1", "amuont": "2"}]},
        {"acts": [{"do": "transfer", "account": "me", "amount": "1"}]},
        {},
    ],
    ids=["no act", "no condition", "too few words", "a word too many", "no list of acts", "nothing"],
)
def test_a_script_that_is_not_understood_is_refused(data):
    with pytest.raises(ConfigError):
        script_of(data)


def test_words_that_are_missing_or_off_the_grid_are_told():
    desk = Desk()
    with pytest.raises(ConfigError, match="transfer"):
        done(desk, "transfer", account="me")
    with pytest.raises(ConfigError, match="order"):
        done(desk, "order", account="me", symbol=SYMBOL, side="buy", qty="0.0001")


PAGE = Path(__file__).parents[3] / "docs" / "local-exchange.md"


def test_every_act_is_named_in_the_page_about_scripts():
    page = PAGE.read_text(encoding="utf-8")
    rows = {name: re.search(rf"^\| .*`{name}`.*$", page, re.M).group() for name in ACTS}
    words = {name: doing.needs | doing.may for name, doing in ACTS.items()}
    assert [(name, word) for name in ACTS for word in words[name] if f"`{word}" not in rows[name]] == []


def test_the_pages_example_and_its_script_work_as_written():
    blocks = re.findall(r"^```(python|toml)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    example = next(text for kind, text in blocks if kind == "python" and "exchange.books()" in text)
    exec(compile(example, str(PAGE), "exec"), {})
    script = next(text for kind, text in blocks if kind == "toml" and "[[act]]" in text)
    assert [act.do for act in script_of(tomllib.loads(script)).acts] == ["order", "funding"]
