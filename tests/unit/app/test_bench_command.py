"""``bench``: its tables, its JSON and its complaints. What is measured stands in for itself here."""

from __future__ import annotations

import json

import pytest

from mastertrading.app import bench as outside
from mastertrading.app.cli import main
from mastertrading.app.commands import bench
from mastertrading.research.bench import machine, worker
from mastertrading.research.bench.workloads import WORKLOADS

SLOW = {"W2", "W5"}


def measured(name, runs, seed, data, environ, where=False):
    if where:
        return {"replay": 3.0, "rows": 0.5, "everything else": 0.5}
    seconds = WORKLOADS[name].goal * (2.0 if name in SLOW else 0.5)
    floor = None if WORKLOADS[name].floor is None else seconds / 4
    told = {
        "seconds": seconds,
        "bars_per_second": 2.5e6,
        "rss_mib": 123.4,
        "fastest": seconds / 2,
        "runs": runs,
        "bars": 14_400,
    }
    told |= {"goal": WORKLOADS[name].goal, "market": "synthetic", "ratio_to_floor": 4.0 if floor else None}
    if name == "W1":
        told |= {"with_files_seconds": 1.5, "ns_per_bar": 60.0, "ns_per_bar_of_20k": 40.0, "growth": 1.5}
    return told


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(worker, "ask_worker", measured)
    monkeypatch.setattr(bench, "compile_if_needed", lambda quiet: None)
    monkeypatch.setattr(outside, "command_seconds", lambda arguments, runs, environ: 0.25)
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (0.1, 0.1, 0.1), raising=False)


def test_json_has_four_figures_a_workload_and_everything_else_beside(capsys):
    assert main(["bench", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    for name in bench.NAMES:
        assert list(told[name]) == ["seconds", "bars_per_second", "ratio_to_floor", "rss_mib"]
    assert told["W4"]["ratio_to_floor"] is None
    assert set(told["start_seconds"]) == {"help", "version", "usage_error"}
    assert set(told["cold_seconds"]) == {"w4", "with_paths_files_report"}
    assert told["machine"]["cpus"] >= 1


def test_json_of_some_workloads_holds_no_other(capsys):
    assert main(["bench", "W2", "W1_lean", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [name for name in told if name.startswith("W")] == ["W2", "W1_lean"]
    assert told["start_seconds"] == {}


def test_the_table_says_which_goals_are_met(capsys):
    assert main(["bench"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = {name: next(line for line in lines if line.split()[:1] == [name]) for name in bench.NAMES}
    assert {name for name, line in first.items() if line.rstrip().endswith("missed")} == SLOW
    assert {name for name, line in first.items() if line.rstrip().endswith("met")} == set(bench.NAMES) - SLOW
    grown = next(line for line in lines if "ns a bar" in line)
    assert grown.rstrip().endswith("missed")


def test_where_adds_a_table_of_stages(capsys):
    assert main(["bench", "W1", "W2", "--where"]) == 0
    told = capsys.readouterr().out
    assert "where the time of W1 goes" in told
    assert "where the time of W2 goes" not in told
    rows = {line.split()[0]: line.split()[1:] for line in told.splitlines() if line.strip()}
    assert rows["replay"] == ["3.00", "75"]
    assert rows["rows"] == ["0.50", "12"]


def test_a_busy_machine_and_few_runs_are_told(capsys, monkeypatch):
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (64.0, 64.0, 64.0), raising=False)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 2)
    assert main(["bench", "W3", "--runs", "3"]) == 0
    told = capsys.readouterr().out
    assert "these figures mislead" in told
    assert "fewer than 15 runs: W3 3" in told


def test_a_quiet_machine_and_enough_runs_are_not_remarked_on(capsys):
    assert main(["bench", "W3"]) == 0
    told = capsys.readouterr().out
    assert "mislead" not in told
    assert "fewer" not in told


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["W9"], 2, "there is no workload 'W9'"),
        (["w1"], 2, "mastertrading bench W1"),
        (["--runs", "0"], 2, "--runs must be at least 1"),
        (["--runs", "many"], 2, "is not a whole number"),
        (["--seed", "-1"], 2, "--seed"),
        (["--data", "nowhere"], 1, "there is no folder nowhere"),
    ],
)
def test_wrong_use_is_told_with_what_to_do(capsys, given, code, said):
    assert main(["bench", *given]) == code
    assert said in capsys.readouterr().err


def test_the_command_and_the_workloads_know_the_same_names():
    assert tuple(WORKLOADS) == bench.NAMES
    assert set(outside.ABOUT) == set(bench.NAMES)
