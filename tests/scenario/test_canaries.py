"""Planted secrets: a real trader as a process of its own, and no place that others can see holds one of them."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from trader_process import CANARIES, PASSWORD, command, environ, served_in, trade, until


@pytest.fixture
def served(tmp_path):
    return served_in(tmp_path)


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
