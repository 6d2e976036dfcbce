"""Run folders and pages made from a few deals, without a replay."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from factories import MONDAY_MS, Deal, Scene, make_instrument, make_result
from mastertrading.backtest.folder import RunFolder
from mastertrading.backtest.result import Result
from mastertrading.backtest.statistics import statistics
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import MINUTE_MS, Market
from mastertrading.surfaces.report.facts import read_facts
from mastertrading.surfaces.report.page import report_html

HOSTILE = "</script><script>owned=1;document.title='owned'</script><img src=x onerror=owned=1>\"'&"


ONE = (make_instrument(),)
EDGES = {
    "no trade": Scene([]),
    "one trade": Scene([Deal(gross=5)]),
    "one instrument": Scene([Deal(gross=5)], instruments=ONE),
    "one minute": Scene([], minutes=1, instruments=ONE),
    "no risk known": Scene([Deal(gross=-5, risk=0.0)], minutes=60),
    "transfer": Scene([Deal(gross=0.0)] * 3, transfers=[(5, 500.0)], minutes=90),
}
"""Runs that are hardly one."""


def write_folder(target: Path, result: Result) -> Path:
    with RunFolder(target) as folder:
        folder.write_result(result, statistics(result))
    return target


def page_of(result: Result, market: Market | None = None, **options: object) -> str:
    with TemporaryDirectory() as place:
        facts = read_facts(write_folder(Path(place) / "run", result))
        return report_html(facts, market, **options)


def walking_market(instruments: tuple[Instrument, ...], bars: int, base_ms: int = MINUTE_MS) -> Market:
    """A saw-tooth market that begins at the made results' first minute."""
    steps = (np.arange(bars) % 17 - 8)[:, None] * np.ones(len(instruments))
    close = 1000.0 + steps
    opened = np.vstack([close[:1], close[:-1]])
    return Market(
        instruments=instruments,
        base_ms=base_ms,
        ts_ms=MONDAY_MS + np.arange(bars, dtype=np.int64) * base_ms,
        open=opened,
        high=np.maximum(opened, close) + 2.0,
        low=np.minimum(opened, close) - 2.0,
        close=close,
        volume=np.ones_like(close),
        valid=np.ones(close.shape, bool),
        settlements=(),
        primer=(),
        data_id="d" * 64,
        grade="A",
    )


def hostile_page() -> str:
    """A page of a run whose every name tries to break out."""
    instruments = (make_instrument(HOSTILE), make_instrument("ETHUSDT", "0.01", "0.001"))
    scene = Scene([Deal(gross=32), Deal(gross=-9, instrument=1)], instruments=instruments)
    result = make_result(scene=scene, modules=(HOSTILE, "meanrev", "carry", "smc"), source=HOSTILE)
    with TemporaryDirectory() as place:
        target = write_folder(Path(place) / "run", result)
        summary = json.loads((target / "summary.json").read_text())
        summary["signal"] = {"name": HOSTILE, "file": HOSTILE, "params": {HOSTILE: HOSTILE}}
        (target / "summary.json").write_text(json.dumps(summary))
        market = walking_market(instruments, 3 * 1440)
        return report_html(read_facts(target), market, notes=[HOSTILE])
