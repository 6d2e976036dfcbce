"""The memory of a sweep: predicted before the start, near what is measured, and refused above the limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mastertrading.domain.errors import SafetyBlocked, UsageError
from mastertrading.lake.synthetic import synthesize
from mastertrading.research import memory
from mastertrading.research.memory import MIB, Plan, parse_memory, plan

ROOT = Path(__file__).resolve().parents[3]
MEASURED = """
import json, sys, tempfile
from pathlib import Path
import numpy as np
from mastertrading.lake.synthetic import synthesize
from mastertrading.research.case_store import create
from mastertrading.research.cases import cases_of, checked_space
from mastertrading.research.features import Features
from mastertrading.research.memory import plan
from mastertrading.research.own_signal import signal_of
from mastertrading.research.space import parse_axes
from mastertrading.research.sweep import Shared, sweep
from mastertrading.settings.schema import Settings

def walk(bars, n: int = 5):
    out = np.zeros(len(bars))
    out[n:] = np.sign(bars.close[n:] - bars.close[:-n])
    return out

def go(market, folder):
    signal = signal_of(walk)
    space = checked_space(parse_axes(["n=3,4,5,6"]), [], signal)
    cases = cases_of(space, space.places(), signal)
    needs = plan(market, cases=len(cases), workers=2, kept=3, own_signal=True)
    shared = Shared(market, Settings(), signal=signal)
    sweep(shared, cases, create(folder, {}), workers=2, features=Features(3))
    return needs

def peak():
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024

names = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT")
with tempfile.TemporaryDirectory() as folder:
    go(synthesize(names[:1], 0.5, 1), Path(folder) / "tiny")
    market = synthesize(names, 20.0, 1)
    Path("/proc/self/clear_refs").write_text("5")
    needs = go(market, Path(folder) / "s")
    print(json.dumps({"now": needs.now, "needed": needs.needed, "peak": peak()}))
"""


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="peaks are not told by this system"
)
def test_the_prediction_is_near_the_measured_peak_and_not_below_it():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    answer = subprocess.run(
        [sys.executable, "-c", MEASURED], capture_output=True, text=True, env=environment, check=True
    )
    told = json.loads(answer.stdout)
    assert told["peak"] <= 1.05 * told["needed"]
    assert told["needed"] <= 1.5 * told["peak"]
    assert told["needed"] - told["now"] <= 3.0 * (told["peak"] - told["now"])


def test_more_of_anything_needs_more():
    short, long = (synthesize(("BTCUSDT", "ETHUSDT"), days, 1) for days in (1.0, 4.0))

    def needed(market=short, cases=10, workers=1, kept=1) -> int:
        made = plan(market, cases=cases, workers=workers, kept=kept, own_signal=True, limit=1 << 40)
        return made.needed - made.now

    assert needed(long) > needed()
    assert needed(cases=10_000) > needed()
    assert needed(workers=4) > needed(workers=2) > needed()
    assert needed(kept=9) > needed()


def test_what_does_not_fit_is_refused_with_parts_and_a_way_out():
    tight = Plan(200 * MIB, 10 * MIB, 80 * MIB, 20 * MIB, 5 * MIB, limit=300 * MIB)
    with pytest.raises(SafetyBlocked) as refused:
        tight.check(workers=4)
    told = str(refused.value)
    assert "needs about 315 MiB, and the limit is 300 MiB" in told
    assert "--workers 2" in told
    assert "--memory 315" in told
    assert refused.value.exit_code == 3
    Plan(200 * MIB, 10 * MIB, 80 * MIB, 5 * MIB, 5 * MIB, limit=300 * MIB).check(workers=4)


def test_the_default_limit_leaves_half_of_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 1000 * MIB)
    monkeypatch.setattr(memory, "held", lambda: 100 * MIB)
    market = synthesize(("BTCUSDT",), 1.0, 1)
    assert plan(market, cases=1, workers=1, kept=1, own_signal=False).limit == 600 * MIB


def test_the_process_knows_what_it_holds_and_what_is_free():
    assert 10 * MIB < memory.held() < 1 << 40
    assert memory.free() > 0


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("800", 800 * MIB),
        ("800M", 800 * MIB),
        ("1.5G", 1536 * MIB),
        ("2GiB", 2048 * MIB),
        ("64 mb", 64 * MIB),
    ],
)
def test_an_amount_of_memory_is_read(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "0", "-5", "much", "1e9", "5T", "1.5.2G", "nan"])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(UsageError, match="amount of memory"):
        parse_memory(text)
