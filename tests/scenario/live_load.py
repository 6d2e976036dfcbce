"""What a live cycle costs: ``PYTHONPATH=src:tests python -m scenario.live_load [--bars 1000] [--instruments 7]``.

The trader runs in a process of its own (``live_trader``), the exchange in this one: over sockets with TLS, through
unmodified ccxt, with its journal on disk (SQLite, WAL, ``synchronous=FULL``), in lockstep. Measured are the wall's
milliseconds from the last frame of a minute's bars being read to the decision's commit, what the processor spends on a
bar with all its cycles, and the memory that the trader holds; for each also whether it grows with the history.
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
from itertools import combinations
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
WARMING = 5
"""Bars at the beginning in which things are done for the first time."""
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
    """Live the bars with a trader in another process; what it measured (``live_trader.Sheet``)."""
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
    )
    try:
        sheet = await _lived(told, served, folder)
    finally:
        await served.close()
    if local.bugs():
        raise AssertionError(local.bugs()[0])
    executions = local.exchange().executions(local.account())
    size = sum(one.stat().st_size for one in folder.glob("journal.db*"))
    return {**sheet, "executions": len(executions), "journal_mib": size / 2**20}


async def _lived(told: Told, served: Served, folder: Path) -> Figures:
    spec = folder / "told.pickle"
    spec.write_bytes(pickle.dumps(told))
    trader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scenario.live_trader",
        str(spec),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    playing = asyncio.create_task(_play(told.venue, len(told.instruments), served))
    try:
        out = (await trader.communicate())[0]
    finally:
        playing.cancel()
        if trader.returncode is None:
            trader.kill()
    if trader.returncode:
        raise AssertionError(f"the trader ended with {trader.returncode}")
    return dict(json.loads(out))


async def _play(venue: str, instruments: int, served: Served) -> None:
    """Begin when the trader listens to every instrument's bars."""
    word = "kline"
    while sum(word in topic for topic in served.local.topics(venue)) < instruments:
        await asyncio.sleep(0.02)
    await served.local.run()


# -------------------------------------------------------------------- figures
def summary(sheet: Figures) -> Figures:
    """What people, and the tests, look at."""
    took, cpu = sheet["decided_ms"][WARMING:], sheet["cpu_ms"][WARMING:]
    memory = sheet["memory"][len(sheet["memory"]) // 3 :]
    hour = [(bar / 60, value) for bar, value in enumerate(sheet["decided_cpu_ms"]) if bar >= WARMING]
    return {
        "bars": len(sheet["decided_ms"]),
        "ms": _shares(took),
        "cpu_ms": _shares(sheet["decided_cpu_ms"][WARMING:]),
        "commit_ms": _shares(sheet["commit_ms"][WARMING:]),
        "cpu_ms_a_bar": round(statistics.mean(cpu), 1),
        "cycles_a_bar": round(sheet["cycles"] / len(sheet["decided_ms"]), 2),
        "executions": sheet["executions"],
        "resident_mib": round(memory[-1][1], 1),
        "peak_mib": round(sheet["peak_mib"], 1),
        "growth_mib_an_hour": round(slope([(bar / 60, mib) for bar, mib in memory]), 3),
        "slower_ms_an_hour": round(slope(_by_hour(hour)), 3),
        "by_hour_cpu_ms": [round(value, 1) for _, value in _by_hour(hour)],
        "tidied": len(sheet["tidy_ms"]),
        "tidy_ms": _shares(sheet["tidy_ms"] or [0.0]),
        "full_collections_ms": [round(one) for one in sheet["collected_ms"]],
        "journal_mib": round(sheet["journal_mib"], 1),
        "missed": sheet["missed"],
        "troubles": sheet["troubles"],
        "load_average": round(os.getloadavg()[0], 2),
    }


def _shares(values: list[float]) -> Figures:
    ordered = sorted(values)
    last = len(ordered) - 1
    return {name: round(ordered[int(share * last)], 1) for name, share in SHARES.items()}


SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}


def _by_hour(rows: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The middle of each hour (of each quarter, where there are few)."""
    part = 1.0 if rows[-1][0] >= 6 else 0.25
    groups: dict[int, list[float]] = {}
    for hour, value in rows:
        groups.setdefault(int(hour / part), []).append(value)
    return [(part * number, statistics.median(values)) for number, values in groups.items()]


def slope(points: list[tuple[float, float]]) -> float:
    """The middle of the slopes of all pairs (Theil and Sen): a few odd values do not move it."""
    some = points[:: max(1, len(points) // 200)]
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(some, 2) if t > s]
    return statistics.median(slopes) if slopes else 0.0


def measure(load: Load) -> Figures:
    """Live a load in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        return summary(asyncio.run(live(load, Path(folder))))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--bars", type=int, default=1000)
    parser.add_argument("--instruments", type=int, default=7)
    parser.add_argument("--venue", default="binance_usdm", choices=("binance_usdm", "bybit_linear"))
    options = parser.parse_args()
    print(json.dumps(measure(Load(options.bars, options.instruments, options.venue)), indent=1))


if __name__ == "__main__":
    main()
