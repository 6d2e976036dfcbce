"""Help for testing the command line: commands made up on the spot, and the real one in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mastertrading.app import cli

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def command(monkeypatch):
    """Add a command ``act`` whose ``run`` is the given function."""

    def add(run, configure=lambda parser: None):
        module = ModuleType("made_up_command")
        module.SUMMARY, module.configure, module.run = "act", configure, run
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(cli.COMMANDS, "act", (module.__name__, "act"))

    return add


@pytest.fixture
def environment():
    """The environment of a process that finds the package in this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def python(environment):
    """Run Python text in a fresh process."""

    def run(text, *arguments):
        command = [sys.executable, "-c", text, *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
        )

    return run
