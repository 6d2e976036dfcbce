"""What the machine is, and how busy: figures of a busy machine mislead."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from mastertrading.research.bench.worker import surroundings

BUSY = 0.5
"""Load a processor above which times are not to be trusted."""
STARTS = {"help": ["--help"], "version": ["--version"], "usage_error": ["backtset"]}
START_GOAL, COLD_GOAL = 0.5, 3.0


def machine_facts() -> dict[str, Any]:
    """Processors, load of the last minute (None where the system does not tell), versions."""
    import numba
    import numpy

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    cpus = os.cpu_count() or 1
    return {
        "cpus": cpus,
        "cpu": _cpu_name(),
        "load": load,
        "busy": load is not None and load > BUSY * cpus,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numba": numba.__version__,
        "numpy": numpy.__version__,
    }


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def command_seconds(arguments: Sequence[str], runs: int, environ: Mapping[str, str]) -> float:
    """Median seconds of the command line as a process of its own; a first one that fills the caches is not counted."""
    command = [sys.executable, "-m", "mastertrading", *arguments]
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, env=surroundings(environ), check=False)
        times.append(time.perf_counter() - started)
    return median(times[1:])
