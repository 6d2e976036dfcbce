"""``docs/own-signal.md`` as a new user follows it: every block of it is run, in order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from mastertrading.app.cli import main

PAGE = Path(__file__).resolve().parents[3] / "docs" / "own-signal.md"
BLOCK = re.compile(r"^```(python|sh)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def test_every_block_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signals").mkdir()
    commands = 0
    for language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "python":
            name = re.search(r"^def (\w+)", text, re.MULTILINE)[1]
            (tmp_path / "signals" / f"{name}.py").write_text(text + "\n")
            continue
        for line in text.splitlines():
            command, *words = shlex.split(line)
            assert command == ".venv/bin/mastertrading"
            if "--days" in words:
                words[words.index("--days") + 1] = "4"
            assert main(words) == 0, line
            commands += 1
    assert commands == 5
    assert (tmp_path / "runs" / "breakout" / "report.html").is_file()
    assert main(["lookahead", "--signal", "above_hours", "--cuts", "8"]) == 0
    assert "No look-ahead found" in capsys.readouterr().out
