"""Help for the tests of bad input: a small lake to damage, commands that must fail, processes to stop."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl

from mastertrading.app.cli import main

SOURCE = Path(__file__).resolve().parents[2] / "src"
START_MS = 1_704_067_200_000  # 2024-01-01, where made markets begin
MINUTES = "synthetic/1m/BTCUSDT-1m.parquet"
PAUSED = "paused"

PAUSE = """
import sys
from mastertrading.app import cli
def pause_after(place, name):
    real = getattr(place, name)
    def paused(*given, **named):
        done = real(*given, **named)
        print("paused", flush=True)
        sys.stdin.readline()
        return done
    setattr(place, name, paused)
def pause_before(place, name):
    real = getattr(place, name)
    def paused(*given, **named):
        print("paused", flush=True)
        sys.stdin.readline()
        return real(*given, **named)
    setattr(place, name, paused)
"""
"""A program that stands still at a place, so that a signal meets it there."""


class Failure:
    """What a command said when it failed."""

    def __init__(self, code: int, said: str) -> None:
        self.code, self.said = code, " ".join(said.split())
        self.lines = said.splitlines()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fails(capsys, folder: Path, *words: object) -> Failure:
    """Run a command that has to fail without a traceback and without touching anything below ``folder``."""
    before = tree(folder)
    capsys.readouterr()
    code = main([str(word) for word in words])
    said = capsys.readouterr().err
    assert code != 0, "it should have failed"
    assert "Traceback" not in said
    assert "something unexpected" not in said
    assert tree(folder) == before
    assert not list(folder.rglob(".*part-*"))
    return Failure(code, said)


def copy_of(lake: Path, folder: Path) -> Path:
    return Path(shutil.copytree(lake, folder / "lake"))


def rewrite(path: Path, change) -> None:
    """Change a table where it stands."""
    change(pl.read_parquet(path)).write_parquet(path)


def start(program: list[str], **environment: str) -> subprocess.Popen[str]:
    """Start Python with the package of this checkout."""
    known = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "utf-8", **environment}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, *program],
        env=known,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        encoding="utf-8",
    )


def stopped_where_it_stands(text: str, words: list[object], number: int = signal.SIGINT) -> Failure:
    """Send a signal when the program says that it stands still."""
    with start(["-c", PAUSE + text + "\nsys.exit(cli.main())", *map(str, words)]) as process:
        assert process.stdout.readline() == f"{PAUSED}\n", process.stderr.read()
        process.send_signal(number)
        return ended(process)


def ended(process: subprocess.Popen[str]) -> Failure:
    _, said = process.communicate(timeout=120)
    return Failure(process.returncode, said)
