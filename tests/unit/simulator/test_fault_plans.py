from __future__ import annotations

import json
from decimal import Decimal

import pytest

from mastertrading.domain.errors import ConfigError
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.orders import BUY, OrderKind
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.faults.catalogue import CATALOGUE, ELSEWHERE, make
from mastertrading.simulator.faults.editing import FRAMES, frame_tags, with_times
from mastertrading.simulator.faults.kinds import KINDS, TABLES, tags_of
from mastertrading.simulator.faults.plan import Plan, drawn, read_script, scripted
from mastertrading.simulator.faults.view import Sight, View
from mastertrading.simulator.line import Line
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.orders import NewOrder
from mastertrading.simulator.wire import ON_TIME, Request, Response

T0 = 1_748_736_000_000
VENUE = "binance_usdm"
PLACE = Request("POST", "fapi.binance.com", "/fapi/v1/order", "symbol=BTCUSDT&reduceOnly=true")
BARS = Request("GET", "fapi.binance.com", "/fapi/v1/klines")


def listing() -> Listing:
    return Listing(Instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001"), Decimal(5)))


def served(*faults):
    local = LocalExchange([listing()], clock=VirtualClock(T0), faults=faults)
    local.open_account()
    local.exchange().move("BTCUSDT", 650_000)
    return local


# -------------------------------------------------------------------- what a request is
@pytest.mark.parametrize(
    ("venue", "method", "path", "query", "body", "tags"),
    [
        (VENUE, "POST", "/fapi/v1/algoOrder", "closePosition=true", b"", "place conditional command private reduce"),
        (VENUE, "GET", "/fapi/v1/userTrades", "", b"", "fills read private"),
        (VENUE, "GET", "/fapi/v1/klines", "", b"", "bars public"),
        (VENUE, "GET", "/elsewhere", "", b"", "other"),
        ("bybit_linear", "POST", "/v5/order/create", "", b'{"triggerPrice":"1","reduceOnly":true}',
         "place conditional command private reduce"),
        ("bybit_linear", "GET", "/v5/order/realtime", "orderLinkId=a", b"", "open_orders order read private"),
    ],
)  # fmt: skip
def test_a_request_is_known_by_what_it_asks(venue, method, path, query, body, tags):
    assert tags_of(venue, Request(method, "host", path, query, body=body)) == set(tags.split())


def test_a_frame_is_known_by_what_it_tells():
    assert frame_tags(VENUE, '{"stream":"x","data":{"e":"kline","k":{}}}') == {"bars", "data", "public"}
    assert frame_tags("bybit_linear", '{"topic":"execution","data":[]}') == {"order_news", "data", "private"}
    assert frame_tags("bybit_linear", '{"success":true,"op":"subscribe"}') == {"answer"}


def test_times_are_found_wherever_they_stand_and_nothing_else_is_touched():
    told = {"time": T0, "rows": [[str(T0), "65000.1", 1_748]], "id": 10_000_000_001, "done": True}
    seen = with_times(told, lambda ms: ms * 1000)
    assert seen == {
        "time": T0 * 1000,
        "rows": [[str(T0 * 1000), "65000.1", 1_748]],
        "id": 10_000_000_001,
        "done": True,
    }


# -------------------------------------------------------------------- when a fault acts
def test_only_the_nth_of_its_kind_is_hit():
    fault = make("N05", kinds=["place"], nth=[2])
    plan = served(fault).plan
    lost = [plan.departs(VENUE, request).lose_request for request in (PLACE, BARS, PLACE, PLACE)]
    assert lost == [False, False, True, False]
    assert plan.hits() == {"N05": 1}


def test_a_window_is_in_the_exchanges_time():
    local = served(make("N05", from_ms=T0 + 1_000, until_ms=T0 + 2_000))
    seen = []
    for _ in range(3):
        seen.append(local.plan.departs(VENUE, PLACE).lose_request)
        local.clock.advance(1)
    assert seen == [False, True, False]


def test_after_so_many_hits_it_rests():
    plan = served(make("N05", most=2)).plan
    assert [plan.departs(VENUE, PLACE).lose_request for _ in range(4)] == [True, True, False, False]


def test_a_fault_of_one_venue_leaves_the_others_alone():
    plan = served(make("N05", venue="bybit_linear")).plan
    assert plan.departs(VENUE, PLACE) is ON_TIME


def test_the_same_seed_throws_the_same_and_others_do_not_disturb_it():
    def throws(*others: str) -> list[bool]:
        faults = [make(key, seed=9, chance=0.5, kinds=["place"]) for key in others]
        plan = served(make("N05", seed=4, chance=0.5), *faults).plan
        found = []
        for _ in range(40):
            plan.departs(VENUE, PLACE)
            found.append(plan.faults[0].hits)
        return found

    assert throws() == throws() == throws("N07", "N04")
    assert 5 < throws()[-1] < 35


# -------------------------------------------------------------------- several at once
def test_delays_of_two_faults_add_up():
    both = [make("N07", least_ms=700, largest_ms=700), make("N07", least_ms=300, largest_ms=300)]
    assert served(*both).plan.departs(VENUE, PLACE).request_delay_ms == 1_000


def test_a_lost_request_is_answered_by_nobody():
    plan = served(make("N16"), make("N05")).plan
    delivery = plan.departs(VENUE, PLACE)
    assert delivery.lose_request
    assert delivery.replace is None


def test_replies_are_spoilt_one_after_the_other():
    plan = served(make("D05", factor=10.0), make("D08")).plan
    rows = [[T0, "1", "2", "0.5", "1", "7", 0], [T0 + 60_000, "1", "2", "0.5", "1", "7", 0]]
    reply, _ = plan.returns(VENUE, BARS, Response(200, json.dumps(rows).encode()))
    assert json.loads(reply.body)[0][1:6] == ["10", "20", "5", "10", "0"]


# -------------------------------------------------------------------- acts
def test_an_act_is_taken_back_when_its_window_closes():
    local = served(make("X16", phase="cancel_only", from_ms=T0 + 1_000, until_ms=T0 + 2_000))
    seen = []
    for _ in range(3):
        local.exchange().move("BTCUSDT", 650_000)
        seen.append(str(local.exchange().listings["BTCUSDT"].trading))
        local.clock.advance(1)
    assert seen == ["open", "cancel_only", "open"]


def test_what_is_cleared_is_taken_back():
    local = served()
    local.plan.add(make("X27", what="permission"))
    assert local.account().permissions == {"read"}
    local.plan.clear()
    assert local.account().permissions == {"read", "trade"}


def test_an_act_that_the_exchange_refuses_is_tried_again_and_counts_only_when_it_is_done():
    fault = make("X20")
    local = served(fault)
    assert fault.hits == 0
    local.exchange().place(local.account(), NewOrder("BTCUSDT", BUY, OrderKind.MARKET, 10))
    local.exchange().move("BTCUSDT", 650_001)
    assert fault.hits == 1
    assert local.exchange().position(local.account(), "BTCUSDT").lots == 0


# -------------------------------------------------------------------- what the venue sees
def test_the_view_shows_the_past_of_each_surface_by_its_own_age():
    clock = VirtualClock(T0)
    exchange = Exchange([listing()], clock)
    view = View(exchange)
    view.remembers = True
    account = exchange.open_account("me", api_key="k", deposit_atoms=10**12)
    exchange.move("BTCUSDT", 650_000)
    order = exchange.place(account, NewOrder("BTCUSDT", BUY, OrderKind.LIMIT, 10, 640_000, client_id="a"))
    exchange.place(account, NewOrder("BTCUSDT", BUY, OrderKind.MARKET, 5))
    clock.advance(10)
    exchange.cancel(account, "BTCUSDT", number=order.number)
    exchange.place(account, NewOrder("BTCUSDT", BUY, OrderKind.MARKET, 7))
    clock.advance(1)
    with view.seen(Sight(orders_ms=5_000, positions_ms=5_000)):
        then = view.account_of_key("k")
        assert [one.number for one in exchange.open_orders(then)] == [order.number]
        assert exchange.position(then, "BTCUSDT").lots == 5
        assert len(exchange.executions(then)) == 2
        assert len(exchange.order_history(then)) == 2
    with view.seen(Sight(fills_ms=5_000, no_positions=True)):
        then = view.account_of_key("k")
        assert exchange.open_orders(then) == []
        assert exchange.positions(then) == []
        assert len(exchange.executions(then)) == 1
    assert view.account_of_key("k") is account
    assert exchange.position(account, "BTCUSDT").lots == 12


def test_a_wrong_clock_is_the_venues_and_not_the_exchanges():
    exchange = Exchange([listing()], VirtualClock(T0))
    view = View(exchange)
    with view.seen(Sight(clock_error_ms=-250)):
        assert view.clock.now_ms() == T0 - 250
        assert exchange.clock.now_ms() == T0
    assert view.clock.now_ms() == T0


# -------------------------------------------------------------------- scripts and dice
def test_a_script_is_read_and_counts_from_now(tmp_path):
    path = tmp_path / "faults.toml"
    path.write_text('[[fault]]\nid = "X07"\nafter_s = 60\nfor_s = 30\norders_ms = 4000\n', encoding="utf-8")
    (fault,) = read_script(path, now_ms=T0)
    assert (fault.when.from_ms, fault.when.until_ms, fault.orders_ms) == (T0 + 60_000, T0 + 90_000, 4_000)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "N99"}, "there is no fault"),
        ({"kinds": ["place"]}, "has no id"),
        ({"id": "N05", "colour": "red"}, "has no parameter colour"),
        ({"id": "N07", "least_ms": "soon"}, "must be int"),
        ({"id": "N07", "chance": "often"}, "must be float"),
        ({"id": "X03", "body": "song"}, "X03 has no body"),
        ({"id": "N06", "kinds": ["plcae"]}, "kinds can't be"),
        ({"id": "N06", "nth": "two"}, "nth can't be"),
        ({"id": "N06", "nth": [0]}, "nth can't be"),
        ({"id": "N06", "chance": 7}, "chance can't be"),
        ({"id": "N06", "most": -1}, "most can't be"),
        ({"id": "N06", "venue": "nyse"}, "venue can't be"),
        ({"id": "N12", "mode": "sideways"}, "N12 has no mode 'sideways'"),
        ({"id": "X14", "what": "tick", "factor": "ten"}, "factor must be a decimal"),
    ],
)
def test_a_script_that_says_what_cannot_be_is_refused(row, said):
    with pytest.raises(ConfigError, match=said):
        scripted([row])


