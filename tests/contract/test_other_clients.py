"""Other clients than ccxt (and ccxt alone), unmodified, at production URLs, as processes of their own.

Each script of ``tests/clients`` is what a user of that client writes, and asserts what it finds itself. The test moves
the market where the script asks for it, and looks at the exchange afterwards. Their pins conflict with ccxt's, so
``python3 scripts/clients_env.py`` makes environments for them (``scripts/check.py`` calls it by itself).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_venues import SYMBOL, World, on_the_wire, open_venues
from mastertrading.simulator import lead
from mastertrading.simulator.clock import WallClock
from mastertrading.simulator.local import LocalExchange

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tests" / "clients"
PYTHON = ("Scripts/python.exe",) if os.name == "nt" else ("bin/python",)
CLIENTS = {
    "binance_sdk": ("current", "binance_usdm"),
    "python_binance": ("current", "binance_usdm"),
    "binance_connector": ("connector", "binance_usdm"),
    "bybit_pybit": ("current", "bybit_linear"),
    "ccxt_alone": ("", "bybit_linear"),
}
PATIENCE_S = 25.0


def python_of(environment: str) -> Path:
    """The Python of an environment of other clients; of none: this one."""
    if not environment:
        return Path(sys.executable)
    return ROOT.joinpath(".venv-clients", environment, *PYTHON)


def surroundings() -> dict[str, str]:
    """The environment of a process that knows no proxy, no authorities and no other Python of ours."""
    ours = ("_proxy", "_ca_bundle", "ssl_cert_file", "ssl_cert_dir")
    kept = {
        k: v for k, v in os.environ.items() if not k.lower().endswith(ours) and not k.startswith("PYTHON")
    }
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


async def serve_script(process: asyncio.subprocess.Process, local: LocalExchange, venue: str) -> list[dict]:
    """Move the market where the script asks for it; what it said last is what it found."""
    assert process.stdin is not None
    assert process.stdout is not None
    said = []
    async for line in process.stdout:
        word = json.loads(line)
        said.append(word)
        if "market" in word:
            local.exchange(venue).move(SYMBOL, World.ticks(word["market"]))
        elif "lots" in word:
            local.exchange(venue).markets[SYMBOL].budget_lots = word["lots"]
        process.stdin.write(b"done\n")
    return said


async def run_script(script: str, authority: Path) -> tuple[LocalExchange, list[dict], int, str]:
    environment, venue = CLIENTS[script]
    local = open_venues(WallClock())
    launcher = shutil.copy(lead.__file__, authority)  # beside the certificate, as ``exchange serve`` puts it
    async with on_the_wire(local, authority) as served:
        process = await asyncio.create_subprocess_exec(
            str(python_of(environment)),
            launcher,
            str(served.port),
            str(SCRIPTS / f"{script}.py"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=surroundings(),
        )
        assert process.stderr is not None
        errors = asyncio.ensure_future(process.stderr.read())
        said: list[dict] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                said = await serve_script(process, local, venue)
                await process.wait()
        except TimeoutError:
            process.kill()  # a client's own threads may outlive its error: stderr says which
        finally:
            code = await process.wait()
    return local, said, code, (await errors).decode()


@pytest.mark.parametrize("script", CLIENTS)
def test_an_unmodified_client_trades_here_as_at_the_venue(script, authority):
    environment, venue = CLIENTS[script]
    if not python_of(environment).exists():
        pytest.skip("there is no .venv-clients; python3 scripts/clients_env.py makes it")
    local, said, code, errors = asyncio.run(run_script(script, authority))
    assert (code, "Traceback" in errors) == (0, False), errors
    assert list(said[-1]) == ["finished"]
    exchange, account = local.exchange(venue), local.account(venue=venue)
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
        "except OSError as error:\n    print(error, flush=True)\n"
        "socket.socket().connect(('192.0.2.1', 443))\n"
    )
    stray = [sys.executable, lead.__file__, "41234", str(script)]
    done = subprocess.run(stray, capture_output=True, text=True, check=False, timeout=10)
    assert "example.com is none of the local exchange's names" in done.stdout
    assert (done.returncode, "a connection to 192.0.2.1 was about to be made" in done.stderr) == (
        lead.LEFT,
        True,
    )
