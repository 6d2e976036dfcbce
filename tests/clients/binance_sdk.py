"""Binance's own SDK (binance-sdk-derivatives-trading-usds-futures): REST, WebSocket API, market and user streams."""

from __future__ import annotations

import asyncio

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)
from binance_sdk_derivatives_trading_usds_futures.rest_api.models import (
    KlineCandlestickDataIntervalEnum,
    NewAlgoOrderSideEnum,
    NewAlgoOrderTypeEnum,
    NewOrderNewOrderRespTypeEnum,
    NewOrderSideEnum,
    NewOrderTimeInForceEnum,
    NewOrderTypeEnum,
)
from stage import KEY, SECRET, SYMBOL, Complaints, Inbox, clock_behind, finish, market_to, only_lots

BUY, SELL = NewOrderSideEnum.BUY.value, NewOrderSideEnum.SELL.value
MARKET, LIMIT = NewOrderTypeEnum.MARKET.value, NewOrderTypeEnum.LIMIT.value
GTC = NewOrderTimeInForceEnum.GTC.value


def client(key: str = KEY, secret: str = SECRET) -> DerivativesTradingUsdsFutures:
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(api_key=key, api_secret=secret, timeout=5000),
        config_ws_api=ConfigurationWebSocketAPI(api_key=key, api_secret=secret),
        config_ws_streams=ConfigurationWebSocketStreams(),
    )


def refusal(wrong, kind: type = BadRequestError):
    """The venue's number of a refusal, raised as the SDK's own error."""
    try:
        wrong()
    except kind as error:
        return error.status_code
    raise AssertionError(f"{kind.__name__} was not raised")


def market(rest) -> None:
    assert rest.check_server_time().data().server_time > 1_700_000_000_000
    listed = {one.symbol: one for one in rest.exchange_information().data().symbols}
    assert listed[SYMBOL].contract_type == "PERPETUAL"
    assert {"PRICE_FILTER", "LOT_SIZE", "MIN_NOTIONAL"} <= {f.filter_type for f in listed[SYMBOL].filters}
    bars = rest.kline_candlestick_data(
        SYMBOL, KlineCandlestickDataIntervalEnum.INTERVAL_1m.value, limit=5
    ).data()
    assert bars
    assert all(len(bar) == 12 for bar in bars)
    book = rest.order_book(SYMBOL, limit=5).data()
    assert float(book.bids[0][0]) < float(book.asks[0][0])
    assert float(rest.mark_price(SYMBOL).data().actual_instance.mark_price) > 0
    assert float(rest.symbol_order_book_ticker(SYMBOL).data().actual_instance.bid_price) > 0
    assert float(rest.ticker24hr_price_change_statistics(SYMBOL).data().actual_instance.last_price) > 0
    assert rest.recent_trades_list(SYMBOL).data()
    rest.get_funding_rate_history(symbol=SYMBOL).data()


def account(rest) -> None:
    assert float(rest.account_information_v3().data().available_balance) > 0
    money = {one.asset: one for one in rest.futures_account_balance_v3().data()}
    assert float(money["USDT"].balance) > 0
    assert rest.get_current_position_mode().data().dual_side_position is False
    assert rest.change_initial_leverage(SYMBOL, 7).data().leverage == 7
    assert rest.symbol_configuration(SYMBOL).data()[0].leverage == 7
    assert refusal(lambda: rest.change_position_mode("false")) == -4059
    assert refusal(lambda: rest.change_initial_leverage(SYMBOL, 10_000)) == -4028


def errors(rest) -> None:
    order = {"symbol": SYMBOL, "side": BUY, "type": MARKET}
    assert refusal(lambda: rest.new_order(**{**order, "symbol": "NOSUCHUSDT"}, quantity=0.01)) == -1121
    assert refusal(lambda: rest.new_order(**order, quantity=0.01234)) == -1111
    assert refusal(
        lambda: rest.new_order(SYMBOL, BUY, LIMIT, time_in_force=GTC, quantity=0.01, price=50_000.123)
    ) in (
        -1111,
        -4014,
    )
    assert refusal(lambda: rest.new_order(**order, quantity=900)) == -2019
    assert refusal(lambda: rest.new_order(SYMBOL, SELL, "STOP_MARKET", quantity=0.01)) == -4120
    assert refusal(client(secret="wrong").rest_api.futures_account_balance_v3) == -1022
    assert refusal(client(key="unknown").rest_api.futures_account_balance_v3, UnauthorizedError) == -2015
    with clock_behind(600):
        assert refusal(lambda: rest.new_order(**order, quantity=0.01)) == -1021


