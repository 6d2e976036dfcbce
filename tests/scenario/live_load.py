"""What a live cycle costs: ``PYTHONPATH=src:tests python -m scenario.live_load [--bars 1000] [--instruments 7]``.

The trader runs in a process of its own (``live_trader``), the exchange in this one: over sockets with TLS, through
unmodified ccxt, with its journal on disk (SQLite, WAL, ``synchronous=FULL``), in lockstep. Measured are the wall's
milliseconds from the last frame of a minute's bars being read to the decision's commit, what the processor spends on a
bar with all its cycles, and the memory that the trader holds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pickle
import statistics
import sys
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from mastertrading.app.bar_inputs import Inputs, listings_of, primer_of
from mastertrading.app.demo import HISTORY_HOURS, demo_market, demo_settings
from mastertrading.app.live_world import HIGHEST_LEVERAGE, LEAD
from mastertrading.settings.schema import Settings
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.local import LocalExchange, Served
from mastertrading.simulator.tape import BarTape
from scenario.live_trader import Told

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT")
DEPOSIT = 10_000
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Load:
    """What is lived."""

    bars: int = 1000
    instruments: int = 7
    venue: str = "binance_usdm"
    seed: int = 1

    @property
    def symbols(self) -> tuple[str, ...]:
        """The usual seven, and made ones beyond them."""
        made = (f"COIN{n:03d}USDT" for n in range(self.instruments))
        return (*SYMBOLS, *made)[: self.instruments]


async def live(load: Load, folder: Path) -> Figures:
    """Live the bars with a trader in another process; what it measured."""
    settings = demo_settings(Settings())
    market = demo_market(load.symbols, load.bars / 60, load.seed)
    start = HISTORY_HOURS * 60
    local = LocalExchange(
        listings_of(market.instruments, settings),
        venues=(load.venue,),
        tape=BarTape(market, start - LEAD, start + load.bars),
        pace=Pace.LOCKSTEP,
        holds_everywhere=True,
    )
    local.open_account(deposit=Decimal(repr(settings.account.initial_equity)))
    local.account().leverage.update(dict.fromkeys(market.symbols, HIGHEST_LEVERAGE))
    local.clock.advance(0.001)  # type: ignore[union-attr]  # the deposit was before us
    served = await local.serve(folder)
    told = Told(
        venue=load.venue,
        own_id=str(uid_of(local.account())) if load.venue == "bybit_linear" else "me",
        keys=local.keys(),
        port=served.port,
        control=served.control.port,
        token=served.control.token,
        authority=folder,
        url=f"sqlite:///{folder / 'journal.db'}",
        settings=settings,
        instruments=market.instruments,
        primer=primer_of(market),
        past=list(Inputs(market).until(start)),
        first_ms=int(market.ts_ms[0]),
        began_ms=local.clock.now_ms(),
        sample_every=10,
    )
    try:
        return await _lived(told, served, folder)
    finally:
        await served.close()


async def _lived(told: Told, served: Served, folder: Path) -> Figures:
    spec = folder / "told.pickle"
    spec.write_bytes(pickle.dumps(told))
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    trader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scenario.live_trader",
        str(spec),
        stdout=asyncio.subprocess.PIPE,
        env=environ,
    )
    playing = asyncio.create_task(_played(served))
    try:
        out = (await trader.communicate())[0]
    finally:
        playing.cancel()
        if trader.returncode is None:
            trader.kill()
    if served.local.bugs():
        raise AssertionError(served.local.bugs()[0])
    executions = served.local.exchange().executions(served.local.account())
    return {**json.loads(out), "executions": len(executions)}


async def _played(served: Served) -> None:
    """Play once the trader listens."""
    while not served.local.topics():
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    await served.local.run()


def summary(told: Figures) -> Figures:
    """Figures for people."""
    took, cpu = sorted(told["decided_ms"]), told["cpu_ms"][5:]
    memory = [mib for _, mib in told["samples"]]
    return {
        "bars": len(took),
        "p50_ms": _share(took, 0.50),
        "p99_ms": _share(took, 0.99),
        "max_ms": round(took[-1], 1),
        "cpu_ms_a_bar": round(statistics.mean(cpu), 1),
        "cycles_a_bar": round(told["cycles"] / len(took), 2),
        "executions": told["executions"],
        "resident_mib": round(memory[-1], 1),
        "peak_mib": round(told["peak_mib"], 1),
        "growth_mib": round(memory[-1] - memory[len(memory) // 3], 2),
        "missed": told["missed"],
        "troubles": told["troubles"],
        "load_average": round(os.getloadavg()[0], 2),
    }


def _share(sorted_ms: list[float], share: float) -> float:
    return round(sorted_ms[int(share * (len(sorted_ms) - 1))], 1)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--bars", type=int, default=1000)
    parser.add_argument("--instruments", type=int, default=7)
    parser.add_argument("--venue", default="binance_usdm")
    options = parser.parse_args()
    load = Load(options.bars, options.instruments, options.venue)
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(live(load, Path(folder)))
    print(json.dumps(summary(told), indent=1))


if __name__ == "__main__":
    main()
