"""One workload in a process of its own, so that its memory is its own: ``python -m … NAME RUNS SEED [DATA]``.

Prints one JSON object: what was measured, or what went wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mastertrading
from mastertrading.domain import errors
from mastertrading.domain.errors import MastertradingError

MODULE = "mastertrading.research.bench.worker"


def ask_worker(
    name: str, runs: int, seed: int, data: Path | None, environ: Mapping[str, str], where: bool = False
) -> dict[str, Any]:
    """Measure a workload in a fresh process.

    Raises
    ------
    MastertradingError
        What the worker raised.
    """
    command = [sys.executable, "-m", MODULE, name, str(runs), str(seed), "where" if where else "times"]
    command += [] if data is None else [str(data)]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=surroundings(environ), check=False
    )
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MastertradingError(
            f"measuring {name} ended early", why=why, hint="mastertrading warm"
        ) from None
    if "error" in told:
        kind = getattr(errors, told.pop("error"), MastertradingError)
        raise kind(told.pop("what"), **told)
    return told


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a measured process: it finds this very package, and may keep modules compiled."""
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    places = [str(Path(mastertrading.__file__).parent.parent), environ.get("PYTHONPATH", "")]
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, places))}


def main(given: list[str]) -> int:
    """Measure and print."""
    from mastertrading.research.bench.measure import measure
    from mastertrading.research.bench.stages import where_time_goes
    from mastertrading.research.bench.workloads import WORKLOADS
    from mastertrading.research.keeping import keep_memory

    keep_memory()  # as the command line does
    name, runs, seed, what = given[:4]
    data = Path(given[4]) if len(given) > 4 else None
    work = where_time_goes if what == "where" else measure
    try:
        told = work(WORKLOADS[name], int(runs), int(seed), data)
    except MastertradingError as error:
        parts = {"why": error.why, "where": error.where, "hint": error.hint}
        told = {"error": type(error).__name__, "what": error.what, **parts}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