async def streams(rest, connection) -> tuple[Inbox, Inbox]:
    """Subscribe to what the account and the market do."""
    own, public = Inbox(), Inbox()
    user = await connection.user_data(rest.start_user_data_stream().data().listen_key)
    user.on("message", lambda event: own.put(event.actual_instance))
    for handle in (
        await connection.kline_candlestick_streams(symbol=SYMBOL.lower(), interval="1m"),
        await connection.individual_symbol_book_ticker_streams(symbol=SYMBOL.lower()),
        await connection.diff_book_depth_streams(symbol=SYMBOL.lower(), update_speed="100ms"),
        await connection.mark_price_stream(symbol=SYMBOL.lower(), update_speed="1s"),
    ):
        handle.on("message", public.put)
    return own, public


async def heard(inbox: Inbox, wanted, what: str):
    return await asyncio.to_thread(inbox.wait, wanted, what)


def order_event(kind: str, number: int):
    """An ORDER_TRADE_UPDATE of an order, as the SDK's own model."""
    return lambda event: (
        type(event).__name__ == "OrderTradeUpdate" and (event.o.x, event.o.i) == (kind, number)
    )


def algo_event(state: str, number: int):
    return lambda event: type(event).__name__ == "AlgoUpdate" and (event.o.X, event.o.aid) == (state, number)


async def limit_order(rest, own: Inbox) -> None:
    placed = rest.new_order(
        SYMBOL, BUY, LIMIT, time_in_force=GTC, quantity=0.02, price=58_500, new_client_order_id="sdk:limit/1"
    ).data()
    assert (placed.status, placed.client_order_id) == ("NEW", "sdk:limit/1")
    event = await heard(own, order_event("NEW", placed.order_id), "the order's birth")
    assert event.o.c == "sdk:limit/1"
    assert [one.order_id for one in rest.current_all_open_orders(SYMBOL).data()] == [placed.order_id]
    assert rest.query_order(SYMBOL, orig_client_order_id="sdk:limit/1").data().status == "NEW"
    assert rest.cancel_order(SYMBOL, order_id=placed.order_id).data().status == "CANCELED"
    await heard(own, order_event("CANCELED", placed.order_id), "its end")
    assert refusal(lambda: rest.cancel_order(SYMBOL, order_id=placed.order_id)) == -2011
    assert refusal(lambda: rest.query_order(SYMBOL, order_id=10**15)) == -2013


async def entry_and_stop(rest, own: Inbox, public: Inbox) -> None:
    filled = NewOrderNewOrderRespTypeEnum.RESULT.value
    entry = rest.new_order(SYMBOL, BUY, MARKET, quantity=0.05, new_order_resp_type=filled).data()
    assert (entry.status, float(entry.executed_qty)) == ("FILLED", 0.05)
    event = await heard(own, order_event("TRADE", entry.order_id), "the entry's fill")
    assert event.o.X == "FILLED"
    held = [one for one in rest.position_information_v3(SYMBOL).data() if float(one.position_amt)]
    assert [float(one.position_amt) for one in held] == [0.05]
    assert rest.account_trade_list(SYMBOL).data()[-1].order_id == entry.order_id
    stop = rest.new_algo_order(
        "CONDITIONAL",
        SYMBOL,
        NewAlgoOrderSideEnum.SELL.value,
        NewAlgoOrderTypeEnum.STOP_MARKET.value,
        trigger_price=59_000,
        close_position="true",
        client_algo_id="sdk-stop-1",
    ).data()
    assert stop.algo_status == "NEW"
    await heard(own, algo_event("NEW", stop.algo_id), "the stop's birth")
    assert [one.client_algo_id for one in rest.current_all_algo_open_orders().data()] == ["sdk-stop-1"]
    await asyncio.to_thread(market_to, 58_900)
    await heard(own, algo_event("TRIGGERED", stop.algo_id), "its trigger")
    event = await heard(
        own, lambda e: type(e).__name__ == "OrderTradeUpdate" and e.o.x == "TRADE", "its fill"
    )
    assert (event.o.S, event.o.X, event.o.i == stop.algo_id) == ("SELL", "FILLED", False)
    assert not [one for one in rest.position_information_v3(SYMBOL).data() if float(one.position_amt)]
    await heard(public, lambda e: getattr(e, "k", None) and float(e.k.l) <= 58_900, "a bar with the new low")
    await heard(
        public, lambda e: getattr(e, "b", None) and isinstance(e.b, str) and float(e.b) < 59_000, "a bid"
    )


