"""``report``, and the report that ``backtest`` leaves."""

from __future__ import annotations

import json

import pytest

from command_runs import backtest, command
from mastertrading.app.cli import main

FEW = ("--instruments", "BTC,ETH")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def made(runs):
    """A run on a synthetic market."""
    return backtest(runs / "made", "--synthetic", "--days", 2, *FEW)


@pytest.fixture(scope="module")
def lake(runs):
    command("data", "synth", "--days", 2, *FEW, "--out", runs / "lake", "--json")
    return runs / "lake"


@pytest.fixture(scope="module")
def recorded(runs, lake):
    """A run on a lake."""
    return backtest(runs / "recorded", "--data", lake, *FEW)


def test_the_report_made_anew_is_the_one_that_the_backtest_left(made, recorded, lake, capsys):
    for run, words in ((made, ()), (recorded, ("--data", lake))):
        before = (run / "report.html").read_bytes()
        (run / "report.html").unlink()
        command("report", run, *words, "--json")
        assert (run / "report.html").read_bytes() == before
        told = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert told == {"report": str(run / "report.html"), "bytes": len(before), "with_bars": True}


def test_a_synthetic_run_that_ends_early_needs_the_length_of_its_market(runs, capsys):
    run = backtest(runs / "early", "--synthetic", "--days", 2, *FEW, "--to", "2024-01-02T12:00")
    before = (run / "report.html").read_bytes()
    capsys.readouterr()
    command("report", run, "--out", runs / "bare.html")
    assert "--days" in capsys.readouterr().err
    command("report", run, "--days", 2, "--json")
    assert json.loads(capsys.readouterr().out)["with_bars"]
    assert (run / "report.html").read_bytes() == before


def test_bars_that_the_run_did_not_trade_are_refused_and_the_page_stays(made, runs, capsys):
    command("data", "synth", "--days", 2, *FEW, "--out", runs / "other", "--seed", 7, "--json")
    before = (made / "report.html").read_bytes()
    assert main(["report", str(made), "--data", str(runs / "other")]) == 1
    assert "these are not the bars of the run" in capsys.readouterr().err
    assert (made / "report.html").read_bytes() == before


def test_the_first_of_several_data_folders_that_has_the_bars_is_used(recorded, runs, lake, capsys):
    command("data", "synth", "--days", 2, *FEW, "--out", runs / "third", "--seed", 9, "--json")
    capsys.readouterr()
    command("report", recorded, "--data", runs / "third", "--data", lake, "--json")
    assert json.loads(capsys.readouterr().out)["with_bars"]


def test_another_file_is_written_and_the_folder_left_alone(made, tmp_path, capsys):
    before = sorted(path.name for path in made.iterdir())
    command("report", made, "--out", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == (made / "report.html").read_bytes()
    assert sorted(path.name for path in made.iterdir()) == before
    assert str(tmp_path / "page.html") in capsys.readouterr().out.replace("\n", "")


def test_a_backtest_can_leave_no_report_and_replaces_a_folder_with_one(runs):
    run = backtest(runs / "none", "--synthetic", "--days", 0.5, *FEW, "--no-report")
    assert not (run / "report.html").exists()
    backtest(run, "--synthetic", "--days", 0.5, *FEW)
    assert (run / "report.html").is_file()
    backtest(run, "--synthetic", "--days", 0.5, *FEW, "--no-report")
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("nowhere",), 1),
        (("nowhere", "--days", "3", "--data", "x"), 2),
        (("nowhere", "--days", "-1"), 2),
    ],
)
def test_wrong_use_and_no_run_are_told(words, code, capsys):
    assert main(["report", *words]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_damaged_run_is_told(made, tmp_path, capsys):
    for file in made.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "trades.parquet").write_bytes(b"PAR1 but no more")
    assert main(["report", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "is damaged" in told
    assert "unexpected" not in told


def test_the_page_is_opened_in_the_browser_on_wish(made, monkeypatch, capsys):
    import webbrowser

    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    command("report", made, "--open", "--json")
    assert opened == [(made / "report.html").resolve().as_uri()]


def test_the_page_speaks_the_language_of_the_command_line(made, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    command("report", made, "--out", tmp_path / "es.html", "--json")
    page = (tmp_path / "es.html").read_text()
    assert '<html lang="es">' in page
    assert "Capital y caída" in page
