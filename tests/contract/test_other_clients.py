"""Other clients than ccxt, unmodified, at their production URLs, in environments of their own.

Each script of ``tests/clients`` is what a user of that client writes; it runs as a process of its own, and what it
asserts, it asserts itself. The test moves the market where the script asks for it, and looks at the exchange
afterwards. ``python3 scripts/clients_env.py`` makes the environments (``scripts/check.py`` does it by itself).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from local_venues import SYMBOL, Venues, World, on_the_wire, open_venues
from mastertrading.simulator.certificates import certificates
from mastertrading.simulator.clock import WallClock

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tests" / "clients"
PYTHON = ("Scripts/python.exe",) if os.name == "nt" else ("bin/python",)
CLIENTS = {
    "binance_sdk": ("current", "binance_usdm"),
    "python_binance": ("current", "binance_usdm"),
    "binance_connector": ("connector", "binance_usdm"),
    "bybit_pybit": ("current", "bybit_linear"),
}
PATIENCE_S = 25.0


def python_of(environment: str) -> Path:
    return ROOT.joinpath(".venv-clients", environment, *PYTHON)


def surroundings(authority: Path) -> dict[str, str]:
    """The environment of a process that trusts the test's authority alone, and knows no proxy."""
    kept = {
        k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("PYTHON")
    }
    ca = str(certificates(authority).ca)
    return {**kept, "SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": ca, "PYTHONDONTWRITEBYTECODE": "1"}


async def serve_script(process: asyncio.subprocess.Process, venues: Venues, venue: str) -> list[dict]:
    """Move the market where the script asks for it; what it said last is what it found."""
    assert process.stdin is not None
    assert process.stdout is not None
    said = []
    async for line in process.stdout:
        word = json.loads(line)
        said.append(word)
        if "market" in word:
            venues.exchanges[venue].move(SYMBOL, World.ticks(word["market"]))
        elif "lots" in word:
            venues.exchanges[venue].markets[SYMBOL].budget_lots = word["lots"]
        process.stdin.write(b"done\n")
    return said


async def run_script(script: str, authority: Path) -> tuple[Venues, list[dict], int, str]:
    environment, venue = CLIENTS[script]
    venues = open_venues(WallClock())
    async with on_the_wire(venues, authority) as server:
        process = await asyncio.create_subprocess_exec(
            str(python_of(environment)),
            str(SCRIPTS / "launch.py"),
            str(server.port),
            str(SCRIPTS / f"{script}.py"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=surroundings(authority),
        )
        assert process.stderr is not None
        errors = asyncio.ensure_future(process.stderr.read())
        said: list[dict] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                said = await serve_script(process, venues, venue)
                await process.wait()
        except TimeoutError:
            process.kill()  # a client's own threads may outlive its error: stderr says which
        finally:
            code = await process.wait()
    return venues, said, code, (await errors).decode()


@pytest.mark.parametrize("script", CLIENTS)
def test_a_client_that_is_not_ccxt_trades_here_as_at_the_venue(script, authority):
    environment, venue = CLIENTS[script]
    if not python_of(environment).exists():
        pytest.skip("there is no .venv-clients; python3 scripts/clients_env.py makes it")
    venues, said, code, errors = asyncio.run(run_script(script, authority))
    assert (code, "Traceback" in errors) == (0, False), errors
    assert list(said[-1]) == ["finished"]
    exchange, account = venues.exchanges[venue], venues.accounts[venue]
    assert exchange.open_orders(account) == []
    assert not list(account.held())
    assert len(exchange.executions(account)) >= 2
    assert exchange.books().total == 0
    assert float(said[-1]["finished"]["balance"]) == pytest.approx(World.money(account.wallet_atoms))


def test_the_launcher_lets_nothing_else_be_reached(tmp_path):
    script = tmp_path / "stray.py"
    script.write_text(
        "import socket\n"
        "try:\n    socket.create_connection(('example.com', 443))\n"
        "except OSError as error:\n    print(error)\n"
        "socket.create_connection(('127.0.0.1', 9))\n"
    )

    async def stray() -> tuple[int | None, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(SCRIPTS / "launch.py"), "41234", str(script), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        return process.returncode, said

    code, said = asyncio.run(stray())
    assert b"none of the local exchange's" in said
    assert code == 77