async def partly(rest, own: Inbox) -> None:
    """An order that finds less than it wants, and is cancelled."""
    only_lots(30)
    placed = rest.new_order(SYMBOL, BUY, LIMIT, time_in_force=GTC, quantity=0.05, price=60_500).data()
    event = await heard(own, order_event("TRADE", placed.order_id), "a part")
    assert (event.o.X, float(event.o.l), float(event.o.z)) == ("PARTIALLY_FILLED", 0.03, 0.03)
    assert float(rest.cancel_order(SYMBOL, order_id=placed.order_id).data().executed_qty) == 0.03
    await heard(own, order_event("CANCELED", placed.order_id), "the end of the rest")
    only_lots(None)
    out = rest.new_order(SYMBOL, SELL, MARKET, quantity=0.03, reduce_only="true").data()
    await heard(own, order_event("TRADE", out.order_id), "the exit")


OF_NOTHING = """account_information_v2 futures_account_balance_v2 futures_account_configuration adl_risk
get_income_history notional_and_leverage_brackets query_user_rate_limit get_current_multi_assets_mode
get_funding_rate_info test_connectivity symbol_price_ticker symbol_price_ticker_v2 mark_price
symbol_order_book_ticker ticker24hr_price_change_statistics"""
OF_A_SYMBOL = """account_trade_list all_orders compressed_aggregate_trades_list get_funding_rate_history
old_trades_lookup open_interest position_adl_quantile_estimation position_information_v2 query_all_algo_orders
recent_trades_list symbol_configuration user_commission_rate users_force_orders"""


def everything_else(rest) -> None:
    """What else is served: each answer must fit the SDK's own model of it, or it complains."""
    for name in OF_NOTHING.split():
        assert getattr(rest, name)().data() is not None, name
    for name in OF_A_SYMBOL.split():
        assert getattr(rest, name)(symbol=SYMBOL).data() is not None, name
    assert rest.mark_price_kline_candlestick_data(symbol=SYMBOL, interval="1m").data()
    assert rest.premium_index_kline_data(symbol=SYMBOL, interval="1m").data()
    assert rest.index_price_kline_candlestick_data(pair=SYMBOL, interval="1m").data()
    assert rest.continuous_contract_kline_candlestick_data(SYMBOL, "PERPETUAL", "1m").data()


async def over_the_socket(own: Inbox) -> None:
    """The WebSocket API: orders without REST."""
    api = await client().websocket_api.create_connection()
    try:
        placed = (
            await api.new_order(
                SYMBOL,
                BUY,
                LIMIT,
                time_in_force=GTC,
                quantity=0.03,
                price=57_500,
                new_client_order_id="sdk:ws/1",
            )
        ).data()
        number = placed.result.order_id
        assert placed.result.status == "NEW"
        await heard(own, order_event("NEW", number), "the order of the socket")
        assert (await api.query_order(SYMBOL, order_id=number)).data().result.status == "NEW"
        assert (await api.cancel_order(SYMBOL, order_id=number)).data().result.status == "CANCELED"
        await heard(own, order_event("CANCELED", number), "its end")
        assert {one.asset for one in (await api.futures_account_balance_v2()).data().result} >= {"USDT"}
        assert (await api.start_user_data_stream()).data().result.listen_key
        wrong = (await api.new_order("NOSUCHUSDT", BUY, MARKET, quantity=0.01)).data()
        assert wrong["error"]["code"] == -1121
    finally:
        await api.close_connection()


async def main() -> None:
    complaints = Complaints()
    rest = client().rest_api
    market(rest)
    account(rest)
    errors(rest)
    connection = await client().websocket_streams.create_connection()
    try:
        own, public = await streams(rest, connection)
        await limit_order(rest, own)
        await partly(rest, own)
        await entry_and_stop(rest, own, public)
        everything_else(rest)
        assert complaints.said == [], complaints.said
        await over_the_socket(own)
    finally:
        await connection.close_connection()
    finish(balance=rest.futures_account_balance_v3().data()[0].balance)


asyncio.run(main())
