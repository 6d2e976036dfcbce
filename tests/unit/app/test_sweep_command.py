"""``sweep`` through the command line."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from mastertrading.app.cli import main

SIGNAL = '''
import numpy as np

def turn(bars, fast: int = 5, slow: int = 20):
    """The sign of the change over some bars, where two lengths agree."""
    def change(n):
        out = np.zeros(len(bars))
        out[n:] = np.sign(bars.close[n:] - bars.close[:-n])
        return out
    return np.where(change(fast) == change(slow), change(fast), 0.0)
'''
MARKET = ("--synthetic", "--days", "3", "--instruments", "BTC,ETH")
VARY = ("--signal", "turn", "--vary", "fast=5:15:5", "--vary", "slow=10,20", "--where", "fast < slow")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "signals").mkdir()
    (tmp_path / "signals" / "turn.py").write_text(SIGNAL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(*more: object) -> list[str]:
    return ["sweep", *MARKET, *VARY, *map(str, more)]


def answer(capsys, *command: object) -> dict:
    code = main([str(word) for word in command])
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    return json.loads(captured.out)


def test_the_best_case_backtested_alone_gives_the_figure_of_the_table(capsys):
    told = answer(capsys, *words("--out", "s", "--json", "--top", 2))
    assert (told["cases"], told["finished"], told["failed"]) == (4, 4, 0)
    assert len(told["best"]) == 2
    best = told["best"][0]
    assert best["figures"]["net_atoms"] >= told["best"][1]["figures"]["net_atoms"]
    alone = answer(capsys, *best["command"][1:], "--no-files", "--json", "--one-path")
    assert alone["money"]["net_atoms"] == best["figures"]["net_atoms"]
    assert alone["returns"]["sharpe"] == best["figures"]["sharpe"]


def test_people_read_a_table_a_word_about_luck_and_the_command_of_the_best(capsys):
    assert main(words("--out", "s", "--workers", 2)) == 0
    captured = capsys.readouterr()
    assert "the best of 4 by net" in captured.out
    assert "by luck; the highest here is" in captured.out
    assert "mastertrading backtest --synthetic --days 3 --signal turn" in captured.out
    assert "needs about" in captured.err
    assert "all cases are in s" in captured.out


def test_show_tells_the_same_again_and_by_another_objective(capsys):
    told = answer(capsys, *words("--out", "s", "--json"))
    assert answer(capsys, "sweep", "show", "s", "--json") == told
    other = answer(capsys, "sweep", "show", "s", "--json", "--objective", "sharpe", "--top", 1)
    sharpes = pl.read_parquet("s/results.parquet")["sharpe"]
    assert other["best"][0]["figures"]["sharpe"] == sharpes.max()


def test_a_resume_adds_to_the_space_and_every_try_counts(capsys):
    first = ["sweep", *MARKET, "--signal", "turn", "--vary", "fast=5", "--vary", "slow=20"]
    answer(capsys, *first, "--out", "s", "--json")
    wider = [*first[:-3], "fast=6,7", *first[-2:]]
    told = answer(capsys, *wider, "--out", "s", "--json", "--resume")
    assert (told["finished"], told["tried"]) == (2, 3)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ((), "--resume to go on"),
        (("--resume", "--set", "risk.per_trade=0.001"), "settings risk.per_trade: 0.003 then, 0.001 now"),
        (("--resume", "--seed", "9"), "data:"),
        (("--resume", "--param", "fast=3"), "given twice"),
    ],
)
def test_another_sweep_into_the_same_folder_is_refused(capsys, more, what):
    answer(capsys, *words("--out", "s", "--json"))
    before = Path("s/results.parquet").read_bytes()
    assert main(words("--out", "s", *more)) == 2
    assert what in capsys.readouterr().err
    assert Path("s/results.parquet").read_bytes() == before


def test_a_changed_signal_cannot_go_on_with_the_old_results(capsys, folder):
    answer(capsys, *words("--out", "s", "--json"))
    (folder / "signals" / "turn.py").write_text(SIGNAL.replace("0.0)", "0.5)"))
    assert main(words("--out", "s", "--resume")) == 2
    assert "signal sha256" in capsys.readouterr().err


def test_too_little_memory_is_refused_before_anything_is_written(capsys):
    assert main(words("--out", "s", "--memory", "50M")) == 3
    told = capsys.readouterr().err
    assert "the limit is 50 MiB" in told
    assert not Path("s/sweep.json").exists()


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (["sweep"], "--data DIR or --synthetic"),
        (["sweep", *MARKET], "say what to vary"),
        (["sweep", *MARKET, "--vary", "fast=5"], "no --signal"),
        (["sweep", *MARKET, "--vary", "risk.per_trad=0.1"], "did you mean risk.per_trade"),
        (["sweep", *MARKET, "--vary", "risk.per_trade=0.5,0.9"], "at most 0.05"),
        (words("--objective", "sharp"), "did you mean sharpe"),
        (words("--workers", 0), "between 1 and"),
        (words("--random", 0), "at least 1"),
        (words("--resume"), "--out DIR"),
        (words("--where", "fast > 1000"), "no combination"),
        (words("--where", "__import__('os')"), "not understood"),
        (words("--memory", "lots"), "amount of memory"),
        (["sweep", "list"], "sweep show DIR"),
        (["sweep", "show"], "sweep show DIR"),
        (["sweep", "show", "s", "--synthetic"], "made before"),
    ],
)
def test_what_cannot_be_swept_is_refused_and_leaves_nothing(capsys, command, what):
    assert main(command) == 2
    assert what in capsys.readouterr().err
    assert not Path("sweeps").exists()


def test_a_sample_larger_than_the_space_is_all_of_it_and_that_is_said(capsys):
    assert main(words("--out", "s", "--random", 50)) == 0
    captured = capsys.readouterr()
    assert "there are only 4 combinations" in captured.err
    assert "the best of 4 by net" in captured.out


def test_showing_nothing_says_so(capsys):
    assert main(["sweep", "show", "nowhere"]) == 1
    assert "no sweep" in capsys.readouterr().err


def test_where_no_case_can_be_run_the_reason_is_told_and_the_code_is_1(capsys, folder):
    broken = SIGNAL.replace("    def change", "    raise ValueError('broken')\n    def change")
    (folder / "signals" / "turn.py").write_text(broken)
    assert main(words("--out", "s")) == 1
    assert "broken" in capsys.readouterr().out


def test_ctrl_c_keeps_what_is_done_and_resume_ends_in_the_bytes_of_an_undisturbed_sweep(
    environment, folder, capsys
):
    slow = SIGNAL.replace("import numpy as np", "import time\nimport numpy as np", 1)
    (folder / "signals" / "turn.py").write_text(
        slow.replace("    def change", "    time.sleep(0.02)\n    def change")
    )
    many = ["sweep", *MARKET, "--signal", "turn", "--vary", "fast=3:60:1", "--vary", "slow=70"]
    assert main([*many, "--out", "whole", "--json"]) == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "mastertrading", *many, "--out", "s"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = folder / "s" / "results.jsonl"
    until = time.monotonic() + 60
    while not lines.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "--out s --resume goes on" in told
    assert 0 < len(lines.read_bytes().splitlines()) < 58
    capsys.readouterr()
    assert main([*many, "--out", "s", "--resume", "--json"]) == 0
    assert (folder / "s" / "results.parquet").read_bytes() == (
        folder / "whole" / "results.parquet"
    ).read_bytes()


def test_the_printed_command_survives_a_shell(capsys):
    (Path("signals") / "turn.py").rename(Path("signals") / "my turn.py")
    command = ["sweep", *MARKET, "--signal", "signals/my turn.py:turn", "--vary", "fast=5,7"]
    assert main([*command, "--out", "s", "--top", "1"]) == 0
    line = next(text for text in capsys.readouterr().out.splitlines() if "backtest" in text)
    told = shlex.split(line.partition(": ")[2])
    assert told[told.index("--signal") + 1] == "signals/my turn.py:turn"


def test_the_table_is_spanish_where_asked(capsys, monkeypatch):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    assert main(words("--out", "s")) == 0
    assert "los mejores de 4 por net" in capsys.readouterr().out
