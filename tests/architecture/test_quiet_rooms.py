"""No clock, no randomness and no environment below the command line: time and noise come in as arguments."""

from __future__ import annotations

import ast

import pytest

from architecture.source import room, trees

BELOW = [path for path in trees() if room(path) not in ("app", "__main__.py")]
BANNED = {"random", "secrets", "uuid", "sched", "threading", "asyncio"}
NOW = {"now", "utcnow", "today"}
STOPWATCH = {"perf_counter"}
STOPWATCHES = ("backtest", "research")
"""Drivers may measure how long they took. They may not know what time it is."""

ENVIRONMENT = {"compiled/kernel.py", "simulator/lead.py"}
"""The folder of compiled kernels is a matter of the machine, and changes no result; the launcher of foreign bots tells
their libraries by it what to trust.
"""

CLOCKS = {"simulator/clock.py", "simulator/virtual_time.py"}
"""Where the exchange's own time is made, of the wall's or of none."""

DATED = {"simulator/certificates.py"}
"""A certificate says from when to when it is good."""

LOCKED = {"exchange/pacing.py", "lake/staging.py"}
"""What threads of the command line share may have a lock, and nothing else of threads."""

ON_A_LOOP = ("exchange", "simulator", "journal", "live")
"""Who speaks to networks, or waits for disks, runs on a loop. Gateways still sleep by the clock that they are given."""

SEEDED = {"Generator", "PCG64", "SeedSequence", "Philox"}


def attributes(tree):
    """Every ``name.attribute`` of a module, dotted."""
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", BELOW)
def test_a_module_below_the_command_line_imports_no_source_of_chance(path):
    for node in ast.walk(trees()[path]):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").split(".")[0]]
            assert node.module != "time", "import time, so that what is used of it can be seen"
        allowed = {"threading"} if path in LOCKED else set()
        allowed |= {"asyncio"} if room(path) in ON_A_LOOP else set()
        assert not (BANNED - allowed) & set(names)
    if path in LOCKED:
        assert {name for name in attributes(trees()[path]) if name.startswith("threading.")} == {
            "threading.Lock"
        }


@pytest.mark.parametrize("path", [path for path in BELOW if room(path) == "exchange"])
def test_a_gateway_sleeps_only_by_the_clock_that_it_is_given(path):
    assert not attributes(trees()[path]) & {"asyncio.sleep", "asyncio.timeout", "asyncio.wait_for"}


@pytest.mark.parametrize("path", BELOW)
def test_a_module_below_the_command_line_asks_no_clock(path):
    used = attributes(trees()[path])
    clocks = {name.split(".")[1] for name in used if name.startswith("time.") and name.count(".") == 1}
    imported = {a.name for n in ast.walk(trees()[path]) if isinstance(n, ast.Import) for a in n.names}
    if "time" in imported and path not in CLOCKS:
        assert room(path) in STOPWATCHES
        assert clocks <= STOPWATCH
    assert not {
        name
        for name in used
        if name.split(".")[-1] in NOW and name.split(".")[0] in ("datetime", "date") and path not in DATED
    }


@pytest.mark.parametrize("path", BELOW)
def test_a_module_below_the_command_line_draws_no_unseeded_noise(path):
    for name in attributes(trees()[path]):
        if name.startswith("np.random."):
            assert name.split(".")[2] in SEEDED


@pytest.mark.parametrize("path", BELOW)
def test_a_module_below_the_command_line_reads_no_environment(path):
    if path not in ENVIRONMENT:
        assert not attributes(trees()[path]) & {"os.environ", "os.getenv"}
