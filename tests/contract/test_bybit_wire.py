"""Each message of our Bybit beside an example of the venue's, field by field; differences are listed with reasons."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from bybit_differences import ENUMERATIONS, LEFT_OUT, LISTED, STRANGE, WITHOUT_EXAMPLE
from bybit_messages import served
from mastertrading.simulator.bybit import BybitRules
from mastertrading.simulator.bybit.facade import BATCHES, COMMANDS, PUBLIC, READS
from venue_documents import rules_table, text
from wire_examples import (
    WIRE,
    Example,
    commented,
    differences,
    json_files,
    of_comment,
    request_files,
    strange_words,
)

pytestmark = pytest.mark.skipif(not WIRE.exists(), reason="the example messages are not here")

PATHS = {*PUBLIC, *READS, *COMMANDS, *BATCHES}
OTHER_SYSTEM = "nautilus/crates/adapters/bybit/test_data"
STREAMS = {
    "allLiquidation.ETHUSDT": "stream allLiquidation snapshot",
    "publicTrade.BTCUSDT": "stream publicTrade snapshot",
    "kline.M.BTCUSDT": "stream kline.1 snapshot",
    "order": "stream order",
    "order.amend": "trade order.amend",
}
FILES = {
    "http_get_account_info": "/v5/account/info",
    "http_get_executions": "/v5/execution/list",
    "http_get_fee_rate": "/v5/account/fee-rate",
    "http_get_funding_history": "/v5/market/funding/history",
    "http_get_instruments_linear": "/v5/market/instruments-info",
    "http_get_instruments_linear_symbol_type": "/v5/market/instruments-info",
    "http_get_klines_linear": "/v5/market/kline",
    "http_get_order_partially_filled_rejected": "/v5/order/history",
    "http_get_orderbook": "/v5/market/orderbook",
    "http_get_orders_history": "/v5/order/history",
    "http_get_orders_history_with_duplicate": "/v5/order/history",
    "http_get_orders_realtime": "/v5/order/realtime",
    "http_get_orders_realtime_tp_sl": "/v5/order/realtime",
    "http_get_positions": "/v5/position/list",
    "http_get_positions_with_open_time": "/v5/position/list",
    "http_get_trades_recent": "/v5/market/recent-trade",
    "http_get_user_query_api": "/v5/user/query-api",
    "http_get_wallet_balance": "/v5/account/wallet-balance",
    "http_get_wallet_balance_with_spot_borrow": "/v5/account/wallet-balance",
    "ws_account_execution": "stream execution",
    "ws_account_execution_adl": "stream execution",
    "ws_account_execution_fast": "stream execution.fast",
    "ws_account_position": "stream position",
    "ws_account_position_short": "stream position",
    "ws_account_wallet": "stream wallet",
    "ws_account_wallet_locked_exceeds_total": "stream wallet",
    "ws_account_wallet_small_order": "stream wallet",
    "ws_auth_failure": "trade auth refused",
    "ws_auth_success": "trade auth",
    "ws_kline": "stream kline.1 snapshot",
    "ws_order_response": "trade order.create",
    "ws_orderbook_delta": "stream orderbook.50 delta",
    "ws_orderbook_snapshot": "stream orderbook.50 snapshot",
    "ws_public_trade": "stream publicTrade snapshot",
    "ws_subscription_ack": "stream public subscribe",
    "ws_subscription_failure": "stream refused topic",
    "ws_ticker_linear": "stream tickers snapshot",
    **{
        f"ws_account_order{kind}": "stream order"
        for kind in (
            "",
            "_buy_stop_market",
            "_filled",
            "_limit_if_touched",
            "_market_if_touched",
            "_partially_filled_rejected",
            "_sell_market_if_touched",
            "_stop_limit",
            "_stop_loss",
            "_stop_market",
            "_take_profit",
        )
    },
}
COMMENTS = {
    "handle_ticker": [(0, "stream tickers snapshot")],
    "handle_ohlcv": [(0, "stream kline.1 snapshot")],
    "handle_order_book": [(0, "stream orderbook.50 snapshot")],
    "handle_trades": [(0, "stream publicTrade snapshot")],
    "handle_my_trades": [(1, "stream execution"), (2, "stream execution.fast")],
    "handle_positions": [(0, "stream position")],
    "handle_liquidation": [(0, "stream liquidation snapshot"), (1, "stream allLiquidation snapshot")],
    "handle_order_ws": [(0, "trade order.create")],
    "handle_order": [(1, "stream order")],
    "handle_balance": [(1, "stream wallet")],
    "handle_pong": [(0, "stream ping"), (2, "stream private ping")],
    "handle_authenticate": [(0, "stream auth"), (1, "trade auth")],
    "handle_un_subscribe": [(0, "stream unsubscribe")],
}
"""Of a client library's comments: which of a method's examples shows which of our frames."""


def path_of(call: str) -> str | None:
    """The path that an implicit method of the client library calls, if we serve it."""
    name = call.split("V5", 1)[-1].lower()
    return next(
        (path for path in PATHS if path.removeprefix("/v5/").replace("/", "").replace("-", "") == name), None
    )


@cache
def examples() -> list[tuple[str, Example]]:
    """What of ours each example shows, and the example."""
    return [*_request_files(), *_json_files(), *_comments()]


def _request_files() -> Iterator[tuple[str, Example]]:
    for example in request_files("bybit_v5"):
        key = example.path if example.path in PATHS else STREAMS.get(example.path)
        if key and example.source not in LEFT_OUT:
            yield key, example


def _json_files() -> Iterator[tuple[str, Example]]:
    return ((FILES[e.path], e) for e in json_files(OTHER_SYSTEM) if e.path in FILES)


def _comments() -> Iterator[tuple[str, Example]]:
    for entry in commented("bybit"):
        method, call = entry["method"], entry["call"]
        key = path_of(call) if call else None
        if key and f"{method} {key}" not in LEFT_OUT:
            yield key, of_comment("bybit", method, call)
        elif entry["file"].startswith("pro"):
            for at, frame in COMMENTS.get(method, []):
                yield frame, of_comment("bybit", method, call, at)


def listed(key: str) -> dict[str, str]:
    """The differences of one of our messages that are listed, and why."""
    return {line.strip(): why for why, lines in LISTED.get(key, {}).items() for line in lines.split(";")}


def test_our_messages_differ_from_the_venues_examples_as_listed_and_not_otherwise():
    unlisted = [
        f"{key} | {found} | {example.source}"
        for key, example in examples()
        for found in differences(example.message, served()[key])
        if found not in listed(key)
    ]
    assert unlisted == []


def test_every_listed_difference_still_occurs():
    occurring: dict[str, set[str]] = {}
    for key, example in examples():
        occurring.setdefault(key, set()).update(differences(example.message, served()[key]))
    stale = [f"{key}: {one}" for key in LISTED for one in listed(key) if one not in occurring.get(key, set())]
    assert stale == []


def test_paths_that_no_example_shows_are_listed():
    assert PATHS - {key for key, _ in examples()} == WITHOUT_EXAMPLE


def test_examples_that_are_left_out_exist():
    files = {example.source for example in request_files("bybit_v5")}
    comments = {
        f"{entry['method']} {path_of(entry['call'])}" for entry in commented("bybit") if entry["call"]
    }
    assert [name for name in LEFT_OUT if name not in files | comments] == []


@pytest.mark.parametrize("key", sorted(served()) if WIRE.exists() else [])
def test_our_words_are_the_venues(key):
    assert strange_words(served()[key], ENUMERATIONS) == []


def test_the_words_that_we_know_are_those_of_the_examples_but_for_those_listed():
    found = {word for _, example in examples() for word in strange_words(example.message, ENUMERATIONS)}
    assert found == set(STRANGE)


def test_every_served_path_answers_well_in_the_life_that_is_compared():
    told: dict[str, Any] = served()
    assert sorted(PATHS - told.keys()) == sorted(
        {"/v5/position/switch-isolated", "/v5/position/add-margin"}
    ), "both are refused to every account here"
    assert {key: reply["retMsg"] for key, reply in told.items() if key in PATHS and reply["retCode"]} == {}


# -------------------------------------------------------------------- the document
def outcome() -> str:
    """The table of ``docs/venues.md``."""
    sources: dict[str, int] = {}
    for key, _ in examples():
        sources[key] = sources.get(key, 0) + 1
    rows = ["| of ours | examples | differences |", "|---|---:|---|"]
    for key, count in sorted(sources.items()):
        told = "; ".join(f"`{one}`" for one in sorted(listed(key))) or "none"
        rows.append(f"| `{key}` | {count} | {told} |")
    return "\n".join(rows)


def test_the_document_has_the_outcome_of_the_comparison():
    assert outcome() in text()


def test_the_document_names_what_has_no_example():
    assert all(f"`{path}`" in text() for path in WITHOUT_EXAMPLE)


def test_the_document_has_the_rules():
    assert rules_table(BybitRules) in text()