@pytest.mark.parametrize(("aim", "said"), [("symbol", "no instrument"), ("account", "no account")])
def test_an_act_at_what_is_not_there_is_refused_before_it_is_due(aim, said):
    local = served()
    with pytest.raises(ConfigError, match=said):
        local.plan.add(make("X14", from_ms=T0 + 60_000, **{aim: "NOPE"}))
    assert local.plan.faults == []


def test_every_kind_that_a_request_or_a_frame_has_can_be_named():
    words = {word for table in TABLES.values() for tags in table.values() for word in tags.split()}
    words |= {word for table in FRAMES.values() for word in table.values()}
    assert words <= KINDS


def test_a_file_that_is_no_script_is_refused(tmp_path):
    path = tmp_path / "faults.toml"
    path.write_text("[[fault\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="can't be read"):
        read_script(path)
    path.write_text("a = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="no \\[\\[fault"):
        read_script(path)


def test_a_seed_draws_the_same_plan_again_and_another_seed_another():
    def told(seed: int) -> list[str]:
        return [repr(fault) for fault in drawn(seed, start_ms=T0, span_ms=3_600_000)]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_every_fault_is_drawn_by_some_seed_within_its_span():
    keys = set()
    for seed in range(200):
        for fault in drawn(seed, start_ms=T0, span_ms=3_600_000):
            keys.add(fault.key)
            assert T0 <= fault.when.from_ms < fault.when.until_ms <= T0 + 3_600_000
    assert keys == set(CATALOGUE)


def test_every_row_of_networks_exchanges_and_market_data_is_in_the_catalogue():
    ids = {key.partition("/")[0] for key in CATALOGUE}
    wanted = {f"N{n:02}" for n in range(1, 19)} | {f"X{n:02}" for n in range(1, 34)}
    assert ids == wanted | {f"D{n:02}" for n in range(1, 15)} | {"C05"}
    assert ELSEWHERE


def test_a_plan_without_faults_asks_nothing_of_a_request():
    plan = Plan()
    Line((), plan)
    assert plan.departs(VENUE, PLACE) is ON_TIME
    assert plan.hits() == {}


def test_every_command_of_a_venue_can_be_aimed_at():
    from mastertrading.simulator.binance.routes import ROUTES
    from mastertrading.simulator.bybit.facade import COMMANDS
    from mastertrading.simulator.faults.kinds import TABLES

    binance = {(method, path) for path, methods in ROUTES.items() for method in methods if method != "GET"}
    bybit = {("POST", path) for path in COMMANDS}
    harmless = {"/fapi/v1/order/test", "/v5/order/pre-check", "/v5/account/upgrade-to-uta"}
    unknown = (binance - set(TABLES[VENUE])) | (bybit - set(TABLES["bybit_linear"]))
    assert {path for _, path in unknown} <= harmless


def test_a_price_that_met_an_order_while_its_cancel_was_on_its_way_is_back_afterwards():
    local = served(make("X19"))
    exchange, account = local.exchange(), local.account()
    limit = NewOrder("BTCUSDT", BUY, OrderKind.LIMIT, 10, 640_000)
    order = exchange.place(account, limit)
    local.plan.answer(local.line.facades[0], Request("DELETE", "fapi.binance.com", "/fapi/v1/order"))
    market = exchange.markets["BTCUSDT"]
    assert order.filled == 10
    assert (market.last_ticks, market.mark_ticks, market.index_ticks) == (650_000, 650_000, 650_000)
