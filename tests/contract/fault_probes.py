"""How each fault is seen from a client of ccxt: one probe a fault, for both venues.

A probe tells in words what came of it. The same probe runs without the fault, and must tell something else.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from contract.fault_scene import SYMBOL, Probe, Scene, outcome


def _px(value: Any) -> str:
    return "None" if value is None else f"{value:g}"


# -------------------------------------------------------------------- a command
async def places(scene: Scene) -> str:
    """An order at market, and half a minute."""
    scene.begin()
    began = scene.client.milliseconds()
    seen = await outcome(scene.place())
    after = (scene.client.milliseconds() - began) / 1000
    await scene.sleep(40)
    return f"{seen}{f' after {after:.0f} s' if after >= 1 else ''}; {scene.orders()} accepted"


async def reduces(scene: Scene) -> str:
    """A position is reduced."""
    await scene.place()
    scene.begin()
    return await outcome(scene.place("sell", 0.01, reduceOnly=True))


async def rests(scene: Scene) -> str:
    """A limit order that rests."""
    scene.begin()
    return await outcome(scene.place(price=60_000))


async def stops(scene: Scene) -> str:
    """A stop for a position."""
    await scene.place()
    scene.begin()
    return await outcome(scene.stop())


async def small(scene: Scene) -> str:
    """An order just above the smallest."""
    scene.begin()
    return await outcome(scene.place(amount=0.001, price=60_000))


async def off_the_new_grid(scene: Scene) -> str:
    """An order on the grid that the client knows."""
    scene.begin()
    return await outcome(scene.place(amount=0.011, price=60_000.1))


async def same_id(scene: Scene) -> str:
    """One client id for two resting orders."""
    scene.begin()
    await scene.place(price=60_000, clientOrderId="abc")
    second = await outcome(scene.place(price=60_100, clientOrderId="abc"))
    return f"second: {second}; {scene.orders()} accepted"


async def same_id_later(scene: Scene) -> str:
    """A client id again, after its order has filled."""
    scene.begin()
    await scene.place(clientOrderId="abc")
    second = await outcome(scene.place(clientOrderId="abc"))
    return f"second: {second}; {scene.orders()} accepted"


async def cancels(scene: Scene) -> str:
    """A resting order is cancelled."""
    order = await scene.place(price=64_900)
    scene.begin()
    seen = await outcome(scene.client.cancel_order(order["id"], SYMBOL))
    held = await scene.client.fetch_positions([SYMBOL])
    return f"{seen}; position {sum(one['contracts'] for one in held):g}"


async def amends(scene: Scene) -> str:
    """A resting order is amended."""
    order = await scene.place(price=64_900)
    scene.begin()
    return await outcome(scene.client.edit_order(order["id"], SYMBOL, "limit", "buy", 0.01, 64_800))


async def looks_at_balance(scene: Scene) -> str:
    """A signed read."""
    scene.begin()
    return await outcome(scene.client.fetch_balance())


async def asks_all(scene: Scene) -> str:
    """Eight calls, one each five seconds; which of them failed."""
    scene.begin()
    order = await _resting(scene)
    failed = []
    for count in range(4):
        asked = {
            "positions": scene.client.fetch_positions([SYMBOL]),
            "fills": scene.client.fetch_my_trades(SYMBOL),
            "bars": scene.client.fetch_ohlcv(SYMBOL),
        }
        for name, doing in asked.items():
            seen = await outcome(doing)
            if "RequestTimeout" in seen:
                failed.append(f"{name} {count + 1}")
        await scene.sleep(5)
    return f"RequestTimeout: {', '.join(failed) or 'none'}; order {'given' if order else 'not given'}"


async def _resting(scene: Scene) -> bool:
    return "given" in await outcome(scene.place(price=60_000))


# -------------------------------------------------------------------- reads
async def reads_back(scene: Scene) -> str:
    """An order and a fill, read at once."""
    await scene.sleep(20)
    scene.begin()
    await scene.place()
    await scene.place(price=60_000)
    found = await scene.client.fetch_open_orders(SYMBOL)
    fills = await scene.client.fetch_my_trades(SYMBOL)
    held = await scene.client.fetch_positions([SYMBOL])
    return (
        f"{len(found)} open orders, {len(fills)} fills, {len([p for p in held if p['contracts']])} positions"
    )


async def positions(scene: Scene) -> str:
    """Positions while one is held."""
    await scene.place()
    scene.begin()
    held = await scene.client.fetch_positions([SYMBOL])
    return f"position {sum(one['contracts'] for one in held):g}"


async def positions_later(scene: Scene) -> str:
    """A position, some seconds after something happened to it."""
    await scene.place()
    scene.begin()
    scene.move(1)
    await scene.sleep(5)
    held = await scene.client.fetch_positions([SYMBOL])
    orders = await scene.client.fetch_open_orders(SYMBOL)
    money = (await scene.client.fetch_balance())["USDT"]["total"]
    return f"position {sum(one['contracts'] for one in held):g}, {len(orders)} open orders, about {money:.0f} USDT"


async def three_fills(scene: Scene) -> str:
    """Three fills, listed."""
    for _ in range(3):
        await scene.place()
        await scene.sleep(1)
    scene.begin()
    fills = await scene.client.fetch_my_trades(SYMBOL)
    fees = {f"{fill['fee']['cost']:.4f} {fill['fee']['currency']}" for fill in fills}
    return f"{len(fills)} fills, {len({fill['id'] for fill in fills})} ids, fee {', '.join(sorted(fees))}"


async def fills_again(scene: Scene) -> str:
    """A new fill, by list and by stream."""
    scene.begin()
    await scene.place()
    fills = await scene.client.fetch_my_trades(SYMBOL)
    fees = {f"{fill['fee']['cost']:.4f} {fill['fee']['currency']}" for fill in fills}
    return f"fee {', '.join(sorted(fees))}"


async def open_and_history(scene: Scene) -> str:
    """A resting order among the open ones, and by its id."""
    order = await scene.place(price=60_000)
    await scene.sleep(2)
    scene.begin()
    found = await scene.client.fetch_open_orders(SYMBOL)
    return f"{len(found)} open; by its id: {await outcome(_by_id(scene, order['id']))}"


async def _by_id(scene: Scene, number: str) -> Any:
    more = {"acknowledged": True} if scene.venue == "bybit_linear" else {}
    return await scene.client.fetch_order(number, SYMBOL, more)


async def history(scene: Scene) -> str:
    """An order that ended, in the history."""
    order = await scene.place(price=60_000)
    await scene.client.cancel_order(order["id"], SYMBOL)
    await scene.sleep(2)
    scene.begin()
    found = await scene.client.fetch_canceled_and_closed_orders(SYMBOL)
    return f"{len(found)} in the history"


async def stops_listed(scene: Scene) -> str:
    """A stop that rests, listed."""
    await scene.place()
    await scene.stop()
    scene.begin()
    found = await scene.client.fetch_open_orders(SYMBOL, params={"trigger": True})
    return f"{len(found)} stops"


async def stop_is_hit(scene: Scene) -> str:
    """The price falls through a stop."""
    await scene.place()
    await scene.stop()
    scene.begin()
    scene.move(-20_000)
    await scene.sleep(1)
    held = await scene.client.fetch_positions([SYMBOL])
    found = await scene.client.fetch_open_orders(SYMBOL, params={"trigger": True})
    return f"{len(found)} stops, position {sum(one['contracts'] for one in held):g}"


async def stop_near(scene: Scene) -> str:
    """A stop two in a thousand below, while nothing but a wick happens."""
    await scene.place()
    await scene.stop(64_500)
    scene.begin()
    await scene.sleep(1)
    scene.move(0)
    held = await scene.client.fetch_positions([SYMBOL])
    return f"position {sum(one['contracts'] for one in held):g}"


async def marks(scene: Scene) -> str:
    """Last and mark price."""
    scene.begin()
    told = await scene.client.fetch_funding_rate(SYMBOL)
    return f"mark {_px(told['markPrice'])}"


async def partly(scene: Scene) -> str:
    """A limit order that would fill at once."""
    scene.begin()
    order = await outcome(scene.place(amount=0.01, price=66_000))
    scene.move(1)
    await scene.sleep(1)
    held = await scene.client.fetch_positions([SYMBOL])
    left = await scene.client.fetch_open_orders(SYMBOL)
    return f"{order}; position {sum(one['contracts'] for one in held):g}, {len(left)} open"


async def leverage(scene: Scene) -> str:
    """The leverage of a position."""
    await scene.place()
    scene.begin()
    scene.move(1)
    held = await scene.client.fetch_positions([SYMBOL])
    return f"leverage {_leverage(held[0])}, {held[0]['marginMode']}"


def _leverage(position: dict[str, Any]) -> str:
    told = position["info"].get("leverage") or position["leverage"]
    if told is None:
        told = round(position["notional"] / position["initialMargin"])
    return f"{float(told):g}"


async def modes(scene: Scene) -> str:
    """An order after the owner's hand has switched something."""
    scene.begin()
    scene.move(1)
    seen = await outcome(scene.place())
    if scene.venue == "bybit_linear":
        mode = (await scene.client.private_get_v5_account_info())["result"]["marginMode"]
    else:
        held = await scene.client.fetch_positions([SYMBOL])
        mode = held[0]["marginMode"] if held else "-"
    return f"{seen}; margin {mode}"


