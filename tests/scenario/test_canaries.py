"""Planted secrets: a real trader as a process of its own, and no place that others can see holds one of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from mastertrading.app.bar_inputs import listings_of
from mastertrading.app.local_place import write_local
from mastertrading.simulator.clock import WallClock
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.tape import BarTape
from traded import HISTORY, lively, market_of

KEY, SECRET, KEK, PASSWORD = (f"canary{n}{'x' * 20}{n}" for n in range(4))
CANARIES = (KEY, SECRET, KEK, PASSWORD)
SPEED = 30.0


def environ(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MASTERTRADING_")}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "MASTERTRADING_KEYS_MAIN_API_KEY": KEY,
        "MASTERTRADING_KEYS_MAIN_SECRET": SECRET,
        "MASTERTRADING_KEK_PASSPHRASE": KEK,
        **more,
    }


def command(folder, *words):
    return [sys.executable, "-m", "mastertrading", *words, "--state", str(folder / "state")]


def trade(folder, *words):
    told = ("--mode", "testnet", "--instruments", "BTC,ETH,SOL", "--local", str(folder), "--no-wait")
    lively_ = ("--set", "allocation.min_modules=1", "--set", "allocation.threshold=0.1")
    return command(folder, "trade", *told, *lively_, *words)


@pytest.fixture
def served(tmp_path):
    """A local exchange on sockets, in a loop of its own; runs a scene beside it."""
    settings, market = lively("testnet"), market_of(3.0)

    def play(scene):
        async def whole():
            clock = WallClock(SPEED, int(market.ts_ms[HISTORY]))
            listed = listings_of(market.instruments, settings)
            local = LocalExchange(listed, clock=clock, tape=BarTape(market, HISTORY), pace=Pace.CLOCK)
            local.open_account(deposit=Decimal(10_000), api_key=KEY, secret=SECRET)
            local.account().leverage.update(dict.fromkeys(market.symbols, 125))
            place = await local.serve(tmp_path)
            about = {"port": place.port, "key": KEY, "secret": SECRET, "speed": SPEED}
            write_local(tmp_path, {**about, "now_ms": clock.now_ms(), "at_ms": time.time_ns() // 1_000_000})
            playing = asyncio.ensure_future(local.run())
            try:
                return await scene(local)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
                await place.close()

        return asyncio.run(whole())

    return play


async def until(happened, seconds=60.0):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.1)


def everything_in(folder: Path) -> str:
    """All files as text; databases row by row as well."""
    parts = []
    for path in folder.rglob("*"):
        if path.is_file():
            parts.append(path.read_bytes().decode(errors="replace"))
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as database:
                parts += list(database.iterdump())
    return "\n".join(parts)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads processes as Linux shows them")
def test_no_file_column_output_or_list_of_processes_holds_a_planted_secret(served, tmp_path):
    state = tmp_path / "state"

    async def scene(local):
        child = await asyncio.create_subprocess_exec(
            *trade(tmp_path), env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
        )
        reading = asyncio.ensure_future(child.communicate())
        log = state / "binance_usdm-testnet" / "trader.log"
        await until(lambda: (log.exists() and "BTCUSDT: long" in log.read_text()) or reading.done())
        seen = Path(f"/proc/{child.pid}/cmdline").read_text()
        status = subprocess.run(
            command(tmp_path, "status", "--json"), env=environ(), capture_output=True, text=True, check=False
        )
        child.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(reading, 30)
        held = {one.symbol: one.lots for one in local.account().legs.values() if one.lots}
        return child.returncode, seen, status, out.decode() + err.decode(), held

    code, seen, status, said, held = served(scene)
    assert code == 0, said
    told = json.loads(status.stdout)
    assert (status.returncode, told["phase"], told["running"]) == (0, "trading", True)
    assert {one["symbol"] for one in told["held"]} <= set(held)
    assert held
    assert all(f"{symbol}: " in said for symbol in held)
    shown = "\n".join([seen, status.stdout, status.stderr, said, everything_in(state)])
    assert "trading testnet on binance_usdm" in shown
    assert [one for one in CANARIES if one in shown] == []


def test_a_wrong_secret_and_a_wrong_address_are_told_without_being_shown(served, tmp_path):
    async def scene(local):
        def run(words, **more):
            return subprocess.run(
                words, env=environ(**more), capture_output=True, text=True, check=False, cwd=tmp_path
            )

        wrong = {"MASTERTRADING_KEYS_MAIN_SECRET": PASSWORD}
        address = {"MASTERTRADING_JOURNAL": f"postgresql://me:{PASSWORD}@127.0.0.1:1/none"}
        loop = asyncio.get_running_loop()
        one = await loop.run_in_executor(None, lambda: run(trade(tmp_path), **wrong))
        two = await loop.run_in_executor(None, lambda: run(["env", *trade(tmp_path)], **address))
        debug = [*trade(tmp_path)[:3], "--debug", *trade(tmp_path)[3:]]
        three = await loop.run_in_executor(None, lambda: run(debug, **wrong))
        return one, two, three

    ended = served(scene)
    assert [one.returncode for one in ended] == [3, 3, 3]
    assert "does not accept these keys" in ended[0].stderr
    assert "cannot be reached" in ended[1].stderr
    shown = "\n".join(one.stdout + one.stderr for one in ended) + everything_in(tmp_path / "state")
    assert [one for one in CANARIES if one in shown] == []
