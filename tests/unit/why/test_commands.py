"""``why`` and ``diff`` from the command line: what they take, refuse and answer with."""

from __future__ import annotations

import json
import shutil

import pytest

from mastertrading.app.cli import main


def asked(capsys, *words, code=0):
    """What a command prints: stdout where it succeeds, else stderr."""
    assert main([str(word) for word in words]) == code
    told = capsys.readouterr()
    return told.out if code in (0, 4) else told.err


@pytest.mark.parametrize("symbol", ["BTC", "btcusdt", "BTC/USDT:USDT", "BTC-USDT-PERP", "XBTUSDTM"])
def test_any_spelling_of_an_instrument_and_any_form_of_a_moment_is_the_same_minute(capsys, folder, symbol):
    told = json.loads(asked(capsys, "why", symbol, "--at", "2024-01-03T12:00", "--run", folder, "--json"))
    assert (told["instrument"], told["ts_ms"]) == ("BTCUSDT", 1_704_283_200_000)
    in_ms = asked(capsys, "why", symbol, "--at", "1704283200000", "--run", folder, "--json")
    offset = asked(capsys, "why", symbol, "--at", "2024-01-03T14:00+02:00", "--run", folder, "--json")
    assert json.loads(in_ms) == json.loads(offset) == told


def test_without_a_run_named_the_newest_is_asked(capsys, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, tmp_path / "runs" / "mine")
    assert "in runs/mine" in asked(capsys, "why", "BTC", "--at", "2024-01-03")


def test_every_question_answers_machines_too(capsys, folder):
    summary = json.loads(asked(capsys, "why", "--summary", "--run", folder, "--json"))
    assert summary["decisions"] == 2 * 8 * 1440
    assert summary["bottleneck"] in {row["gate"] for row in summary["gates"]}
    window = ("--from", "2024-01-03", "--to", "2024-01-04")
    found = json.loads(asked(capsys, "why", "ETH", *window, "--run", folder, "--json"))
    assert sum(stretch["minutes"] for stretch in found["stretches"]) == 1440
    trade = json.loads(asked(capsys, "why", "--trade", 1, "--run", folder, "--json"))
    assert trade["trade"]["trade_id"] == 1
    same = json.loads(asked(capsys, "diff", folder, folder, "--json"))
    assert same["same"] is True


def test_summary_of_one_instrument_is_asked_by_symbol_or_option(capsys, folder):
    one = asked(capsys, "why", "ETH", "--summary", "--run", folder)
    assert one == asked(capsys, "why", "--summary", "--instruments", "ETH", "--run", folder)
    assert "BTCUSDT" not in one


def test_spanish_is_spoken(capsys, folder, monkeypatch):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    assert "El cuello de botella es" in asked(capsys, "why", "--summary", "--run", folder)
    assert "La misma ejecución" in asked(capsys, "diff", folder, folder)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["why"], 2, "say which minute, trade or window"),
        (["why", "BTC"], 2, "say which minute, trade or window"),
        (["why", "--at", "2024-01-03"], 2, "say which instrument"),
        (["why", "BTC", "--at", "noon"], 2, "'noon' is not a date"),
        (["why", "BTC", "--at", "9" * 19], 2, "is not a date"),
        (["why", "B??", "--at", "2024-01-03"], 2, "is not the name of an instrument"),
        (["why", "BTC", "--at", "2024-01-03", "--trade", "1"], 2, "--at and --trade are two questions"),
        (
            ["why", "BTC", "--at", "2024-01-03", "--from", "2024-01-03"],
            2,
            "--at and --from are two questions",
        ),
        (["why", "BTC", "--from", "2024-01-04", "--to", "2024-01-03"], 2, "the window is empty"),
        (["why", "--trade", "0.5"], 2, "is not a whole number"),
        (["why", "DOGE", "--at", "2024-01-03"], 1, "the run has no DOGEUSDT"),
        (["why", "--summary", "--instruments", "DOGE"], 1, "the run has no DOGEUSDT"),
        (["why", "BTC", "--at", "2031-01-01"], 1, "try: --at 2024-01-09T00:00, the nearest"),
        (["why", "--trade", "99"], 1, "the run has no trade 99"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_our_words(capsys, folder, words, code, told):
    assert told in asked(capsys, *words, "--run", folder, code=code)


def test_folder_that_is_no_run_is_refused(capsys, folder, tmp_path):
    (tmp_path / "notes").mkdir()
    told = asked(capsys, "why", "--summary", "--run", tmp_path / "notes", code=1)
    assert "there is no run in" in told
    assert "it has no summary.json, as every run has" in told
    told = asked(capsys, "diff", folder, folder.with_name("none"), code=1)
    assert "there is no such folder" in told
    assert f"try: {folder}" in told


@pytest.mark.parametrize("table", ["decisions", "equity", "trades", "fills"])
def test_damaged_or_missing_table_is_told_by_name(capsys, folder, tmp_path, table):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / f"{table}.parquet").write_bytes(b"PAR1 no")
    told = asked(capsys, "why", "BTC", "--at", "2024-01-03", "--run", copy, code=1)
    assert f"{table}.parquet cannot be read" in told
    (copy / f"{table}.parquet").unlink()
    told = asked(capsys, "why", "BTC", "--at", "2024-01-03", "--run", copy, code=1)
    assert f"has no table {table!r}" in told


def test_run_without_a_trade_is_asked_like_any_other(capsys, make_run):
    quiet = make_run("quiet", "--days", 1, "--set", "allocation.threshold=1.0")
    assert "before the gates" in asked(capsys, "why", "--summary", "--run", quiet)
    assert "No entry" in asked(capsys, "why", "BTC", "--at", "2024-01-01T12:00", "--run", quiet)
    assert "it made no trade" in asked(capsys, "why", "--trade", 1, "--run", quiet, code=1)
    assert main(["diff", str(quiet), str(quiet)]) == 0


def test_difference_leaves_with_a_code_of_its_own(capsys, folder, tampered):
    changed = tampered("decisions", 5, net=0.5)
    assert "The runs part at" in asked(capsys, "diff", folder, changed, code=4)