async def funding(scene: Scene) -> str:
    """The next charge."""
    scene.begin()
    told = await scene.client.fetch_funding_rate(SYMBOL)
    hours = (
        (told["fundingTimestamp"] or told["nextFundingTimestamp"]) - scene.client.milliseconds()
    ) / 3_600_000
    return f"rate {told['fundingRate']:g}, in {hours:.0f} h"


async def margin(scene: Scene) -> str:
    """The maintenance margin of a position."""
    await scene.place()
    scene.begin()
    scene.move(1)
    held = await scene.client.fetch_positions([SYMBOL])
    return f"maintenance margin {held[0]['maintenanceMargin']:.2f}"


async def times(scene: Scene) -> str:
    """When a fill was, by the client's reckoning."""
    await scene.place()
    scene.begin()
    fill = (await scene.client.fetch_my_trades(SYMBOL))[-1]
    away = fill["timestamp"] - scene.client.milliseconds()
    return f"a fill {'now' if abs(away) < 1_000 else f'{away / 1000:+.3g} s from now'}"


async def clock(scene: Scene) -> str:
    """A signed command, by a client whose clock is right."""
    scene.begin()
    away = (await scene.client.fetch_time()) - scene.client.milliseconds()
    return f"server time {away:+d} ms; {await outcome(scene.place())}"


