"""Equality 1: the rules as they are written and the rules as they are compiled give the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numba
import pytest

from parity.scenes import made, needs_data, recorded, stormy
from parity.whole import closes, prints, replayed

# Slices: the written rules take a few milliseconds a bar and instrument.
SLICES = {
    "recorded": lambda: recorded(("BTCUSDT", "XRPUSDT"), hours=34),
    "made": lambda: made(days=0.8, symbols=("BTCUSDT", "ETHUSDT"), seed=12),
    "stormy": lambda: stormy(days=0.9, symbols=("BTCUSDT", "ETHUSDT")),
}
SCRIPT = (
    "import json, numba\n"
    "assert numba.config.DISABLE_JIT\n"
    "from parity.test_interpreted import SLICES\n"
    "from parity.whole import prints, replayed\n"
    "print(json.dumps(prints(replayed(SLICES['{name}']()))))\n"
)


def interpreted(name):
    """Prints of a slice run by another Python that compiles nothing."""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(name=name)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled here")
@pytest.mark.parametrize("name", sorted(SLICES))
def test_the_written_rules_give_the_bytes_of_the_compiled_ones(name):
    if name == "recorded":
        needs_data()
    run = replayed(SLICES[name]())
    assert len(run["trades"]) >= 3
    assert run["trades"]["partial"].any() or "STOP" in closes(run)
    assert interpreted(name) == prints(run)
