"""What ``bench`` measures from outside, and how it tells people."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mastertrading.app.messages import tr
from mastertrading.app.terminal import out, table
from mastertrading.research.bench.machine import COLD_GOAL, START_GOAL, STARTS, command_seconds
from mastertrading.research.bench.workloads import VENUE

COLD_RUNS, START_RUNS = 3, 9
GROWTH_GOAL = 1.2
ABOUT = {
    "W1": "average cross, 500 000 bars, every gate and reason",
    "W2": "W1 on 7 × 14 400 bars, one account",
    "W1_lean": "W1, trades and equity only",
    "W2_lean": "W2, trades and equity only",
    "W3": "100 parameter pairs, 100 000 bars, 2 threads, lean",
    "W4": "four modules, every gate and reason, 7 instruments",
    "W5": "W4 on a synthetic year, 7 × 525 600 bars",
}


def cold_start(data: Path | None, seed: int) -> dict[str, float]:
    """Seconds of ``backtest`` as a new process with warm kernels: W4 alone, and as typed, with files and report."""
    if data is None:
        market = ["--synthetic", "--days", "10", "--seed", str(seed)]
    else:
        market = ["--data", str(data), *(["--venue", VENUE] if (data / VENUE).is_dir() else [])]
    with tempfile.TemporaryDirectory() as place:
        return {
            "w4": command_seconds(["backtest", *market, "--one-path", "--no-files"], COLD_RUNS, os.environ),
            "with_paths_files_report": command_seconds(
                ["backtest", *market, "--out", str(Path(place) / "run")], COLD_RUNS, os.environ
            ),
        }


def starts(runs: int) -> dict[str, float]:
    """Seconds until the command line has answered what needs no work."""
    return {name: command_seconds(given, min(runs, START_RUNS), os.environ) for name, given in STARTS.items()}


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that was measured: the machine, each workload, where time goes, cold processes, starts."""

    facts: dict[str, Any]
    details: dict[str, dict[str, Any]]
    where: dict[str, dict[str, float]]
    cold: dict[str, float]
    start: dict[str, float]

    def show(self, fewest: int) -> None:
        """Print tables for people; say what makes the figures doubtful."""
        console = out()
        console.print(self._workloads())
        for name in self.details:
            console.print(f"  {name}: {tr(ABOUT[name])}", markup=False, style="dim")
        beside = self._beside()
        if beside.row_count:
            console.print(beside)
        for name, stages in self.where.items():
            console.print(_stages(name, stages))
        for sentence in self._remarks(fewest):
            console.print(sentence, markup=False)

    def _workloads(self) -> Any:
        columns = (
            tr("work"),
            tr("time"),
            tr("fastest"),
            tr("M bars/s"),
            "MiB",
            tr("× floor"),
            tr("goal"),
            "",
        )
        made = table(tr("warm medians, new data each run"), *columns, numbers=(1, 2, 3, 4, 5, 6))
        for name, told in self.details.items():
            ratio, goal = told["ratio_to_floor"], told["goal"]
            made.add_row(
                name,
                _time(told["seconds"]),
                _time(told["fastest"]),
                f"{told['bars_per_second'] / 1e6:.1f}",
                f"{told['rss_mib']:.0f}",
                "" if ratio is None else f"{ratio:.1f}",
                _time(goal),
                _verdict(told["seconds"], goal),
            )
        return made

    def _beside(self) -> Any:
        made = table(tr("beside them"), tr("what"), tr("figure"), tr("goal"), "", numbers=(1, 2))
        for name, told in self.details.items():
            if "with_files_seconds" in told:
                label = tr("{name} with the run's files written").format(name=name)
                made.add_row(label, _time(told["with_files_seconds"]), "", "")
            if "growth" in told:
                label = tr(
                    "{name}: ns a bar, {few:.0f} over 20 000 bars and {many:.0f} over {bars:,}"
                ).format(name=name, few=told["ns_per_bar_of_20k"], many=told["ns_per_bar"], bars=told["bars"])
                verdict = _verdict(told["growth"], GROWTH_GOAL)
                made.add_row(label, f"× {told['growth']:.2f}", f"× {GROWTH_GOAL}", verdict)
        if self.cold:
            label = tr("W4 as a cold process, kernels warm")
            made.add_row(
                label, _time(self.cold["w4"]), _time(COLD_GOAL), _verdict(self.cold["w4"], COLD_GOAL)
            )
            label = tr("the same with all paths, files and report")
            made.add_row(label, _time(self.cold["with_paths_files_report"]), "", "")
        for name, seconds in self.start.items():
            label = tr("command line start: {name}").format(name=tr(START_NAMES[name]))
            made.add_row(label, _time(seconds), _time(START_GOAL), _verdict(seconds, START_GOAL))
        return made

    def _remarks(self, fewest: int) -> list[str]:
        facts = self.facts
        load = tr("unknown") if facts["load"] is None else f"{facts['load']:.2f}"
        told = [
            tr(
                "{cpus} processors ({cpu}), load {load} at the beginning, Python {python}, numba {numba}"
            ).format(**{**facts, "load": load})
        ]
        if facts["compile_seconds"] is not None:
            told.append(tr("compiling took {seconds:.0f} s").format(seconds=facts["compile_seconds"]))
        if facts["busy"]:
            told.append(tr("the machine was busy: these figures mislead, measure again when it is quiet"))
        if "W4" in self.details:
            source, bars = self.details["W4"]["market"], self.details["W4"]["bars"]
            told.append(tr("W4 decided on {bars:,} bars of {source}").format(source=source, bars=bars))
        few = {name: each["runs"] for name, each in self.details.items() if each["runs"] < fewest}
        if few:
            runs = ", ".join(f"{name} {count}" for name, count in few.items())
            told.append(tr("fewer than {fewest} runs: {runs}").format(fewest=fewest, runs=runs))
        if any(each["ratio_to_floor"] is not None for each in self.details.values()):
            told.append(
                tr("on every seed the flat loop made the same trades and the same equity, to the bit")
            )
        return told


START_NAMES = {"help": "--help", "version": "--version", "usage_error": "a usage error"}


def _stages(name: str, stages: dict[str, float]) -> Any:
    """Stages of a run, longest first."""
    whole = sum(stages.values())
    made = table(
        tr("where the time of {name} goes").format(name=name), tr("stage"), "ms", "%", numbers=(1, 2)
    )
    for stage, ms in sorted(stages.items(), key=lambda each: -each[1]):
        made.add_row(tr(stage), f"{ms:.2f}", f"{100 * ms / whole:.0f}")
    return made


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1.0 else f"{1000 * seconds:.1f} ms"


def _verdict(figure: float, goal: float) -> str:
    return tr("met") if figure <= goal else tr("missed")