# -------------------------------------------------------------------- bars and books
async def bars(scene: Scene) -> str:
    """The last bars."""
    scene.begin()
    rows = await scene.client.fetch_ohlcv(SYMBOL, "1m", limit=20)
    return _bars_in_words(scene, rows)


def _bars_in_words(scene: Scene, rows: list[list[Any]]) -> str:
    away = (rows[-1][0] - scene.client.milliseconds() // 60_000 * 60_000) / 60_000
    steps = {(b[0] - a[0]) // 60_000 for a, b in itertools.pairwise(rows)}
    last = rows[-2]
    prices = " ".join(_px(value) for value in last[1:5])
    return f"{len(rows)} bars, last {away:+g} min, steps {sorted(steps)} min; {prices}, volume {_px(last[5])}"


async def bar_frames(scene: Scene) -> str:
    """Bars of the stream for two minutes: how many, and what closes they had."""
    scene.begin()
    scene.walks(130)
    found: list[list[Any]] = []
    end = scene.client.milliseconds() + 130_000
    while (left := end - scene.client.milliseconds()) > 0:
        try:
            rows = await asyncio.wait_for(scene.client.watch_ohlcv(SYMBOL, "1m"), left / 1000)
        except TimeoutError:
            break
        found.append(list(rows[-1]))
    return (
        f"{len(found)} updates, {len({row[0] for row in found})} bars, last close {_px(found[-1][4])}"
        if found
        else "no updates"
    )


async def book(scene: Scene) -> str:
    """The book, twice."""
    scene.begin()
    first = await scene.client.fetch_order_book(SYMBOL, 50)
    scene.move(50)
    second = await scene.client.fetch_order_book(SYMBOL, 50)
    moved = "moved" if first["bids"][0] != second["bids"][0] else "the same"
    return f"{'crossed' if second['bids'][0][0] >= second['asks'][0][0] else 'in order'}, {moved}"


# -------------------------------------------------------------------- streams
async def watches(scene: Scene) -> str:
    """A ticker is awaited while it happens, and once more."""
    scene.walks(1_500)
    await scene.client.watch_ticker(SYMBOL)
    await scene.sleep(2.5)
    await scene.client.watch_ticker(SYMBOL)
    waiting = asyncio.create_task(scene.client.watch_ticker(SYMBOL))
    await scene.sleep(0.1)
    scene.begin()
    first = await outcome(waiting, 1_200)
    return f"{first}; then {await outcome(scene.client.watch_ticker(SYMBOL), 60)}"


async def trades(scene: Scene) -> str:
    """Ten trades of the public stream."""
    scene.walks(11)
    scene.client.newUpdates = False
    await scene.client.watch_trades(SYMBOL)
    scene.begin()
    try:
        async with asyncio.timeout(15):
            while True:
                await scene.client.watch_trades(SYMBOL)
    except TimeoutError:
        found = scene.client.trades[SYMBOL]
    ids = [int(float(trade["id"])) if trade["id"].isdigit() else trade["timestamp"] for trade in found]
    order = "in order" if ids == sorted(ids) else "out of order"
    return f"{len(found)} trades, {len(set(ids))} of them different, {order}"


async def fills_by_stream(scene: Scene) -> str:
    """An order fills: what the stream says after a moment, and what REST says then."""
    scene.begin()
    task = asyncio.create_task(scene.client.watch_my_trades(SYMBOL))
    await scene.sleep(0.5)
    await scene.place()
    await scene.sleep(0.5)
    by_stream = len(task.result()) if task.done() else 0
    by_rest = len(await scene.client.fetch_my_trades(SYMBOL))
    task.cancel()
    return f"stream {by_stream} fills, REST {by_rest}"


PROBES: dict[str, list[tuple[Probe, dict[str, Any]]]] = {
    "N01": [(places, {})],
    "N02": [(places, {})],
    "N03": [(places, {})],
    "N04": [(places, {})],
    "N05": [(places, {})],
    "N06": [(places, {})],
    "N07": [
        (places, {"least_ms": 3_000, "largest_ms": 3_000}),
        (places, {"least_ms": 20_000, "largest_ms": 20_000}),
    ],
    "N08": [(places, {})],
    "N09": [(places, {})],
    "N10": [(watches, {"most": 1})],
    "N11": [(watches, {})],
    "N12": [(trades, {"mode": "duplicate"}), (trades, {"mode": "reorder"})],
    "N13": [(trades, {"most": 4})],
    "N14": [(watches, {"dials_fail": 0.0})],
    "N15": [(places, {})],
    "N16": [
        *((places, {"status": status, "accepted": False}) for status in (403, 502, 503, 504)),
        *((places, {"status": status, "accepted": True}) for status in (200, 502, 504)),
    ],
    "N17": [(watches, {})],
    "N18": [(asks_all, {})],
    "X01": [
        *((places, {"word": w}) for w in ("timeout", "unexpected", "unknown", "disconnected", "busy")),
        (places, {"word": "busy", "accepted": False}),
    ],
    "X02": [(places, {})],
    "X03": [(places, {"body": body}) for body in ("empty", "null", "object", "html", "text")],
    "X04": [(places, {"word": "limit"}), (places, {"word": "ban"})],
    "X05": [(same_id, {})],
    "X06": [(same_id_later, {})],
    "X07": [
        (reads_back, {"orders_ms": 5_000, "fills_ms": 0, "positions_ms": 0}),
        (reads_back, {"orders_ms": 0, "fills_ms": 5_000, "positions_ms": 0}),
        (reads_back, {"orders_ms": 0, "fills_ms": 0, "positions_ms": 5_000}),
    ],
    "X08": [(positions, {})],
    "X09": [(three_fills, {})],
    "X10": [(open_and_history, {"hides": "open"}), (history, {"hides": "history"})],
    "X11": [(stops_listed, {})],
    "X12": [(stop_is_hit, {})],
    "X13": [(reduces, {"word": "reduce_only"}), (reduces, {"word": "reduce_only_sum"})],
    "X14": [
        (small, {"what": "min_notional", "factor": "20"}),
        (small, {"what": "min_lots"}),
        (off_the_new_grid, {"what": "tick"}),
        (off_the_new_grid, {"what": "lot"}),
    ],
    "X15": [(rests, {"phase": "closed"}), (positions_later, {"phase": "settled"})],
    "X16": [(rests, {"phase": "cancel_only"}), (places, {"phase": "post_only"})],
    "X16/maintenance": [(places, {})],
    "X17": [(rests, {"word": "band"}), (stops, {"word": "trigger", "kinds": ["conditional"]})],
    "X18": [(partly, {})],
    "X19": [(cancels, {}), (amends, {})],
    "X20": [(positions_later, {})],
    "X21": [(positions_later, {})],
    "X22": [(positions_later, {"what": what}) for what in ("order", "position", "transfer")],
    "X23": [(leverage, {}), (modes, {"what": "margin"}), (modes, {"what": "position"})],
    "X24": [(funding, {})],
    "X25": [(fills_again, {})],
    "X25/coin": [(fills_again, {})],
    "X26": [(margin, {"what": "tiers"}), (places, {"what": "money"})],
    "X27": [(looks_at_balance, {"what": "revoked"}), (places, {"what": "permission"})],
    "X27/address": [(looks_at_balance, {})],
    "X28": [(three_fills, {"what": "fee"}), (three_fills, {"what": "ids"})],
    "X29": [(times, {"what": what}) for what in ("us", "s", "jump")],
    "X30": [(rests, {}), (stops, {})],
    "X31": [(stop_near, {"what": "last", "share": -0.02}), (marks, {"what": "mark"})],
    "X32": [(positions_later, {})],
    "X33": [(fills_by_stream, {"first": "stream"}), (fills_by_stream, {"first": "rest"})],
    "C05": [(clock, {}), (clock, {"error_ms": -20_000})],
    "D01": [(bars, {"value": value}) for value in ("NaN", "null", "inf")],
    "D02": [(bars, {}), (bar_frames, {})],
    "D03": [(bars, {})],
    "D04": [(bars, {}), (bar_frames, {})],
    "D05": [(bars, {}), (bar_frames, {})],
    "D06": [(bars, {}), (bars, {"price": "-1"})],
    "D07": [(bars, {})],
    "D08": [(bars, {})],
    "D09": [(bars, {})],
    "D10": [(bars, {}), (bar_frames, {})],
    "D11": [(bars, {})],
    "D12": [(bars, {"what": "zone"}), (bars, {"what": "volume"})],
    "D13": [(book, {"mode": "crossed"}), (book, {"mode": "stale"})],
    "D14": [(bars, {}), (bar_frames, {"delay_ms": 150_000})],
}
