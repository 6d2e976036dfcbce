"""The pages about runs: they name what is there, and their examples work."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from factories import MODULES, MONDAY_MS, Deal, make_result
from mastertrading.app.cli import main
from mastertrading.backtest.fire_rates import MODULE_GATES
from mastertrading.backtest.folder import FILES, TABLES, RunFolder, read_run
from mastertrading.backtest.statistics import statistics
from mastertrading.compiled import records
from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.reasons import Breaker, EventKind, Gate, Stage, TrendGate, name_of
from mastertrading.engine.book import DECISION, ROW
from mastertrading.signals.rows import VERDICT

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
FORECASTS = (ROOT / "docs" / "forecasts.md").read_text(encoding="utf-8")
NOON = 12 * 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run of a day and a minute, in whose noon the session refuses and the trend has no direction."""
    monkeypatch.chdir(tmp_path)
    t_ms = MONDAY_MS + np.arange(1, 1442) * MINUTE_MS
    verdicts, decisions = records(VERDICT, (1441, 2, 4)), records(DECISION, (1441, 2))
    verdicts["refusal"][NOON - 1, 0, 0] = TrendGate.DIRECTION
    decisions["refusal"][NOON - 1, 0] = Gate.SESSION
    decisions["evaluated"][NOON - 1, 0] = (
        1 << (Gate.FLAT - 1) | 1 << (Gate.SESSION - 1) | 1 << (Gate.MACRO - 1)
    )
    decisions["passed"][NOON - 1, 0] = 1 << (Gate.FLAT - 1)
    result = make_result(Deal(gross=5))
    with RunFolder(Path("runs/one")) as made:
        made.write_decisions(
            t_ms, verdicts, decisions, records(ROW, (1441, 2)), ("BTCUSDT", "ETHUSDT"), MODULES
        )
        made.write_result(result, statistics(result))
    return Path("runs/one")


def section(name: str) -> str:
    return PAGE.split(f"## `{name}.parquet`")[1].split("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("table", TABLES)
def test_the_page_explains_every_column_of_a_table(table, folder):
    explained = set(re.findall(r"`([^`]+)`", section(table)))
    explained |= {name.replace("<module>", module) for name in explained for module in MODULES}
    assert [name for name in read_run(folder).table(table).columns if name not in explained] == []


def test_the_page_numbers_the_gates_as_they_are_asked():
    numbered = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE, flags=re.MULTILINE)
    assert numbered == [(str(int(gate)), name_of(gate)) for gate in Gate]


@pytest.mark.parametrize("module", MODULES)
def test_the_page_lists_the_gates_of_a_module_in_order(module):
    (row,) = re.findall(rf"^\| `{module}` \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == [name_of(gate) for gate in MODULE_GATES[module]]


@pytest.mark.parametrize("reasons", [EventKind, Breaker, Stage])
def test_the_page_names_everything_that_an_event_can_say(reasons):
    assert {name_of(reason) for reason in reasons} <= set(re.findall(r"`(\w+)`", section("events")))


def test_the_readme_names_every_file_of_a_run():
    names = set(re.findall(r"^\| `([\w.]+)` \|", README, flags=re.MULTILINE))
    assert names >= FILES


def test_the_page_answers_why_an_instrument_did_not_trade_at_noon(folder, capsys):
    (example,) = blocks(PAGE, "python")
    exec(example, {})
    said = capsys.readouterr().out
    assert datetime.fromtimestamp((MONDAY_MS + NOON * MINUTE_MS) / 1000, UTC).hour == 12
    assert "first refusal: session" in said
    assert "'trend_refusal': 'direction'" in said
    assert "'smc_refusal': 'fires'" in said
    assert f"gates that said no: [{int(Gate.SESSION)}, {int(Gate.MACRO)}]" in said


def test_the_page_of_forecasts_makes_some_and_trades_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (script,), (commands,) = blocks(FORECASTS, "python"), blocks(FORECASTS, "sh")
    for line in commands.splitlines():
        program, *words = line.split()
        if program.endswith("python"):
            assert words == ["signals.py"]
            exec(script, {})
        else:
            assert main(words) == 0, line
    (run,) = (tmp_path / "runs").iterdir()
    assert read_run(run).summary["trades"]["trades"] > 0
