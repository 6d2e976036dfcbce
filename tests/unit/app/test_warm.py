"""``warm`` finds the kernels and compiles what a run uses."""

from __future__ import annotations

import json

from mastertrading.app import cli
from mastertrading.app.commands import warm
from mastertrading.compiled.kernel import ENTRY_POINTS


def test_warm_compiles_the_entry_points_that_a_backtest_uses(capsys):
    assert cli.main(["warm", "--json"]) == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert shown.err == ""
    assert report["entry_points"] == len(ENTRY_POINTS) > 0
    if any(hasattr(entry, "signatures") for entry in ENTRY_POINTS):  # not under NUMBA_DISABLE_JIT
        assert report["compiled"] > 0


def test_warm_looks_into_every_kernel_room():
    rooms = {name.split(".")[1] for name in warm.kernel_modules()}
    assert {"indicators", "signals", "rules", "engine", "backtest"} <= rooms
